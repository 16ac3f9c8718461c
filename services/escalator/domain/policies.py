"""What operators configure: routing rules, ladders and clocks, as routing.yaml, ladders.yaml and clocks.yaml say them.

An incident keeps the ladder and the clocks that it opened with (:class:`Plan`); a changed file counts for those that open after.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from libs.common.events.base import Category, ObligationKind, RoleRef, Slug, TriggerKind
from services.escalator.domain.conditions import When
from services.escalator.domain.shapes import SEVERAL, Policy, Roles, Span

OWNER: RoleRef = "owner"
"""In an audience of clocks.yaml: who acknowledged the incident; until somebody did, who heard of it first."""


class Route(Policy):
    """Who hears first, and by which ladder and clocks an incident goes on."""

    first: Roles
    ladder: Slug
    clocks: Slug


class Rule(Route):
    """A route with the triggers that it is for."""

    id: Slug
    name: str
    when: When = When()


class Routing(Policy):
    """The ordered rules: the first that matches decides."""

    rules: tuple[Rule, ...] = ()
    default: Route
    """For what no rule matches, so that no trigger is ever dropped."""
    quarantine: Roles
    """Who is told of a body that could not be understood."""
    quarantine_of: dict[Slug, Roles] = Field(default_factory=dict)
    """By the source of the body, who is told in place of these: DevOps of the mails of providers."""
    categories: dict[TriggerKind, Category]
    """What a trigger of a kind is, where its sender did not say."""
    alerts_in_maintenance: Literal["collect", "page"] = "collect"
    """Whether alarms of services in maintenance are collected under it until it ends, or page as always."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _unique("rules", (rule.id for rule in self.rules))
        missing = {"telemetry", "maintenance", "ticket", "provider", "tool"} - set(self.categories)
        if missing:
            raise ValueError(f"categories names no category for: {', '.join(sorted(missing))}")
        return self

    def told_of(self, source: str) -> tuple[RoleRef, ...]:
        """Who is told of a body of this source that could not be understood."""
        return self.quarantine_of.get(source, self.quarantine)


class RungPolicy(Policy):
    """One rung: who, and how long after the rung before it fired."""

    name: str
    roles: Roles
    after: Span


class Repeat(Policy):
    """What happens when the last rung stayed unanswered: from rung 1 again, ``after`` that long, at most ``times`` times."""

    after: Span = Field(ge=timedelta(seconds=1))
    times: int = Field(ge=0, le=100)


class Ladder(Policy):
    """The rungs of an escalation, in order."""

    id: Slug
    name: str
    rungs: tuple[RungPolicy, ...] = Field(min_length=1)
    repeat: Repeat | None = None


class ObligationPolicy(Policy):
    """One communication promise: who owes it to whom, and how often."""

    kind: ObligationKind
    owed_by: Literal["system", "person"]
    every: Span = Field(ge=timedelta(seconds=1))
    audience: Annotated[tuple[RoleRef, ...], SEVERAL] = ()
    """Who gets it; empty for what only stands in the record, such as the team status."""
    remind_before: Span | None = None
    """How long before it is due the one who owes it is reminded."""
    remind: Annotated[tuple[RoleRef, ...], SEVERAL] = (OWNER,)
    missed: Annotated[tuple[RoleRef, ...], SEVERAL] = ()
    """Who hears of it when a person missed it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.owed_by == "system" and not self.audience:
            raise ValueError(f"{self.kind}: what the system owes needs an audience")
        if self.owed_by == "person" and not self.missed:
            raise ValueError(f"{self.kind}: what a person owes needs `missed`, the roles that hear of a miss")
        if self.remind_before is not None and self.remind_before >= self.every:
            raise ValueError(f"{self.kind}: remind_before must be shorter than every")
        return self


class Clocks(Policy):
    """The promises of an incident."""

    id: Slug
    name: str
    grace: Span = timedelta(seconds=60)
    """How late something may be before it is called late."""
    obligations: tuple[ObligationPolicy, ...]

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        _unique("obligations", (policy.kind for policy in self.obligations))
        return self

    def of(self, kind: ObligationKind) -> ObligationPolicy | None:
        """The policy of one kind of obligation, if these clocks have it."""
        return next((policy for policy in self.obligations if policy.kind == kind), None)


class RoutingFile(Policy):
    """routing.yaml."""

    routing: Routing


class LaddersFile(Policy):
    """ladders.yaml."""

    ladders: tuple[Ladder, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        _unique("ladders", (ladder.id for ladder in self.ladders))
        return self


class ClocksFile(Policy):
    """clocks.yaml."""

    clocks: tuple[Clocks, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        _unique("clocks", (clocks.id for clocks in self.clocks))
        return self


class Plan(Policy):
    """By what an incident goes on since it opened: its rungs stand in the incident itself."""

    repeat: Repeat | None
    clocks: Clocks


class Policies(Policy):
    """The three files together."""

    routing: Routing
    ladders: tuple[Ladder, ...]
    clocks: tuple[Clocks, ...]

    def ladder(self, name: str) -> Ladder:
        """The ladder of this id."""
        return next(ladder for ladder in self.ladders if ladder.id == name)

    def clock_set(self, name: str) -> Clocks:
        """The clocks of this id."""
        return next(clocks for clocks in self.clocks if clocks.id == name)

    def dangling(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        """What the routing names that the other two files do not have: each place in routing.yaml, and the rule that it breaks."""
        ladders, clocks = {ladder.id for ladder in self.ladders}, {each.id for each in self.clocks}
        routes: list[tuple[tuple[str | int, ...], Route]] = [(("routing", "default"), self.routing.default)]
        routes += [(("routing", "rules", at), rule) for at, rule in enumerate(self.routing.rules)]
        found: list[tuple[tuple[str | int, ...], str]] = []
        for place, route in routes:
            if route.ladder not in ladders:
                found.append(((*place, "ladder"), _absent("ladders.yaml", "ladder", route.ladder, ladders)))
            if route.clocks not in clocks:
                found.append(((*place, "clocks"), _absent("clocks.yaml", "clocks", route.clocks, clocks)))
        return tuple(found)


def _absent(file: str, noun: str, name: str, present: Iterable[str]) -> str:
    return f"{file} has no {noun} “{name}”; it has {', '.join(sorted(present))}"


def _unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} names {name!r} twice")
        seen.add(name)
