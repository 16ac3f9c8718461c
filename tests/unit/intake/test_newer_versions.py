"""Bodies of senders' versions that nobody here has seen: words spelt otherwise, fields that are null, of another type, or gone.

What is an alarm stays one, what ends one still does, and what nobody understands is refused, so that a person sees it: never passed over.
"""

import base64
import json
from typing import Any

import pytest

from services.intake.domain.trigger import Reading
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import integration, only, read

ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "Stuck", "service": "approvals"},
    "fingerprint": "f1",
}
LABELLED = pytest.mark.parametrize("source", ["alertmanager", "grafana"])


def group(*alerts: Any, **more: Any) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "groupKey": "g", "alerts": list(alerts), **more}


def reasons(reading: Reading) -> list[str]:
    return [one.reason for one in reading.refusals] + [one.reason for one in reading.ignored]


@LABELLED
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Firing", "firing"),
        (" FIRING ", "firing"),
        ("alerting", "firing"),
        ("Resolved", "resolved"),
        ("ok", "resolved"),
        ("Normal", "resolved"),
    ],
)
def test_a_status_counts_however_it_is_spelt(source: str, said: str, status: str) -> None:
    assert only(read(source, group({**ALERT, "status": said}, status=said))).status == status


@LABELLED
@pytest.mark.parametrize("said", ["partially firing", "", None, 7, ["firing"], {"value": "firing"}])
def test_what_a_group_says_of_itself_takes_no_alert_along(source: str, said: Any) -> None:
    assert only(read(source, group(ALERT, status=said))).status == "firing"
    assert only(read(source, group({**ALERT, "status": "resolved"}, status=said))).status == "resolved"


@LABELLED
@pytest.mark.parametrize("said", ["", None])
def test_an_alert_without_a_status_has_that_of_its_group(source: str, said: Any) -> None:
    assert only(read(source, group({**ALERT, "status": said}, status="Resolved"))).status == "resolved"


@LABELLED
def test_a_status_that_nobody_knows_is_refused_and_the_others_count(source: str) -> None:
    reading = read(source, group({**ALERT, "status": "suppressed"}, {**ALERT, "fingerprint": "f2"}))
    assert [one.dedup_key for one in reading.triggers] == ["f2"]
    assert reasons(reading) == ["invalid-field"]


@LABELLED
@pytest.mark.parametrize(
    "more",
    [
        {"annotations": None},
        {"annotations": "none"},
        {"annotations": {"summary": "x", "values": {"A": [1, None]}, "muted": False, "empty": None}},
        {"labels": {**ALERT["labels"], "canary": True, "zone": None, "shard": 3}},
        {"startsAt": None, "endsAt": "", "generatorURL": None, "valueString": ["x"], "orgId": 1},
        {"startsAt": "2 March 2026", "endsAt": 10**30},
    ],
)
def test_an_alert_with_odd_notes_is_still_an_alert(source: str, more: dict[str, Any]) -> None:
    trigger = only(read(source, group({**ALERT, **more})))
    assert (trigger.status, trigger.dedup_key, trigger.service) == ("firing", "f1", "approvals")


@pytest.mark.parametrize("name", ["TestAlert", "testalert", "TESTALERT"])
def test_grafanas_test_button_opens_nothing_however_it_is_spelt(name: str) -> None:
    test = {**ALERT, "labels": {"alertname": name, "instance": "Grafana", "grafana_folder": "Test Folder"}}
    assert read("grafana", group(test)).only_a_test


@pytest.mark.parametrize("kind", ["incident.triggered", "Incident.Triggered", "INCIDENT.TRIGGERED"])
def test_pagerdutys_word_for_an_event_counts_however_it_is_spelt(kind: str) -> None:
    body = {"event": {"event_type": kind, "data": {"id": "P1", "title": "Stuck"}}}
    assert only(read("pagerduty_webhook", body)).status == "firing"


@pytest.mark.parametrize("name", ["incidents", "scheduled_maintenances", "components"])
@pytest.mark.parametrize("value", [{}, {"0": {"id": "x", "status": "investigating"}}, "none", 0, False])
def test_a_status_page_whose_lists_are_none_is_not_taken_for_fine(name: str, value: Any) -> None:
    body = {"page": {"id": "p"}, "status": {"indicator": "none"}, "incidents": [], name: value}
    assert reasons(read("statuspage", body)) == ["wrong-shape"]


@pytest.mark.parametrize("field", ["eventTypeCategory", "statusCode", "actionability"])
@pytest.mark.parametrize("spelt", [str.upper, str.lower, str.title])
def test_words_of_aws_health_count_however_they_are_spelt(field: str, spelt: Any) -> None:
    said = {"eventTypeCategory": "scheduledChange", "statusCode": "closed", "actionability": "ACTION_REQUIRED"}
    example: dict[str, Any] = all_sources()["aws_health"].example  # type: ignore[assignment]
    plain, other = (
        only(read("aws_health", {**example, "detail": {**example["detail"], **words}}))
        for words in (said, {**said, field: spelt(said[field])})
    )
    assert (other.status, other.category, other.severity) == (plain.status, plain.category, plain.severity)


