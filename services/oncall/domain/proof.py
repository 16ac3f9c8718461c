"""Proof that somebody can be reached in the coming days: what of every rota, team and role will leave nobody, before it does.

Each finding says what is wrong, from when, and for whom to put right. Pure: the same directory at the same moment gives the same list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from services.oncall.domain.directory import Directory
from services.oncall.domain.finding import Finding
from services.oncall.domain.rota import Rota
from services.oncall.domain.rungs import rung_findings
from services.oncall.domain.schedule import shifts
from services.oncall.domain.shift import Shift
from services.oncall.domain.spans import Span, common, gaps, joined
from services.oncall.domain.unproven import contact_findings

REFERENCES: Final = ("on-shift", "pm", "role:devops", "role:helpdesk")
"""What the ladder names whatever the incident is, beside all that the directory holds; what else it names, the caller says."""

_EVENING, _MORNING = 22, 7
"""Between these hours it is night."""


@dataclass(frozen=True)
class Load:
    """How much somebody carries of a rota."""

    rota: str
    person: str
    shifts: int
    hours: float
    night_hours: float
    """Between 22:00 and 07:00 on their own clocks."""
    weekend_hours: float
    share: float
    """Of all hours of the rota's primaries; equal shares are fair."""
    balance: float
    """How much more than an equal share that is: 0.25 is a quarter more, -0.25 a quarter less."""


def findings(directory: Directory, now: datetime, days: int, refs: Sequence[str] = REFERENCES) -> list[Finding]:
    """Everything doubtful of the coming ``days``, the soonest first."""
    end = now + timedelta(days=days)
    found = chain(
        chain.from_iterable(_of_rota(directory, rota, now, end) for rota in directory.rotas.values()),
        rung_findings(directory, refs, now, end),
        contact_findings(directory, refs, now, end),
    )
    return sorted(found, key=lambda one: (one.starts_at, one.subject, one.doubt, one.person or ""))


def loads(directory: Directory, rota: Rota, start: datetime, end: datetime) -> list[Load]:
    """What each primary of a rota carries in ``[start, end)``, the most loaded first."""
    found = [one for one in shifts(rota, start, end, directory.amendments_of(rota.id)) if one.role == "primary"]
    spans: dict[str, list[Span]] = {}
    for shift in found:
        if shift.person is not None:
            spans.setdefault(shift.person, []).extend(common(shift.span, [(start, end)]))
    total = sum(_hours(span) for own in spans.values() for span in own) or 1.0
    made = [_load(directory, rota, person, own, total / len(spans), total) for person, own in spans.items()]
    return sorted(made, key=lambda load: (-load.hours, load.person))


def fairness(amounts: Sequence[float]) -> float:
    """How evenly something is shared, by Jain's index: 1 where all carry the same, 1/n where one of n carries everything.

    Source: R. Jain, D. Chiu, W. Hawe, A Quantitative Measure of Fairness, DEC-TR-301 (1984).
    """
    squares = sum(amount * amount for amount in amounts)
    return 1.0 if not squares else round(sum(amounts) ** 2 / (len(amounts) * squares), 4)


def suggested(found: Sequence[Shift], gap: Span, among: Sequence[str]) -> str | None:
    """Who of ``among`` is farthest from their own shifts on both sides of ``gap``; ``None`` where all of them
    are on shift in it or right beside it.
    """
    best, chosen = timedelta(0), None
    for person in among:
        own = joined(shift.span for shift in found if shift.person == person)
        if common(gap, own):
            continue
        before = min((gap[0] - span[1] for span in own if span[1] <= gap[0]), default=timedelta.max)
        after = min((span[0] - gap[1] for span in own if span[0] >= gap[1]), default=timedelta.max)
        distance = min(before, after)
        if distance > best:
            best, chosen = distance, person
    return chosen


# Rotas -------------------------------------------------------------------------------------------------------------


