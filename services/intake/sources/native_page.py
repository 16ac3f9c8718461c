"""The page and the examples of Tocsin's own format."""

import json
from typing import Any, Final

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "telemetry": {
        "kind": "telemetry",
        "dedup_key": "approvals/queue-stuck",
        "title": "The approval queue has not moved for 12 minutes",
        "description": "1,204 approvals are waiting.",
        "severity": "critical",
        "service": "approvals",
        "tenants": ["northwind"],
        "links": [{"href": "https://runbooks.example.org/approvals/queue", "text": "Runbook"}],
    },
    "maintenance": {
        "kind": "maintenance",
        "maintenance_id": "CHG-7731",
        "title": "The document store is moved to new disks",
        "assigned_team": "platform",
        "window": {"starts_at": "2026-03-07T22:00:00Z", "ends_at": "2026-03-08T01:00:00Z"},
        "services": ["documents", "search"],
        "tenants": ["northwind", "fabrikam"],
    },
    "ticket": {
        "kind": "ticket",
        "ticket": "HD-20418",
        "priority": "P1",
        "title": "Nobody at Northwind can approve an invoice",
        "reporter": "Ines Duarte",
        "tenants": ["northwind"],
        "url": "https://helpdesk.example.org/tickets/20418",
    },
    "provider": {
        "kind": "provider",
        "provider": "azure",
        "incident_id": "9VTC-HZ8",
        "region": "West Europe",
        "title": "Virtual machines cannot be reached",
        "url": "https://azure.status.microsoft/status",
    },
    "tool": {
        "kind": "tool",
        "tool": "sap",
        "state": "will_be_down",
        "title": "SAP is upgraded on Saturday",
        "window": {"starts_at": "2026-03-14T20:00:00Z", "ends_at": "2026-03-14T23:30:00Z"},
    },
}
"""One body for each kind."""

_INTRO = """
For scripts, and for senders that can be told what to post: one JSON object is one trigger, an array is several. `kind` says which of
the five ways it is; where it is left away, the integration's own kind counts.

```sh
curl https://intake.example.org/v1/triggers \\
  -H "Authorization: Bearer YOUR-KEY" -H "Content-Type: application/json" \\
  -d '{"kind": "telemetry", "title": "The approval queue is stuck", "service": "approvals", "dedup_key": "approvals/queue"}'
```

The key may also come as `X-Tocsin-Key`, or in the path of `POST /v1/hooks/native/YOUR-KEY`. Post the same `dedup_key` with
`"status": "resolved"` when it is over. Where the address says the kind, the body need not: tickets may be
posted to `/v1/tickets`, notices of tools' owners to `/v1/notices` and maintenance to `/v1/maintenance`.

The answer is 202, given only after the triggers were committed: `{"delivery_id", "triggers": [{"trigger_id", "dedup_key", "status"}]}`. If a
part of an array is wrong, the rest counts and `problems` names the part. 503 with `Retry-After` means that nothing was accepted: post again.
What authenticates but cannot be understood is answered with 400 or 422 and is kept, so that a person can look at it.

## Every kind

| field | meaning |
|---|---|
| `title` | one line that a person understands at night; required while firing |
| `status` | `firing` (the default) or `resolved` |
| `dedup_key` | what makes two triggers the same thing; without it the kind's own id, else a hash of kind, service and title |
| `description`, `reporter` | texts |
| `severity` | critical (the default), error, warning, info, and the usual other words |
| `category` | system_down, service_down, maintenance, process_blocked, provider_unavailable, tool_unavailable; without it the kind decides |
| `service`, `services` | ids of the services that it concerns |
| `tenants` | ids of the tenants; none means all |
| `links` | `[{"href", "text"}]`, http or https |
| `labels` | anything else, as texts |
| `group` | triggers of one body with the same group belong to one incident |
| `started_at`, `ended_at` | ISO 8601 with a zone |

Unknown fields are passed over.
"""

