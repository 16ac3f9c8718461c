"""What people change of a rota for a while: overrides, temporary spans, swaps and absences, and how each changes its shifts.

Absences come first, where the layers are laid out: the next in order stands in. Then swaps and overrides, in the order in which
they were made, each acting on what those before it left. A temporary span comes last: in its time nothing else counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from pydantic import Field, model_validator

from libs.common.events.base import Instant, Slug
from services.oncall.domain.ical import Imported
from services.oncall.domain.noun import Value
from services.oncall.domain.shift import Role, Shift
from services.oncall.domain.spans import Span, common, joined

SwapState = Literal["open", "taken", "declined", "withdrawn"]
"""Open until somebody takes or declines it, or whoever offered it withdraws it. Past due is an open one whose time came."""


class Timed(Value):
    """Something with a beginning and, exclusively, an end."""

    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _in_order(self) -> "Timed":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must lie after starts_at")
        return self

    @property
    def span(self) -> Span:
        """From, and until, exclusively."""
        return self.starts_at, self.ends_at


class Override(Timed):
    """Adds somebody, removes somebody, or, with both, puts one in the other's place while that one is on shift."""

    add: Slug | None = None
    remove: Slug | None = None
    role: Role = "primary"

    @model_validator(mode="after")
    def _says_whom(self) -> "Override":
        if self.add is None and self.remove is None:
            raise ValueError("give add, remove, or both to replace one by the other")
        if self.add == self.remove:
            raise ValueError("add and remove are the same person")
        return self


class Absence(Timed):
    """Somebody is away: from every rota, whatever it says."""

    person: Slug
    reason: str = Field("", max_length=200)


class SpanShift(Timed):
    """Somebody's shift within a temporary span."""

    person: Slug
    role: Role = "primary"


class TemporarySpan(Timed):
    """A stretch in which the rota is what ``shifts`` say and nothing else: a migration, a holiday."""

    shifts: tuple[SpanShift, ...] = ()

    @model_validator(mode="after")
    def _holds_them(self) -> "TemporarySpan":
        if any(shift.starts_at < self.starts_at or shift.ends_at > self.ends_at for shift in self.shifts):
            raise ValueError("a shift of a temporary span lies within it")
        return self


class Swap(Timed):
    """Somebody offers their shifts of a stretch: to one person, or to whoever takes them."""

    of: Slug
    to: Slug | None = None
    role: Role = "primary"
    state: SwapState = "open"
    taken_by: Slug | None = None


Revisable = Override | TemporarySpan | Absence
"""What is changed as a whole; a swap is taken, declined or withdrawn."""

NAMES: Final[Mapping[type[Timed], str]] = {
    Override: "override",
    TemporarySpan: "temporary span",
    Swap: "swap",
    Absence: "absence",
}
"""What people call each."""


@dataclass(frozen=True)
class Revision:
    """What a change is from now on, and what of it is past and stays beside it where that concerns somebody else."""

    change: Revisable
    past: Revisable | None = None


@dataclass(frozen=True)
class Made:
    """A change with its id; in the order of their making ids ascend."""

    id: str
    change: Override | TemporarySpan | Swap


@dataclass(frozen=True)
class Amendments:
    """What was changed of one rota, in the order in which it was made, and who is away when."""

    made: tuple[Made, ...] = ()
    absences: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    calendars: tuple[Imported, ...] = ()
    """Layers that were read from calendars."""

    @classmethod
    def of(
        cls, made: Iterable[Made], absences: Iterable[Absence] = (), calendars: Iterable[Imported] = ()
    ) -> "Amendments":
        """The amendments of these changes, absences and calendars."""
        away: dict[str, list[Span]] = {}
        for absence in absences:
            away.setdefault(absence.person, []).append(absence.span)
        return cls(tuple(made), {person: joined(spans) for person, spans in away.items()}, tuple(calendars))

    def unavailable(self, span: Span) -> frozenset[str]:
        """Who is away in any part of ``span``, or was taken out of the rota for it."""
        away = {person for person, spans in self.absences.items() if common(span, spans)}
        taken_out = {
            one.change.remove
            for one in self.made
            if isinstance(one.change, Override) and one.change.remove and common(span, [one.change.span])
        }
        return frozenset(away | taken_out)

    @property
    def edges(self) -> tuple[datetime, ...]:
        """Every instant at which a change begins or ends."""
        return tuple(sorted({edge for one in self.made for edge in one.change.span}))


def amended(shifts: Sequence[Shift], amendments: Amendments) -> list[Shift]:
    """``shifts`` after swaps, overrides and temporary spans."""
    found = list(shifts)
    spans = []
    for one in amendments.made:
        if isinstance(one.change, TemporarySpan):
            spans.append(one)
        elif isinstance(one.change, Override):
            found = overridden(found, one.change, one.id)
        elif one.change.state == "taken" and one.change.taken_by:
            change = one.change
            as_override = Override(
                starts_at=change.starts_at,
                ends_at=change.ends_at,
                remove=change.of,
                add=one.change.taken_by,
                role=change.role,
            )
            found = overridden(found, as_override, one.id, "swap")
    for one in spans:
        if isinstance(one.change, TemporarySpan):
            found = replaced(found, one.change, one.id)
    return found


