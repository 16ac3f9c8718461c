"""Which rule a trigger falls under: what it is, who hears first, which ladder and which clocks."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from libs.common.events.base import Category, RoleRef, Severity, TriggerKind
from services.escalator.domain.policies import Routing, Rule

RouteReason = Literal["rule_matched", "no_rule_matched"]

DEFAULT_ROUTE = "default"
"""The id of the route that is taken where no rule matches."""


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


def route(routing: Routing, trigger: Described) -> Routed:
    """The first rule that matches decides; without one the default does. Rules see the category that is settled here."""
    category = trigger.category or routing.categories[trigger.kind]
    for rule in routing.rules:
        if _matches(rule, trigger, category):
            return Routed(rule.id, "rule_matched", category, rule.first, rule.ladder, rule.clocks, rule.name)
    default = routing.default
    return Routed(DEFAULT_ROUTE, "no_rule_matched", category, default.first, default.ladder, default.clocks)


def _matches(rule: Rule, trigger: Described, category: Category) -> bool:
    when = rule.when
    asked: tuple[tuple[Collection[str], Collection[str | None]], ...] = (
        (when.kind, (trigger.kind,)),
        (when.source, (trigger.source,)),
        (when.service, (trigger.service,)),
        (when.tool, (trigger.tool,)),
        (when.tenant, trigger.tenants),
        (when.severity, (trigger.severity,)),
        (when.category, (category,)),
    )
    return all(not wanted or any(value in wanted for value in given) for wanted, given in asked)