_MAINTENANCE = """
The team assigned to it hears of it first. Also: `window` with `starts_at` and `ends_at` (required), `assigned_team` (required),
`maintenance_id` (the dedup key), `sequence`. Post it to `/v1/maintenance`:

```sh
curl https://intake.example.org/v1/maintenance \\
  -H "Authorization: Bearer YOUR-KEY" -H "Content-Type: application/json" \\
  -d '{"maintenance_id": "CHG-7731", "title": "New disks", "assigned_team": "platform", "services": ["documents"],
       "window": {"starts_at": "'$(date -ud +1hour +%FT%TZ)'", "ends_at": "'$(date -ud +3hour +%FT%TZ)'"}}'
```

The same `maintenance_id` again, with another window, **moves** it: it stays one maintenance, and its team hears of the move once. The same once more changes
nothing. `"status": "cancelled"` calls it off, and so does `curl -X DELETE …/v1/maintenance/CHG-7731` with the same key; `"status": "completed"`
says that it is done. An announcement with a lower `sequence` than the last is passed over, and a window
that is over already opens nothing.

**Calendars** may be posted to the same address, as `text/calendar`:

```sh
curl https://intake.example.org/v1/maintenance -H "Authorization: Bearer YOUR-KEY" \\
  -H "Content-Type: text/calendar" --data-binary @maintenance.ics
```

Each event is one maintenance: by its `X-MAINTNOTE-PROVIDER` and `X-MAINTNOTE-MAINTENANCE-ID` where it has them, else by its `UID`; each occurrence of an event
that recurs is one of its own, announced 35 days ahead as time goes on. A newer version of the event (a higher `SEQUENCE`, or as high a one and a later `DTSTAMP`)
moves it, and calls off every occurrence that it has no more (`EXDATE`, a shorter `RRULE`, a cancelled `RECURRENCE-ID`); an older one that comes late changes nothing. `METHOD:CANCEL`, `STATUS:CANCELLED` or `X-MAINTNOTE-STATUS` end it.
`X-MAINTNOTE-OBJECT-ID` names the services, `X-MAINTNOTE-IMPACT` the severity, `X-TOCSIN-TEAM` the team and `X-TOCSIN-TENANT` the tenants.
Zones of any calendar program are understood; times in a zone that nobody knows are not guessed: the calendar is refused with the zone's name, and kept. `{"path": "/v1/maintenance", "headers": {"Content-Type": "text/calendar"}, "body": "BEGIN:VCALENDAR…"}` posted to
`/v1/integrations/<id>/preview` shows what a calendar would announce, move and call off after all that was announced before.
""".strip()

_TOOL = """
The PM who is responsible for the tool hears of it first; where nobody is, or nobody knows the tool, the PM in charge does, and the incident says why. Also:
`tool` (required, the dedup key), `state` (required: `down`, `will_be_down`, `up`; `up` resolves), `window` (required with `will_be_down`). Post it to
`/v1/notices`. The same tool again with another window moves what was announced; `down` before its time begins it.
""".strip()

_KINDS = {
    "telemetry": "The team on shift hears of it first. Also: `tool`.",
    "maintenance": _MAINTENANCE,
    "ticket": (
        "Helpdesk hears of it first. Also: `ticket` (required, the dedup key), `priority` (required), `url`. Only `P1` opens an incident; "
        "another priority is understood and named under `ignored`. Status [goes back](../notifications.md#comments-on-tickets) to the ticket where "
        "`channels.yaml` has a channel `ticket:` with the id of the integration; else the incident's timeline says once that there is none."
    ),
    "provider": (
        "DevOps hears of it first. Also: `provider` (required), `incident_id` (the dedup key, with the provider), `region`, `url`."
    ),
    "tool": _TOOL,
}

_OPTIONS = """
## Options

`only`: the kinds that the integration may send, `[ticket]` for a helpdesk's. Without it, all five. `p1`: the priorities of a ticket that open an
incident; without it, `P1` and `1`. `calendar`: what calendars leave away, and what their words mean: `assigned_team`, `tenants`, `zone` (of
times that name none) and `services`, from an object or a category to the id of our service:

```yaml
options: {calendar: {assigned_team: platform, zone: Europe/Berlin, services: {IC-111111: documents}}}
```
"""


def _kind(kind: str) -> str:
    example = json.dumps(EXAMPLES[kind], indent=2)
    return f"\n## {kind.capitalize()}\n\n{_KINDS[kind]}\n\n```json\n{example}\n```\n"


DOCS: Final = _INTRO + "".join(_kind(kind) for kind in EXAMPLES) + _OPTIONS
