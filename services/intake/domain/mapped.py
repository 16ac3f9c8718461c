"""From what a provider calls its parts to what we run on them: components and regions to services, tenants and a team."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field


class MapRule(BaseModel):
    """Which of ours depend on which of theirs. ``*`` stands for anything, case does not count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str = Field("*", min_length=1)
    component: str = Field("*", min_length=1)
    """A product, a circuit, a component, as the provider names it."""
    region: str = Field("*", min_length=1)
    services: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    team: str = ""
    """Who does something about a maintenance there."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What of ours is concerned; empty where no rule says so."""

    services: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    team: str = ""


def ours(rules: Sequence[MapRule], provider: str, components: Iterable[str], regions: Iterable[str]) -> Ours:
    """What every rule that matches says, in the order of the rules."""
    named, places = list(components), list(regions)
    hit = [
        rule
        for rule in rules
        if _matches(rule.provider, [provider]) and _matches(rule.component, named) and _matches(rule.region, places)
    ]
    return Ours(
        tuple(dict.fromkeys(name for rule in hit for name in rule.services)),
        tuple(dict.fromkeys(name for rule in hit for name in rule.tenants)),
        next((rule.team for rule in hit if rule.team), ""),
    )


def _matches(pattern: str, names: Iterable[str]) -> bool:
    """``*`` matches also where nothing is named."""
    return pattern == "*" or any(fnmatchcase(name.casefold(), pattern.casefold()) for name in names)
