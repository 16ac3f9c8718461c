"""What goes over HTTP where something is only tried: routing rules, and simulations. Durations are written ``7m`` and read as ISO 8601."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from libs.common.durations import Duration
from libs.common.events.base import Category, Instant, RoleRef, Severity, Slug, TriggerKind, Window
from libs.common.events.triggers import TriggerReceived
from services.escalator.api.schemas import Body, Labels
from services.escalator.domain.conditions import Described
from services.escalator.domain.incident import Report
from services.escalator.domain.obligations import Audience
from services.escalator.domain.opening import described
from services.escalator.domain.policies import Clocks, Policies, Repeat
from services.escalator.domain.routing import Tried, route, tried
from services.escalator.domain.simulation import Acts
from services.escalator.handlers import collecting

LONGEST: Final = timedelta(days=14)
NOT_KEPT: Final = str(UUID(int=0))

Slot = Annotated[str, StringConstraints(pattern=r"^rung-\d{1,4}(\.\d{1,4})?$")]


def _with_ids(value: Any) -> Any:
    """A trigger gets its ids only when it is kept."""
    return {"trigger_id": NOT_KEPT, "delivery_id": NOT_KEPT, **value} if isinstance(value, dict) else value


class Situation(Body):
    """Something that would happen."""

    kind: TriggerKind = "telemetry"
    source: Annotated[str, StringConstraints(max_length=63)] = Field("", description="The wire format.")
    integration: Annotated[str, StringConstraints(max_length=63)] | None = None
    service: Slug | None = None
    services: tuple[Slug, ...] = Field((), max_length=50, description="Every service concerned, where there are more.")
    tool: Slug | None = None
    provider: Slug | None = None
    tenants: tuple[Slug, ...] = Field((), max_length=200, description="The tenants concerned; none means all of them.")
    severity: Severity = "critical"
    category: Category | None = Field(None, description="What it is; without it the category of its kind.")
    title: Annotated[str, StringConstraints(max_length=300)] = ""
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    labels: Labels = Field(default={})
    assigned_team: Slug | None = None
    window: Window | None = None

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if self.window and self.window.ends_at and self.window.ends_at <= self.window.starts_at:
            raise ValueError("the window must end after it starts")
        return self


class Trial(Body):
    """What to try: a situation, or a trigger as the preview of an integration shows it; and a configuration that is not in force yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"situation": {"kind": "telemetry", "service": "checkout"}, "at": "2026-11-29T23:50:00Z"},
            ]
        }
    )

    situation: Situation | None = None
    trigger: Annotated[TriggerReceived, BeforeValidator(_with_ids)] | None = None
    at: AwareDatetime | None = Field(None, description="When it opens; now, where nothing is said.")
    files: dict[str, str | dict[str, Any]] = Field(
        default={},
        max_length=3,
        description="routing.yaml, ladders.yaml, clocks.yaml as they would be, each as the text of a YAML file or as what such a text says.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.situation is not None and self.trigger is not None:
            raise ValueError("give either situation or trigger")
        return self

    def asked(self) -> tuple[Report, Category | None]:
        """What would be reported."""
        if self.trigger is not None:
            return collecting.report(self.trigger), self.trigger.category
        said = self.situation or Situation()
        fields = said.model_dump(exclude={"category", "window"})
        return Report(**{**fields, "window": said.window}), said.category


class Simulation(Trial):
    """An incident to play through."""

    lasting: Duration | None = Field(
        None,
        description="How long to play: six hours, where nothing is said; with `resolve_after` 25 hours after that.",
    )
    acknowledge_after: Duration | None = Field(
        None, description="When somebody takes it; never, where nothing is said."
    )
    resolve_after: Duration | None = Field(None, description="When it is over; never, where nothing is said.")
    update_every: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = Field(
        None, description="How often the team writes an update; never, where nothing is said."
    )
    audiences: tuple[Audience, ...] = Field(("team",), description="For whom the team writes.")
    person: Slug | None = Field(None, description="Who acknowledges, and owes the team status from then on.")
    unheard: tuple[Slot, ...] = Field((), max_length=1000, description="The slots of rungs for which nobody is found.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lasting is not None and not timedelta(0) < self.lasting <= LONGEST:
            raise ValueError(f"lasting must be more than nothing and at most {LONGEST.days} days")
        ends = (self.acknowledge_after, self.resolve_after)
        if any(end is not None and end > LONGEST for end in ends):
            raise ValueError(f"nothing is played that is more than {LONGEST.days} days ahead")
        if (
            self.acknowledge_after is not None
            and self.resolve_after is not None
            and self.acknowledge_after > self.resolve_after
        ):
            raise ValueError("acknowledge_after must not be later than resolve_after")
        return self

    def acts(self) -> Acts:
        """What people do."""
        return Acts(
            acknowledge_after=self.acknowledge_after,
            resolve_after=self.resolve_after,
            update_every=self.update_every,
            audiences=self.audiences,
            person=self.person,
            unheard=frozenset(self.unheard),
        )


class CheckShown(BaseModel):
    """One question of a rule: what was asked, what was given, and whether it holds."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    wanted: str
    seen: str
    held: bool
    sentence: str


class RuleShown(BaseModel):
    """A rule, in its order, with the answer to each of its questions. Exactly one decides, or none: then the default does."""

    id: str
    name: str
    matched: bool
    decides: bool
    checks: list[CheckShown]


class RungShown(BaseModel):
    """A rung, and how long after the opening it comes where nobody answers."""

    number: int
    name: str
    roles: tuple[RoleRef, ...]
    after: timedelta
    since_opening: timedelta


class LadderShown(BaseModel):
    """The ladder that the incident would climb."""

    id: str
    name: str
    rungs: list[RungShown]
    repeat: Repeat | None


class RouteShown(BaseModel):
    """How it would be routed, and why."""

    category: Category
    rule: str = Field(description="The id of the rule that decides, or `default`.")
    name: str | None
    reason: str
    first: tuple[RoleRef, ...]
    ladder: LadderShown
    clocks: Clocks
    rules: list[RuleShown]


class Tested(BaseModel):
    """How it would be routed by what is in force, and by what is proposed. ``differences`` says what that changes."""

    at: Instant
    in_force: RouteShown
    proposed: RouteShown | None = None
    differences: list[str] = []


class Concerned(BaseModel):
    """What of the incident decides who is responsible: the context that oncall resolves references in."""

    service: str | None
    tool: str | None
    tenants: tuple[str, ...]
    assigned_team: str | None
    first: tuple[RoleRef, ...]


class StepShown(BaseModel):
    """One thing that happens: a rung, a message, or a line of the record. ``refs`` are whom it is for, to be resolved at that moment."""

    at: Instant
    after: timedelta
    what: str = Field(description="The type of the event, such as `tocsin.incident.escalation_due.v1`.")
    text: str
    reason: str | None
    purpose: str | None = Field(
        None, description="`page` of a rung, else that of the message; absent for a line of the record."
    )
    refs: tuple[RoleRef, ...] = ()
    slot: str | None = None
    rung: int | None = None
    rung_name: str | None = None
    obligation: str | None = None
    due_at: Instant | None = None
    next_by: Instant | None = None


class SimulationShown(BaseModel):
    """Everything that would happen until ``until``, in order. ``cut`` where there is more than is told."""

    at: Instant
    until: Instant
    cut: bool
    route: RouteShown
    context: Concerned
    steps: list[StepShown]


def route_shown(policies: Policies, trigger: Described, at: datetime) -> RouteShown:
    """How a trigger is routed by ``policies``, with every rule that was looked at."""
    found = route(policies.routing, trigger, at)
    ladder = policies.ladder(found.ladder)
    rungs, passed = [], timedelta(0)
    for number, rung in enumerate(ladder.rungs, start=1):
        passed += rung.after
        rungs.append(RungShown(number=number, name=rung.name, roles=rung.roles, after=rung.after, since_opening=passed))
    return RouteShown(
        category=found.category,
        rule=found.rule,
        name=found.name,
        reason=found.reason,
        first=found.first,
        ladder=LadderShown(id=ladder.id, name=ladder.name, rungs=rungs, repeat=ladder.repeat),
        clocks=policies.clock_set(found.clocks),
        rules=[_rule(each, found.rule) for each in tried(policies.routing, trigger, at)],
    )


def trigger_of(trial: Trial) -> Described:
    """What the rules are asked about."""
    return described(*trial.asked())


def _rule(one: Tried, decides: str) -> RuleShown:
    checks = [CheckShown.model_validate(check) for check in one.checks]
    rule = one.rule
    return RuleShown(id=rule.id, name=rule.name, matched=one.matched, decides=rule.id == decides, checks=checks)
