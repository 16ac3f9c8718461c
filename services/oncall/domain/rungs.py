"""Proof for every rung: whatever a ladder can name in this directory must lead to somebody, whenever it is named.

Which rung names what is the escalator's to say. So everything is asked that a rung may lead to: every role and team, who answers for
each service and which PM decides, the PM of each tool, whom each client's messages go to, and what the caller names beside these.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from services.oncall.domain.directory import Directory
from services.oncall.domain.finding import Finding
from services.oncall.domain.nouns import Role, Team
from services.oncall.domain.resolve import Context, resolve
from services.oncall.domain.schedule import shifts
from services.oncall.domain.spans import Span, common, joined

_PERSON: Final = "person:"
_ANY: Final = Context()


@dataclass(frozen=True)
class Question:
    """Whom ``refs`` reach. ``what`` is the subject in words; ``instead`` is what becomes of a message that reaches none of them."""

    subject: str
    what: str
    refs: tuple[str, ...]
    context: Context = _ANY
    instead: str = ""


def questions(directory: Directory, refs: Iterable[str] = ()) -> Iterator[Question]:
    """Everything that a rung may lead to, each reference once."""
    asked = dict.fromkeys(
        [*refs, *(f"role:{one}" for one in directory.roles), *(f"team:{one}" for one in directory.teams)]
    )
    for ref in asked:
        yield Question(ref, _name(directory, ref), (ref,))
    for service in directory.services.values():
        if service.responsible is not None:
            what = f"who answers for {service.name} ({service.responsible})"
            yield Question(
                f"service:{service.id}",
                what,
                (service.responsible,),
                instead="; the team on shift is told in their place",
            )
        if service.pm is not None:
            yield Question(
                f"service:{service.id}",
                f"the PM of {service.name} ({service.pm})",
                (service.pm,),
                instead="; the other PMs are told",
            )
    for tool in directory.tools.values():
        if tool.pm is not None:
            yield Question(
                f"tool:{tool.id}", f"the PM of {tool.name} ({tool.pm})", (tool.pm,), instead="; the other PMs are told"
            )
    for tenant in directory.tenants.values():
        context = Context(tenants=(tenant.id,))
        yield Question(f"tenant:{tenant.id}", f"the client updates of {tenant.name}", ("client-contacts",), context)


def rung_findings(directory: Directory, refs: Sequence[str], start: datetime, end: datetime) -> Iterator[Finding]:
    """What of all that reaches nobody, only people who are away, or people without a contact; and one person on two rungs."""
    marks = [*sorted(_edges(directory, start, end)), end]
    away = directory.amendments_of("").absences
    for question in questions(directory, refs):
        spans = list(pairwise(marks)) if _leads_to_shifts(directory, question.refs) else [(start, end)]
        told = [(span, _reached(directory, question, span[0])) for span in spans]
        yield from _silent(question, told)
        yield from _all_away(directory, question, told, away)
        yield from _without_contact(directory, question, start, end)
    yield from _twice(directory, start, end)


def _silent(question: Question, told: Sequence[tuple[Span, frozenset[str]]]) -> Iterator[Finding]:
    for span in joined(span for span, reached in told if not reached):
        text = f"{question.what} reaches nobody{question.instead}"
        yield Finding("nobody_reachable", question.subject, *span, None, text)


def _all_away(
    directory: Directory,
    question: Question,
    told: Sequence[tuple[Span, frozenset[str]]],
    away: Mapping[str, Sequence[Span]],
) -> Iterator[Finding]:
    """Where whoever is reached is away, all of them; who is on shift is looked at with their rota."""
    if question.subject.startswith(("rota:", "on-shift", "tenant:")):
        return
    spans: dict[frozenset[str], list[Span]] = {}
    for span, reached in told:
        people = frozenset(ref.removeprefix(_PERSON) for ref in reached if ref.startswith(_PERSON))
        if people and len(people) == len(reached):
            spans.setdefault(people, []).append(span)
    for people, own in spans.items():
        for span in joined(own):
            left = [span]
            for person in people:
                left = [piece for one in left for piece in common(one, away.get(person, ()))]
            names = " and ".join(sorted(directory.name_of_person(person) for person in people))
            alone = next(iter(people)) if len(people) == 1 else None
            for piece in left:
                text = f"{question.what} leads to {names} alone, who {'is' if alone else 'are'} away"
                yield Finding("absent", question.subject, *piece, alone, text)


def _without_contact(directory: Directory, question: Question, start: datetime, end: datetime) -> Iterator[Finding]:
    """People whom it names and who have no contact, so that others hear in their place."""
    if question.subject.startswith(("rota:", "on-shift", "tenant:")):
        return
    for skip in resolve(directory, question.refs, question.context, start).skipped:
        if skip.reason == "no_contact" and skip.ref.startswith(_PERSON):
            text = f"{skip.name} belongs to {question.what} and has no contact"
            yield Finding("no_contact", question.subject, start, end, skip.ref.removeprefix(_PERSON), text)


def _twice(directory: Directory, start: datetime, end: datetime) -> Iterator[Finding]:
    """Services whose next rung is the same one person again: nobody else hears before DevOps does."""
    for service in directory.services.values():
        if service.responsible is None:
            continue
        first = _reached(directory, Question("", "", (service.responsible,)), start)
        pm = Question("", "", ("pm",), Context(service=service.id))
        if len(first) == 1 and first == _reached(directory, pm, start):
            person = next(iter(first)).removeprefix(_PERSON)
            text = f"{directory.name_of_person(person)} answers for {service.name} and is its only PM: two rungs in a row are one person"
            yield Finding("same_person", f"service:{service.id}", start, end, person, text)


def _reached(directory: Directory, question: Question, at: datetime) -> frozenset[str]:
    found = resolve(directory, question.refs, question.context, at)
    return frozenset(recipient.ref for recipient in found.recipients)


def _leads_to_shifts(directory: Directory, refs: Sequence[str]) -> bool:
    """Whether the answer depends on who is on shift; that of people, and of groups of people, is the same at all times."""
    groups: Mapping[str, Mapping[str, Team | Role]] = {"team": directory.teams, "role": directory.roles}
    seen: set[str] = set()
    ahead = list(refs)
    while ahead:
        ref = ahead.pop()
        kind, _, entity = ref.partition(":")
        if kind in groups and ref not in seen:
            group = groups[kind].get(entity)
            ahead.extend(group.members if group else ())
        elif kind not in {"person", "client-contacts", *groups}:
            return True
        seen.add(ref)
    return False


def _edges(directory: Directory, start: datetime, end: datetime) -> set[datetime]:
    """The moments at which an answer can change: anybody's shift begins or ends."""
    edges = {start}
    for rota in directory.rotas.values():
        for shift in shifts(rota, start, end, directory.amendments_of(rota.id)):
            edges |= {edge for edge in shift.span if start <= edge < end}
    return edges


def _name(directory: Directory, ref: str) -> str:
    kind, _, entity = ref.partition(":")
    known = {"role": directory.roles, "team": directory.teams, "rota": directory.rotas, "person": directory.people}
    found = known.get(kind, {}).get(entity)
    return found.name if found else ref
