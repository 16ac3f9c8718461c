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
`"status": "resolved"` when it is over. Tickets may also be posted to `/v1/tickets`, where `kind` is always `ticket`.

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

_KINDS = {
    "telemetry": "The team on shift hears of it first. Also: `tool`.",
    "maintenance": (
        "The team assigned to it hears of it first. Also: `window` with `starts_at` and `ends_at` (required), `assigned_team` (required), "
        "`maintenance_id` (the dedup key). `resolved` means done or called off."
    ),
    "ticket": (
        "Helpdesk hears of it first. Also: `ticket` (required, the dedup key), `priority` (required), `url`. Only `P1` opens an incident; "
        "another priority is understood and named under `ignored`."
    ),
    "provider": (
        "DevOps hears of it first. Also: `provider` (required), `incident_id` (the dedup key, with the provider), `region`, `url`."
    ),
    "tool": (
        "The PM who is responsible for the tool hears of it first. Also: `tool` (required, the dedup key), `state` (required: `down`, "
        "`will_be_down`, `up`; `up` resolves), `window` (required with `will_be_down`)."
    ),
}

_OPTIONS = """
## Options

`only`: the kinds that the integration may send, `[ticket]` for a helpdesk's. Without it, all five. `p1`: the priorities of a ticket that open an
incident; without it, `P1` and `1`.
"""


def _kind(kind: str) -> str:
    example = json.dumps(EXAMPLES[kind], indent=2)
    return f"\n## {kind.capitalize()}\n\n{_KINDS[kind]}\n\n```json\n{example}\n```\n"


DOCS: Final = _INTRO + "".join(_kind(kind) for kind in EXAMPLES) + _OPTIONS
