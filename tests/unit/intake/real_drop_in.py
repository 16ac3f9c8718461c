"""The expectations of :mod:`real_bodies` for PagerDuty, Opsgenie and Slack."""

from typing import Any, Final

from tests.unit.intake.real_expectations import CRITICAL, ERROR, FIRING, RESOLVED, WARNING, Expected

__all__ = ["DROP_IN", "REMARKS"]

EVENT: Expected = {"key": "dedup_key", "title": "payload.summary"}
INCIDENT = "messages[1].data.incident"

DROP_IN: Final[dict[str, Any]] = {
    "pagerduty/events_v2_trigger.json": [
        {
            **EVENT,
            "status": FIRING,
            "severity": CRITICAL,
            "service": "payload.component",
            "link": "links[0].href",
        }
    ],
    "pagerduty/events_v2_trigger_alertmanager.json": [
        {**EVENT, "status": FIRING, "severity": ERROR, "service": "payload.component", "link": "links[0].href"}
    ],
    "pagerduty/events_v2_trigger_uptime_kuma.json": [
        {**EVENT, "status": FIRING, "severity": CRITICAL, "service": "payload.source"}
    ],
    "pagerduty/events_v2_resolve_uptime_kuma.json": [{**EVENT, "status": RESOLVED, "service": "payload.source"}],
    "pagerduty/events_v2_resolve.json": [{"key": "dedup_key", "status": RESOLVED}],
    "pagerduty/events_v2_acknowledge.json": [],
    "pagerduty/events_v1_trigger.json": [
        {"key": "incident_key", "status": FIRING, "title": "description", "link": "client_url"}
    ],
    "pagerduty/change_event_pdjs.json": "change",
    "pagerduty/webhook_v1_ack_resolve.json": [
        {
            "key": f"{INCIDENT}.incident_key",
            "status": RESOLVED,
            "service": f"{INCIDENT}.service.name",
            "title": f"{INCIDENT}.trigger_summary_data.subject",
            "link": f"{INCIDENT}.html_url",
        }
    ],
    "pagerduty/webhook_v3_triggered.json": [
        {
            "key": "event.data.id",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "event.data.service.summary",
            "title": "event.data.title",
            "link": "event.data.html_url",
        }
    ],
    "opsgenie/create_alert.json": [
        {"key": "alias", "status": FIRING, "severity": CRITICAL, "service": "entity", "title": "message"}
    ],
    "opsgenie/create_alert_alertmanager.json": [
        {
            "key": "alias",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "details.service",
            "title": "message",
            "link": "source",
        }
    ],
    "opsgenie/acknowledge.json": [],
    "opsgenie/close.json": [{"key": ["checkout-api/down"], "status": RESOLVED}],
    "opsgenie/close_alertmanager.json": [{"key": ["9f2c41"], "status": RESOLVED}],
    "opsgenie/webhook_create.json": [
        {
            "key": "alert.alias",
            "status": FIRING,
            "severity": WARNING,
            "service": "alert.entity",
            "title": "alert.message",
        }
    ],
    "slack/alertmanager_incoming_webhook.json": [
        {
            "status": FIRING,
            "severity": CRITICAL,
            "title": "attachments[0].title",
            "link": "attachments[0].title_link",
        }
    ],
    "slack/url_verification.json": "handshake",
    "slack/block_actions.txt": "no-news",
    "slack/slash_command.txt": "no-news",
}

REMARKS: Final[dict[str, list[str]]] = {
    "pagerduty/events_v2_acknowledge.json": ["['acknowledged', dedup_key]"],
    "pagerduty/webhook_v1_ack_resolve.json": ["['acknowledged', messages[0].data.incident.incident_key]"],
    "opsgenie/acknowledge.json": ["['acknowledged', 'checkout-api/down']"],
    "opsgenie/close.json": ["['noted', 'checkout-api/down']"],
}
"""The kind and the dedup key of each remark."""
