"""The schedule that counts: a rota's layers laid over each other, and what people changed of them.

Within a role, a layer rests wherever one of a higher priority has somebody on shift; layers of the same priority are on shift
together. Roles do not hide each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import Final

from services.oncall.domain.amendments import Amendments, Override, amended
from services.oncall.domain.layer import plan_of
from services.oncall.domain.rota import Rota, plain_shifts
from services.oncall.domain.shift import ROLES, Role, Shift, in_order, manned
from services.oncall.domain.spans import Span, gaps, joined

NOTHING: Final = Amendments()
"""No changes."""

_TICK: Final = timedelta(microseconds=1)
_HORIZONS: Final = (timedelta(days=3), timedelta(days=40), timedelta(days=400))
"""How far ahead the next shift is looked for: near, then further."""


@dataclass(frozen=True)
class OnCall:
    """Who is on shift at one instant, primary first, and who of the primaries comes next."""

    now: tuple[Shift, ...]
    next: Shift | None

    def of(self, role: Role) -> tuple[Shift, ...]:
        """Who is on shift in ``role``."""
        return tuple(shift for shift in self.now if shift.role == role)


def shifts(rota: Rota, start: datetime, end: datetime, amendments: Amendments = NOTHING) -> tuple[Shift, ...]:
    """The shifts of the final schedule that have an instant in common with ``[start, end)``, whole, by their beginning."""
    if start >= end:
        return ()
    first, last = _widened(rota, start, end, amendments)
    laid = list(laid_out(rota, first, last, amendments))
    final = amended(laid if _flat(laid) else stacked(laid), amendments)
    return tuple(in_order(shift for shift in final if shift.touches(start, end)))


def laid_out(rota: Rota, start: datetime, end: datetime, amendments: Amendments = NOTHING) -> Iterator[Shift]:
    """The shifts of each layer by itself, absences considered, before layers hide each other."""
    read = (one.shifts(start, end, rota.zone) for one in amendments.calendars)
    fixed = chain(plain_shifts(rota, start, end), *read)
    yield from _without_absent(fixed, amendments) if amendments.absences else fixed
    for layer in rota.layers:
        yield from plan_of(layer, layer.zone or rota.zone).shifts(start, end, amendments.absences)


def on_shift(rota: Rota, at: datetime, amendments: Amendments = NOTHING) -> tuple[Shift, ...]:
    """The shifts that cover ``at``, primaries first, in the order of the rota; more than one where they overlap."""
    return in_precedence(shifts(rota, at, at + _TICK, amendments))


def in_precedence(found: Iterable[Shift]) -> tuple[Shift, ...]:
    """Shifts that are on together: primaries first, in the order of the rota."""
    return tuple(
        sorted(found, key=lambda shift: (ROLES.index(shift.role), -shift.priority, shift.turn, shift.starts_at))
    )


def on_call(rota: Rota, at: datetime, amendments: Amendments = NOTHING) -> OnCall:
    """Who is on shift at ``at``, and the primary shift that begins next."""
    return OnCall(on_shift(rota, at, amendments), _next(rota, at, amendments))


def stacked(laid: Iterable[Shift]) -> list[Shift]:
    """What each layer leaves of those beneath it."""
    found: list[Shift] = []
    by_role = sorted(laid, key=lambda shift: (shift.role, -shift.priority))
    for _, of_role in groupby(by_role, key=lambda shift: shift.role):
        above: list[Span] = []
        for _, level in groupby(of_role, key=lambda shift: shift.priority):
            left = [piece for shift in level for piece in (shift.outside(above) if above else [shift])]
            found += left
            above = joined([*above, *manned(left)])
    return found


def uncovered(found: Sequence[Shift], start: datetime, end: datetime, role: Role = "primary") -> list[Span]:
    """The stretches of ``[start, end)`` in which nobody has ``role``."""
    return gaps((shift.span for shift in found if shift.person and shift.role == role), start, end)


def _flat(laid: Sequence[Shift]) -> bool:
    """Whether no layer can hide another."""
    return len({shift.priority for shift in laid}) <= 1


def _widened(rota: Rota, start: datetime, end: datetime, amendments: Amendments) -> Span:
    """The range that the shifts which touch ``[start, end)`` fill, so that what cuts them is laid out too."""
    priorities = {layer.priority for layer in rota.layers} | {one.priority for one in amendments.calendars}
    priorities |= {0} if rota.turns else set()
    if len(priorities) <= 1 and not amendments.made:
        return start, end
    early = laid_out(rota, start, start + _TICK, amendments)
    late = laid_out(rota, end - _TICK, end, amendments)
    first = min((shift.starts_at for shift in early), default=start)
    last = max((shift.ends_at for shift in late), default=end)
    # Whoever is added is not added where they are on shift already: their own shifts are looked at for as long as that.
    added = [one.change.span for one in amendments.made if isinstance(one.change, Override) and not one.change.remove]
    near = [span for span in added if span[0] < end and span[1] > start]
    return min([start, first, *(span[0] for span in near)]), max([end, last, *(span[1] for span in near)])


def _without_absent(plain: Iterable[Shift], amendments: Amendments) -> Iterator[Shift]:
    """Plain turns and events of a calendar have one person each: where that one is away, the turn is vacant and the backups stand in."""
    for shift in plain:
        away = amendments.absences.get(shift.person or "")
        if not away:
            yield shift
            continue
        yield from shift.outside(list(away))
        for piece in gaps((left.span for left in shift.outside(list(away))), *shift.span):
            yield replace(shift.during(piece), person=None, origin="absence", instead_of=shift.person)


def _next(rota: Rota, at: datetime, amendments: Amendments) -> Shift | None:
    """The primary shift that begins first after ``at``; looked for near, then as far as the last horizon."""
    for far in _HORIZONS:
        found = (shift for shift in shifts(rota, at, at + far, amendments) if shift.role == "primary")
        following = next((shift for shift in found if shift.starts_at > at), None)
        if following:
            return following
    return None
