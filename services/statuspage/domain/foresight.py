"""What would happen, as a person reads it: each step with who hears of it, in whose place, by which channel, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from libs.common.channel_names import channel
from libs.common.events.base import Contact, Instant
from libs.common.events.notifications import Skipped
from services.statuspage.domain import words

UNTOLD: Final = frozenset(
    {"tocsin.incident.opened.v1", "tocsin.incident.obligation_moved.v1", "tocsin.incident.update_posted.v1"}
)
"""Lines of the record that say again what the messages beside them say."""

RUNGS: Final[Mapping[str, str]] = {
    "opened": "the incident opens",
    "unacknowledged": "nobody acknowledged in time",
    "nobody_found": "nobody is found for the rung before",
    "repeated": "nobody acknowledged, so the ladder starts over",
}
MESSAGES: Final[Mapping[str, str]] = {
    "no_news": "it is due, and nobody wrote an update meanwhile",
    "news": "it is due, with the newest update",
    "due_soon": "it is due by {due}",
    "missed": "it did not come by {due}",
    "update_posted": "the team writes an update",
    "resolved": "the incident is over",
    "window_over": "the window was to end by {due}",
}
PROMISES: Final[Mapping[str, str]] = {
    "team_status": "team status",
    "client_update": "client update",
    "tenant_status": "tenant status",
    "maintenance_status": "maintenance status",
    "incident_call": "incident call",
    "rca": "RCA status",
}
LINES: Final[Mapping[str, str]] = {
    "tocsin.incident.acknowledged.v1": "Acknowledged: the escalation stops",
    "tocsin.incident.resolved.v1": "Resolved",
}


class Said(BaseModel):
    """What another service says; what is new in it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Check(Said):
    """One question of a rule, and whether it holds."""

    field: str
    held: bool
    sentence: str


class Rule(Said):
    """A routing rule that was looked at."""

    id: str
    name: str
    matched: bool
    decides: bool
    checks: tuple[Check, ...]


class Rung(Said):
    """A rung, and how long after the opening it comes where nobody answers."""

    number: int
    name: str
    roles: tuple[str, ...]
    since_opening: timedelta


class Ladder(Said):
    """The ladder that would be climbed."""

    id: str
    name: str
    rungs: tuple[Rung, ...]


class Clocks(Said):
    """The promises that would be made."""

    id: str
    name: str


class Route(Said):
    """How it would be routed, and why."""

    category: str
    rule: str
    name: str | None = None
    first: tuple[str, ...]
    ladder: Ladder
    clocks: Clocks
    rules: tuple[Rule, ...]


class Step(Said):
    """One thing that happens; ``refs`` are whom it is for."""

    at: Instant
    after: timedelta
    what: str
    text: str
    reason: str | None = None
    purpose: str | None = None
    refs: tuple[str, ...] = ()
    slot: str | None = None
    rung: int | None = None
    rung_name: str | None = None
    obligation: str | None = None
    due_at: Instant | None = None
    next_by: Instant | None = None

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        promise = PROMISES.get(self.obligation or "", "")
        named = {
            "page": f"Rung {self.rung}: {self.rung_name}",
            "reminder": f"Reminder: {promise or 'the end of the window'}",
            "missed": f"Missed: {promise}",
            "closing": "Closing word",
            "update": "Update of the team",
        }
        return named.get(self.purpose or "", "") or words.capital(promise) or LINES.get(self.what, "")

    @property
    def why(self) -> str:
        """Why it happens then."""
        if self.purpose == "call":
            return "it is due"
        phrases = RUNGS if self.purpose == "page" else MESSAGES
        due = words.moment(self.due_at, self.at) if self.due_at else ""
        return phrases.get(self.reason or "", "").format(due=due)


class Played(Said):
    """What the escalator says would happen, in references."""

    at: Instant
    until: Instant
    cut: bool
    route: Route
    context: dict[str, Any]
    steps: tuple[Step, ...]


class Person(Said):
    """Somebody who would hear of it."""

    ref: str
    name: str
    role: str
    backup_for: str | None = None
    contacts: tuple[Contact, ...] = ()
    quiet_until: Instant | None = None
    """When their quiet hours end, where this waits for that."""

    @property
    def channels(self) -> str:
        """The channels in the order in which they are tried."""
        return ", then ".join(dict.fromkeys(channel(one.channel) for one in self.contacts))


class Answer(Said):
    """Whom the references of a step mean at its moment, and who is left out, why."""

    recipients: tuple[Person, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class Heard:
    """A step with who hears of it."""

    step: Step
    people: tuple[Person, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def nobody(self) -> bool:
        """Whether somebody should hear of it, and nobody does."""
        return self.step.purpose is not None and not self.people


class StepTold(BaseModel):
    """One step, for machines."""

    at: Instant
    after: timedelta
    title: str = Field(
        description="What it is, such as `Rung 2: Responsible for the service`; of a line of the record, its sentence."
    )
    purpose: str | None
    rung: int | None
    obligation: str | None
    reason: str | None
    why: str
    text: str
    next_by: Instant | None
    recipients: list[Person]
    skipped: list[Skipped]


class Foreseen(BaseModel):
    """Who hears what when, rung by rung and clock by clock. Nobody was told."""

    at: Instant
    until: Instant
    cut: bool
    acknowledged_by: str | None
    route: Route
    steps: list[StepTold]


def heard(played: Played, answers: Sequence[Answer]) -> tuple[Heard, ...]:
    """Each step with the answer to its references, in order; the closing word goes to everyone who heard anything before."""
    found: list[Heard] = []
    reached: dict[str, Person] = {}
    for step, answer in zip(played.steps, answers, strict=True):
        people = tuple(reached.values()) if step.purpose == "closing" else answer.recipients
        found.append(Heard(step, people, answer.skipped))
        for person in people:
            reached.setdefault(person.ref, person)
    return tuple(found)


def unheard(found: Sequence[Heard], known: Sequence[str]) -> str | None:
    """The slot of the first rung that nobody hears and that is not ``known`` for it."""
    return next(
        (
            each.step.slot
            for each in found
            if each.nobody and each.step.purpose == "page" and each.step.slot not in known
        ),
        None,
    )


def taker(found: Sequence[Heard], at: datetime) -> str | None:
    """The id of the person who would acknowledge at ``at``: the first of those whom the newest rung paged."""
    for each in reversed(found):
        if each.step.purpose == "page" and each.step.at <= at:
            for person in each.people:
                kind, _, name = person.ref.partition(":")
                if kind == "person":
                    return name
    return None


def shown(found: Sequence[Heard]) -> Iterator[Heard]:
    """What a person reads: the lines of the record that only repeat a message are left out."""
    return (each for each in found if each.step.what not in UNTOLD)


def told(played: Played, found: Sequence[Heard], acknowledged_by: str | None) -> Foreseen:
    """The same for machines."""
    return Foreseen(
        at=played.at,
        until=played.until,
        cut=played.cut,
        acknowledged_by=acknowledged_by,
        route=played.route,
        steps=[
            StepTold(
                at=each.step.at,
                after=each.step.after,
                title=each.step.title or each.step.text,
                purpose=each.step.purpose,
                rung=each.step.rung,
                obligation=each.step.obligation,
                reason=each.step.reason,
                why=each.step.why,
                text=each.step.text,
                next_by=each.step.next_by,
                recipients=list(each.people),
                skipped=list(each.skipped),
            )
            for each in shown(found)
        ],
    )
