"""What senders post in other charsets, other wrappings and other languages, and from templates of their administrators."""

import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from services.intake.domain.trigger import ParsedTrigger
from tests.unit.intake.support import integration, only, read

TITLE = "Freigaben stehen in Zürich still"
GROUP = {
    "version": "4",
    "status": "firing",
    "alerts": [{"status": "firing", "labels": {"alertname": TITLE}, "fingerprint": "f1"}],
}
TEXT = json.dumps(GROUP, ensure_ascii=False)
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"\xef\xbb\xbf" + TEXT.encode()),
        ("application/json", TEXT.encode("utf-16")),
        ("application/json", TEXT.encode("utf-32")),
        ("application/json", TEXT.encode("utf-16-le")),
        ("application/json", TEXT.encode("utf-16-be")),
        ("application/json", TEXT.encode("utf-32-be")),
        ("application/json; charset=UTF-16", TEXT.encode("utf-16")),
        ("application/json; charset=iso-8859-1", TEXT.encode("latin-1")),
        ('text/plain; charset="Windows-1252"', TEXT.encode("cp1252")),
        ("application/json; charset=iso-8859-1", TEXT.encode()),
        ("application/json; charset=no-such-thing", TEXT.encode()),
        ("application/json", gzip.compress(TEXT.encode(), mtime=0)),
    ],
)
def test_a_body_in_another_charset_says_what_it_says_in_utf_8(content_type: str, body: bytes) -> None:
    assert only(read("alertmanager", body, content_type=content_type)).title == TITLE


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", TEXT.encode("latin-1")),
        ("application/json", b"\xff\x00"),
        ("application/json", b"\x00\xff"),
        ("application/json; charset=unicode_escape", TEXT.encode("latin-1")),
        ("application/json; charset=utf-16", b"\xff\xfe{"),
    ],
)
def test_a_body_of_which_nobody_says_what_it_is_written_in_is_refused(content_type: str, body: bytes) -> None:
    reading = read("alertmanager", body, content_type=content_type)
    assert [refusal.reason for refusal in reading.refusals] == ["invalid-encoding"]
    assert reading.unreadable


@pytest.mark.parametrize("common", ["commonLabels", "groupLabels"])
def test_an_alert_of_grafana_that_says_nothing_of_itself_is_called_like_its_group(common: str) -> None:
    alert = {"status": "firing", "labels": {"shard": "3"}, "fingerprint": "f1"}
    body = {"status": "firing", "alerts": [alert], common: {"alertname": "Stuck"}, "title": "[FIRING:1] Stuck (3)"}
    assert only(read("grafana", body)).title == "Stuck"


@pytest.mark.parametrize("said", ["Recovered", "Warn Recovered", "No Data Recovered", "recovered"])
def test_whatever_recovers_in_datadog_is_over(said: str) -> None:
    for body in (
        {"title": f"[{said}] CPU", "alert_cycle_key": "7"},
        {"title": "CPU", "alert_transition": said, "alert_cycle_key": "7"},
    ):
        assert only(read("datadog", body)).status == "resolved"


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("datadog", {"alert_id": "7", "alert_scope": "host:a", "title": "[Triggered] CPU", "alert_transition": "Triggered"}),
        ("zendesk", {"ticket_id": "7", "ticket_title": "Stuck", "ticket_priority": "Urgent", "ticket_status": "Open"}),
        ("freshdesk", {"ticket_id": "7", "ticket_subject": "Stuck", "ticket_priority": "Urgent", "ticket_status": "Open"}),
        ("site24x7", {"MONITOR_ID": "7", "MONITORNAME": "Stuck", "STATUS": "DOWN"}),
        ("site24x7", {"monitor_id": "7", "MonitorName": "Stuck", "status": "Down"}),
    ],
)  # fmt: skip
def test_a_sender_may_post_a_form(source: str, fields: dict[str, str]) -> None:
    posted = only(read(source, urlencode(fields).encode(), content_type=FORM))
    assert posted.status == "firing"
    assert posted == only(read(source, fields))


