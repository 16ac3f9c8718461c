"""A shift: somebody, from when until when, in which role, and why they."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from services.oncall.domain.spans import Span, joined, without

Role = Literal["primary", "secondary", "shadow", "manager"]
"""Primary is told first. Secondary stands in. A shadow learns, and a manager knows: both see their shifts and are not paged."""

ROLES: Final[tuple[Role, ...]] = ("primary", "secondary", "manager", "shadow")
"""Every role, in the order in which they are shown."""

Origin = Literal["turn", "calendar", "absence", "swap", "override", "span"]
"""Why this person: it is their turn; a calendar that was read says so; they stand in for somebody absent; a swap, an override or a temporary span says so."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody's stretch of a rota: from ``starts_at`` until, exclusively, ``ends_at``."""

    person: str | None
    starts_at: datetime
    ends_at: datetime
    turn: int
    """The number of the layer's turn; of a rota's plain turns, which of them it is, from 0."""
    layer: str = "turns"
    role: Role = "primary"
    priority: int = 0
    origin: Origin = "turn"
    instead_of: str | None = None
    """Whose place they take."""
    cause: str | None = None
    """The id of the override, swap, absence or span."""

    @property
    def span(self) -> Span:
        """From, and until, exclusively."""
        return self.starts_at, self.ends_at

    def covers(self, at: datetime) -> bool:
        """Whether ``at`` lies in it."""
        return self.starts_at <= at < self.ends_at

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether it has an instant in common with ``[start, end)``."""
        return self.starts_at < end and self.ends_at > start

    def during(self, span: Span) -> "Shift":
        """The same, of another length."""
        if span == self.span:
            return self
        # Written out: ``replace`` looks the fields up each time, and a year of layers over each other is cut into thousands of pieces.
        return Shift(
            self.person,
            *span,
            self.turn,
            self.layer,
            self.role,
            self.priority,
            self.origin,
            self.instead_of,
            self.cause,
        )

    def outside(self, spans: list[Span]) -> "list[Shift]":
        """What is left of it where ``spans`` are not."""
        return [self.during(left) for left in without(self.span, spans)]


def in_order(shifts: Iterable[Shift]) -> list[Shift]:
    """By their beginning; of those that begin together, the more important first."""
    return sorted(shifts, key=lambda shift: (shift.starts_at, -shift.priority, shift.layer, shift.turn))


def manned(shifts: Iterable[Shift]) -> list[Span]:
    """When anybody is on shift."""
    return joined(shift.span for shift in shifts if shift.person is not None)
