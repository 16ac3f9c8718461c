"""Four helpdesks on this machine: the parts of their APIs by which tickets are commented on, as strict as the real ones.

Each checks who asks, the path, the form of the body and its fields, knows its tickets and no others, and has its own form of errors:

- Zendesk: https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
- Jira: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issue-comments/
- Freshdesk: https://developers.freshdesk.com/api/#conversations
- ServiceNow: the Table API of its documentation
"""

import base64
import html
import json
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from services.notifier.channels.freshdesk import Freshdesk
from services.notifier.channels.helpdesk import Account, Helpdesk, HelpdeskName
from services.notifier.channels.jira import Jira
from services.notifier.channels.servicenow import ServiceNow
from services.notifier.channels.zendesk import Zendesk
from tests.support.fake_api import Answer, FakeApi, running

AGENT = "tocsin@acme.example"
TOKEN = "an-api-token"
SYS_ID = "46d44a23a9fe19810012d100cca80666"
NUMBER = "INC0020418"


@dataclass(frozen=True)
class Refusal:
    """A status that is answered in place of anything else."""

    status: int
    retry_after: int | str | None = None


@dataclass(frozen=True)
class Comment:
    """A comment that was posted."""

    id: str
    ticket: str
    text: str
    public: bool


@dataclass
class FakeHelpdesk(FakeApi):
    """``refusals`` are used up one a request, ``closed`` are tickets that take no comment; ``on_comment`` hears of each that was posted."""

    tickets: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    comments: list[Comment] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    on_comment: Callable[[Comment], None] | None = None

    def taken(self) -> int:
        """How many comments there are."""
        return len(self.comments)

    def texts(self, ticket: str | None = None) -> list[str]:
        """What was written, without the last line, which is the reference."""
        found = [one.text for one in self.comments if ticket is None or one.ticket == ticket]
        return [text.rsplit("\n", 1)[0].strip() for text in found]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:
        """What the helpdesk answers."""
        if self.refusals:
            refusal = self.refusals.pop(0)
            extra = [f"Retry-After: {refusal.retry_after}"] if refusal.retry_after is not None else []
            return refusal.status, self.error(refusal.status), extra
        if not self.authentic(headers):
            return 401, self.error(401), []
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method in {"POST", "PUT", "PATCH"} and not headers.get("content-type", "").startswith("application/json"):
            return 415, self.error(415), []
        try:
            return *self.route(method, parts.path, query, json.loads(body) if body else {}), []
        except (KeyError, TypeError, ValueError):  # a body of another form
            return 400, self.error(400), []

    def post(self, ticket: str, text: str, *, public: bool) -> Comment:
        """Keep a comment."""
        if not text.strip() or type(public) is not bool:
            raise TypeError(text)
        comment = Comment(str(900 + len(self.comments)), ticket, text, public)
        self.comments.append(comment)
        if self.on_comment is not None:
            self.on_comment(comment)
        return comment

    def of(self, ticket: str) -> list[Comment]:
        """The comments of a ticket, oldest first."""
        return [comment for comment in self.comments if comment.ticket == ticket]

    def basic(self, username: str, password: str) -> str:
        """The header of Basic authentication."""
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    @abstractmethod
    def authentic(self, headers: Mapping[str, str]) -> bool:
        """Whether the request is from somebody who may."""

    @abstractmethod
    def route(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """The answer to a request of somebody who may. Raises for a body of another form."""

    @abstractmethod
    def error(self, status: int) -> Any:
        """An error in the helpdesk's own form."""


def only(body: Any, *names: str) -> None:
    """Raise for a body that has other fields than these."""
    unknown = set(body) - set(names)
    if unknown:
        raise ValueError(unknown)


ZENDESK: Final = re.compile(r"/api/v2/tickets/(?P<ticket>\d+)(?P<comments>/comments)?\.json")
ZENDESK_ERRORS: Final = {401: "Couldn't authenticate you", 404: "RecordNotFound", 422: "RecordInvalid"}


@dataclass
class FakeZendesk(FakeHelpdesk):
    """An account with API tokens."""

    tickets: set[str] = field(default_factory=lambda: {"20418"})

    def authentic(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == self.basic(f"{AGENT}/token", TOKEN)

    def route(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        found = ZENDESK.fullmatch(path)
        if found is None or found["ticket"] not in self.tickets:
            return 404, self.error(404)
        ticket = found["ticket"]
        if method == "GET" and found["comments"]:
            newest = self.of(ticket)
            newest = newest[::-1] if query.get("sort_order") == "desc" else newest
            shown = [{"id": int(c.id), "type": "Comment", "body": c.text, "public": c.public} for c in newest]
            page = shown[: int(query.get("per_page", 25))]
            return 200, {"comments": page, "next_page": None, "previous_page": None, "count": len(shown)}
        if method != "PUT" or found["comments"]:
            return 405, self.error(405)
        if ticket in self.closed:
            return 422, self.error(422)
        only(body, "ticket")
        only(body["ticket"], "comment")
        only(body["ticket"]["comment"], "body", "public")
        comment = self.post(ticket, body["ticket"]["comment"]["body"], public=body["ticket"]["comment"]["public"])
        events = [
            {"id": int(comment.id), "type": "Comment", "body": comment.text, "public": comment.public},
            {"id": 1, "type": "Notification", "subject": "[Acme] Re: …"},
        ]
        return 200, {"ticket": {"id": int(ticket)}, "audit": {"id": 5, "ticket_id": int(ticket), "events": events}}

    def error(self, status: int) -> Any:
        return {"error": ZENDESK_ERRORS.get(status, "Error"), "description": f"Zendesk says {status}"}


JIRA: Final = re.compile(r"/rest/api/2/issue/(?P<ticket>[A-Z0-9-]+)/comment")


@dataclass
class FakeJira(FakeHelpdesk):
    """A site with a service project."""

    tickets: set[str] = field(default_factory=lambda: {"HELP-418"})

    def authentic(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == self.basic(AGENT, TOKEN)

    def route(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        found = JIRA.fullmatch(path)
        if found is None or found["ticket"] not in self.tickets:
            return 404, self.error(404)
        ticket = found["ticket"]
        if method == "GET":
            newest = self.of(ticket)
            newest = newest[::-1] if query.get("orderBy") == "-created" else newest
            shown = [self._shown(comment) for comment in newest[: int(query.get("maxResults", 50))]]
            return 200, {"startAt": 0, "maxResults": 50, "total": len(newest), "comments": shown}
        if method != "POST":
            return 405, self.error(405)
        only(body, "body", "properties")
        internal = False
        for item in body.get("properties", []):
            only(item, "key", "value")
            if item["key"] == "sd.public.comment":
                internal = item["value"]["internal"]
        return 201, self._shown(self.post(ticket, body["body"], public=not internal))

    def _shown(self, comment: Comment) -> Any:
        where = f"{self.url}/rest/api/2/issue/1/comment/{comment.id}"
        return {"self": where, "id": comment.id, "body": comment.text, "jsdPublic": comment.public}

    def error(self, status: int) -> Any:
        return {"errorMessages": [f"Jira says {status}"], "errors": {}}


FRESHDESK: Final = re.compile(r"/api/v2/tickets/(?P<ticket>\d+)/(?P<what>notes|conversations)")


@dataclass
class FakeFreshdesk(FakeHelpdesk):
    """An account with API keys."""

    tickets: set[str] = field(default_factory=lambda: {"20418"})

    def authentic(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == self.basic(TOKEN, "X")

    def route(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        found = FRESHDESK.fullmatch(path)
        if found is None or found["ticket"] not in self.tickets:
            return 404, None  # Freshdesk says nothing more
        ticket = found["ticket"]
        if (method, found["what"]) == ("GET", "conversations"):
            size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
            page = self.of(ticket)[(number - 1) * size : number * size]
            return 200, [self._shown(comment) for comment in page]
        if (method, found["what"]) != ("POST", "notes"):
            return 405, self.error(405)
        only(body, "body", "private", "notify_emails", "user_id")
        text = html.unescape(re.sub(r"<[^>]+>", "", body["body"].replace("<br>", "\n")))
        return 201, self._shown(self.post(ticket, text, public=not body["private"]))

    def _shown(self, comment: Comment) -> Any:
        body = f"<div>{html.escape(comment.text)}</div>"
        shown = {"id": int(comment.id), "body": body, "body_text": comment.text, "private": not comment.public}
        return shown | {"incoming": False, "ticket_id": int(comment.ticket), "user_id": 1}

    def error(self, status: int) -> Any:
        return {"code": "invalid_credentials" if status == 401 else "error", "message": f"Freshdesk says {status}"}


SERVICENOW: Final = re.compile(r"/api/now/table/incident(?:/(?P<ticket>[0-9a-f]{32}))?")


@dataclass
class FakeServiceNow(FakeHelpdesk):
    """An instance. ``comments_and_work_notes`` says everything, and only as display value.

    ``grants`` are the forms of OAuth that it grants a token for; with some, nothing else lets anybody in. Each token is good for
    ``expires_in`` as the instance says; what is in ``tokens`` no longer is refused. ``token_refusals`` are used up one a token.
    """

    tickets: set[str] = field(default_factory=lambda: {SYS_ID})
    numbers: dict[str, str] = field(default_factory=lambda: {NUMBER: SYS_ID})
    grants: tuple[Mapping[str, str], ...] = ()
    expires_in: Any = 1799
    tokens: list[str] = field(default_factory=list)
    granted: int = 0
    token_refusals: list[Refusal] = field(default_factory=list)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:
        if urlsplit(target).path != "/oauth_token.do":
            return super().answer(method, target, headers, body)
        if self.token_refusals:
            refusal = self.token_refusals.pop(0)
            extra = [f"Retry-After: {refusal.retry_after}"] if refusal.retry_after is not None else []
            return refusal.status, self.error(refusal.status), extra
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if method != "POST" or headers.get("content-type") != "application/x-www-form-urlencoded":
            return 400, {"error": "invalid_request", "error_description": "no form"}, []
        if form not in self.grants:
            return 401, {"error": "server_error", "error_description": "access_denied"}, []
        self.granted += 1
        self.tokens.append(f"token-{self.granted}")
        told = {"access_token": self.tokens[-1], "scope": "useraccount", "token_type": "Bearer"}
        return 200, told | {"expires_in": self.expires_in}, []

    def authentic(self, headers: Mapping[str, str]) -> bool:
        if self.grants:
            return headers.get("authorization") in {f"Bearer {token}" for token in self.tokens}
        return headers.get("authorization") == self.basic(AGENT, TOKEN)

    def route(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        found = SERVICENOW.fullmatch(path)
        if found is None:
            return 400, self.error(400)
        ticket = found["ticket"]
        if ticket is None:
            number = query["sysparm_query"].removeprefix("number=")
            return 200, {"result": [{"sys_id": self.numbers[number]}] if number in self.numbers else []}
        if ticket not in self.tickets:
            return 404, self.error(404)
        if method == "GET":
            journal = "".join(f"2026-11-24 14:00:00 - Tocsin\n{one.text}\n\n" for one in reversed(self.of(ticket)))
            shown = journal if query.get("sysparm_display_value") == "true" else ""
            names = query["sysparm_fields"].split(",")
            return 200, {"result": {name: shown if name == "comments_and_work_notes" else "" for name in names}}
        if method != "PATCH":
            return 405, self.error(405)
        only(body, "comments", "work_notes")
        ((name, text),) = body.items()
        self.post(ticket, text, public=name == "comments")
        return 200, {"result": {"sys_id": ticket}}

    def error(self, status: int) -> Any:
        return {"error": {"message": f"ServiceNow says {status}", "detail": "…"}, "status": "failure"}


HELPDESKS: Final[Mapping[HelpdeskName, tuple[type[FakeHelpdesk], type[Helpdesk], str]]] = {
    "zendesk": (FakeZendesk, Zendesk, "20418"),
    "jira": (FakeJira, Jira, "HELP-418"),
    "freshdesk": (FakeFreshdesk, Freshdesk, "20418"),
    "servicenow": (FakeServiceNow, ServiceNow, SYS_ID),
}
"""Each helpdesk with the channel that speaks to it, and the ticket that it has."""


async def running_helpdesk(
    stack: AsyncExitStack, name: HelpdeskName, timeout: timedelta = timedelta(seconds=60), **changes: Any
) -> tuple[FakeHelpdesk, Helpdesk, str]:
    """A helpdesk that listens, its channel with the right credentials (or ``changes``), and a ticket's id."""
    fake_type, channel_type, ticket = HELPDESKS[name]
    fake = await stack.enter_async_context(running(fake_type()))
    username = None if name == "freshdesk" else AGENT
    fields = {"url": fake.url, "token": TOKEN, "username": username, "timeout": timeout} | changes
    channel = channel_type(Account(**fields))
    stack.push_async_callback(channel.close)
    return fake, channel, ticket
