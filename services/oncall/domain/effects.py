"""What a change of rotas does to people: who is on call differently, from when until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from services.oncall.domain.directory import Directory
from services.oncall.domain.rota import Rota
from services.oncall.domain.timeline import Timeline

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
        if _unchanged(rota_id, before, after):
            continue
        rota = after.rotas.get(rota_id) or before.rotas[rota_id]
        stretches = list(differences(rota_id, before, after, start, end))
        found += [_told(rota, one, before, after) for one in stretches[:MOST_SENTENCES]]
        if len(stretches) > MOST_SENTENCES:
            more = len(stretches) - MOST_SENTENCES
            found.append(f"{rota.name}: and {more} more such {'stretch' if more == 1 else 'stretches'}.")
    return found


def differences(rota_id: str, before: Directory, after: Directory, start: datetime, end: datetime) -> Iterator[Stretch]:
    """The stretches of ``[start, end)`` in which a rota has other people on call; those that touch and say the same are one."""
    former, later = (_laid_out(directory, rota_id, start, end) for directory in (before, after))
    edges = [*sorted({*former, *later}), end]
    pieces = []
    one: _Crew = ()
    other: _Crew = ()
    for begin, until in pairwise(edges):
        one, other = former.get(begin, one), later.get(begin, other)
        pieces.append(Stretch(begin, until, one, other))
    for (was, now), run in groupby(pieces, key=lambda piece: (piece.before, piece.after)):
        stretch = list(run)
        if was != now:
            yield Stretch(stretch[0].begin, stretch[-1].end, was, now)


def _laid_out(directory: Directory, rota_id: str, start: datetime, end: datetime) -> dict[datetime, _Crew]:
    """Who is on call together, from each instant at which that changes."""
    rota = directory.rotas.get(rota_id)
    if rota is None:
        return {start: ()}
    timeline = Timeline.of(rota, start, end, directory.amendments_of(rota_id))
    return {
        edge: tuple(sorted({(str(shift.role), shift.person) for shift in here if shift.person}))
        for edge, here in zip(timeline.edges, timeline.present, strict=True)
    }


def _unchanged(rota_id: str, before: Directory, after: Directory) -> bool:
    """Whether nothing that decides who is on call differs."""
    return (
        before.rotas.get(rota_id) == after.rotas.get(rota_id)
        and before.known_as == after.known_as
        and before.amendments_of(rota_id) == after.amendments_of(rota_id)
    )


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
