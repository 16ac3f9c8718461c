from typing import Any

import pytest
from pydantic import ValidationError

from libs.common.events.base import Category, RoleRef, TriggerKind
from services.escalator.domain.conditions import Described
from services.escalator.domain.policies import ClocksFile, LaddersFile, Policies, Routing
from services.escalator.domain.routing import route
from tests.unit.escalator.builders import OPENED, policies, shipped


@pytest.mark.parametrize(
    ("kind", "first", "category"),
    [
        ("telemetry", "on-shift", "service_down"),
        ("maintenance", "maintenance-team", "maintenance"),
        ("ticket", "role:helpdesk", "process_blocked"),
        ("provider", "role:devops", "provider_unavailable"),
        ("tool", "tool-pm", "tool_unavailable"),
    ],
)
def test_each_kind_of_trigger_has_its_first_recipient(kind: TriggerKind, first: RoleRef, category: Category) -> None:
    routed = route(policies().routing, Described(kind), OPENED)
    assert (routed.first, routed.category, routed.reason) == ((first,), category, "rule_matched")
    assert routed.rule == kind


def test_the_category_that_a_sender_named_stands() -> None:
    assert route(policies().routing, Described("telemetry", category="system_down"), OPENED).category == "system_down"


def _routing(*rules: dict[str, Any]) -> Routing:
    shared = {"ladder": "standard", "clocks": "standard"}
    return Routing.model_validate(
        {
            **shipped("routing")["routing"],
            "rules": [{"id": f"rule-{at}", "name": "A rule", **shared, **rule} for at, rule in enumerate(rules)],
        }
    )


def test_the_first_rule_that_matches_decides() -> None:
    routing = _routing(
        {"when": {"service": "invoicing"}, "first": "team:billing"},
        {"when": {"kind": ["telemetry", "ticket"]}, "first": "on-shift"},
    )
    assert route(routing, Described("telemetry", service="invoicing"), OPENED).rule == "rule-0"
    assert route(routing, Described("telemetry", service="checkout"), OPENED).rule == "rule-1"


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({}, True),
        ({"source": "alertmanager"}, True),
        ({"source": "native"}, False),
        ({"tool": "sap"}, True),
        ({"tool": "ziflow"}, False),
        ({"tenant": ["globex", "acme"]}, True),
        ({"tenant": "initech"}, False),
        ({"severity": ["critical", "error"]}, True),
        ({"severity": "info"}, False),
        ({"category": "service_down"}, True),
        ({"category": "system_down"}, False),
        ({"source": "alertmanager", "severity": "info"}, False),
    ],
)
def test_a_rule_matches_where_every_field_that_it_names_does(when: dict[str, Any], matches: bool) -> None:
    trigger = Described("telemetry", "alertmanager", "checkout", "sap", ("acme",), "critical")
    assert (route(_routing({"when": when, "first": "pm"}), trigger, OPENED).reason == "rule_matched") is matches


def test_what_no_rule_matches_goes_to_the_default_and_says_so() -> None:
    routed = route(_routing(), Described("telemetry"), OPENED)
    assert (routed.rule, routed.reason, routed.first) == ("default", "no_rule_matched", ("on-shift",))


def test_a_rule_that_names_an_unknown_ladder_is_found() -> None:
    known = policies()
    broken = Policies(
        routing=_routing({"when": {}, "first": "pm", "ladder": "steep"}), ladders=known.ladders, clocks=known.clocks
    )
    assert known.dangling() == ()
    assert broken.dangling() == (
        (("routing", "rules", 0, "ladder"), "ladders.yaml has no ladder “steep”; it has standard"),
    )


def test_a_duration_without_a_unit_is_refused() -> None:
    broken = shipped("ladders")
    broken["ladders"][0]["rungs"][1]["after"] = 5
    with pytest.raises(ValidationError, match="needs its unit"):
        LaddersFile.model_validate(broken)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "team_status", "owed_by": "person", "every": "30m"}, "needs `missed`"),
        ({"kind": "client_update", "owed_by": "system", "every": "30m"}, "needs an audience"),
        (
            {"kind": "team_status", "owed_by": "person", "every": "5m", "remind_before": "5m", "missed": "pm"},
            "shorter than every",
        ),
    ],
)
def test_an_obligation_that_nobody_could_keep_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ClocksFile.model_validate({"clocks": [{"id": "x", "name": "X", "obligations": [change]}]})


def test_two_rules_of_one_id_are_refused() -> None:
    rule = {"id": "same", "first": "pm"}
    with pytest.raises(ValidationError, match="'same' twice"):
        _routing(rule, rule)
