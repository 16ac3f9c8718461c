"""Zendesk: event webhooks (tickets), and trigger webhooks whose body is a template that the administrator writes."""

from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, Part, ignored, needed, reads_one
from services.intake.sources.tickets import ECHO, TICKETS, Ticket, TicketOptions, goes_back, is_over, ticket_of

OVER: Final = frozenset({"solved", "closed", "deleted"})
NEWS: Final = frozenset(
    {"created", "status_changed", "priority_changed", "tags_changed", "undeleted", "unmarked_as_spam"}
)
GONE: Final = frozenset({"soft_deleted", "permanently_deleted", "marked_as_spam", "merged", "deleted"})


class ZendeskOptions(TicketOptions):
    """Where the agents' pages are."""

    host: str = ""


def _one(look: Look, arrival: Arrival[ZendeskOptions]) -> Part:
    if look.at("detail").is_object():
        return _event(look, arrival)
    status = look.text("ticket_status", "status")
    number = needed(look, "ticket_id", "id")
    url = look.text("link", "ticket_url", "url")
    ticket = Ticket(
        id=number,
        title=look.text("ticket_title", "title", "subject"),
        priority=look.text("ticket_priority", "priority"),
        over=is_over(status, OVER),
        description=look.text("ticket_description", "description"),
        reporter=look.text("requester_full_name", "requester"),
        tags=tuple(look.text("tags").replace(",", " ").split()),
        url=url if "://" in url or not url else f"https://{url}",
        status=status,
        raised=False,  # a template says how the ticket is, and not what happened
        created_at=look.moment("created_at"),
        ended_at=look.moment("updated_at"),
    )
    return ticket_of(ticket, arrival)


def _event(look: Look, arrival: Arrival[ZendeskOptions]) -> Part:
    detail, kind = look.at("detail"), look.text("type").rpartition(".")[2].lower()
    if "ticket" not in needed(look, "type", "subject").lower():
        return ignored("no-news", "The event is not about a ticket.", look.at("type"))
    number = needed(detail, "id")
    status = (look.text("event.current") if kind == "status_changed" else "") or detail.text("status")
    host = arrival.integration.options.host
    ticket = Ticket(
        id=number,
        title=detail.text("subject"),
        priority=(look.text("event.current") if kind == "priority_changed" else "") or detail.text("priority"),
        over=status.lower() in OVER or kind in GONE,
        news=kind in NEWS,
        raised=kind != "status_changed" or look.text("event.previous").lower() in OVER,
        description=detail.text("description"),
        tags=detail.texts("tags"),
        url=f"https://{host}/agent/tickets/{number}" if host else "",
        status=status,
        created_at=detail.moment("created_at"),
        ended_at=look.moment("time"),
    )
    return ticket_of(ticket, arrival)


BACK: Final = goes_back(
    """
    provider: zendesk
    url: https://acme.zendesk.com
    username: {env: TOCSIN_ZENDESK_USERNAME}   # an agent's address; without it the token is an OAuth token
    token: {env: TOCSIN_ZENDESK_TOKEN}         # Admin Center → Apps and integrations → APIs → API tokens
"""
)

DOCS = f"""
Zendesk posts tickets as they are filed, change and are solved. A P1 opens an incident, of which Helpdesk hears first.

## Set it up

*Admin Center → Apps and integrations → Webhooks → Create webhook*, endpoint URL `https://intake.example.org/v1/hooks/zendesk`, method POST, format JSON,
authentication *Bearer token* with the key. Either connect it to **Zendesk events** (ticket created, status changed, priority changed), or to a
**trigger** that meets any of *Ticket is created*, *Priority changed*, *Status category changed* (not comments: Tocsin's own would come back), with this body:

```json
{{
  "ticket_id": "{{{{ticket.id}}}}", "ticket_title": "{{{{ticket.title}}}}", "ticket_description": "{{{{ticket.description}}}}",
  "ticket_status": "{{{{ticket.status}}}}", "ticket_priority": "{{{{ticket.priority}}}}", "tags": "{{{{ticket.tags}}}}",
  "requester_full_name": "{{{{ticket.requester.name}}}}", "link": "https://{{{{ticket.url}}}}"
}}
```

Zendesk signs every body; put the webhook's signing secret under `verify` (see the overview).

## What is read

| Tocsin | of an event | of the template |
|---|---|---|
| dedup key | `detail.id` | `ticket_id` |
| status | the new status, else `detail.status`: solved and closed resolve, and so does a deletion | `ticket_status` |
| P1 | `detail.priority`, `detail.tags` | `ticket_priority`, `tags` |
| title | `detail.subject` | `ticket_title` |
| link | where the option `host` is set | `link`, `ticket_url` |

A comment (our own too) or an assignment opens nothing. {ECHO} Upper and lower case do not matter.

{BACK}
## Options

`host`: `acme.zendesk.com`, for the links of events. {TICKETS} {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "type": "zen:event-type:ticket.created",
    "id": "01J9",
    "time": "2026-03-02T09:15:00Z",
    "subject": "zen:ticket:20418",
    "detail": {
        "id": "20418",
        "subject": "Nobody at Northwind can approve an invoice",
        "description": "Since nine o'clock.",
        "priority": "URGENT",
        "status": "OPEN",
        "tags": ["northwind"],
        "created_at": "2026-03-02T09:15:00Z",
    },
    "event": {},
}


SOURCE: Final = Source(
    name="zendesk",
    title="Zendesk",
    kind="ticket",
    docs=DOCS,
    options=ZendeskOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
