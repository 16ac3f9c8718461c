import json
from datetime import UTC, datetime
from typing import Any

import pytest

from libs.common.events.base import Severity
from tests.unit.intake.support import integration, only, read, sample


def a_body(**alert: Any) -> dict[str, Any]:
    labels = {"alertname": "Slow"}
    return {"version": "4", "alerts": [{"status": "firing", "fingerprint": "f1", "labels": labels, **alert}]}


def test_each_alert_of_a_body_becomes_a_trigger_with_its_own_status() -> None:
    reading = read("alertmanager", sample("alertmanager/mixed"))
    assert [(t.dedup_key, t.status, t.severity) for t in reading.triggers] == [
        ("a4c1e2d3b5f60701", "firing", "critical"),
        ("a4c1e2d3b5f60702", "resolved", "warning"),
        ("a4c1e2d3b5f60703", "firing", "critical"),
    ]


def test_a_trigger_tells_what_its_labels_and_annotations_say() -> None:
    trigger = only(read("alertmanager", sample("alertmanager/firing")))
    assert trigger.kind == "telemetry"
    assert trigger.title == "Disk of store-1 is 96 % full"
    assert trigger.description == "At this rate it is full in 40 minutes."
    assert trigger.service == "documents"
    assert trigger.tenants == ("northwind", "fabrikam")
    assert trigger.started_at == datetime(2026, 3, 4, 8, 11, 7, 250_000, UTC)
    assert trigger.ended_at is None
    assert [link.text for link in trigger.links] == ["Source", "Runbook", "Dashboard", "Alertmanager"]
    assert trigger.labels["instance"] == "store-1.example.org:9100"


def test_a_resolve_has_the_dedup_key_of_the_alarm_and_says_when_it_ended() -> None:
    alarm = only(read("alertmanager", sample("alertmanager/firing")))
    resolve = only(read("alertmanager", sample("alertmanager/resolved")))
    assert resolve.dedup_key == alarm.dedup_key
    assert resolve.status == "resolved"
    assert resolve.ended_at == datetime(2026, 3, 4, 8, 52, 30, tzinfo=UTC)


def test_the_group_names_the_firing_alerts_of_the_same_body_only() -> None:
    reading = read("alertmanager", sample("alertmanager/mixed"))
    for trigger in reading.triggers:
        assert trigger.group is not None
        assert trigger.group.key == '{}:{alertname="DiskAlmostFull"}'
        assert trigger.group.siblings == ("a4c1e2d3b5f60701", "a4c1e2d3b5f60703")


def test_a_large_group_names_a_bounded_number_of_siblings_and_always_the_alert_itself() -> None:
    alerts = [{"status": "firing", "fingerprint": f"f{number}", "labels": {}} for number in range(300)]
    reading = read("alertmanager", {"alerts": alerts})
    assert len(reading.triggers) == 300
    for trigger in reading.triggers:
        assert trigger.group is not None
        assert len(trigger.group.siblings) == 100
        assert trigger.dedup_key in trigger.group.siblings
        assert "f0" in trigger.group.siblings


def test_an_old_sender_without_fingerprints_gets_a_key_from_its_labels() -> None:
    trigger = only(read("alertmanager", sample("alertmanager/without_fingerprint")))
    body = json.loads(sample("alertmanager/without_fingerprint"))
    body["alerts"][0]["labels"] = dict(reversed(body["alerts"][0]["labels"].items()))
    body["alerts"][0]["status"] = "resolved"
    again = only(read("alertmanager", body))
    assert trigger.dedup_key == again.dedup_key
    assert trigger.dedup_key.startswith("labels-")
    assert trigger.started_at == datetime(2017, 5, 9, 7, 2, 11, 500_000, UTC)
    body["alerts"][0]["labels"]["instance"] = "another"
    assert only(read("alertmanager", body)).dedup_key != trigger.dedup_key


def test_a_body_without_alerts_is_understood_and_opens_nothing() -> None:
    reading = read("alertmanager", sample("alertmanager/empty_group"))
    assert not reading.triggers
    assert not reading.refusals
    assert not reading.refused


