"""Which rule a trigger falls under: what it is, who hears first, which ladder and which clocks; and why that rule."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.common.events.base import Category, RoleRef
from services.escalator.domain.conditions import Check, Described, checks
from services.escalator.domain.policies import Routing, Rule

RouteReason = Literal["rule_matched", "no_rule_matched"]

DEFAULT_ROUTE = "default"
"""The id of the route that is taken where no rule matches."""


@dataclass(frozen=True)
class Routed:
    """The decision, and why: ``rule`` is the id of the rule that matched, or ``default``; ``name`` is the rule's sentence."""

    rule: str
    reason: RouteReason
    category: Category
    first: tuple[RoleRef, ...]
    ladder: str
    clocks: str
    name: str | None = None


@dataclass(frozen=True)
class Tried:
    """A rule that was looked at, with the answer to each of its questions."""

    rule: Rule
    checks: tuple[Check, ...]

    @property
    def matched(self) -> bool:
        """Whether all that it asks holds."""
        return all(check.held for check in self.checks)


def category_of(routing: Routing, trigger: Described) -> Category:
    """What the trigger is: as its sender says, else as routing.yaml says for its kind. Rules see the category that is settled here."""
    return trigger.category or routing.categories[trigger.kind]


def tried(routing: Routing, trigger: Described, at: datetime) -> tuple[Tried, ...]:
    """Every rule in order, also those after the one that decides."""
    category = category_of(routing, trigger)
    return tuple(Tried(rule, checks(rule.when, trigger, category, at)) for rule in routing.rules)


def route(routing: Routing, trigger: Described, at: datetime) -> Routed:
    """The first rule that matches at ``at`` decides; without one the default does."""
    category = category_of(routing, trigger)
    for rule in routing.rules:
        if Tried(rule, checks(rule.when, trigger, category, at)).matched:
            return Routed(rule.id, "rule_matched", category, rule.first, rule.ladder, rule.clocks, rule.name)
    default = routing.default
    return Routed(DEFAULT_ROUTE, "no_rule_matched", category, default.first, default.ladder, default.clocks)
