"""From a case's set-up to a configuration of ours: its users with their rules, its policies as ladders, its services as integrations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from libs.common.durations import text_of
from services.notifier.config import LocalConfig
from tests.cases.case import NotYet, only
from tests.cases.rotas import slug
from tests.support.world import OPERATOR_KEY

MAINTAINER: Final = "whoever-maintains"
"""Who hears of the maintenances that a case needs, so that their pages are told from the case's."""
ENDLESS: Final = 100
"""How often a ladder starts over that a case wants to go on for ever: as often as one can."""
_CATEGORIES: Final = {
    "telemetry": "service_down",
    "maintenance": "maintenance",
    "ticket": "process_blocked",
    "provider": "provider_unavailable",
    "tool": "tool_unavailable",
}

_UPKEEP: Final = {"id": "default", "name": "Upkeep", "turns": [{"hours": "00:00-00:00", "person": MAINTAINER}]}
"""Somebody is on shift by default, as everywhere."""


@dataclass
class Company:
    """What the case has. ``users`` are their rules by name, ``policies`` each with its steps, ``services`` the policy of each."""

    users: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    rotas: list[dict[str, Any]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    """Integrations beside those of the services."""
    low: dict[str, list[str]] = field(default_factory=dict)
    """By which channels somebody hears what is no page, where that differs."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of every integration."""
    channels: list[dict[str, Any]] | None = None
    """Channels in place of local ones."""

    def tree(self) -> dict[str, Any]:
        """The files."""
        empty: dict[str, Any] = {f"{noun}.yaml": {noun: []} for noun in ("teams", "roles", "tools", "tenants", "links")}
        return {
            **empty,
            "people.yaml": {"people": [self._person(name) for name in self._people()]},
            "channels.yaml": {"channels": self.channels or self._local_channels()},
            "ladders.yaml": {"ladders": [self._ladder(name) for name in [*self.policies, MAINTAINER]]},
            "clocks.yaml": {"clocks": [{"id": "none", "name": "No promises", "obligations": []}]},
            "routing.yaml": {"routing": self._routing()},
            "integrations.yaml": {"integrations": [*self._integrations(), *self.sources]},
            "rotas.yaml": {"rotas": [_UPKEEP, *self.rotas]},
            "principals.yaml": {"principals": self._principals()},
            "services.yaml": {"services": [{"id": slug(name), "name": name} for name in self.services]},
        }

    def keys(self) -> dict[str, str]:
        """The environment that the files refer to."""
        found = {"TOCSIN_KEY_OPERATOR": OPERATOR_KEY, "TOCSIN_KEY_MAINTENANCE": self.integration_key("maintenance")}
        found |= {_variable("service", name): self.integration_key(name) for name in self.services}
        found |= {one["key"]["env"]: self.integration_key(one["id"]) for one in self.sources}
        return found | {_variable("user", name): self.key_of(name) for name in self.users}

    def key_of(self, user: str) -> str:
        """The key with which somebody acts."""
        place = list(self.users).index(user)
        return "tocsin_" + f"user{place:04d}".ljust(32, "u")

    def integration_key(self, name: str) -> str:
        """The key of a service's, or of another, integration."""
        known = ["maintenance", *self.services, *(one["id"] for one in self.sources)]
        return f"intg{known.index(name):04d}".ljust(32, "k")

    def _people(self) -> list[str]:
        return [*self.users, MAINTAINER]

    def _person(self, name: str) -> dict[str, Any]:
        rules = sorted(self.users.get(name) or [{}], key=lambda rule: rule.get("delay_min", 0))
        for rule in rules:
            only("a rule", rule, "delay_min", "channel")
        channels = [rule.get("channel", "sms") for rule in rules]
        wanted = dict.fromkeys([*channels, *self.low.get(name, [])])
        chain: dict[str, Any] = {"high": [_step(rule, place) for place, rule in enumerate(rules)]}
        if name in self.low:
            chain["low"] = self.low[name]
        contacts = [{one: self._address(one, name), "verified": True} for one in wanted]
        return {"id": slug(name), "name": name, "contacts": contacts, "chain": chain}

    def _address(self, channel: str, name: str) -> str:
        return f"{slug(name)}@example.com" if channel == "email" else f"+1555{self._people().index(name):07d}"

    def _local_channels(self) -> list[dict[str, str]]:
        rules = [rule for each in self.users.values() for rule in each]
        names = dict.fromkeys(["sms", "email", *(rule.get("channel", "sms") for rule in rules)])
        found = [{"id": name, "name": name, "provider": "local"} for name in names]
        for one in found:
            try:
                LocalConfig.model_validate(one)
            except ValidationError as error:
                raise NotYet(f"there is no channel {one['id']}") from error
        return found

    def _ladder(self, name: str) -> dict[str, Any]:
        policy = self.policies.get(name) or {"steps": [{"targets": [MAINTAINER]}]}
        only("a policy", policy, "repeat", "steps")
        steps, repeat = policy["steps"], policy.get("repeat", 0)
        for step in steps:
            only("a step", step, "delay_min", "targets", "multi_ack")
        waits = [step.get("delay_min") for step in steps]
        if None in waits[:-1]:
            raise NotYet("a step without a delay before the last one")
        rungs = [
            {
                "name": f"Step {number + 1}",
                "roles": [self.ref(target) for target in step["targets"]],
                "after": _minutes(waits[number - 1] or 0) if number else "0s",
            }
            for number, step in enumerate(steps)
        ]
        last = waits[-1] if waits else None
        again = {"after": _minutes(last), "times": ENDLESS if repeat < 0 else repeat} if last and repeat else None
        return {"id": slug(name), "name": name, "rungs": rungs, "repeat": again}

    def ref(self, target: str) -> str:
        """Whom a target of a step means."""
        if target in self._people():
            return f"person:{slug(target)}"
        rota = next((one["id"] for one in self.rotas if target in {one["id"], "schedule"}), None)
        if rota is None:
            raise NotYet(f"a target called {target!r}")
        return f"rota:{rota}"

    def _routing(self) -> dict[str, Any]:
        ladder = next(iter(self.policies), MAINTAINER)
        shared = {"clocks": "none", "ladder": slug(ladder)}
        rules = [
            {
                **shared,
                "id": slug(name),
                "name": f"Alerts of {name}",
                "when": {"integration": slug(name)},
                "ladder": slug(policy),
                "first": self._first(policy),
            }
            for name, policy in self.services.items()
        ]
        upkeep = {
            "id": "upkeep",
            "name": "Maintenance",
            "when": {"kind": "maintenance"},
            "first": [self.ref(MAINTAINER)],
            "ladder": MAINTAINER,
        }
        return {
            "categories": _CATEGORIES,
            "rules": [{**shared, **upkeep}, *rules],
            "default": {**shared, "first": self._first(ladder)},
            "quarantine": [self.ref(MAINTAINER)],
        }

    def _first(self, policy: str) -> list[str]:
        steps: Sequence[Mapping[str, Any]] = self.policies.get(policy, {}).get("steps") or [{"targets": []}]
        return [self.ref(target) for target in steps[0]["targets"]] or [self.ref(MAINTAINER)]

    def _integrations(self) -> list[dict[str, Any]]:
        upkeep = {"id": "maintenance", "kind": "maintenance", "key": {"env": "TOCSIN_KEY_MAINTENANCE"}}
        listed = [upkeep] + [
            {"id": slug(name), "kind": "telemetry", "key": {"env": _variable("service", name)}}
            for name in self.services
        ]
        return [{"name": one["id"], "source": "native", "options": self.options, **one} for one in listed]

    def _principals(self) -> list[dict[str, Any]]:
        operator = {"id": "operator", "name": "Operator", "roles": ["admin"], "key": {"env": "TOCSIN_KEY_OPERATOR"}}
        users = [
            {
                "id": f"key-of-{slug(name)}",
                "name": name,
                "roles": ["operator"],
                "person": slug(name),
                "key": {"env": _variable("user", name)},
            }
            for name in self.users
        ]
        return [operator, *users]


def _step(rule: Mapping[str, Any], place: int) -> Any:
    channel, delay = rule.get("channel", "sms"), rule.get("delay_min", 0)
    return {channel: _minutes(delay)} if place or delay else channel


def _minutes(count: float) -> str:
    return text_of(timedelta(minutes=count))


def _variable(what: str, name: str) -> str:
    return f"TOCSIN_KEY_{what}_{slug(name)}".upper().replace("-", "_")
