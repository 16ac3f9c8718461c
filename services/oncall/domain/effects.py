"""What a change of rotas does to people: who is on call differently, from when until when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from services.oncall.domain.directory import Directory
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import shifts
from services.oncall.domain.spans import Span

MOST_SENTENCES: Final = 10
"""How many stretches of one rota are told of; the rest is counted."""

_Crew = tuple[tuple[str, str], ...]
"""Who is on call together: role and person."""


@dataclass(frozen=True)
class Stretch:
    """Somebody else is on call from ``begin`` until ``end``."""

    begin: datetime
    end: datetime
    before: _Crew
    after: _Crew


def effects(before: Directory, after: Directory, start: datetime, end: datetime) -> list[str]:
    """Who is on call differently in ``[start, end)``, a sentence for each stretch, rota by rota."""
    found = []
    for rota_id in dict.fromkeys([*before.rotas, *after.rotas]):
        rota = after.rotas.get(rota_id) or before.rotas[rota_id]
        stretches = list(differences(rota_id, before, after, start, end))
        found += [_told(rota, one, before, after) for one in stretches[:MOST_SENTENCES]]
        if len(stretches) > MOST_SENTENCES:
            more = len(stretches) - MOST_SENTENCES
            found.append(f"{rota.name}: and {more} more such {'stretch' if more == 1 else 'stretches'}.")
    return found


def differences(rota_id: str, before: Directory, after: Directory, start: datetime, end: datetime) -> Iterator[Stretch]:
    """The stretches of ``[start, end)`` in which a rota has other people on call; those that touch and say the same are one."""
    former, later = (list(_crews(directory, rota_id, start, end)) for directory in (before, after))
    edges = sorted({start, end, *(edge for crew in (former, later) for (edge, _), _ in crew)})
    pieces = []
    for begin, until in pairwise(edges):
        pieces.append(Stretch(begin, until, _at(former, begin), _at(later, begin)))
    for (one, other), run in groupby(pieces, key=lambda piece: (piece.before, piece.after)):
        stretch = list(run)
        if one != other:
            yield Stretch(stretch[0].begin, stretch[-1].end, one, other)


def _crews(directory: Directory, rota_id: str, start: datetime, end: datetime) -> Iterator[tuple[Span, _Crew]]:
    """Who is on call together, stretch by stretch, cut to the range."""
    rota = directory.rotas.get(rota_id)
    if rota is None:
        return
    found = shifts(rota, start, end, directory.amendments_of(rota_id))
    edges = sorted({start, end, *(edge for shift in found for edge in shift.span if start < edge < end)})
    for begin, until in pairwise(edges):
        here = {(shift.role, shift.person) for shift in found if shift.covers(begin) and shift.person}
        yield (begin, until), tuple(sorted((str(role), str(person)) for role, person in here))


def _at(crews: Iterable[tuple[Span, _Crew]], at: datetime) -> _Crew:
    return next((crew for (begin, until), crew in crews if begin <= at < until), ())


def _told(rota: Rota, one: Stretch, before: Directory, after: Directory) -> str:
    zone = ZoneInfo(rota.zone)
    begin, end = (moment.astimezone(zone) for moment in (one.begin, one.end))
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%a %Y-%m-%d %H:%M}"
    who, formerly = _names(one.after, after), _names(one.before, before)
    return f"{rota.name}: {begin:%a %Y-%m-%d %H:%M} to {until} ({rota.zone}) {who} instead of {formerly}."


def _names(crew: _Crew, directory: Directory) -> str:
    told = [
        directory.name_of_person(person) + ("" if role == "primary" else f" ({role})")
        for role, person in sorted(crew, key=lambda one: (one[0] != "primary", one))
    ]
    return " and ".join(told) if told else "nobody"
