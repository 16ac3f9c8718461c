"""What a source makes of a body: triggers, refusals, and what it understood without opening anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from libs.common.events.base import Category, Link, Severity, TriggerKind, Window
from libs.common.events.triggers import MaintenanceEnding, TriggerGroup
from services.intake.domain.lapse import Lapse

RefusalReason = Literal[
    "empty-body",
    "content-encoding",
    "invalid-encoding",
    "invalid-json",
    "invalid-xml",
    "too-deep",
    "wrong-shape",
    "other-version",
    "missing-field",
    "invalid-field",
    "kind-not-allowed",
    "not-authenticated",
    "no-reader",
    "unknown-state",
]
"""Why a body, or one part of it, could not be understood: the word in the quarantine, the event and the metric. ``unknown-state``: of a
provider's page that was asked, and could not be read for some time."""

UNREADABLE: frozenset[RefusalReason] = frozenset(
    {"empty-body", "content-encoding", "invalid-encoding", "invalid-json", "invalid-xml", "too-deep"}
)
"""Reasons that concern the bytes and not what they say: HTTP answers 400 to these and 422 to the others."""

IgnoredReason = Literal["not-p1", "test", "no-news", "handshake", "change", "not-mapped"]
"""Why something that was understood opens nothing: below what opens an incident, the test button of a sender, news that changes
nothing here (somebody was assigned there), a step of a handshake, a change that was made and is only kept, what concerns nothing
that we use of a provider."""


@dataclass(frozen=True, slots=True)
class TicketRead:
    """A ticket as its helpdesk's API calls it, and as people do. ``raised``: filed, raised or opened again just now."""

    id: str
    name: str
    url: str = ""
    status: str = ""
    priority: str = ""
    raised: bool = True


@dataclass(frozen=True, slots=True)
class Version:
    """Which announcement of an event it is: ``SEQUENCE``, and ``DTSTAMP`` where there is one."""

    sequence: int = 0
    stamp: datetime | None = None

    def is_older_than(self, other: "Version") -> bool:
        """Whether ``other`` was announced later; of two that cannot be told apart neither was."""
        if self.sequence != other.sequence or self.stamp is None or other.stamp is None:
            return self.sequence < other.sequence
        return self.stamp < other.stamp


@dataclass(frozen=True, slots=True)
class Series:
    """What a body says of an event that recurs, or may have recurred before."""

    key: str
    version: Version
    whole: bool
    """Whether the event itself is in it, and not only some of its occurrences."""
    recurs: bool = False
    goes_on: bool = False
    """Whether there are occurrences beyond those that are announced now."""


@dataclass(frozen=True, slots=True)
class ParsedTrigger:
    """One alert of a body, in Tocsin's words, before it has ids and a time of arrival."""

    kind: TriggerKind
    status: Literal["firing", "resolved"]
    dedup_key: str
    title: str
    description: str = ""
    severity: Severity = "critical"
    category: Category | None = None
    service: str | None = None
    services: tuple[str, ...] = ()
    tool: str | None = None
    provider: str | None = None
    tenants: tuple[str, ...] = ()
    assigned_team: str | None = None
    window: Window | None = None
    sequence: int | None = None
    """Which announcement of the same thing it is, where the sender counts them: a lower one is older."""
    ending: MaintenanceEnding | None = None
    """How a maintenance ended, where it did and the sender says."""
    withdrawn: str = ""
    """Why nobody waits for it any more, where it is over for that alone."""
    reporter: str | None = None
    ticket: TicketRead | None = None
    links: tuple[Link, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    group: TriggerGroup | None = None
    """With an empty key where the sender put several alerts together without naming the group."""
    started_at: datetime | None = None
    """``None``: the sender did not say; the time of arrival counts."""
    ended_at: datetime | None = None
    series: str = ""
    """The key of the event that it is an occurrence of, where events may recur."""
    once: str = ""
    """What its sender calls this very event and no other, so that one which comes again is not taken twice."""
    lapse: Lapse | None = None
    """Until when it counts unless it is repeated, where its sender repeats alerts; ``None`` where alerts stay until they are ended."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a sender says of an alert beside that it fires or ends: somebody took notice there, or wrote a note."""

    kind: Literal["acknowledged", "noted"]
    dedup_key: str
    by: str = ""
    """Who, as the sender names them."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a body or one alert in it was not understood. ``pointer`` is a JSON Pointer fragment; ``#`` is the whole body."""

    reason: RefusalReason
    detail: str
    pointer: str = "#"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something that was understood and rightly opens nothing, with the reason."""

    reason: IgnoredReason
    detail: str
    pointer: str = "#"
    trigger: ParsedTrigger | None = None
    """What it would have been, where that can be said: the alarm that a test button plays."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a body. All empty means: understood, and there was nothing in it."""

    triggers: tuple[ParsedTrigger, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    remarks: tuple[Remark, ...] = ()
    series: tuple[Series, ...] = ()
    """The events of a calendar, whose occurrences ``triggers`` are."""

    @property
    def looks_back(self) -> bool:
        """Whether what it means depends on what came before."""
        return bool(self.series) or any(trigger.once for trigger in self.triggers)

    @property
    def only_a_test(self) -> bool:
        """Whether there was nothing in it but what a test button or a handshake sends."""
        told = [ignored.reason in ("test", "handshake") for ignored in self.ignored]
        return bool(told) and all(told) and not (self.triggers or self.refusals or self.remarks)

    @property
    def refused(self) -> bool:
        """Whether nothing at all of the body could be used."""
        return bool(self.refusals) and not (self.triggers or self.ignored or self.remarks)

    @property
    def unreadable(self) -> bool:
        """Whether it was the bytes that could not be read, not what they say."""
        return self.refused and all(refusal.reason in UNREADABLE for refusal in self.refusals)


def refuse(reason: RefusalReason, detail: str, pointer: str = "#") -> Reading:
    """The reading of a body of which nothing can be used."""
    return Reading(refusals=(Refusal(reason, detail, pointer),))


def joined(readings: Sequence[Reading], passed: Sequence[Ignored]) -> Reading:
    """Several readings as one, and what else was ``passed`` over."""
    return Reading(
        tuple(one for reading in readings for one in reading.triggers),
        tuple(one for reading in readings for one in reading.refusals),
        tuple(passed),
        tuple(one for reading in readings for one in reading.remarks),
    )


def summary(refusals: Sequence[Refusal], limit: int = 3) -> str:
    """The sentences of the first refusals in one text."""
    told = [
        f"{refusal.pointer}: {refusal.detail}" if refusal.pointer != "#" else refusal.detail for refusal in refusals
    ]
    more = len(told) - limit
    return " ".join(told[:limit]) + (f" And {more} more." if more > 0 else "")
