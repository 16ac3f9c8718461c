"""What the manifest of real bodies derives of each, as JMESPath over the body, so that no value of theirs stands here.

An expectation has one entry per trigger in their order. Of a file that is not listed only this is asked: that it is read.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID
from xml.etree import ElementTree as ET

import jmespath

from libs.common.events.triggers import TriggerReceived
from services.intake.domain.facts import received
from services.intake.domain.trigger import Reading
from services.intake.handlers.understand import understand
from services.intake.sources.registry import all_sources
from tests.unit.intake.real_drop_in import DROP_IN, REMARKS
from tests.unit.intake.real_expectations import EXPECTED
from tests.unit.intake.real_providers import PROVIDERS
from tests.unit.intake.real_tickets import TICKETS
from tests.unit.intake.support import integration

ROOT = Path(__file__).resolve().parents[3]
PAYLOADS = Path(os.environ.get("TOCSIN_PAYLOADS") or ROOT.parent / "shared" / "payloads")
FOLDERS = {
    "prometheus_alertmanager": "alertmanager",
    "prometheus_direct": "prometheus",
    "aws_sns": "cloudwatch",
    "aws_health": "aws_health",
    "azure_monitor": "azure",
    "azure_status": "azure_status",
    "cloudevents": "cloudevents",
    "datadog": "datadog",
    "freshdesk": "freshdesk",
    "freshstatus": "freshstatus",
    "gcp_status": "gcp_status",
    "gcp_monitoring": "gcp",
    "generic": "apprise",
    "grafana": "grafana",
    "graylog": "graylog",
    "jira": "jira",
    "newrelic": "newrelic",
    "opsgenie": "opsgenie",
    "pagerduty": "pagerduty",
    "pingdom": "pingdom",
    "sentry": "sentry",
    "servicenow": "servicenow",
    "site24x7": "site24x7",
    "slack": "slack",
    "statuspage": "statuspage",
    "statuspage_api_v2": "statuspage",
    "uptime_kuma": "uptime_kuma",
    "zabbix": "zabbix",
    "zendesk": "zendesk",
}
"""Which source reads which folder."""

WEBHOOKS: Final = {
    "opsgenie/webhook_": "opsgenie_webhook",
    "pagerduty/webhook_": "pagerduty_webhook",
    "statuspage/history_atom": "feed",
}
"""Which source reads the files that begin so."""

CALLS: Final = {
    "opsgenie/acknowledge.json": [("x-tocsin-call", "acknowledge"), ("x-tocsin-alias", "checkout-api/down")],
    "opsgenie/close.json": [("x-tocsin-call", "close"), ("x-tocsin-alias", "checkout-api/down")],
    "opsgenie/close_alertmanager.json": [("x-tocsin-call", "close"), ("x-tocsin-alias", "9f2c41")],
    "pagerduty/change_event_pdjs.json": [("x-tocsin-call", "change")],
}
"""What the address of a call said."""

ARRIVED = datetime(2026, 11, 23, 12, 52, tzinfo=UTC)
"""When the captured bodies were taken."""

OPTIONS: dict[str, dict[str, Any]] = {
    "aws_sns": {"topics": ["*"], "signature": False},
    "zendesk": {"p1": ["urgent", "normal", ""]},
    "jira": {"p1": ["major", "medium"]},
    "freshdesk": {"p1": ["high"]},
    "servicenow": {"p1": ["1", "5"]},
}
"""What an integration says so that the collection's tickets are P1, and its topics known."""

FIELDS: dict[str, Callable[[TriggerReceived], str | None]] = {
    "key": lambda event: event.dedup_key,
    "title": lambda event: event.title,
    "service": lambda event: event.service,
    "link": lambda event: next((link.href for link in event.links), None),
    "severity": lambda event: event.severity,
    "status": lambda event: event.status,
}


def entries() -> list[dict[str, Any]]:
    """The manifest's bodies whose source there is."""
    manifest = PAYLOADS / "manifest.json"
    found: list[dict[str, Any]] = json.loads(manifest.read_text()) if manifest.exists() else []
    mine = [one for one in found if FOLDERS.get(one["file"].partition("/")[0]) in all_sources()]
    forms = ("slack/block_actions.txt", "slack/slash_command.txt")
    return [one for one in mine if one["file"].endswith((".json", ".http.txt", ".rss.txt", ".xml.txt", *forms))]


