"""Opsgenie's outgoing webhook."""

from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    acknowledged,
    ignored,
    needed,
    noted,
    reads_one,
    refused,
    trigger_of,
)

FIRES: Final = frozenset({"create"})
ENDS: Final = frozenset({"close", "delete"})


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    alert = look.at("alert")
    if not alert.is_object():
        raise refused("wrong-shape", "The body has no alert, as Opsgenie's have.", alert)
    action = needed(look, "action").lower()
    key = needed(alert, "alias", "alertId", "id")
    by = alert.text("username", "updatedBy")
    if action == "acknowledge":
        return acknowledged(key, by, alert.text("note"))
    if action == "addnote" and alert.text("note"):
        return noted(key, by, alert.text("note"))
    if action not in FIRES | ENDS:
        return ignored("no-news", f"{look.text('action')} changes nothing here.", look.at("action"))
    priority = alert.text("priority")
    told = Told(
        key=key,
        firing=action in FIRES,
        title=alert.text("message"),
        description=alert.text("description"),
        severity=f"P{priority}" if priority.isdecimal() else priority,
        services=[alert.text("details.service", "entity")],
        links=[(alert.text("source"), "Source")],
        labels={
            **alert.facts("details"),
            "entity": alert.text("entity"),
            "source": alert.text("source"),
            "tags": ", ".join(alert.texts("tags")),
            "tiny_id": alert.text("tinyId"),
        },
        started_at=alert.moment("createdAt"),
        ended_at=arrival.now if action in ENDS else None,
    )
    return trigger_of(told, arrival)


DOCS: Final = f"""
Opsgenie posts what happens to its alerts; Tocsin follows them: while some teams still page there, the same alerts stand here.

## Set it up

*Settings → Integrations → Add integration → Webhook*, URL `https://intake.example.org/v1/hooks/opsgenie_webhook`, a custom header `X-Tocsin-Key` with the
key; let it send *alert is created*, *acknowledged*, *closed*, *deleted* and *a note is added*, with the alert's description and details.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `alert.alias`, else `alert.alertId` |
| status | `action`: Create fires, Close and Delete resolve, Acknowledge acknowledges, AddNote is a note; everything else opens nothing |
| title, description | `alert.message`, `alert.description` |
| severity | `alert.priority`, as `P3` or as `3` |
| service | `alert.details.service`, else `alert.entity` |

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "action": "Create",
    "alert": {
        "alertId": "70413a06-38d6-4c85-92b8-5ebc900d42e2",
        "message": "The approval queue is stuck",
        "tags": ["production"],
        "tinyId": "204",
        "entity": "approvals",
        "alias": "approvals/queue",
        "createdAt": 1772442900000,
        "updatedAt": 1772442900000000110,
        "priority": "P1",
    },
    "integrationName": "Tocsin",
}

SOURCE: Final = Source(
    name="opsgenie_webhook",
    title="Opsgenie webhooks",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