def overridden(
    shifts: Sequence[Shift], override: Override, cause: str = "", origin: Literal["override", "swap"] = "override"
) -> list[Shift]:
    """``shifts`` with one override."""
    if override.remove is None:
        added = _added(override.add or "", override, cause)
        return [*shifts, *added.outside(_of(shifts, added))]
    found = []
    for shift in shifts:
        if (shift.person, shift.role) != (override.remove, override.role) or not shift.touches(*override.span):
            found.append(shift)
            continue
        found += shift.outside([override.span])
        if override.add:
            changed = replace(shift, person=override.add, origin=origin, instead_of=override.remove, cause=cause)
            for piece in common(shift.span, [override.span]):
                taken = changed.during(piece)
                found += taken.outside(_of([*shifts, *found], taken))
    return found


def replaced(shifts: Sequence[Shift], span: TemporarySpan, cause: str = "") -> list[Shift]:
    """``shifts`` with one temporary span in their place."""
    left = [piece for shift in shifts for piece in shift.outside([span.span])]
    own = [
        Shift(one.person, one.starts_at, one.ends_at, number, "span", one.role, origin="span", cause=cause)
        for number, one in enumerate(span.shifts)
    ]
    return [*left, *own]


def trimmed(span: TemporarySpan, starts_at: datetime, ends_at: datetime) -> TemporarySpan | None:
    """The part of ``span`` within ``[starts_at, ends_at)``, its shifts cut to it; ``None`` where nothing is left."""
    kept = common(span.span, [(starts_at, ends_at)])
    if not kept:
        return None
    shifts = [
        shift.model_copy(update={"starts_at": begin, "ends_at": end})
        for shift in span.shifts
        for begin, end in common(shift.span, kept)
    ]
    return TemporarySpan(starts_at=kept[0][0], ends_at=kept[0][1], shifts=tuple(shifts))


def revised(before: TemporarySpan, wanted: TemporarySpan, now: datetime) -> TemporarySpan:
    """``before`` as ``wanted`` says from ``now`` on. What of ``before`` is past stays as it was, also where ``wanted`` says otherwise.

    A shift that goes on across ``now`` stays one. ``wanted`` ends after ``now``, and :func:`unrevisable` found nothing against it.
    """
    ahead = trimmed(wanted, now, wanted.ends_at) or wanted
    past = trimmed(before, before.starts_at, now)
    if past is None:
        return ahead
    left = list(ahead.shifts)
    shifts = []
    for shift in past.shifts:
        further = next((one for one in left if shift.ends_at == now and _goes_on(shift, one)), None)
        if further is not None:
            left.remove(further)
        shifts.append(shift.model_copy(update={"ends_at": further.ends_at}) if further else shift)
    return TemporarySpan(starts_at=before.starts_at, ends_at=ahead.ends_at, shifts=(*shifts, *left))


def revision(before: Revisable, wanted: Revisable, now: datetime) -> Revision:
    """``before`` as ``wanted`` says from ``now`` on; ``wanted`` is of its kind, and as for :func:`revised`."""
    if isinstance(before, TemporarySpan) and isinstance(wanted, TemporarySpan):
        return Revision(revised(before, wanted, now))
    if before.starts_at >= now:
        return Revision(wanted.model_copy(update={"starts_at": max(wanted.starts_at, now)}))
    if _concern(before) == _concern(wanted):
        return Revision(wanted.model_copy(update={"starts_at": before.starts_at}))
    return Revision(wanted.model_copy(update={"starts_at": now}), before.model_copy(update={"ends_at": now}))


def unrevisable(before: Revisable, wanted: Revisable, now: datetime) -> str | None:
    """Why a change cannot become what is wanted of it; ``None`` where it can."""
    name = NAMES[type(before)]
    if before.ends_at <= now:
        return f"This {name} is over; the past stays as it was."
    if before.starts_at < now < wanted.starts_at:
        return f"This {name} has begun, and cannot begin later. End it, and make another one."
    return None


def takeable(swap: Swap, person: str, now: datetime) -> str | None:
    """Why ``person`` may not take ``swap`` now; ``None`` where they may."""
    if swap.state != "open":
        return f"The swap is {swap.state} already."
    if now >= swap.ends_at:
        return "The swap is past due: its time is over."
    if person == swap.of:
        return "Nobody takes their own swap; withdraw it."
    if swap.to not in {None, person}:
        return f"The swap is offered to {swap.to} alone."
    return None


def clash(new: Override, present: Iterable[Override]) -> str | None:
    """Why ``new`` cannot stand beside ``present``; ``None`` where it can."""
    if new in present:
        return "There is the very same override already."
    return None


def _concern(change: Revisable) -> set[tuple[str, object]]:
    """What a change does to whom, whenever, and whatever the reason."""
    return {(name, value) for name, value in change if name not in {"starts_at", "ends_at", "reason"}}


def _goes_on(shift: SpanShift, other: SpanShift) -> bool:
    """Whether ``other`` goes on where ``shift`` ends, with the same person in the same role."""
    return (shift.person, shift.role, shift.ends_at) == (other.person, other.role, other.starts_at)


def _added(person: str, override: Override, cause: str) -> Shift:
    return Shift(
        person, override.starts_at, override.ends_at, 0, "override", override.role, origin="override", cause=cause
    )


def _of(shifts: Iterable[Shift], like: Shift) -> list[Span]:
    """When the person of ``like`` is on shift in its role already."""
    return joined(shift.span for shift in shifts if (shift.person, shift.role) == (like.person, like.role))
