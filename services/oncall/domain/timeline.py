"""A stretch of the final schedule, laid out once so that who is on call at any instant of it is found by looking it up."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from services.oncall.domain.amendments import Amendments
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import NOTHING, OnCall, in_precedence, on_call, shifts
from services.oncall.domain.shift import Shift


@dataclass(frozen=True)
class Timeline:
    """Who is on call in ``[start, end)``: ``present[n]`` from ``edges[n]`` until the next edge."""

    rota: Rota
    amendments: Amendments
    start: datetime
    end: datetime
    edges: tuple[datetime, ...]
    present: tuple[tuple[Shift, ...], ...]
    primaries: tuple[Shift, ...]
    """By their beginning."""

    @classmethod
    def of(cls, rota: Rota, start: datetime, end: datetime, amendments: Amendments = NOTHING) -> "Timeline":
        """Lay it out."""
        found = shifts(rota, start, end, amendments)
        edges = sorted({start, *(edge for shift in found for edge in shift.span if start < edge < end)})
        place = {edge: number for number, edge in enumerate(edges)}
        present: list[list[Shift]] = [[] for _ in edges]
        for shift in found:
            first = place[max(shift.starts_at, start)]
            last = place.get(shift.ends_at, len(edges))
            for number in range(first, last):
                present[number].append(shift)
        return cls(
            rota,
            amendments,
            start,
            end,
            tuple(edges),
            tuple(in_precedence(here) for here in present),
            tuple(shift for shift in found if shift.role == "primary"),
        )

    def covers(self, at: datetime) -> bool:
        """Whether it knows who is on call at ``at``."""
        return self.start <= at < self.end

    def on_call(self, at: datetime) -> OnCall:
        """Who is on call at an instant that it covers; looked up further where the next primary comes later than its end."""
        following = bisect_right(self.primaries, at, key=_begin)
        if following == len(self.primaries):
            return on_call(self.rota, at, self.amendments)
        return OnCall(self.present[self.place(at)], self.primaries[following])

    def place(self, at: datetime) -> int:
        """Between which edges ``at`` lies. At all instants of one place the same people are on call, and the same come next."""
        return bisect_right(self.edges, at) - 1


def _begin(shift: Shift) -> datetime:
    return shift.starts_at