def test_one_broken_alert_does_not_take_its_neighbours_along() -> None:
    reading = read("alertmanager", sample("alertmanager/one_of_three_broken"))
    assert [trigger.dedup_key for trigger in reading.triggers] == ["a4c1e2d3b5f60701", "a4c1e2d3b5f60703"]
    (refusal,) = reading.refusals
    assert (refusal.reason, refusal.pointer) == ("invalid-field", "#/alerts/1/labels")
    assert not reading.refused


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "critical"),
        ("PAGE", "critical"),
        ("error", "error"),
        (" warning ", "warning"),
        ("info", "info"),
        ("none", "info"),
        ("bananas", "critical"),
        (None, "critical"),
    ],
)
def test_severity_words_are_understood_and_an_unknown_one_is_taken_for_the_worst(
    word: str | None, severity: Severity
) -> None:
    labels = {"alertname": "Slow"} if word is None else {"alertname": "Slow", "severity": word}
    assert only(read("alertmanager", a_body(labels=labels))).severity == severity


def test_the_service_comes_from_the_labels_that_the_integration_names() -> None:
    labels = {"app": "checkout-api", "job": "node", "team": "blue"}
    assert only(read("alertmanager", a_body(labels=labels))).service == "node"
    options = {"service_label": ["app", "job"], "services": {"checkout-api": "checkout"}, "tenant_label": "team"}
    trigger = only(read("alertmanager", a_body(labels=labels), integration("alertmanager", options=options)))
    assert trigger.service == "checkout"
    assert trigger.tenants == ("blue",)


def test_the_title_is_the_summary_else_the_alerts_name_else_its_key() -> None:
    assert only(read("alertmanager", a_body(annotations={"summary": "It is slow"}))).title == "It is slow"
    assert only(read("alertmanager", a_body(annotations={"summary": " "}))).title == "Slow"
    assert only(read("alertmanager", a_body(labels={}))).title == "f1"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "yesterday", "", None])
def test_the_zero_time_and_what_is_no_time_count_as_none_and_the_alert_still_counts(time: str | None) -> None:
    assert only(read("alertmanager", a_body(startsAt=time))).started_at is None


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    trigger = only(read("alertmanager", a_body(generatorURL="javascript:alert(1)")))
    assert trigger.links == ()


def test_texts_that_postgresql_cannot_hold_are_made_harmless() -> None:
    trigger = only(read("alertmanager", a_body(annotations={"summary": "a\x00b"}, labels={"x\x00": "y\x00"})))
    assert trigger.title == "a␀b"
    assert trigger.labels == {"x␀": "y␀"}


def test_huge_labels_are_cut() -> None:
    labels = {f"l{number}": "v" * 5000 for number in range(500)}
    trigger = only(read("alertmanager", a_body(labels=labels, fingerprint="f" * 900)))
    assert len(trigger.labels) == 100
    assert max(map(len, trigger.labels.values())) == 1000
    assert trigger.dedup_key.startswith("sha256-")


@pytest.mark.parametrize(
    ("body", "reason", "pointer", "unreadable"),
    [
        (b"", "empty-body", "#", True),
        (b'{"alerts": [', "invalid-json", "#", True),
        (b"\xff{}", "invalid-encoding", "#", True),
        (b"[" * 4000, "too-deep", "#", True),
        (b'{"alerts": [NaN]}', "invalid-json", "#", True),
        (b"[]", "wrong-shape", "#", False),
        (b"{}", "missing-field", "#/alerts", False),
        (b'{"alerts": {}}', "invalid-field", "#/alerts", False),
        (b'{"version": "1", "alerts": []}', "other-version", "#/version", False),
        (b'{"alerts": [{"status": "firing"}]}', "missing-field", "#/alerts/0", False),
        (b'{"alerts": [{"fingerprint": "f"}]}', "missing-field", "#/alerts/0/status", False),
        (b'{"alerts": [{"fingerprint": "f", "status": "on"}]}', "invalid-field", "#/alerts/0/status", False),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_reason_and_place(
    body: bytes, reason: str, pointer: str, unreadable: bool
) -> None:
    reading = read("alertmanager", body)
    assert reading.refused
    assert (reading.refusals[0].reason, reading.refusals[0].pointer) == (reason, pointer)
    assert reading.unreadable is unreadable
