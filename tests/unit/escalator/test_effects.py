"""What a change of routing, ladders or clocks does to people is told in sentences."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from services.escalator.domain.conditions import Described
from services.escalator.domain.effects import effects
from services.escalator.domain.policies import ClocksFile, LaddersFile, Policies, RoutingFile
from tests.unit.escalator.builders import OPENED, policies, shipped

Change = Callable[[Any, Any, Any], None]
"""Changes the rules, the shipped ladder, and the promises of the shipped clocks."""


def changed(change: Change) -> Policies:
    routing, ladders, clocks = (deepcopy(shipped(name)) for name in ("routing", "ladders", "clocks"))
    change(routing["routing"], ladders["ladders"][0], clocks["clocks"][0])
    return Policies(
        routing=RoutingFile.model_validate(routing).routing,
        ladders=LaddersFile.model_validate(ladders).ladders,
        clocks=ClocksFile.model_validate(clocks).clocks,
    )


def told(change: Change, *seen: Described) -> list[str]:
    return effects(policies(), changed(change), seen, OPENED)


def rule(when: dict[str, Any], first: str = "team:platform") -> Change:
    route = {"id": "new", "name": "New", "when": when, "first": [first], "ladder": "standard", "clocks": "standard"}
    return lambda routing, _ladder, _clocks: routing["rules"].insert(0, route)


def test_nothing_changed_says_nothing() -> None:
    assert told(lambda *_: None, Described("telemetry", service="checkout")) == []


def test_a_rule_for_a_tenant_says_so_for_each_kind() -> None:
    assert told(rule({"tenant": "acme"})) == [
        "A telemetry alarm of acme: goes to team:platform instead of on-shift (rule new instead of telemetry).",
        "A scheduled maintenance of acme: goes to team:platform instead of maintenance-team (rule new instead of maintenance).",
        "A ticket of acme: goes to team:platform instead of role:helpdesk (rule new instead of ticket).",
        "A provider's notice of acme: goes to team:platform instead of role:devops (rule new instead of provider).",
        "A tool owner's notice of acme: goes to team:platform instead of tool-pm (rule new instead of tool).",
    ]


def test_what_changes_alike_is_told_once_and_counted() -> None:
    assert told(rule({"kind": "telemetry", "service": ["a", "b", "c", "d", "e"]})) == [
        "A telemetry alarm for a, a telemetry alarm for b, a telemetry alarm for c and 2 more: goes to team:platform instead of on-shift (rule new instead of telemetry)."
    ]


def test_a_rule_for_some_times_names_one_of_them() -> None:
    (sentence,) = told(rule({"kind": "telemetry", "during": {"days": "sa-su", "zone": "Europe/Berlin"}}))
    assert sentence.endswith("(rule new instead of telemetry) (as on Fri 2026-06-05 22:00 UTC).")


def test_a_rule_on_content_is_tried_on_what_it_asks_and_on_what_happened() -> None:
    change = rule({"title": {"matches": "5[0-9]{2}"}})
    assert told(change) == []
    (sentence,) = told(change, Described("telemetry", service="checkout", title="Checkout answers 503"))
    assert sentence.startswith("A telemetry alarm for checkout with “Checkout answers 503”: goes to team:platform")
    assert told(rule({"kind": "ticket", "title": {"contains": "invoice"}}))[0].startswith(
        "A ticket with “invoice”: goes"
    )


def test_a_rule_that_leads_where_the_other_did_changes_nothing_for_people() -> None:
    assert told(rule({"kind": "ticket"}, first="role:helpdesk")) == []


def _faster(_routing: Any, ladder: Any, _clocks: Any) -> None:
    ladder["rungs"][1]["after"] = "2m"
    ladder["rungs"][2]["roles"] = ["role:devops"]
    del ladder["rungs"][4:]
    ladder["repeat"] = None


def test_a_changed_ladder_says_which_rungs_come_when_and_to_whom() -> None:
    assert told(_faster) == [
        "Ladder standard: rung 2 (Responsible for the service) comes 2 minutes after the opening instead of 5 minutes after the opening.",
        "Ladder standard: rung 3 (Project manager) comes 12 minutes after the opening instead of 15 minutes after the opening.",
        "Ladder standard: rung 3 (Project manager) goes to role:devops instead of pm.",
        "Ladder standard: rung 4 (DevOps and Helpdesk) comes 22 minutes after the opening instead of 25 minutes after the opening.",
        "Ladder standard: rung 5 (CAO and Head of Engineering) is gone.",
        "Ladder standard: rung 6 (COO and CTO) is gone.",
        "Ladder standard: unanswered at the top it does not start over; until now it starts over after 30 minutes, 3 times.",
    ]


@pytest.mark.parametrize(
    ("place", "change", "sentence"),
    [
        (0, {"remind_before": "10m"}, "the team status has its reminder 10 minutes before instead of 5 minutes before"),
        (0, {"missed": ["pm"]}, "the team status goes to pm when missed instead of pm and role:helpdesk when missed"),
        (1, {"every": "20m"}, "the client update comes every 20 minutes instead of every 30 minutes"),
        (2, {"audience": ["pm"]}, "the tenant status goes to pm instead of tenant-contacts"),
        (2, None, "the tenant status is no longer promised"),
    ],
)
def test_a_changed_promise_says_what_comes_when_and_to_whom(place: int, change: Any, sentence: str) -> None:
    def turn(_routing: Any, _ladder: Any, clocks: Any) -> None:
        if change is None:
            del clocks["obligations"][place]
        else:
            clocks["obligations"][place] |= change

    assert told(turn) == [f"Clocks standard: {sentence}."]