def problems(entry: dict[str, Any]) -> list[str]:
    """What differs between the body of ``entry`` and what is expected of it, in words."""
    file: str = entry["file"]
    folder = file.partition("/")[0]
    headers, body = _posted(file, entry["content_type"])
    headers += CALLS.get(file, [])
    named = next((name for start, name in WEBHOOKS.items() if file.startswith(start)), FOLDERS[folder])
    sender = integration(named, None, OPTIONS.get(folder))
    reading = understand(all_sources()[sender.source], sender, headers, body, ARRIVED).reading
    if reading.refusals:
        return [refusal.detail for refusal in reading.refusals]
    value = _value(body)
    remarks = REMARKS.get(file, [])
    if [[remark.kind, remark.dedup_key] for remark in reading.remarks] != _sought(remarks, value):
        return [f"remarks: {reading.remarks}"]
    wanted = (EXPECTED | TICKETS | DROP_IN | PROVIDERS).get(file)
    if wanted is None:
        return [] if reading.triggers or reading.ignored or reading.remarks else ["nothing was read"]
    if isinstance(wanted, str | tuple):
        reason, wanted = (wanted, []) if isinstance(wanted, str) else (wanted[0], [wanted[1]])
        told = [ignored.reason for ignored in reading.ignored]
        if told != [reason] or reading.triggers:
            return [f"{told}, {len(reading.triggers)} triggers"]
        reading = Reading(tuple(one.trigger for one in reading.ignored if one.trigger))
    return _compared(reading, sender, _opened(value), wanted)


def _compared(reading: Reading, sender: Any, value: Any, wanted: list[dict[str, Any]]) -> list[str]:
    nobody = UUID(int=0)
    events = [received(trigger, sender, nobody, nobody, ARRIVED) for trigger in reading.triggers]
    if len(events) != len(wanted):
        return [f"{len(events)} triggers"]
    wrong = []
    for event, expected in zip(events, wanted, strict=True):
        for name, expression in expected.items():
            want = jmespath.search(expression, value) if isinstance(expression, str) else expression[0]
            got = FIELDS[name](event)
            if (None if want is None else str(want)) != got:
                wrong.append(f"{name}: {got!r} is not {want!r}")
    return wrong


def _value(body: bytes) -> Any:
    """The body as JMESPath can search it: the JSON that it is, or what the XML library of Python finds in a feed."""
    if body.lstrip()[:1] == b"<":
        return _tree(ET.fromstring(body))  # noqa: S314 - known files
    return json.loads(body) if body.lstrip()[:1] in b"[{" else dict(parse_qsl(body.decode(), keep_blank_values=True))


def _tree(element: ET.Element) -> Any:
    if not len(element):
        return element.text or element.get("href")
    found: dict[str, list[Any]] = {}
    for child in element:
        found.setdefault(child.tag.rpartition("}")[2], []).append(_tree(child))
    return found


def _sought(expressions: list[str], value: Any) -> list[Any]:
    """What the expressions find in the body."""
    return [jmespath.search(expression, value) for expression in expressions]


def _posted(file: str, content_type: str) -> tuple[list[tuple[str, str]], bytes]:
    raw = (PAYLOADS / file).read_bytes()
    if file.endswith(".http.txt"):
        head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        lines = [line.partition(":") for line in head.decode().splitlines()[1:]]
        return [(name, value.strip()) for name, _, value in lines], body
    if file.endswith("kafka_binary.json"):
        record = json.loads(raw)
        headers = [(name.replace("ce_", "ce-"), value) for name, value in record["headers"]]
        return headers, json.dumps(record["value"]).encode()
    return [("Content-Type", content_type)], raw


def _opened(value: Any) -> Any:
    """The body with JSON that stands in its texts opened, as ``Message`` of SNS has it."""
    if isinstance(value, dict):
        return {name: _opened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
