"""PagerDuty's outgoing webhooks: version 3, which is signed, and the messages of versions 1 and 2."""

from collections.abc import Iterator
from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    acknowledged,
    gathered,
    ignored,
    needed,
    noted,
    refused,
    trigger_of,
    value_of,
)

FIRES: Final = frozenset({"triggered", "trigger", "reopened"})
ENDS: Final = frozenset({"resolved", "resolve"})
TAKEN: Final = frozenset({"acknowledged", "acknowledge"})
NOTES: Final = frozenset({"annotated", "annotate"})
URGENCIES: Final = {"high": "critical", "low": "warning"}


def read(arrival: Arrival[CommonOptions]) -> Reading:
    """What happened to PagerDuty's incidents."""
    try:
        look = value_of(arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    return gathered(_events(look), _one, arrival)


def _events(look: Look) -> Iterator[Look]:
    """The one event of version 3, or the messages of the versions before."""
    if look.is_object() and isinstance(look.at("messages").value, list):
        return look.each("messages")
    return iter([look.at("event") if look.at("event").is_object() else look])


def _one(event: Look, arrival: Arrival[CommonOptions]) -> Part:
    kind = needed(event, "event_type", "type", "event") if event.is_object() else ""
    if not kind:
        raise refused("wrong-shape", "The body has no event and no messages, as PagerDuty's have.", event)
    kind = kind.lower()
    word = kind.rpartition(".")[2]
    if kind == "pagey.ping":
        return ignored("test", "PagerDuty's test button. It opens nothing.", event)
    if not kind.startswith("incident.") or word not in FIRES | ENDS | TAKEN | NOTES:
        return ignored("no-news", f"{kind} changes nothing here.", event)
    data = event.at("data")
    incident = next((each for each in (data.at("incident"), event.at("incident"), data) if each.is_object()), data)
    key = needed(incident, "incident_key", "id")
    by = event.text("agent.summary") or _who(incident)
    if word in TAKEN:
        return acknowledged(key, by)
    if word in NOTES:
        note = data.text("content") or event.text("log_entries.0.channel.summary")
        return noted(key, by, note) if note else ignored("no-news", "A note without words.", event)
    return trigger_of(_told(event, incident, key, firing=word in FIRES), arrival)


def _told(event: Look, incident: Look, key: str, *, firing: bool) -> Told:
    urgency = incident.text("urgency")
    service = incident.text("service.summary", "service.name", "impacted_services.0.summary")
    return Told(
        key=key,
        firing=firing,
        title=incident.text("title", "trigger_summary_data.subject", "trigger_summary_data.description", "summary"),
        description=incident.text("description", "body.details"),
        severity=incident.text("priority.summary", "priority.name") or URGENCIES.get(urgency, urgency),
        services=[service],
        links=[
            (incident.text("html_url"), "PagerDuty"),
            (event.text("client.url"), event.text("client.name") or "Client"),
        ],
        labels={
            "incident": incident.text("number", "incident_number"),
            "urgency": urgency,
            "escalation_policy": incident.text("escalation_policy.summary", "escalation_policy.name"),
        },
        started_at=incident.moment("created_at", "created_on") or event.moment("occurred_at", "created_on"),
        ended_at=event.moment("occurred_at", "created_on"),
    )


def _who(incident: Look) -> str:
    """Who changed an incident last, as the versions before 3 say it."""
    return incident.text("last_status_change_by.name", "acknowledgers.0.object.name", "assigned_to_user.name")


DOCS: Final = f"""
PagerDuty posts what happens to its incidents; Tocsin follows them: while some teams still page there, the same incidents stand here.

## Set it up

*Integrations → Generic Webhooks (v3) → New Webhook*, URL `https://intake.example.org/v1/hooks/pagerduty_webhook`, a custom header `X-Tocsin-Key` with the
key, and the events *incident.triggered*, *incident.acknowledged*, *incident.resolved*, *incident.reopened* and *incident.annotated*. PagerDuty shows the
signing secret once; put it under `verify` with `scheme: pagerduty` (see the overview).

*Send Test Event* is answered with 200 and opens nothing.

## What is read

| Tocsin | of version 3 | of the messages before |
|---|---|---|
| dedup key | `event.data.id` | `incident.incident_key`, else `incident.id` |
| status | `event.event_type`: triggered and reopened fire, resolved resolves, acknowledged acknowledges, annotated is a note | `type` or `event` |
| title | `event.data.title` | `trigger_summary_data` |
| severity | the priority, else `urgency`: high is critical, low a warning | as there |
| service | `event.data.service.summary` | `service.name` |
| link | `html_url` | `html_url` |

Everything else (assignments, escalations, responders, status updates) opens nothing.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "event": {
        "id": "01EVENT",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": "2026-03-02T09:15:00Z",
        "data": {
            "id": "PINC001",
            "type": "incident",
            "html_url": "https://example.pagerduty.com/incidents/PINC001",
            "number": 204,
            "status": "triggered",
            "title": "The approval queue is stuck",
            "service": {"id": "PSVC001", "summary": "approvals", "type": "service_reference"},
            "urgency": "high",
            "priority": None,
        },
    }
}

SOURCE: Final = Source(
    name="pagerduty_webhook",
    title="PagerDuty webhooks",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=read,
)