@pytest.mark.parametrize(
    "text",
    [
        [{"latestDescription": "[RESOLVED] All well."}],
        {"latestDescription": "[RESOLVED] All well."},
        "[RESOLVED] All well.",
    ],
)
def test_the_words_of_aws_health_count_in_whatever_form(text: Any) -> None:
    example: dict[str, Any] = all_sources()["aws_health"].example  # type: ignore[assignment]
    body = {**example, "detail": {**example["detail"], "eventDescription": text, "page": 1, "backupEvent": False}}
    assert only(read("aws_health", body)).status == "resolved"


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("sentry", {"action": "", "data": {"issue": {"id": "1", "title": "TimeoutError"}}}),
        ("sentry", {"data": {"issue": {"id": "1", "title": "TimeoutError"}}}),
        ("apprise", {"title": "The queue is stuck", "message": "x"}),
        ("apprise", {"title": "The queue is stuck", "message": "x", "type": None}),
        ("zendesk", {"detail": {"id": "1", "priority": "urgent", "status": "new"}}),
        ("zendesk", {"type": "", "detail": {"id": "1", "priority": "urgent", "status": "new"}}),
        ("uptime_kuma", {"heartbeat": None, "monitor": None, "msg": "The disk of the monitor itself is full"}),
        ("uptime_kuma", {"heartbeat": [], "monitor": {"name": "x"}, "msg": "Something of version 9"}),
    ],
)
def test_what_does_not_say_what_it_is_is_refused_and_not_passed_over(source: str, body: Any) -> None:
    reading = read(source, body)
    assert reading.refused
    assert reasons(reading)[0] in ("missing-field", "wrong-shape")


@pytest.mark.parametrize("name", ["id", "event_id"])
def test_zabbixs_test_button_opens_nothing_and_a_body_without_an_id_is_refused(name: str) -> None:
    body = {name: "{EVENT.ID}", "name": "{EVENT.NAME}", "status": "{EVENT.STATUS}", "severity": "{EVENT.SEVERITY}"}
    assert read("zabbix", body).only_a_test
    assert read("zabbix", {**body, name: "*UNKNOWN*", "name": "Queue is stuck"}).refused
    assert only(read("zabbix", {**body, name: "17", "name": "Queue is stuck"})).status == "firing"


@pytest.mark.parametrize("state", ["MAINTENANCE", "Suspended", "discovery"])
def test_what_site24x7_does_not_watch_opens_nothing(state: str) -> None:
    assert reasons(read("site24x7", {"STATUS": state, "MONITORNAME": "approvals", "MONITOR_ID": "1"})) == ["no-news"]


@pytest.mark.parametrize("kind", ["test-dummy-v1", "Test-Dummy-V2"])
def test_graylogs_test_notification_opens_nothing_however_it_is_spelt(kind: str) -> None:
    assert read("graylog", {"event_definition_type": kind, "event": {"message": "x"}}).only_a_test


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (
            "freshdesk",
            {"freshdesk_webhook": {"ticket_id": "1", "ticket_priority": "Urgent", "ticket_description": "{}"}},
        ),
        (
            "azure",
            {
                "data": {
                    "essentials": {"severity": "Sev4", "monitoringService": "ServiceHealth"},
                    "alertContext": {
                        "eventDataId": "1",
                        "properties": {"trackingId": "NA0F-BJG", "title": "Trouble", "communication": "{}"},
                    },
                }
            },
        ),
        (
            "freshstatus",
            {"id": "1", "description": "{}", "event_data": {"account_id": 1, "event_type": "INCIDENT_OPEN"}},
        ),
        (
            "statuspage",
            {
                "page": {"id": "p"},
                "incident": {"id": "1", "status": "identified", "incident_updates": [{"body": "{}"}]},
            },
        ),
    ],
)
@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ("<p>The queue &amp; its <b>workers</b> hang.</p><p>We look.</p>", "The queue & its workers hang.\nWe look."),
        ("Less than <10 of 20 answer,\nif a<b holds.", "Less than <10 of 20 answer,\nif a<b holds."),
    ],
)
def test_what_a_sender_says_in_html_is_read_as_words(source: str, body: Any, said: str, read_as: str) -> None:
    raw = json.dumps(body).replace("{}", json.dumps(said)[1:-1]).encode()
    assert only(read(source, raw)).description == read_as


def test_a_note_of_freshstatus_goes_to_what_it_is_about_whatever_is_mapped() -> None:
    options = {"components": {"Viewer": {"service": "proofing"}}}
    note = {
        "id": "9",
        "title": "Proofs cannot be opened",
        "message": "We look.",
        "incident_id": "5",
        "incident_status": "Open",
        "event_data": {"account_id": 2, "event_type": "INCIDENT_NOTE_CREATE"},
    }
    going_on = read("freshstatus", note, integration("freshstatus", None, options))
    assert not going_on.triggers
    assert [(one.dedup_key, one.note) for one in going_on.remarks] == [("2/5", "Open: We look.")]
    over = only(read("freshstatus", {**note, "incident_status": "Closed"}, integration("freshstatus", None, options)))
    assert (over.dedup_key, over.status, over.services) == ("2/5", "resolved", ())


