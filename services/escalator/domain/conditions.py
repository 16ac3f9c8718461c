"""What a routing rule can ask of a trigger, and the answer to each question with what was seen and what was wanted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from libs.common.events.base import Category, Severity, Slug, TriggerKind
from libs.common.wallclock import Hours, Zone, hours_of, zone_of
from libs.common.weekdays import EVERY_DAY, NAMES, Weekdays
from services.escalator.domain.patterns import pattern
from services.escalator.domain.shapes import ANY_NUMBER, SEVERAL, Policy

DEEPEST: Final = 4
"""How often ``any`` and ``not`` may stand inside each other."""

_DAY: Final = timedelta(days=1)


def _readable(text: str) -> str:
    pattern(text)
    return text


Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Expression = Annotated[str, AfterValidator(_readable)]


@dataclass(frozen=True)
class Described:
    """What the rules can ask of a trigger."""

    kind: TriggerKind
    source: str = ""
    service: str | None = None
    tool: str | None = None
    tenants: tuple[str, ...] = ()
    severity: Severity = "critical"
    category: Category | None = None
    integration: str | None = None
    """The integration that it came through; ``None`` for what people report."""
    provider: str | None = None
    services: tuple[str, ...] = ()
    """Further services, where the sender names several."""
    title: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class TextTest(Policy):
    """What a text must be like: every part that is given holds, by any of its values. Upper and lower case are the same."""

    equals: Annotated[tuple[Words, ...], SEVERAL] = ()
    contains: Annotated[tuple[Words, ...], SEVERAL] = ()
    matches: Annotated[tuple[Expression, ...], SEVERAL] = ()
    """Expressions as :mod:`~services.escalator.domain.patterns` reads them, found anywhere in the text."""

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not (self.equals or self.contains or self.matches):
            raise ValueError("name at least one of equals, contains and matches")
        return self

    def holds(self, text: str) -> bool:
        """Whether ``text`` is like that."""
        low = text.casefold()
        return (
            (not self.equals or any(low == each.casefold() for each in self.equals))
            and (not self.contains or any(each.casefold() in low for each in self.contains))
            and (not self.matches or any(pattern(each).found_in(text) for each in self.matches))
        )

    def wanted(self) -> str:
        """What is asked, in words."""
        parts = (("is", self.equals), ("contains", self.contains), ("matches", self.matches))
        return " and ".join(f"{verb} {_or(f'“{each}”' for each in values)}" for verb, values in parts if values)


class During(Policy):
    """A time of the wall clock. It belongs to the day on which it begins: ``days: fr, hours: 22:00-06:00`` ends on Saturday morning."""

    days: Weekdays = EVERY_DAY
    hours: Hours = "00:00-00:00"
    zone: Zone = "UTC"
    since: date | None = Field(None, alias="from")
    until: date | None = None
    """The last day on which it begins."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError("until lies before from")
        return self

    def holds(self, at: datetime) -> bool:
        """Whether the clocks of the zone show such a time."""
        local = at.astimezone(zone_of(self.zone)).replace(tzinfo=None)
        begin, end = hours_of(self.hours)
        crosses = end <= begin
        if local.time() >= begin and (crosses or local.time() < end):
            return self._begins_on(local.date())
        return crosses and local.time() < end and self._begins_on(local.date() - _DAY)

    def wanted(self) -> str:
        """What is asked, in words."""
        days = "every day" if self.days == EVERY_DAY else ", ".join(NAMES[day] for day in sorted(self.days))
        hours = "" if self.hours == "00:00-00:00" else f" {self.hours}"
        begins = f" from {self.since}" if self.since else ""
        ends = f" until {self.until}" if self.until else ""
        return f"{days}{hours}{begins}{ends} in {self.zone}"

    def _begins_on(self, day: date) -> bool:
        return day.weekday() in self.days and (self.since or day) <= day <= (self.until or day)


