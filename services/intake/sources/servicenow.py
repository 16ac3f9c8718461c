"""ServiceNow: incidents that a business rule posts by an outbound REST message, or as the table API shows them."""

from typing import Any, Final
from urllib.parse import urlsplit

from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading, Refusal
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import COMMON, Part, gathered, needed, value_of
from services.intake.sources.tickets import (
    ECHO,
    NUMBERED,
    TICKETS,
    Ticket,
    TicketOptions,
    goes_back,
    is_over,
    ticket_of,
)

OVER: Final = frozenset({"6", "7", "8", "resolved", "closed", "canceled", "cancelled", "closed complete"})


def read(arrival: Arrival[TicketOptions]) -> Reading:
    """The tickets of a body: the record itself, an array of them, or one or several under ``result`` or ``records``."""
    try:
        look = value_of(arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    lists = [found for name in ("result", "records") if isinstance((found := look.at(name)).value, list)]
    if isinstance(look.value, list) or lists:
        return gathered(lists[0].each() if lists else look.each(), _one, arrival)
    if not look.is_object():
        return Reading(refusals=(Refusal("wrong-shape", "The body should be a JSON object, or an array of records."),))
    result = look.at("result")
    return gathered([result if result.is_object() else look], _one, arrival)


def _one(record: Look, arrival: Arrival[TicketOptions]) -> Part:
    status = _said(record, "state", "incident_state")
    number = _said(record, "number")
    numbered = NUMBERED.fullmatch(status)
    ticket = Ticket(
        id=record.text("sys_id", "sys_id.value", "sys_id.display_value")
        or number
        or needed(record, "sys_id", "number"),
        number=number,
        title=_said(record, "short_description"),
        priority=_said(record, "priority"),
        over=is_over(numbered[1] if numbered else status, OVER) or record.text("operation").lower() == "delete",
        description=_said(record, "description"),
        reporter=_said(record, "caller", "caller_id", "opened_by"),
        services=[_said(record, "cmdb_ci", "business_service")],
        tags=tuple(tag.strip() for tag in record.text("sys_tags", "tags").split(",") if tag.strip()),
        url=record.text("link") or _page(record),
        status=status,
        raised=record.text("operation").lower() == "insert",
        created_at=record.moment("opened_at", "sys_created_on"),
        ended_at=record.moment("resolved_at", "closed_at", "sys_updated_on"),
    )
    return ticket_of(ticket, arrival)


def _said(record: Look, *names: str) -> str:
    """A field that is a text, or a reference with the value or the display value under it."""
    return record.text(*(path for name in names for path in (name, f"{name}.display_value", f"{name}.value")))


def _page(record: Look) -> str:
    """The page for people, on the instance that the record's references name."""
    for name in ("opened_by", "sys_domain", "caller_id"):
        try:
            parts = urlsplit(record.text(f"{name}.link"))
        except ValueError:
            continue
        if parts.netloc:
            return f"https://{parts.netloc}/nav_to.do?uri=incident.do?sys_id={record.text('sys_id')}"
    return ""


BACK: Final = goes_back(
    """
    provider: servicenow
    url: https://acme.service-now.com
    username: {env: TOCSIN_SERVICENOW_USERNAME}  # a user with the role itil; without it the token is an API key
    token: {env: TOCSIN_SERVICENOW_TOKEN}        # its password; for OAuth see client_id in notifications.md
    table: incident                              # the default
"""
)

DOCS = f"""
ServiceNow posts what a business rule tells it to. A P1 opens an incident, of which Helpdesk hears first.

## Set it up

1. *System Web Services → Outbound → REST Message*: endpoint `https://intake.example.org/v1/hooks/servicenow`, an HTTP method POST with the headers
   `Content-Type: application/json` and `Authorization: Bearer YOUR-KEY`, content `${{body}}`.
2. *System Definition → Business Rules* on `incident`, *after* insert, update and delete, advanced:

```js
(function executeRule(current) {{
  if (current.operation() == 'update' && !current.priority.changes() && !current.state.changes()) return;  // a comment is no news
  var r = new sn_ws.RESTMessageV2('Tocsin', 'post');
  r.setStringParameterNoEscape('body', JSON.stringify({{
    sys_id: current.getUniqueValue(), number: current.getValue('number'), state: current.getValue('state'),
    priority: current.getValue('priority'), short_description: current.getValue('short_description'),
    description: current.getValue('description'), cmdb_ci: current.getDisplayValue('cmdb_ci'),
    business_service: current.getDisplayValue('business_service'), caller: current.getDisplayValue('caller_id'),
    opened_at: current.getValue('opened_at'), sys_updated_on: current.getValue('sys_updated_on'), operation: current.operation(),
    link: gs.getProperty('glide.servlet.uri') + current.getLink()
  }}));
  r.executeAsync();
}})(current);
```

## What is read

| Tocsin | from the record |
|---|---|
| dedup key | `sys_id` |
| status | `state`: 6, 7 and 8 (resolved, closed, canceled) resolve, and so does a deletion |
| P1 | `priority` |
| title, description, reporter | `short_description`, `description`, `caller` |
| service | `cmdb_ci`, else `business_service`; map it with `services` |
| link | `link` |
| started | `opened_at`, in UTC |

{ECHO}

Records as the table API shows them (`result`) are read too; references may be texts or objects.

{BACK}
## Options

{TICKETS} {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "sys_id": "9d38",
    "number": "INC0020418",
    "state": "2",
    "priority": "1",
    "short_description": "Nobody at Northwind can approve an invoice",
    "cmdb_ci": "approvals",
    "caller": "Ines Duarte",
    "opened_at": "2026-03-02 09:15:00",
    "operation": "insert",
    "link": "https://acme.service-now.example/nav_to.do?uri=incident.do?sys_id=9d38",
}

SOURCE: Final = Source(
    name="servicenow",
    title="ServiceNow",
    kind="ticket",
    docs=DOCS,
    options=TicketOptions,
    example=EXAMPLE,
    read=read,
)
