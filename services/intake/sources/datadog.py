"""Datadog: webhooks of its webhooks integration, with our template or with the default one."""

import re
from typing import Any, Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, CommonOptions, Part, Told, ignored, needed, reads_one, trigger_of

PREFIX: Final = re.compile(r"^\s*\[(?P<words>[^\]{]*?)(?:\s+on\s+\{(?P<scope>[^}]*)\})?\s*\]\s*")
"""``[Triggered on {host:web-1}] `` and ``[P2] `` before the title of a monitor."""

RECOVERED: Final = frozenset({"recovered", "resolved", "ok"})
PRIORITIES: Final = ("p1", "p2", "p3", "p4", "p5")
WARNED: Final = frozenset({"warn", "re-warn", "renotify warn"})
TYPES: Final = {"success": "info", "user_update": "info", "recommendation": "info", "snapshot": "info"}


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    title = needed(look, "title", "alert_title", "event_title", "alert_status")
    words, scope, name = _parts(title)
    if "test" in words:
        return ignored("test", "Datadog's test notification; it opens nothing.", look.at("title"))
    scope = look.text("alert_scope", "scope") or scope
    transition = look.text("alert_transition", "transition").lower()
    said = {transition} if transition else set(words)
    tags = _tags(",".join(look.texts("tags"))) | look.facts("tags")
    recovered = not said.isdisjoint(RECOVERED) or any("recovered" in word.split() for word in said)
    told = Told(
        key=_key(look, name, scope),
        firing=not recovered,
        title=title,
        description=look.text("alert_status", "body", "text_only_msg", "event_msg", "message", "description"),
        severity=_severity(look, said, words),
        services=[tags.get("service") or next(iter(_tags(scope).values()), "")],
        tenants=filter(None, [tags.get("tenant")]),
        links=[(look.text("link", "url", "source_url"), "Event"), (look.text("snapshot"), "Picture")],
        labels={
            **tags,
            "scope": scope,
            "monitor": look.text("alert_id", "monitor_id"),
            "query": look.text("alert_query"),
        },
        started_at=look.moment("date", "date_posix", "last_updated"),
        ended_at=look.moment("last_updated", "date", "date_posix"),
    )
    return trigger_of(told, arrival)


def _parts(title: str) -> tuple[list[str], str, str]:
    """The words in brackets before a title, the scope among them, and the title itself."""
    words, scope, rest = [], "", title
    while (found := PREFIX.match(rest)) and found.end() < len(rest):
        words.append(found["words"].strip().lower())
        scope = found["scope"] or scope
        rest = rest[found.end() :]
    return words, scope, rest


def _key(look: Look, name: str, scope: str) -> str:
    """The cycle links an alarm to its recovery; the default template has nothing of the kind, so what it says must do."""
    cycle = look.text("alert_cycle_key", "cycle_key", "deduplication_key", "dedup_key", "aggreg_key")
    monitor = look.text("alert_id", "monitor_id")
    if cycle:
        return cycle
    return f"{monitor}/{scope}" if monitor else hash_of_words("title", [name, scope])


def _severity(look: Look, said: set[str], words: list[str]) -> str:
    # ``priority`` is that of an event, normal or low, unless a template says otherwise
    said_so = (look.text("alert_priority").lower(), look.text("priority").lower())
    priorities = (*(f"p{word}" if word.isdecimal() else word for word in said_so), *words)
    priority = next((word for word in priorities if word in PRIORITIES), "") or look.text("alert_priority")
    if priority:
        return priority
    kind = look.text("alert_type").lower()
    return "warning" if said & WARNED else TYPES.get(kind, kind)


def _tags(text: str) -> dict[str, str]:
    pairs = [tag.strip().partition(":") for tag in text.split(",")]
    return {name: value for name, _, value in pairs if name and value}


DOCS = f"""
Datadog's monitors post through the webhooks integration when a message names `@webhook-tocsin`.

## Set it up

*Integrations → Webhooks → New*: name `tocsin`, URL `https://intake.example.org/v1/hooks/datadog/YOUR-KEY`, and as payload:

```json
{{
  "alert_id": "$ALERT_ID", "alert_cycle_key": "$ALERT_CYCLE_KEY", "alert_transition": "$ALERT_TRANSITION",
  "alert_type": "$ALERT_TYPE", "alert_priority": "$ALERT_PRIORITY", "alert_scope": "$ALERT_SCOPE",
  "alert_status": "$ALERT_STATUS", "alert_query": "$ALERT_QUERY", "title": "$EVENT_TITLE", "body": "$TEXT_ONLY_MSG",
  "tags": "$TAGS", "link": "$LINK", "snapshot": "$SNAPSHOT", "date": "$DATE", "last_updated": "$LAST_UPDATED", "id": "$ID"
}}
```

A payload of your own may call them `monitor_id`, `cycle_key`, `scope`, `transition`, `event_title` or `event_msg` as well, and `tags` may be an array. The
default payload works too, but has no stable key: alarms and recoveries are then linked by what their titles say.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `alert_cycle_key`, else `alert_id` and `alert_scope`, else a hash of title and scope |
| status | `alert_transition`, else the words in brackets before the title: Recovered resolves, all others fire |
| severity | `alert_priority` P1 to P5, else Warn is warning, else `alert_type` |
| service, tenants | tags `service:` and `tenant:`, else the scope |
| links | `link`, `snapshot` |

Datadog retries 5xx five times and nothing else. A title with `[TEST]` opens nothing.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "alert_id": "20417",
    "alert_cycle_key": "7716253",
    "alert_transition": "Triggered",
    "alert_type": "error",
    "alert_priority": "P1",
    "alert_scope": "queue:approvals",
    "title": "[P1] [Triggered] The approval queue is stuck",
    "body": "1,204 approvals are waiting.",
    "tags": "service:approvals,tenant:northwind",
    "link": "https://app.datadoghq.example/event/1",
    "snapshot": "null",
    "date": "1772442900000",
}

SOURCE: Final = Source(
    name="datadog",
    title="Datadog",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
