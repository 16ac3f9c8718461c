"""Amazon's events, right from EventBridge or in the envelope of SNS, at either of the two addresses."""

import json
from typing import Any

import pytest

from services.intake.sources.registry import all_sources
from tests.unit.intake.support import integration, only, read, samples_of

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
ARN = "arn:aws:health:eu-west-1::event/RDS/AWS_RDS_MAINTENANCE_SCHEDULED/AWS_RDS_MAINTENANCE_SCHEDULED_1"
PLANNED = json.loads(samples_of("aws_health")["through_sns_planned"])
ALARM = json.loads(samples_of("cloudwatch")["eventbridge_metric"])


def changed(message: dict[str, Any], **detail: Any) -> dict[str, Any]:
    """The event of an envelope with other details, without its envelope."""
    event: dict[str, Any] = json.loads(message["Message"])
    return {**event, "detail": {**event["detail"], **detail}}


@pytest.mark.parametrize("source", ["aws_health", "cloudwatch"])
@pytest.mark.parametrize("kind", [None, "telemetry", "provider"])
def test_an_event_of_aws_health_is_the_providers_with_state_region_window_and_id(source: str, kind: Any) -> None:
    options = {"components": {"RDS + eu-*": {"service": "approvals", "tenants": ["lumen"]}}, "topics": [TOPIC]}
    trigger = only(read(source, PLANNED, integration(source, kind, options)))
    assert (trigger.kind, trigger.provider, trigger.category) == ("provider", "aws", "maintenance")
    assert (trigger.dedup_key, trigger.service, trigger.tenants) == (ARN, "approvals", ("lumen",))
    assert trigger.window is not None
    assert (f"{trigger.window.starts_at:%d %H:%M}", f"{trigger.window.ends_at:%d %H:%M}") == ("07 22:00", "08 01:00")
    told = {"region": "eu-west-1", "state": "upcoming", "incident_id": ARN, "account": "123456789012"}
    assert told.items() <= trigger.labels.items()


@pytest.mark.parametrize("source", ["aws_health", "cloudwatch"])
def test_what_concerns_none_of_our_parts_of_aws_opens_nothing(source: str) -> None:
    options = {"components": {"EC2": {"service": "approvals"}}}
    assert [one.reason for one in read(source, PLANNED, integration(source, None, options)).ignored] == ["not-mapped"]


def test_an_event_is_the_same_however_it_comes() -> None:
    wrapped, bare = read("aws_health", PLANNED), read("aws_health", changed(PLANNED))
    assert wrapped.triggers == bare.triggers
    assert len(bare.triggers) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PLANNED | {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:theirs"}, "invalid-field"),
        (changed(PLANNED), "wrong-shape"),
        (PLANNED | {"Message": "Your topic works."}, "wrong-shape"),
        (PLANNED | {"Message": '{"source": "aws.health"}'}, "wrong-shape"),
        (PLANNED | {"Message": '{"source": "aws.health", "detail": {"eventArn": null}}'}, "missing-field"),
    ],
)
def test_what_another_topic_sends_or_nobody_can_read_is_refused(body: dict[str, Any], reason: str) -> None:
    found = read("aws_health", body, integration("aws_health", None, {"topics": [TOPIC]}))
    assert [one.reason for one in found.refusals] == [reason]
    assert found.refused


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_the_steps_of_the_handshake_open_nothing(kind: str) -> None:
    body = {"Type": kind, "TopicArn": TOPIC, "Message": "You have chosen …", "Token": "t"}
    for source in ("aws_health", "cloudwatch"):
        assert read(source, body, integration(source, None, {"topics": [TOPIC]})).only_a_test
        assert read(source, body).refused is (kind == "SubscriptionConfirmation"), "of a topic that nobody named"


@pytest.mark.parametrize(
    ("state", "option", "status", "severity"),
    [
        ("ALARM", "warning", "firing", "critical"),
        ("alarm", "warning", "firing", "critical"),
        ("OK", "warning", "resolved", "critical"),
        ("INSUFFICIENT_DATA", "warning", "firing", "warning"),
        ("INSUFFICIENT_DATA", "resolve", "resolved", "warning"),
        ("A state of tomorrow", "warning", "firing", "critical"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_change_of_an_alarms_state_counts_as_the_alarm_itself_does(
    state: str, option: str, status: str, severity: str, *, wrapped: bool
) -> None:
    event = changed(ALARM, state={"value": state, "reason": "Over.", "timestamp": "2026-03-02T09:14:40.989+0000"})
    body = ALARM | {"Message": json.dumps(event)} if wrapped else event
    trigger = only(read("cloudwatch", body, integration("cloudwatch", None, {"insufficient_data": option})))
    assert (trigger.status, trigger.severity, trigger.kind) == (status, severity, "telemetry")
    assert trigger.dedup_key == "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:ServerCpuTooHigh"
    assert (trigger.service, trigger.labels["metric"]) == ("i-12345678901234567", "CPUUtilization")


def test_missing_data_of_a_state_change_are_passed_over_where_the_option_says_so() -> None:
    event = changed(ALARM, state={"value": "INSUFFICIENT_DATA"})
    found = read("cloudwatch", event, integration("cloudwatch", None, {"insufficient_data": "ignore"}))
    assert [one.reason for one in found.ignored] == ["no-news"]


def test_both_pages_tell_how_topics_are_named() -> None:
    for source in ("aws_health", "cloudwatch"):
        assert "`topics`" in all_sources()[source].docs
