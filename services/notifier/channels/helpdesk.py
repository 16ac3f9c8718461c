"""What the channels have in common that comment on tickets: one request at a time, and a reference by which a comment is found again.

No helpdesk takes an idempotency key for comments. So each comment ends with a reference that no other has, and where nobody knows whether
one was posted, the ticket's comments are read and the reference is looked for. That closes the window of a crash.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx

from services.notifier.channels.base import Absent, Accepted, Found, GiveUp, Outcome, Outgoing, Retry, Unknowable
from services.notifier.channels.waits import retry_after

REFERENCE: Final = "Tocsin reference"
CONNECT_SECONDS: Final = 5.0
PAGES: Final = 50
"""How many pages of comments are looked through at most, for helpdesks that show the oldest first: as many as a ticket may have."""
PAGE: Final = 100
"""How many comments a page has; where the newest come first, one is more than anybody writes while a lease runs."""

HelpdeskName = Literal["zendesk", "jira", "freshdesk", "servicenow"]


@dataclass(frozen=True)
class Account:
    """A helpdesk's API and as whom it is spoken to: with ``username`` by Basic authentication, else with the token alone."""

    url: str
    token: str
    username: str | None = None
    public: bool = True
    """Whether those who filed the ticket may read what is meant for them; else every comment is for agents."""
    timeout: timedelta = timedelta(seconds=10)


class Refused(Exception):
    """A request that brought no answer of use; ``outcome`` says what that means for a comment."""

    def __init__(self, outcome: Retry | GiveUp) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class Helpdesk(ABC):
    """One helpdesk. What is its own: where comments are posted and read, and which ids tickets have."""

    provider: HelpdeskName
    repeatable = False

    def __init__(self, account: Account) -> None:
        self._public = account.public
        limits = httpx.Limits(max_connections=10, max_keepalive_connections=4, keepalive_expiry=60)
        self._http = httpx.AsyncClient(
            base_url=account.url.rstrip("/"),
            headers={"Accept": "application/json", **self._headers(account)},
            auth=self._auth(account),
            timeout=httpx.Timeout(account.timeout.total_seconds(), connect=CONNECT_SECONDS),
            limits=limits,
            follow_redirects=False,
        )

    async def send(self, message: Outgoing) -> Outcome:
        """Post the comment."""
        if not self._knows(message.address):
            return GiveUp("invalid_address", f"{message.address!r} is no ticket's id at {self.provider}")
        public = self._public and not message.internal
        try:
            return Accepted(
                await self._comment(message, f"{message.text.rstrip()}\n\n{reference(message)}", public=public)
            )
        except Refused as error:
            return error.outcome

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:  # noqa: ARG002 - the reference says it all
        """Look for the reference of this message among the ticket's comments."""
        try:
            async for comment_id, text in self._comments(message):
                if reference(message) in text:
                    return Accepted(comment_id)
        except Refused as error:
            return Unknowable(error.outcome.detail, passing=isinstance(error.outcome, Retry))
        return Absent()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @abstractmethod
    def _knows(self, ticket: str) -> bool:
        """Whether this can be the id of a ticket there."""

    @abstractmethod
    async def _comment(self, message: Outgoing, text: str, *, public: bool) -> str:
        """Post ``text``; the comment's id. Raises :class:`Refused`."""

    @abstractmethod
    def _comments(self, message: Outgoing) -> AsyncIterator[tuple[str, str]]:
        """Ids and texts of the ticket's comments, as many as matter. Raises :class:`Refused`."""

    def _auth(self, account: Account) -> httpx.Auth | None:
        return httpx.BasicAuth(account.username, account.token) if account.username else None

    def _headers(self, account: Account) -> Mapping[str, str]:
        """What says who asks where there is no user name."""
        return {} if account.username else {"Authorization": f"Bearer {account.token}"}

    async def _ask(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, str | int] | None = None
    ) -> Any:
        """The JSON answer to a request. Raises :class:`Refused`; a ``body`` that may have arrived all the same is ``unsure``."""
        unsure = body is not None
        try:
            answer = await self._http.request(method, path, json=body, params=query)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Refused(Retry("provider_unreachable", self._sentence(error))) from error
        except httpx.TimeoutException as error:
            raise Refused(Retry("timed_out", self._sentence(error), unsure=unsure)) from error
        except httpx.HTTPError as error:  # a connection that was lost, an answer that is none
            raise Refused(Retry("provider_error", self._sentence(error), unsure=unsure)) from error
        if not answer.is_success:
            raise Refused(refusal(self.provider, answer, unsure=unsure))
        try:
            return answer.json()
        except ValueError as error:
            detail = f"{self.provider} answered {answer.status_code} without JSON"
            raise Refused(Retry("provider_error", detail, unsure=unsure)) from error

    def _sentence(self, error: Exception) -> str:
        return f"{self.provider}: {str(error) or type(error).__name__}"


def reference(message: Outgoing) -> str:
    """The last line of a comment, by which it is known again."""
    return f"{REFERENCE} {message.key}"


def segment(ticket: str) -> str:
    """A ticket's id as a part of a path."""
    return quote(ticket, safe="")


def field(value: Any, *names: str | int) -> Any:
    """What stands in a JSON answer under ``names``; ``None`` where nothing does."""
    for name in names:
        try:
            value = value[name]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def rows(value: Any) -> list[Any]:
    """A JSON array, or nothing."""
    return value if isinstance(value, list) else []


def refusal(provider: str, answer: httpx.Response, *, unsure: bool) -> Retry | GiveUp:
    """What a refusal means. 503 says that nothing was taken; other 5xx say nothing. 409 and 423: somebody else writes the ticket now."""
    status = answer.status_code
    detail = f"{provider} {status}: {_said(answer)}"
    if status in (429, 409, 423, 425):
        return Retry("provider_throttled", detail, retry_after(answer.headers))
    if status >= 500:
        after = retry_after(answer.headers)
        return Retry("provider_error", detail, after, unsure=unsure and status != 503)
    if status == 408:
        return Retry("timed_out", detail, unsure=unsure)
    return GiveUp("invalid_address" if status in (404, 410) else "rejected", detail)


def _said(answer: httpx.Response) -> str:
    """The provider's own words, whatever its form of errors is."""
    try:
        body = answer.json()
    except ValueError:
        return answer.reason_phrase
    found = [
        field(body, "description"),
        field(body, "error", "message"),
        field(body, "errorMessages", 0),
        field(body, "message"),
        field(body, "error"),
    ]
    words = [one for one in found if isinstance(one, str) and one]
    return " ".join(words[0].split())[:300] if words else answer.reason_phrase
