"""New Relic: webhooks of workflows (issues), and those of legacy notification channels (incidents)."""

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
    reads_one,
    trigger_of,
)


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    state = needed(look, "state", "current_state", "status").lower()
    if state.startswith("acknowledge"):
        told = _legacy(look, state) if look.text("current_state") else _issue(look, state)
        return acknowledged(told.key, look.text("owner"))
    if state == "test":
        return ignored("test", "New Relic's test notification; it opens nothing.")
    told = _legacy(look, state) if look.text("current_state") else _issue(look, state)
    return trigger_of(told, arrival)


def _issue(look: Look, state: str) -> Told:
    return Told(
        key=needed(look, "id", "issueId"),
        firing=state not in ("closed", "resolved"),
        title=" ".join(look.texts("title")),
        description=look.text("description", "annotations.description.0"),
        severity=look.text("priority", "severity"),
        services=look.texts("impactedEntities", "alertConditionNames"),
        links=[(look.text("issueUrl", "issuePageUrl"), "Issue"), (look.text("runbookUrl"), "Runbook")],
        labels={
            "policy": ", ".join(look.texts("alertPolicyNames")),
            "condition": ", ".join(look.texts("alertConditionNames")),
            "workflow": look.text("workflowName"),
        },
        started_at=look.moment("createdAt"),
        ended_at=look.moment("closedAt", "updatedAt"),
    )


def _legacy(look: Look, state: str) -> Told:
    condition, details = look.text("condition_name", "policy_name"), look.text("details")
    targets = [name for target in look.each("targets") if (name := target.text("name"))]
    at = look.moment("timestamp")
    return Told(
        key=":".join(filter(None, [look.text("account_id"), needed(look, "incident_id")])),
        firing=state not in ("closed", "resolved"),
        title=": ".join(filter(None, [condition, details])),
        severity=look.text("severity"),
        services=targets or look.texts("policy_name"),
        links=[(look.text("incident_url"), "Incident"), (look.text("runbook_url"), "Runbook")],
        labels={"policy": look.text("policy_name"), "condition": condition, "account": look.text("account_name")},
        started_at=at,
        ended_at=at,
    )


DOCS = f"""
New Relic posts issues through workflows; the older notification channels post incidents. Both are read.

## Set it up

1. *Alerts → Destinations → Webhook*: endpoint URL `https://intake.example.org/v1/hooks/newrelic/YOUR-KEY`, or without the key and with *Bearer token*
   authorization.
2. *Alerts → Workflows*: notify that destination. New Relic's default template works. If you write one, keep `id`, `state`, `title`, `priority`,
   `impactedEntities`, `issueUrl`, `createdAt`, `updatedAt`.

## What is read

| Tocsin | of an issue | of a legacy incident |
|---|---|---|
| dedup key | `id` | `account_id` and `incident_id` |
| status | `state`: CLOSED resolves; ACKNOWLEDGED acknowledges | `current_state` likewise |
| title | `title` | `condition_name` and `details` |
| severity | `priority` | `severity` |
| service | `impactedEntities` | `targets[].name`, else `policy_name` |
| link | `issueUrl` | `incident_url`, `runbook_url` |

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "id": "1e9f3a52-0c7b-4c55-9c55-3c1d7c0a6b11",
    "issueUrl": "https://one.newrelic.example/issues/1e9f3a52",
    "title": "The approval queue has not moved for 12 minutes",
    "priority": "CRITICAL",
    "impactedEntities": ["approvals"],
    "state": "ACTIVATED",
    "createdAt": 1772442900000,
    "updatedAt": 1772442960000,
    "alertPolicyNames": ["Queues"],
    "alertConditionNames": ["Queue stuck"],
}

SOURCE: Final = Source(
    name="newrelic",
    title="New Relic",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
