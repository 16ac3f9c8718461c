"""Sentry: webhooks of an internal integration, for issues, issue alerts and metric alerts."""

import re
from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    ignored,
    needed,
    reads_one,
    refused,
    trigger_of,
)

PROJECT: Final = re.compile(r"/projects/[^/]+/([^/]+)/")
OVER: Final = frozenset({"resolved", "ignored", "archived"})
NEWS: Final = frozenset({"created", "unresolved", "unarchived", "reopened"}) | OVER
"""What is done to an issue that matters here; an assignment does not."""

PASSED_OVER: Final = frozenset({"installation", "comment", "error", "seer"})
"""Resources that are no alerts."""


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    data, action = look.at("data"), look.text("action").lower()
    resource = arrival.headers.get("sentry-hook-resource", "").strip().lower()
    if data.at("metric_alert").is_object():
        return trigger_of(_metric_alert(data, action), arrival)
    if data.at("event").is_object():
        return trigger_of(_event_alert(data), arrival)
    if look.at("event").is_object() and look.text("id", "url"):
        return trigger_of(_plugin(look), arrival)
    if data.at("issue").is_object():
        if needed(look, "action").lower() not in NEWS:
            return ignored("no-news", f"The issue was {action}; that opens nothing.", look.at("action"))
        return trigger_of(_issue(data.at("issue"), action), arrival)
    if resource in PASSED_OVER or data.at("installation").is_object() or data.at("error").is_object():
        return ignored("no-news", f"A webhook of the resource {resource or 'installation'} is no alert.")
    raise refused("wrong-shape", "The body has neither issue nor event nor metric_alert under data.", data)


def _issue(issue: Look, action: str) -> Told:
    return Told(
        key=needed(issue, "id"),
        firing=action not in OVER,
        title=issue.text("title", "metadata.title", "culprit"),
        description=issue.text("culprit"),
        severity=issue.text("level"),
        services=issue.texts("project.slug", "project.name"),
        links=[(issue.text("permalink", "web_url"), "Issue")],
        labels={"short_id": issue.text("shortId"), "platform": issue.text("platform"), "action": action},
        started_at=issue.moment("firstSeen"),
        ended_at=issue.moment("lastSeen"),
    )


def _event_alert(data: Look) -> Told:
    event = data.at("event")
    slug = PROJECT.search(event.text("url"))
    return Told(
        key=needed(event, "issue_id", "groupID", "event_id"),
        firing=True,
        title=event.text("title", "message", "culprit"),
        description=event.text("culprit"),
        severity=event.text("level"),
        services=[slug[1]] if slug else event.texts("project_slug", "project_name", "project"),
        links=[(event.text("web_url"), "Event")],
        labels={
            "rule": data.text("triggered_rule"),
            "environment": event.text("environment"),
            "platform": event.text("platform"),
        },
        started_at=event.moment("datetime", "timestamp"),
    )


def _plugin(look: Look) -> Told:
    """What the older plugin posts where a rule names it: ``id`` is that of the issue."""
    event = look.at("event")
    return Told(
        key=needed(look, "id"),
        firing=True,
        title=event.text("title") or look.text("message", "culprit"),
        description=look.text("culprit"),
        severity=look.text("level"),
        services=look.texts("project_slug", "project", "project_name"),
        links=[(look.text("url"), "Issue")],
        labels={
            "rule": ", ".join(look.texts("triggering_rules")),
            "environment": event.text("environment"),
            "platform": event.text("platform"),
        },
        started_at=event.moment("datetime", "timestamp", "received"),
    )


def _metric_alert(data: Look, action: str) -> Told:
    alert = data.at("metric_alert")
    return Told(
        key=f"metric_alert:{needed(alert, 'id', 'alert_rule.id')}",
        firing=action != "resolved",
        title=data.text("description_title") or alert.text("title", "alert_rule.name"),
        description=data.text("description_text"),
        severity="" if action == "resolved" else action,
        services=alert.texts("projects", "alert_rule.projects"),
        links=[(data.text("web_url"), "Alert")],
        labels={"rule": alert.text("alert_rule.name"), "query": alert.text("alert_rule.query")},
        started_at=alert.moment("date_started", "date_created"),
        ended_at=alert.moment("date_closed"),
    )


DOCS = f"""
Sentry posts through an internal integration: issues, issue alerts and metric alerts. What the older *WebHooks* plugin of a project posts is read too.

## Set it up

*Settings → Developer Settings → Create New Integration → Internal Integration*:

- Webhook URL `https://intake.example.org/v1/hooks/sentry/YOUR-KEY`: Sentry can set no header;
- *Alert Rule Action*: on, so that alert rules can notify it;
- *Webhooks*: issue, if every new issue is to open an incident.

Sentry signs every body with the integration's client secret; put it under `verify` (see the overview).

## What is read

| | issue | issue alert | metric alert |
|---|---|---|---|
| dedup key | `issue.id` | `event.issue_id`, so that the issue's resolve ends it | `metric_alert:` and its id |
| firing | created, unresolved | always | critical, warning |
| resolved | resolved, ignored, archived | – | resolved |
| severity | `level` | `level` | the action |
| service | `project.slug` | the project in `url` | `projects` |
| link | `permalink` | `web_url` | `web_url` |

Of the plugin's body `id` is the issue's, `message` the title and `url` the link; it always fires. An assignment, a comment or an installation opens nothing. Names and addresses of users are not taken over into triggers.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "action": "created",
    "data": {
        "issue": {
            "id": "77162",
            "shortId": "APPROVALS-1",
            "title": "TimeoutError: the approval queue does not answer",
            "culprit": "approvals.queue in take",
            "level": "fatal",
            "permalink": "https://sentry.example.org/issues/77162/",
            "project": {"slug": "approvals", "name": "Approvals"},
            "firstSeen": "2026-03-02T09:15:00Z",
        }
    },
    "installation": {"uuid": "b3a1"},
    "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
}

SOURCE: Final = Source(
    name="sentry",
    title="Sentry",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
