"""What would happen to an incident, rung by rung and clock by clock: the code that runs live, on a course that nobody keeps.

Time jumps from one thing that is waited for to the next. Whom a reference means is not known here; where nobody is found for a rung, whoever
asks says so by its slot and asks again, as oncall and notifier do live.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, assert_never
from uuid import UUID

from libs.common.events.base import Actor, Category, ObligationKind
from libs.common.events.incidents import EscalationDue, IncidentFact, Update, UpdatePosted
from services.escalator.domain import acting, announcing, climbing, promising, timeline
from services.escalator.domain.course import RUNG, Course, Wait
from services.escalator.domain.incident import Report
from services.escalator.domain.obligations import NEWS_FOR, Audience
from services.escalator.domain.opening import Opening, planned
from services.escalator.domain.policies import Policies

MOST_FACTS: Final = 1_000
"""Of a longer simulation the rest is left out, and it says so."""

NOBODY: Final = UUID(int=0)
"""The id of an incident that never was."""

SIMULATED: Final = Actor(kind="principal", id="simulation", name="Somebody", via="simulation")
"""Who opens it, and who acts where nobody is named."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Acts:
    """What people do, counted from the opening. ``update_every`` is how often the team writes; ``None`` is never."""

    acknowledge_after: timedelta | None = None
    resolve_after: timedelta | None = None
    update_every: timedelta | None = None
    audiences: tuple[Audience, ...] = ("team",)
    """For whom the team writes."""
    person: str | None = None
    """The id of the person who acts: whoever acknowledges is reminded of what the team owes."""
    unheard: frozenset[str] = frozenset()
    """The slots of rungs for which nobody is found."""

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return (
            SIMULATED
            if self.person is None
            else Actor(kind="person", id=self.person, name=self.person, via="simulation")
        )


@dataclass(frozen=True)
class Simulated:
    """How the incident opens, and everything that is told of it, in order. ``cut`` where there would be more before the end."""

    opening: Opening
    told: tuple[IncidentFact, ...]
    cut: bool = False


def simulate(
    policies: Policies, report: Report, category: Category | None, at: datetime, until: datetime, acts: Acts
) -> Simulated:
    """Play an incident of ``report`` that opens at ``at``, until ``until``. Nobody is told anything."""
    play = _Play(planned(policies, report, category, (NOBODY, NOBODY), at), acts)
    told: list[IncidentFact] = []
    for facts in play.moments(at, until):
        told += facts
        if len(told) > MOST_FACTS:
            return Simulated(play.opening, tuple(told[:MOST_FACTS]), cut=True)
    return Simulated(play.opening, tuple(told))


class _Play:
    """One incident, what it waits for, and what the team wrote."""

    def __init__(self, opening: Opening, acts: Acts) -> None:
        self.opening = opening
        self._incident = opening.incident
        self._acts = acts
        self._waits: dict[Wait, datetime] = {}
        self._updates: list[Update] = []

    def moments(self, at: datetime, until: datetime) -> Iterator[Sequence[IncidentFact]]:
        """What is told, moment by moment. What people do at a moment comes before what falls due at it."""
        course = self._course(at)
        climbing.open_incident(course, self.opening.routed, SIMULATED)
        yield self._kept(course)
        doings = deque(_doings(self._acts, at, until))
        while True:
            done_at = doings[0][0] if doings else _NEVER
            due_at, wait = min(
                ((due_at, wait) for wait, due_at in self._waits.items()), key=_order, default=(_NEVER, RUNG)
            )
            if min(done_at, due_at) > until:
                return
            course = self._course(min(done_at, due_at))
            if done_at <= due_at:
                doings.popleft()[1](course)
            else:
                self._come_due(course, wait)
            yield self._kept(course)

    def _course(self, now: datetime) -> Course:
        return Course(self._incident, self.opening.plan, now)

    def _come_due(self, course: Course, wait: Wait) -> None:
        """A timer rings, on time."""
        due_at = self._waits.pop(wait)
        match wait.kind:
            case "rung":
                climbing.on_timer(course, due_at)
            case "obligation":
                promising.on_obligation(course, wait.obligation, due_at, self._newest(wait.obligation))
            case "reminder":
                promising.on_reminder(course, wait.obligation, due_at)
            case "window_begin":
                announcing.on_begin(course, due_at)
            case "window":
                promising.on_window(course, due_at)
            case _:
                assert_never(wait.kind)

    def _newest(self, kind: ObligationKind | None) -> Update | None:
        """What was written last for those who hear an obligation."""
        audience = NEWS_FOR.get(kind) if kind else None
        if audience is None:
            return self._incident.last_update
        return next((each for each in reversed(self._updates) if audience in each.audiences), None)

    def _kept(self, course: Course) -> Sequence[IncidentFact]:
        """Go on from where the course ends; a rung that nobody hears is followed by the next at once."""
        for told in course.told:  # grows while a rung that nobody hears is followed by another
            if isinstance(told, EscalationDue) and told.slot in self._acts.unheard:
                climbing.on_nobody_told(course, told.slot, "nobody_found")
        self._incident = course.incident
        self._updates += [told.update for told in course.told if isinstance(told, UpdatePosted)]
        for wait, due_at in course.waits.items():
            if due_at is None:
                self._waits.pop(wait, None)
            else:
                self._waits[wait] = due_at
        return course.told


def _doings(acts: Acts, at: datetime, until: datetime) -> list[tuple[datetime, Callable[[Course], object]]]:
    """What people do, in order."""
    over = at + acts.resolve_after if acts.resolve_after is not None else _NEVER
    doings: list[tuple[datetime, Callable[[Course], object]]] = []
    if acts.acknowledge_after is not None:
        doings.append((at + acts.acknowledge_after, lambda course: acting.acknowledge(course, acts.actor)))
    if acts.update_every is not None:
        last = min(until, over)
        times = min((last - at) // acts.update_every, MOST_FACTS)
        doings += [(at + acts.update_every * number, partial(_write, acts, number)) for number in range(1, times + 1)]
    if acts.resolve_after is not None:
        doings.append((over, partial(_end, acts)))
    return sorted(doings, key=lambda doing: doing[0])


def _write(acts: Acts, number: int, course: Course) -> None:
    acting.post_update(course, acts.actor, f"(update {number} of the team)", acts.audiences)


def _end(acts: Acts, course: Course) -> None:
    """It is over; the closing word goes to everyone who was told before, whom only the reader knows."""
    acting.resolve(course, acts.actor)
    acting.last_word(course, (), timeline.closing_to_all(), "resolved")


def _order(one: tuple[datetime, Wait]) -> tuple[datetime, str, str]:
    due_at, wait = one
    return due_at, "" if wait == RUNG else wait.kind, wait.obligation or ""
