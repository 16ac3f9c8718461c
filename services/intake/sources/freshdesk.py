"""Freshdesk and Freshservice: webhooks of automation rules, whose fields the administrator ticks."""

import re
from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, Part, needed, plain, reads_one
from services.intake.sources.tickets import ECHO, TICKETS, Ticket, TicketOptions, goes_back, is_over, ticket_of

OVER: Final = frozenset({"resolved", "closed", "4", "5"})
PRIORITIES: Final = {"1": "Low", "2": "Medium", "3": "High", "4": "Urgent"}
NEWS: Final = ("created", "status", "priority", "tag")
"""What can make a ticket a P1, or open again; ``triggered_event`` is no JSON, so it is only searched."""

_FROM_STATUS: Final = re.compile(r"status:\{from:(\w+)")


def _one(look: Look, arrival: Arrival[TicketOptions]) -> Part:
    body = look.at("freshdesk_webhook") if look.at("freshdesk_webhook").is_object() else look
    status, happened = body.text("ticket_status", "status"), body.text("triggered_event").lower()
    priority = body.text("ticket_priority", "priority")
    tags = tuple(tag.strip() for tag in body.text("ticket_tags", "tags").split(",") if tag.strip())
    ticket = Ticket(
        id=needed(body, "ticket_id", "id"),
        title=body.text("ticket_subject", "subject"),
        priority=PRIORITIES.get(priority, priority),
        over=is_over(status, OVER) or "deleted" in happened,
        news=not happened or any(word in happened for word in NEWS),
        description=plain(body.text("ticket_description", "description")),
        reporter=body.text("ticket_requester_name", "requester_name"),
        services=[body.text("ticket_product_name", "ticket_type", "type")],
        tags=tags or body.texts("ticket_tags", "tags"),
        url=body.text("ticket_url", "ticket_public_url", "url"),
        status=status,
        raised=_raised(happened),
        created_at=body.moment("ticket_created_on", "created_at"),
        ended_at=body.moment("ticket_resolved_on", "updated_at"),
    )
    return ticket_of(ticket, arrival)


def _raised(happened: str) -> bool:
    """Whether the event says that the ticket was filed, raised or opened again; ``{status:{from:4,to:2}}`` does."""
    before = _FROM_STATUS.search(happened)
    return any(word in happened for word in NEWS if word != "status") or (before is not None and before[1] in OVER)


BACK: Final = goes_back(
    """
    provider: freshdesk
    url: https://acme.freshdesk.com            # or https://acme.freshservice.com
    token: {env: TOCSIN_FRESHDESK_TOKEN}       # an agent's API key: Profile settings → View API key
"""
)

DOCS = f"""
Freshdesk posts from automation rules. A P1 opens an incident, of which Helpdesk hears first.

## Set it up

*Admin → Workflows → Automations*: a rule under *Ticket creation*, and one under *Ticket updates* for changes of priority and status, each with the action
*Trigger webhook*: POST to `https://intake.example.org/v1/hooks/freshdesk`, *Requires authentication* with any name and the key as the password (or a custom
header `X-Tocsin-Key`), encoding JSON, content *Simple*: tick triggered event, ticket ID, URL, type, subject, description, status, priority, tags, requester name.

## What is read

| Tocsin | from `freshdesk_webhook` |
|---|---|
| dedup key | `ticket_id` |
| status | `ticket_status`: Resolved and Closed (4, 5) resolve |
| P1 | `ticket_priority`, as word or number, and `ticket_tags` |
| title, description, reporter | `ticket_subject`, `ticket_description`, `requester_name` |
| service | tags, else `ticket_type`; map them with `services` |
| link | `ticket_url` |

An update (a note of ours, too) that changes neither status nor priority nor tags opens nothing. {ECHO}

{BACK}
## Options

{TICKETS} {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "freshdesk_webhook": {
        "triggered_event": "{ticket_action:created}",
        "ticket_id": "20418",
        "ticket_url": "https://acme.freshdesk.example/helpdesk/tickets/20418",
        "ticket_type": "Incident",
        "ticket_subject": "Nobody at Northwind can approve an invoice",
        "ticket_status": "Open",
        "ticket_priority": "Urgent",
        "requester_name": "Ines Duarte",
    }
}

SOURCE: Final = Source(
    name="freshdesk",
    title="Freshdesk",
    kind="ticket",
    docs=DOCS,
    options=TicketOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
