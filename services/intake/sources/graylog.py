"""Graylog: HTTP notifications of event definitions (version 3.1 and later), and the alarm callbacks of before."""

from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, CommonOptions, Part, Told, ignored, needed, reads_one, trigger_of

PRIORITIES: Final = {"1": "info", "2": "warning", "3": "error", "4": "critical"}
DUMMY: Final = "test-dummy"
DUMMY_CALLBACK: Final = "dummy alert to test notifications"


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    if look.at("check_result").is_object():
        if DUMMY_CALLBACK in look.text("check_result.result_description").lower():
            return ignored("test", "Graylog's test of an alarm callback; it opens nothing.")
        return trigger_of(_legacy(look), arrival)
    event = look.at("event")
    if look.text("event_definition_type", "event.event_definition_type").lower().startswith(DUMMY):
        return ignored("test", "Graylog's test notification; it opens nothing.")
    fields = event.facts("fields")
    definition = look.text("event_definition_id") or needed(event, "event_definition_id", "id")
    group = event.text("key") or "/".join(event.texts("key_tuple")) or "/".join(event.facts("group_by_fields").values())
    told = Told(
        key=f"{definition}/{group}" if group else definition,
        firing=True,
        title=event.text("message") or look.text("event_definition_title"),
        description=look.text("event_definition_description"),
        severity=PRIORITIES.get(event.text("priority"), ""),
        services=filter(None, [fields.get("service") or look.text("event_definition_title")]),
        tenants=filter(None, [fields.get("tenant")]),
        links=[(event.text("replay_info.url") or look.text("link"), "Event")],
        labels={
            **event.facts("group_by_fields"),
            **fields,
            "source": event.text("source"),
            "definition": look.text("event_definition_title"),
        },
        started_at=event.moment("timestamp"),
    )
    return trigger_of(told, arrival)


def _legacy(look: Look) -> Told:
    result, stream = look.at("check_result"), look.at("stream")
    return Told(
        key=f"{stream.text('id')}/{needed(result, 'triggered_condition.id')}".strip("/"),
        firing=True,
        title=result.text("result_description", "triggered_condition.description"),
        description=result.text("matching_messages.0.message"),
        services=stream.texts("title"),
        labels={"condition": result.text("triggered_condition.type"), "stream": stream.text("title")},
        started_at=result.moment("triggered_at"),
    )


DOCS = f"""
Graylog posts when an event definition fires. It never says that it is over: somebody resolves the incident by hand.

## Set it up

*Alerts → Notifications → Create*, type **HTTP Notification**: URL `https://intake.example.org/v1/hooks/graylog/YOUR-KEY` (add it to the URL allow-list
when Graylog asks). Or without the key in the URL, with *API Key as header*: key `X-Tocsin-Key`. Then name the notification in the event
definition. *Execute test notification* opens nothing.

## What is read

| Tocsin | of an event | of an alarm callback (before 3.1) |
|---|---|---|
| dedup key | `event_definition_id`, with `event.key`, else with the values of `event.group_by_fields` | `stream.id` and `check_result.triggered_condition.id` |
| title | `event.message` | `check_result.result_description` |
| severity | `event.priority`: 1 info, 2 warning, 3 error, 4 critical | – |
| service, tenants | `event.fields.service` and `.tenant`, else the definition's title | `stream.title` |
| started | `event.timestamp` | `check_result.triggered_at` |

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "event_definition_id": "5f3c0b",
    "event_definition_type": "aggregation-v1",
    "event_definition_title": "Approval errors",
    "event_definition_description": "More than 100 errors in 5 minutes",
    "event": {
        "id": "01J9",
        "event_definition_id": "5f3c0b",
        "timestamp": "2026-03-02T09:15:00.000Z",
        "message": "Approval errors: count()=1204",
        "source": "graylog-1",
        "key_tuple": ["northwind"],
        "key": "northwind",
        "priority": 4,
        "alert": True,
        "fields": {"service": "approvals", "tenant": "northwind"},
    },
    "backlog": [],
}

SOURCE: Final = Source(
    name="graylog",
    title="Graylog",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
