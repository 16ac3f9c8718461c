"""The ladder as the console draws it: what was done, where it stands, who comes next and when, and what escalating would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from libs.common.events.deliveries import Addressee
from libs.common.events.incidents import Incident, Rung
from libs.common.events.notifications import Skipped
from services.statuspage.domain import reasons, words
from services.statuspage.domain.fold import is_open

StepState = Literal["done", "current", "next", "later", "off"]


@dataclass(frozen=True)
class Told:
    """Who a notification was for, and who was left out and why."""

    notification_id: UUID
    rung: int | None
    at: datetime
    addressees: tuple[Addressee, ...]
    skipped: tuple[Skipped, ...]
    exhausted: str = ""


@dataclass(frozen=True)
class Candidate:
    """Somebody whom a rung would page at this moment."""

    name: str
    role: str
    backup_for: str | None = None

    @property
    def text(self) -> str:
        """The name, and for whom they stand in."""
        return f"{self.name} (for {self.backup_for})" if self.backup_for else self.name


@dataclass(frozen=True)
class Prospect:
    """Whom a rung would page; ``problem`` says why that cannot be told."""

    candidates: tuple[Candidate, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Step:
    """One rung."""

    number: int
    name: str
    who: str
    state: StepState
    at: datetime | None
    """When it fired, or when it is due unless somebody acknowledges."""
    reason: str
    people: tuple[str, ...]
    """Who was paged; of the next rung, who would be."""
    skipped: tuple[str, ...]


def ladder(
    incident: Incident, told: Sequence[Told], names: Mapping[str, str], prospect: Prospect | None = None
) -> tuple[Step, ...]:
    """The rungs: what was done, where it stands, what comes next unless somebody acknowledges."""
    climbing = incident.state == "open" and is_open(incident)
    following = next_by_itself(incident)
    due = _due_times(incident, following)
    steps = []
    for rung in incident.rungs:
        state: StepState = "next" if rung is following else _state(rung, incident.rung, climbing=climbing)
        here = [one for one in told if one.rung == rung.number]
        people = dict.fromkeys(_addressee(one) for t in here for one in t.addressees)
        if state == "next" and prospect is not None:
            people = dict.fromkeys(one.text for one in prospect.candidates)
        skipped = dict.fromkeys(
            f"{one.name}: {one.detail or reasons.of_skip(one.reason)}" for t in here for one in t.skipped
        )
        steps.append(
            Step(
                number=rung.number,
                name=rung.name,
                who=words.capital(rung_people(rung, names)),
                state=state,
                at=due.get(rung.number) or rung.fired_at,
                reason="" if state == "next" else reasons.of_rung(rung.reason),
                people=tuple(people),
                skipped=tuple(skipped),
            )
        )
    return tuple(steps)


def next_by_itself(incident: Incident) -> Rung | None:
    """The rung that comes unless somebody acknowledges."""
    if incident.state != "open" or not is_open(incident):
        return None
    return next((rung for rung in incident.rungs if rung.state == "due"), None) or next(
        (rung for rung in incident.rungs if rung.number > incident.rung and rung.due_at), None
    )


def by_hand(incident: Incident) -> Rung | None:
    """The rung that escalating would page: the one after the last that fired; on top of the ladder its last again."""
    following = next((rung for rung in incident.rungs if rung.number > incident.rung), None)
    return following or (incident.rungs[-1] if incident.rungs else None)


def escalation(incident: Incident, prospect: Prospect, names: Mapping[str, str]) -> str:
    """What escalating will do: ``Pages Diego Fuentes and Noor Haddad (DevOps) now.``"""
    rung = by_hand(incident)
    if rung is None:
        return "There is no rung to page."
    again = " again" if rung.number <= incident.rung else ""
    roles = rung_people(rung, names)
    if prospect.problem:
        return f"Pages {roles} now{again}. Who that is cannot be told at the moment: {prospect.problem}"
    if not prospect.candidates:
        return f"Nobody can be found for {roles} at the moment; the rung after it would come at once."
    return f"Pages {_by_role(prospect.candidates, names)} now{again}."


def rung_people(rung: Rung, names: Mapping[str, str]) -> str:
    """Whom a rung pages, in words: ``the CAO and the Head of Engineering``."""
    return words.listed([words.reference(ref, names) for ref in rung.roles])


def _by_role(candidates: Sequence[Candidate], names: Mapping[str, str]) -> str:
    """The people, with the role that each holds after the last one of it."""
    roles: dict[str, list[str]] = {}
    for one in candidates:
        roles.setdefault(one.role, []).append(one.text)
    return words.listed([f"{words.listed(people)} ({words.reference(role, names)})" for role, people in roles.items()])


def _due_times(incident: Incident, following: Rung | None) -> dict[int, datetime]:
    """When each rung to come is due, if nobody acknowledges until then: the delays add up."""
    if following is None or following.due_at is None:
        return {}
    found, when = {following.number: following.due_at}, following.due_at
    for rung in incident.rungs:
        if rung.number > max(following.number, incident.rung):
            when += rung.after
            found[rung.number] = when
    return found


def _state(rung: Rung, last: int, *, climbing: bool) -> StepState:
    if rung.fired_at:
        return "current" if rung.number == last else "done"
    if not climbing or rung.state == "cancelled":
        return "off"
    return "later"


def _addressee(one: Addressee) -> str:
    return f"{one.name} (for {one.backup_for})" if one.backup_for else one.name
