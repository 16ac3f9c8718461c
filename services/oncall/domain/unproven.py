"""Proof for every contact: whoever may be paged is reached through addresses that somebody verified."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from libs.common.channel_names import channel
from services.oncall.domain.directory import Directory
from services.oncall.domain.finding import Finding
from services.oncall.domain.resolve import resolve
from services.oncall.domain.rungs import questions
from services.oncall.domain.schedule import shifts
from services.oncall.domain.spans import Span

Pageable = tuple[str, str, Span]
"""A subject, a person whom it may page, and from when until when."""


def contact_findings(directory: Directory, refs: Sequence[str], start: datetime, end: datetime) -> Iterator[Finding]:
    """Each person once who may be paged through a contact that nobody verified, by the first that may page them."""
    told: set[str] = set()
    for subject, person, span in (*_by_rotas(directory, start, end), *_by_rungs(directory, refs, start, end)):
        unproven = directory.unverified(person)
        if unproven and person not in told:
            told.add(person)
            channels = " and ".join(dict.fromkeys(channel(point.channel) for point in unproven))
            text = f"{directory.name_of_person(person)} may be paged, and nobody verified their {channels}"
            yield Finding("unverified_contact", subject, *span, person, text)


def _by_rotas(directory: Directory, start: datetime, end: datetime) -> Iterator[Pageable]:
    """Who is on shift or stands in, of each rota, from their first shift to their last."""
    for rota in directory.rotas.values():
        spans: dict[str, list[Span]] = {}
        for shift in shifts(rota, start, end, directory.amendments_of(rota.id)):
            if shift.person and shift.role in {"primary", "secondary"}:
                spans.setdefault(shift.person, []).append(shift.span)
        for person, own in spans.items():
            yield f"rota:{rota.id}", person, (max(own[0][0], start), min(max(until for _, until in own), end))
        yield from ((f"rota:{rota.id}", backup, (start, end)) for backup in rota.backups)


def _by_rungs(directory: Directory, refs: Sequence[str], start: datetime, end: datetime) -> Iterator[Pageable]:
    """Whom everything that a rung may lead to reaches now."""
    for question in questions(directory, refs):
        for recipient in resolve(directory, question.refs, question.context, start).recipients:
            yield question.subject, recipient.ref.removeprefix("person:"), (start, end)