@pytest.mark.parametrize(("state", "status"), [("alerting", "firing"), ("OK", "resolved")])
def test_zabbix_may_be_told_of_by_a_script_that_was_written_for_grafana_oncall(state: str, status: str) -> None:
    body = {"alert_uid": "u1", "title": "Stuck", "state": state, "link_to_upstream_details": "https://zabbix.example"}
    trigger = only(read("zabbix", body))
    assert (trigger.status, trigger.dedup_key, trigger.title) == (status, "u1", "Stuck")
    assert [link.href for link in trigger.links] == ["https://zabbix.example"]


def test_the_test_of_a_graylog_before_version_3_opens_nothing() -> None:
    result = {"result_description": "Dummy alert to test notifications", "triggered_condition": None, "triggered": True}
    assert read("graylog", {"check_result": result, "stream": {"id": "s", "title": "Orders"}}).only_a_test


def test_an_old_incident_of_new_relic_without_an_account_is_known_by_its_id() -> None:
    body = {"incident_id": 1234, "current_state": "open", "condition_name": "Stuck", "details": "CPU"}
    assert only(read("newrelic", body)).dedup_key == "1234"


def zendesk(**said: Any) -> dict[str, Any]:
    return {"ticket_id": "7", "ticket_title": "Stuck", **{f"ticket_{name}": word for name, word in said.items()}}


def freshdesk(**said: Any) -> dict[str, Any]:
    return {"freshdesk_webhook": {"ticket_id": 7, "ticket_subject": "Stuck", **zendesk(**said)}}


def jira(**said: Any) -> dict[str, Any]:
    fields = {"summary": "Stuck", **{name: {"name": word} for name, word in said.items()}}
    return {"webhookEvent": "jira:issue_created", "issue": {"key": "HELP-7", "fields": fields}}


def servicenow(**said: Any) -> dict[str, Any]:
    return {"sys_id": "7", "number": "INC7", "short_description": "Stuck", "state": said.pop("status"), **said}


@pytest.mark.parametrize(
    ("source", "body", "status"),
    [
        ("zendesk", zendesk(priority="Dringend", status="Offen"), "firing"),
        ("zendesk", zendesk(priority="Urgente", status="Abierto"), "firing"),
        ("zendesk", zendesk(priority="Urgent", status="Résolu"), "resolved"),
        ("freshdesk", freshdesk(priority="Urgente", status="Aberto"), "firing"),
        ("freshdesk", freshdesk(priority="緊急", status="クローズ"), "resolved"),
        ("jira", jira(priority="Höchste", status="Offen"), "firing"),
        ("jira", jira(priority="Highest", status="Erledigt"), "resolved"),
        ("servicenow", servicenow(priority="1 - Kritisch", status="1 - Neu"), "firing"),
        ("servicenow", servicenow(priority="1 - Critique", status="6 - Résolu"), "resolved"),
        ("servicenow", servicenow(priority="1 – Crítico", status="Cerrado"), "resolved"),
    ],
)
def test_a_helpdesk_may_speak_another_language(source: str, body: dict[str, Any], status: str) -> None:
    assert only(read(source, body)).status == status


def test_what_an_integration_calls_p1_is_all_that_it_calls_so() -> None:
    mine = integration("zendesk", None, {"p1": ["Hoch"]})
    assert only(read("zendesk", zendesk(priority="hoch", status="Offen"), mine)).status == "firing"
    for other in ("Dringend", "Urgent", "1 - Kritisch"):
        reading = read("zendesk", zendesk(priority=other, status="Offen"), mine)
        assert [one.reason for one in reading.ignored] == ["not-p1"]