@pytest.mark.parametrize("name", ["LinkToFilteredSearchResultsUI", "LinkToSearchResults"])
def test_a_log_alert_of_azures_first_version_leads_to_its_results(name: str) -> None:
    essentials = {"alertId": "a", "alertRule": "Errors", "severity": "Sev1", "monitoringService": "Log Analytics"}
    body = {"data": {"essentials": essentials, "alertContext": {name: "https://portal.azure.com/#search"}}}
    assert only(read("azure", body)).links[0].href == "https://portal.azure.com/#search"


def test_what_azures_smart_detection_saw_is_told() -> None:
    essentials = {"alertId": "a", "alertRule": "Latency", "severity": "Sev3", "monitoringService": "SmartDetector"}
    body = {"data": {"essentials": essentials, "alertContext": {"DetectionSummary": "Twice as slow as last week"}}}
    assert only(read("azure", body)).description == "Twice as slow as last week"


@pytest.mark.parametrize(
    ("body", "key", "severity"),
    [
        ({"monitor_id": "7", "scope": "host:a", "priority": "P2"}, "7/host:a", "error"),
        ({"cycle_key": "c1", "priority": "low"}, "c1", "critical"),
        (
            {"alert_id": 7, "alert_scope": "host:a", "alert_priority": "", "alert_type": "warning"},
            "7/host:a",
            "warning",
        ),
    ],
)
@pytest.mark.parametrize("tags", ["service:api,env:prod,flag", ["service:api", "env:prod"], {"service": "api"}])
def test_a_payload_of_datadog_that_somebody_else_wrote_is_read(
    body: dict[str, Any], key: str, severity: str, tags: Any
) -> None:
    fired = {"event_title": "[Triggered] Errors", "transition": "Triggered", "tags": tags, **body}
    trigger = only(read("datadog", fired))
    assert (trigger.dedup_key, trigger.severity, trigger.service) == (key, severity, "api")
    over = only(read("datadog", {**fired, "event_title": "[Recovered] Errors", "transition": "Recovered"}))
    assert (over.dedup_key, over.status) == (key, "resolved")


def test_an_event_of_graylog_is_told_from_another_group_of_its_definition() -> None:
    def event(**more: Any) -> dict[str, Any]:
        return {"event_definition_id": "d", "event": {"message": "Errors", "key": None, "key_tuple": [], **more}}

    keys = [
        only(read("graylog", event(group_by_fields={"host": "a", "app": "x"}))).dedup_key,
        only(read("graylog", event(group_by_fields={"host": "b", "app": "x"}))).dedup_key,
        only(read("graylog", event(group_by_fields={}))).dedup_key,
        only(read("graylog", event(key="k", group_by_fields={"host": "a"}))).dedup_key,
    ]
    assert keys == ["d/a/x", "d/b/x", "d", "d/k"]


def test_a_notification_of_google_that_pub_sub_pushes_is_read_as_the_webhooks() -> None:
    example = all_sources()["gcp"].example_body
    message = {"data": base64.b64encode(example).decode(), "messageId": "1"}
    pushed = read("gcp", {"message": message, "subscription": "projects/p/subscriptions/tocsin"})
    assert only(pushed) == only(read("gcp", example))
    assert reasons(read("gcp", {"message": {"data": "not base64!"}})) == ["invalid-field"]


@LABELLED
def test_a_rule_whose_data_source_does_not_answer_is_named(source: str) -> None:
    labels = {"alertname": "DatasourceError", "rulename": "Queue stuck", "service": "approvals"}
    assert only(read(source, group({**ALERT, "labels": labels}))).title == "Queue stuck: DatasourceError"


@pytest.mark.parametrize("words", ["will expire in 7 days", "will be expired in 1 day"])
def test_uptime_kumas_notice_of_a_certificate_is_one_warning_from_day_to_day(words: str) -> None:
    notice = f"[Approvals][https://a.example.org] server certificate a.example.org {words}"
    trigger = only(read("uptime_kuma", {"heartbeat": None, "monitor": None, "msg": notice}))
    tomorrow = only(
        read("uptime_kuma", {"heartbeat": None, "monitor": None, "msg": notice.replace(words, "will expire in 6 days")})
    )
    assert (trigger.status, trigger.severity, trigger.dedup_key) == ("firing", "warning", tomorrow.dedup_key)


@pytest.mark.parametrize("tags", [["tier:1", "eu"], "tier:1, eu"])
def test_the_tags_of_site24x7_may_be_an_array(tags: Any) -> None:
    body = {"STATUS": "DOWN", "MONITORNAME": "approvals", "MONITORID": 204, "TAGS": tags}
    trigger = only(read("site24x7", body))
    assert (trigger.dedup_key, trigger.labels["tags"]) == ("204", "tier:1, eu")