class When(Policy):
    """What a rule asks of a trigger. Every field that is given must hold, by any one of its values; a rule without fields matches all."""

    kind: Annotated[tuple[TriggerKind, ...], SEVERAL] = ()
    source: Annotated[tuple[str, ...], SEVERAL] = ()
    integration: Annotated[tuple[str, ...], SEVERAL] = ()
    service: Annotated[tuple[Slug, ...], SEVERAL] = ()
    tool: Annotated[tuple[Slug, ...], SEVERAL] = ()
    provider: Annotated[tuple[Slug, ...], SEVERAL] = ()
    tenant: Annotated[tuple[Slug, ...], SEVERAL] = ()
    severity: Annotated[tuple[Severity, ...], SEVERAL] = ()
    category: Annotated[tuple[Category, ...], SEVERAL] = ()
    during: Annotated[tuple[During, ...], ANY_NUMBER] = ()
    """Any of these times, at the moment at which the incident opens."""
    title: TextTest | None = None
    description: TextTest | None = None
    labels: dict[str, TextTest] = Field(default={}, max_length=20)
    """By the label's name; a label that is not there is an empty text."""
    any_of: tuple["When", ...] = Field((), alias="any", max_length=20)
    """At least one of these must hold as a whole."""
    none_of: Annotated[tuple["When", ...], ANY_NUMBER] = Field((), alias="not", max_length=20)
    """None of these may hold as a whole."""

    @model_validator(mode="after")
    def _shallow(self) -> Self:
        if self.depth() > DEEPEST:
            raise ValueError(f"any and not stand inside each other more than {DEEPEST} times")
        return self

    def depth(self) -> int:
        """How often ``any`` and ``not`` stand inside each other, this one included."""
        return 1 + max((each.depth() for each in (*self.any_of, *self.none_of)), default=0)


@dataclass(frozen=True)
class Check:
    """One question of a rule, and its answer."""

    field: str
    """As routing.yaml names it, such as ``labels.env``."""
    held: bool
    wanted: str
    seen: str

    @property
    def sentence(self) -> str:
        """For a person: what was seen, and whether that is what was wanted."""
        if self.field in {"any", "not"}:
            return f"{self.field}: {self.seen}, {'as' if self.held else 'but'} {self.wanted}."
        return f"{self.field} is {self.seen}; wanted: {self.wanted}{'' if self.held else ', so this does not hold'}."


def checks(when: When, trigger: Described, category: Category, at: datetime) -> tuple[Check, ...]:
    """The answer to every question of ``when``; the rule matches where all of them hold."""
    return (
        *_named(when, trigger, category),
        *_timed(when, at),
        *_worded(when, trigger),
        *_combined(when, lambda inner: checks(inner, trigger, category, at)),
    )


def _named(when: When, trigger: Described, category: Category) -> Iterable[Check]:
    services = tuple(dict.fromkeys((*((trigger.service,) if trigger.service else ()), *trigger.services)))
    asked: tuple[tuple[str, tuple[str, ...], tuple[str | None, ...]], ...] = (
        ("kind", when.kind, (trigger.kind,)),
        ("source", when.source, (trigger.source,)),
        ("integration", when.integration, (trigger.integration,)),
        ("service", when.service, services),
        ("tool", when.tool, (trigger.tool,)),
        ("provider", when.provider, (trigger.provider,)),
        ("tenant", when.tenant, trigger.tenants),
        ("severity", when.severity, (trigger.severity,)),
        ("category", when.category, (category,)),
    )
    for name, wanted, given in asked:
        if wanted:
            seen = ", ".join(each for each in given if each) or "not named"
            yield Check(name, any(each in wanted for each in given), _or(wanted), seen)


def _timed(when: When, at: datetime) -> Iterable[Check]:
    if when.during:
        zones = dict.fromkeys(each.zone for each in when.during)
        seen = " / ".join(
            f"{NAMES[local.weekday()]} {local:%Y-%m-%d %H:%M} in {zone}" for zone, local in _walls(zones, at)
        )
        yield Check(
            "during", any(each.holds(at) for each in when.during), _or(each.wanted() for each in when.during), seen
        )


def _walls(zones: Iterable[str], at: datetime) -> Iterable[tuple[str, datetime]]:
    return ((zone, at.astimezone(zone_of(zone))) for zone in zones)


def _worded(when: When, trigger: Described) -> Iterable[Check]:
    asked = [("title", when.title, trigger.title), ("description", when.description, trigger.description)]
    asked += [(f"labels.{name}", test, trigger.labels.get(name, "")) for name, test in when.labels.items()]
    for name, test, text in asked:
        if test is not None:
            yield Check(name, test.holds(text), test.wanted(), f"“{_short(text)}”" if text else "empty")


def _combined(when: When, inner: Callable[[When], tuple[Check, ...]]) -> Iterable[Check]:
    if when.any_of:
        found = [all(check.held for check in inner(each)) for each in when.any_of]
        yield Check("any", any(found), "one must hold", f"{sum(found)} of {len(found)} holds")
    if when.none_of:
        found = [all(check.held for check in inner(each)) for each in when.none_of]
        yield Check("not", not any(found), "none may hold", f"{sum(found)} of {len(found)} holds")


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"


def _or(values: Iterable[str]) -> str:
    listed = list(values)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