def test_an_automation_rule_of_jira_may_post_the_issue_alone_or_the_fields_of_its_own_choice() -> None:
    issue = {"key": "HELP-7", "self": "https://acme.atlassian.example/rest/api/3/issue/7"}
    document = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Since "}, {"type": "text", "text": "nine."}]},
        {"type": "bulletList", "content": [{"type": "listItem", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "invoices"}]}]}]},
    ]}  # fmt: skip
    fields = {"summary": "Stuck", "priority": {"name": "Highest"}, "description": document}
    alone = only(read("jira", {**issue, "fields": fields}))
    assert (alone.dedup_key, alone.title, alone.description) == ("HELP-7", "Stuck", "Since nine.\ninvoices")
    assert [link.href for link in alone.links] == ["https://acme.atlassian.example/browse/HELP-7"]
    flat = {
        "key": "HELP-7",
        "summary": "Stuck",
        "priority": "Highest",
        "status": "Closed",
        "url": "https://acme.example",
    }
    assert only(read("jira", {"issue": flat})).status == "resolved"


@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: {"records": [one]}, lambda one: {"result": [one]}])
def test_records_of_servicenow_may_come_in_a_list_each_with_values_and_words(wrap: Any) -> None:
    record = {"sys_id": {"display_value": "7", "value": "7"}, "number": {"display_value": "INC7", "value": "INC7"},
              "short_description": {"display_value": "Stuck", "value": "Stuck"},
              "priority": {"display_value": "1 - Critical", "value": "1"}, "state": {"display_value": "New", "value": "1"}}  # fmt: skip
    trigger: ParsedTrigger = only(read("servicenow", wrap(record)))
    assert (trigger.dedup_key, trigger.title, trigger.labels["ticket"]) == ("7", "Stuck", "INC7")


METRIC: dict[str, Any] = {"timestamp": "2026-03-02T09:00:00.1714014Z", "id": "/subscriptions/s/metricAlerts/queue", "name": "Queue",
    "condition": {"allOf": [{"metricName": "Length", "dimensions": [{"name": "Queue", "value": "approvals"}]}]},
    "resourceName": "bus", "resourceId": "/subscriptions/s/bus", "portalLink": "https://portal.azure.example/bus"}  # fmt: skip


@pytest.mark.parametrize(
    ("severity", "wrap"),
    [
        (None, lambda one: one),
        ("1", lambda one: {"schemaId": "AzureMonitorMetricAlert", "data": {"version": "2.0", "properties": None, **one}}),
    ],
)  # fmt: skip
def test_a_metric_alert_of_azure_without_the_common_schema_ends_under_its_key(severity: str | None, wrap: Any) -> None:
    context = {**METRIC, "severity": severity}
    fired = only(read("azure", wrap({"status": "Activated", "context": context})))
    ended = only(read("azure", wrap({"status": "Deactivated", "context": context})))
    assert (fired.status, fired.title, fired.service) == ("firing", "Queue", "bus")
    assert fired.severity == ("error" if severity else "critical")
    assert (ended.status, ended.dedup_key) == ("resolved", fired.dedup_key)
    measured = {"allOf": [{"dimensions": [{"name": "Queue", "value": "invoices"}]}]}
    other = only(read("azure", wrap({"status": "Activated", "context": {**context, "condition": measured}})))
    assert other.dedup_key != fired.dedup_key


@pytest.mark.parametrize(
    ("data", "title", "severity"),
    [
        ({"AlertRuleName": "Errors", "SearchQuery": "traces", "Severity": "2", "ApplicationId": "a"}, "Errors", "warning"),
        ({"BudgetName": "Year", "NotificationThresholdAmount": "0.8", "SpendingAmount": "80", "Budget": "100", "Unit": "EUR"},
         "Year: 80 of 100 EUR are spent", "info"),
        ({"status": "Activated", "operation": "Scale Out", "context": {"id": "/a", "resourceName": "web"}}, "Scale Out: web", "info"),
    ],
)  # fmt: skip
def test_other_alerts_of_azure_without_the_common_schema_fire(data: dict[str, Any], title: str, severity: str) -> None:
    for body in ({"schemaId": "its own", "data": data}, data):
        trigger = only(read("azure", body))
        assert (trigger.status, trigger.title, trigger.severity) == ("firing", title, severity)