def _of_rota(directory: Directory, rota: Rota, start: datetime, end: datetime) -> Iterator[Finding]:
    amendments = directory.amendments_of(rota.id)
    found = shifts(rota, start, end, amendments)
    subject = f"rota:{rota.id}"
    people = list(dict.fromkeys(shift.person for shift in found if shift.person))
    for gap in gaps((shift.span for shift in found if shift.role == "primary"), start, end):
        text = f"nobody is primary in {rota.name}"
        free = [person for person in people if person not in amendments.unavailable(gap)]
        yield Finding("gap", subject, *gap, None, text, suggested(found, gap, free))
    for shift in found:
        cut = common(shift.span, [(start, end)])[0]
        yield from _of_shift(directory, rota, shift, cut, amendments.absences)
    yield from _of_backups(directory, rota, found, start, end)


def _of_shift(
    directory: Directory, rota: Rota, shift: Shift, span: Span, absences: Mapping[str, Sequence[Span]]
) -> Iterator[Finding]:
    subject = f"rota:{rota.id}"
    if shift.person is None:
        why = f"; {directory.name_of_person(shift.instead_of)} is away" if shift.instead_of else ""
        yield Finding("empty_shift", subject, *span, None, f"a {shift.role} shift of {rota.name} is nobody's{why}")
        return
    person = directory.people.get(shift.person)
    if person is None:
        text = f"{shift.person!r} has a {shift.role} shift in {rota.name}, and nobody has this id"
        yield Finding("unknown_person", subject, *span, shift.person, text)
    elif not person.contacts and shift.role in {"primary", "secondary"}:
        text = f"{person.name} has a {shift.role} shift in {rota.name} and no contact"
        yield Finding("no_contact", subject, *span, shift.person, text)
    for away in common(span, absences.get(shift.person, ())):
        text = f"{directory.name_of_person(shift.person)} is away and has a {shift.role} shift in {rota.name}"
        yield Finding("absent", subject, *away, shift.person, text)


def _of_backups(
    directory: Directory, rota: Rota, found: Sequence[Shift], start: datetime, end: datetime
) -> Iterator[Finding]:
    """Where nobody stands in for a primary, or only the primary."""
    subject = f"rota:{rota.id}"
    reachable = {person for person in rota.backups if person in directory.people and directory.people[person].contacts}
    seconds = [shift for shift in found if shift.role == "secondary" and shift.person]
    if not reachable:
        for span in gaps((shift.span for shift in seconds), start, end):
            yield Finding("no_backup", subject, *span, None, f"nobody stands in for the primary of {rota.name}")
    for shift in found:
        if shift.role != "primary" or shift.person is None or reachable - {shift.person}:
            continue
        same = joined(second.span for second in seconds if second.person == shift.person)
        others = joined(second.span for second in seconds if second.person != shift.person)
        if shift.person in reachable:
            same = [shift.span]
        for span in common(shift.span, same):
            for alone in gaps([*others], max(span[0], start), min(span[1], end)):
                name = directory.name_of_person(shift.person)
                text = f"{name} is primary of {rota.name} and the only one who stands in"
                yield Finding("same_person", subject, *alone, shift.person, text)


# Load ----------------------------------------------------------------------------------------------------------------


def _load(directory: Directory, rota: Rota, person: str, spans: Sequence[Span], equal: float, total: float) -> Load:
    known = directory.people.get(person)
    zone = ZoneInfo(known.zone if known else rota.zone)
    hours = [local for span in spans for local in _local_hours(span, zone)]
    return Load(
        rota=rota.id,
        person=person,
        shifts=len(spans),
        hours=round(sum(length for _, length in hours), 2),
        night_hours=round(sum(length for at, length in hours if at.hour >= _EVENING or at.hour < _MORNING), 2),
        weekend_hours=round(sum(length for at, length in hours if at.weekday() >= 5), 2),
        share=round(sum(length for _, length in hours) / total, 4),
        balance=round(sum(length for _, length in hours) / equal - 1, 4),
    )


def _local_hours(span: Span, zone: ZoneInfo) -> Iterator[tuple[datetime, float]]:
    """The hours of a span as the clocks of ``zone`` show them, each with how much of it there is."""
    at = span[0]
    while at < span[1]:
        local = at.astimezone(zone)
        following = at + timedelta(hours=1) - timedelta(minutes=local.minute, seconds=local.second)
        until = min(following, span[1])
        yield local, _hours((at, until))
        at = until


def _hours(span: Span) -> float:
    return (span[1] - span[0]) / timedelta(hours=1)
