"""Jira and Jira Service Management: webhooks of issues."""

from typing import Any, Final
from urllib.parse import urlsplit

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, Part, ignored, needed, reads_one, refused
from services.intake.sources.tickets import ECHO, TICKETS, Ticket, TicketOptions, goes_back, is_over, ticket_of

OVER: Final = frozenset({"done", "closed", "resolved", "cancelled", "canceled", "declined", "rejected"})
NEWS: Final = frozenset({"status", "priority", "resolution", "labels", "project"})
"""Fields whose change can make an issue a P1, or open again."""
REMARKS: Final = ("comment", "issue_comment", "worklog", "issue_work", "issuelink", "attachment")
"""How the names of events begin that change no field of the issue: what we write on it ourselves comes back as one of these."""


def _one(look: Look, arrival: Arrival[TicketOptions]) -> Part:
    event, issue = look.text("webhookEvent", "event_type", "issue_event_type_name").lower(), _issue(look)
    if not issue.is_object():
        if event:
            return ignored("no-news", f"The event {event} is not about an issue.", look.at("webhookEvent"))
        raise refused("wrong-shape", "The body needs an issue.", issue)
    fields = issue.at("fields") if issue.at("fields").is_object() else issue
    key = needed(issue, "key", "id")
    changed = {item.text("field").lower() for item in look.each("changelog.items")}
    status = fields.text("status.name", "status")
    category = fields.text("status.statusCategory.key").lower()
    over = category == "done" if category else is_over(status, OVER)
    ticket = Ticket(
        id=key,
        title=fields.text("summary"),
        priority=fields.text("priority.name", "priority"),
        over=over or event.endswith("issue_deleted"),
        news=not changed.isdisjoint(NEWS) if changed else not _only_remarks(look, event),
        description=fields.text("description") or _words(fields.at("description")),
        reporter=fields.text("reporter.displayName", "creator.displayName", "reporter.name", "reporter"),
        services=[part.text("name") for part in fields.each("components")] or [fields.text("project.key")],
        tags=fields.texts("labels"),
        url=issue.text("url") or _page(issue.text("self"), key),
        status=status,
        raised=event.endswith("issue_created") or _raised(look),
        created_at=fields.moment("created"),
        ended_at=fields.moment("resolutiondate", "updated"),
    )
    return ticket_of(ticket, arrival)


def _issue(look: Look) -> Look:
    """The issue: under its name, or the body itself where an automation rule posts *Issue data* alone."""
    return look if look.text("key") and look.at("fields").is_object() else look.at("issue")


def _words(document: Look, depth: int = 20) -> str:
    """The text of an Atlassian Document, a line for each paragraph."""
    if document.text("text"):
        return str(document.at("text").value)
    parts = [_words(part, depth - 1) for part in document.each("content")] if depth else []
    lines = document.text("type") in ("doc", "bulletList", "orderedList", "listItem", "panel", "blockquote")
    return ("\n" if lines else "").join(filter(None, parts))


def _only_remarks(look: Look, event: str) -> bool:
    """Whether a body without changes tells of a comment, of work or of a link: servers post these as ``jira:issue_updated`` too."""
    names = (event, look.text("issue_event_type_name").lower())
    return look.at("comment").is_object() or any(name.startswith(REMARKS) for name in names)


def _raised(look: Look) -> bool:
    """Whether the changes raise the issue or open it again; a step from one open status to another does neither."""
    for item in look.each("changelog.items"):
        field, before = item.text("field").lower(), item.text("fromString").lower()
        if field in NEWS and (field != "status" or before in OVER):
            return True
    return False


def _page(address: str, key: str) -> str:
    """The page for people of an issue whose address in the API is ``address``."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    root = parts.path.partition("/rest/")[0]
    return f"{parts.scheme}://{parts.netloc}{root}/browse/{key}" if parts.netloc else ""


BACK: Final = goes_back(
    """
    provider: jira
    url: https://acme.atlassian.net
    username: {env: TOCSIN_JIRA_USERNAME}      # an account's address; without it the token is a personal access token
    token: {env: TOCSIN_JIRA_TOKEN}            # https://id.atlassian.com → Security → API tokens
"""
)

DOCS = f"""
Jira posts issues as they are filed, change and are done. A P1 opens an incident, of which Helpdesk hears first.

## Set it up

*Settings → System → WebHooks → Create*: URL `https://intake.example.org/v1/hooks/jira/YOUR-KEY`, events *Issue created, updated, deleted*, and a JQL such as
`project = HELP`. Or in Jira Service Management an automation rule with *Send web request*, body *Issue data*, and the key as a header. With a secret on
the webhook Jira signs every body; put it under `verify` (see the overview).

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `issue.key` |
| status | `status.statusCategory`: done resolves; older servers: Done, Closed, Resolved, Cancelled; a deletion resolves |
| P1 | `priority.name`, `labels` |
| title, description, reporter | `summary`, `description`, `reporter.displayName` |
| service | `components[].name`, else `project.key`; map it with `services` |
| link | `…/browse/<key>` |

A comment (our own too), and a change of other fields than status, priority, resolution and labels, opens nothing. {ECHO}

{BACK}
## Options

{TICKETS} {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "webhookEvent": "jira:issue_created",
    "issue_event_type_name": "issue_created",
    "timestamp": 1772442900000,
    "issue": {
        "id": "20418",
        "key": "HELP-418",
        "self": "https://acme.atlassian.example/rest/api/2/issue/20418",
        "fields": {
            "summary": "Nobody at Northwind can approve an invoice",
            "priority": {"name": "Highest", "id": "1"},
            "status": {"name": "Open", "statusCategory": {"key": "new"}},
            "project": {"key": "HELP"},
            "components": [{"name": "approvals"}],
            "reporter": {"displayName": "Ines Duarte"},
            "created": "2026-03-02T10:15:00.000+0100",
        },
    },
}

SOURCE: Final = Source(
    name="jira",
    title="Jira and Jira Service Management",
    kind="ticket",
    docs=DOCS,
    options=TicketOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
