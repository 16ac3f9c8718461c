from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.sources.native_page import EXAMPLES
from tests.unit.intake.support import integration, only, read


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_the_example_of_each_kind_becomes_a_trigger_of_that_kind(kind: str) -> None:
    trigger = only(read("native", EXAMPLES[kind]))
    assert (trigger.kind, trigger.status, trigger.title) == (kind, "firing", EXAMPLES[kind]["title"])


def test_a_maintenance_has_its_window_team_services_and_tenants() -> None:
    trigger = only(read("native", EXAMPLES["maintenance"]))
    assert trigger.dedup_key == "CHG-7731"
    assert trigger.assigned_team == "platform"
    assert trigger.window is not None
    assert trigger.window.starts_at == datetime(2026, 3, 7, 22, tzinfo=UTC)
    assert trigger.window.ends_at == datetime(2026, 3, 8, 1, tzinfo=UTC)
    assert (trigger.service, trigger.services) == ("documents", ("documents", "search"))
    assert trigger.tenants == ("northwind", "fabrikam")


def test_a_p1_ticket_opens_under_the_tickets_own_id() -> None:
    trigger = only(read("native", EXAMPLES["ticket"]))
    assert trigger.dedup_key == "HD-20418"
    assert trigger.reporter == "Ines Duarte"
    assert [link.href for link in trigger.links] == ["https://helpdesk.example.org/tickets/20418"]


@pytest.mark.parametrize(("kind", "field"), [("ticket", "ticket"), ("maintenance", "maintenance_id")])
def test_what_is_called_id_is_the_id(kind: str, field: str) -> None:
    body = {name: value for name, value in EXAMPLES[kind].items() if name not in (field, "dedup_key")}
    assert only(read("native", {**body, "id": 4711})).dedup_key == "4711"


def test_a_ticket_below_p1_is_understood_and_opens_nothing() -> None:
    reading = read("native", {**EXAMPLES["ticket"], "priority": "P3"})
    assert not reading.triggers
    assert not reading.refusals
    assert [(ignored.reason, ignored.pointer) for ignored in reading.ignored] == [("not-p1", "#/priority")]
    assert "HD-20418 has priority P3" in reading.ignored[0].detail


def test_the_resolve_of_a_ticket_counts_whatever_its_priority_is_now() -> None:
    assert only(read("native", {**EXAMPLES["ticket"], "priority": "P3", "status": "resolved"})).status == "resolved"


def test_a_providers_incident_is_known_by_provider_and_its_own_id() -> None:
    trigger = only(read("native", EXAMPLES["provider"]))
    assert (trigger.provider, trigger.dedup_key) == ("azure", "azure:9VTC-HZ8")
    assert trigger.labels == {"region": "West Europe", "incident_id": "9VTC-HZ8"}


def test_a_tool_that_is_up_again_resolves_what_its_owner_announced() -> None:
    announced = only(read("native", EXAMPLES["tool"]))
    up = only(read("native", {"kind": "tool", "tool": "sap", "state": "up"}))
    assert (up.status, up.dedup_key) == ("resolved", announced.dedup_key)


def test_an_array_becomes_one_trigger_for_each_element_in_its_order() -> None:
    reading = read("native", list(EXAMPLES.values()))
    assert [trigger.kind for trigger in reading.triggers] == list(EXAMPLES)


def test_elements_of_one_group_name_each_other() -> None:
    first = {**EXAMPLES["telemetry"], "dedup_key": "a", "group": "north"}
    reading = read("native", [first, {**first, "dedup_key": "b"}, {**first, "dedup_key": "c", "group": "south"}])
    groups = [trigger.group for trigger in reading.triggers]
    assert [group and group.siblings for group in groups] == [("a", "b"), ("a", "b"), ("c",)]


def test_one_broken_element_does_not_take_its_neighbours_along() -> None:
    reading = read("native", [EXAMPLES["tool"], {"kind": "provider", "title": "Down"}, EXAMPLES["ticket"]])
    assert [trigger.kind for trigger in reading.triggers] == ["tool", "ticket"]
    assert [(refusal.reason, refusal.pointer) for refusal in reading.refusals] == [("missing-field", "#/1/provider")]


def test_the_integrations_kind_counts_where_the_body_names_none() -> None:
    body = {name: value for name, value in EXAMPLES["ticket"].items() if name != "kind"}
    assert only(read("native", body, integration("native", "ticket"))).kind == "ticket"
    assert read("native", body).refusals[0].pointer == "#/kind"


def test_an_integration_may_be_held_to_some_kinds() -> None:
    helpdesk = integration("native", "ticket", {"only": ["ticket"]})
    assert only(read("native", EXAMPLES["ticket"], helpdesk)).kind == "ticket"
    assert read("native", EXAMPLES["tool"], helpdesk).refusals[0].reason == "kind-not-allowed"


def test_without_a_key_the_same_words_mean_the_same_thing() -> None:
    body = {"kind": "telemetry", "title": "Queue stuck", "service": "approvals"}
    first = only(read("native", body))
    resolved = only(read("native", {**body, "status": "resolved", "description": "it moves"}))
    assert resolved.dedup_key == first.dedup_key
    assert only(read("native", {**body, "service": "search"})).dedup_key != first.dedup_key


def test_severity_words_of_other_tools_are_understood() -> None:
    assert only(read("native", {**EXAMPLES["telemetry"], "severity": "page"})).severity == "critical"
    assert only(read("native", {**EXAMPLES["telemetry"], "severity": "warn"})).severity == "warning"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"title": ""}, "#"),
        ({"severity": "purple"}, "#/severity"),
        ({"status": "maybe"}, "#/status"),
        ({"kind": "weather"}, "#/kind"),
        ({"links": [{}]}, "#/links/0/href"),
        ({"labels": {"a/b": []}}, "#/labels/a~1b"),
        ({"started_at": "2026-03-04 08:00"}, "#/started_at"),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, "#/started_at"),
        ({"kind": "maintenance", "assigned_team": "x", "window": {"starts_at": "x"}}, "#/window/starts_at"),
        ({"kind": "tool", "tool": "sap", "state": "will_be_down"}, "#"),
        ({"kind": "tool", "tool": "sap", "state": "gone"}, "#/state"),
    ],
)
def test_a_wrong_field_is_named_by_its_place(changes: dict[str, Any], pointer: str) -> None:
    reading = read("native", {**EXAMPLES["telemetry"], **changes})
    assert reading.refused
    assert [refusal.pointer for refusal in reading.refusals] == [pointer]


@pytest.mark.parametrize("body", [b"1", b'"x"', b"null", b"[1]"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert read("native", body).refusals[0].reason == "wrong-shape"


def test_an_integration_says_itself_which_priorities_open_an_incident() -> None:
    helpdesk = integration("native", "ticket", {"p1": ["Sev A"]})
    assert only(read("native", {**EXAMPLES["ticket"], "priority": "sev a"}, helpdesk)).kind == "ticket"
    assert read("native", EXAMPLES["ticket"], helpdesk).ignored[0].reason == "not-p1"
