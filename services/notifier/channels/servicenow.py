"""ServiceNow: the journals of a record, by the Table API. ``comments`` are for whoever filed it, ``work_notes`` for the agents.

An entry has no id that the API would tell, so that its own reference is its name. The journals are read from the record itself
(``sysparm_display_value``), since their own table is closed to most accounts.

With an OAuth client a token is asked for at ``/oauth_token.do`` (RFC 6749, 4.3 and 4.4), used until it runs out, and asked for once more where
the instance no longer takes it.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import httpx

from libs.common.clock import Stopwatch
from services.notifier.channels.base import GiveUp, Outgoing, Retry
from services.notifier.channels.helpdesk import Account, Helpdesk, Refused, field, refusal, segment

SYS_ID: Final = re.compile(r"[0-9a-f]{32}")
NUMBER: Final = re.compile(r"[A-Z]{2,10}[0-9]{3,20}")
JOURNALS: Final = ("comments", "work_notes", "comments_and_work_notes")


EARLY: Final = timedelta(seconds=30)
"""So long before it runs out a token is no longer used."""
USUAL: Final = timedelta(minutes=5)
"""How long a token is used of which the instance does not say when it runs out."""
LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True)
class Client:
    """An OAuth client of the instance. With a user and a password it acts for that user, else for the user that the instance gave it."""

    id: str
    secret: str
    username: str | None = None
    password: str | None = None

    @property
    def grant(self) -> dict[str, str]:
        """The form by which it asks for a token."""
        known = {"client_id": self.id, "client_secret": self.secret}
        if self.username is None or self.password is None:
            return {"grant_type": "client_credentials", **known}
        return {"grant_type": "password", **known, "username": self.username, "password": self.password}


class Tokens(httpx.Auth):
    """Bears a token with each request, which it asks for when there is none or the one that there was is no longer taken."""

    def __init__(self, url: str, client: Client) -> None:
        self._url = f"{url.rstrip('/')}/oauth_token.do"
        self._client = client
        self._asking = asyncio.Lock()
        self._token = ""
        self._age = Stopwatch()
        self._good_for = timedelta(0)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request with a token; once more with a new one where it was refused. Raises :class:`Refused` where no token is to be had."""
        refused = ""
        for _ in range(2):
            async with self._asking:
                if self._token == refused or self._age.seconds() >= self._good_for.total_seconds():
                    granted = yield self._ask(request)
                    await granted.aread()
                    self._take(granted)
                token = self._token
            request.headers["Authorization"] = f"Bearer {token}"
            answer = yield request
            if answer.status_code != 401:
                return
            refused = token

    def _ask(self, request: httpx.Request) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._url,
            data=self._client.grant,
            headers={"Accept": "application/json"},
            extensions=dict(request.extensions),  # its timeouts
        )

    def _take(self, answer: httpx.Response) -> None:
        """Keep the token of an answer. Whatever it is not, the comment was not posted."""
        if not answer.is_success:
            outcome = refusal("servicenow", answer, unsure=False)
            raise Refused(outcome if isinstance(outcome, Retry) else GiveUp("rejected", f"no token: {outcome.detail}"))
        try:
            body = answer.json()
        except ValueError:
            body = None
        token = field(body, "access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise Refused(Retry("provider_error", "servicenow answered without a token"))
        self._token, self._age = token, Stopwatch()
        self._good_for = _lifetime(field(body, "expires_in")) - EARLY


def _lifetime(said: object) -> timedelta:
    """How long a token is good; some proxies make a text of the number."""
    try:
        seconds = float(said) if isinstance(said, int | float | str) else USUAL.total_seconds()
        return min(timedelta(seconds=seconds), LONGEST)
    except (ValueError, OverflowError):
        return USUAL


class ServiceNow(Helpdesk):
    """One instance and the table in which its tickets stand. Without a user name the token is an API key."""

    provider: Literal["servicenow"] = "servicenow"

    def __init__(self, account: Account, table: str = "incident", client: Client | None = None) -> None:
        self._client = client
        super().__init__(account)
        self._table = f"/api/now/table/{segment(table)}"

    def _auth(self, account: Account) -> httpx.Auth | None:
        return super()._auth(account) if self._client is None else Tokens(account.url, self._client)

    def _headers(self, account: Account) -> Mapping[str, str]:
        return {} if account.username or self._client else {"x-sn-apikey": account.token}

    def _knows(self, ticket: str) -> bool:
        return SYS_ID.fullmatch(ticket) is not None or NUMBER.fullmatch(ticket) is not None

    async def _comment(self, message: Outgoing, text: str, *, public: bool) -> str:
        body = {"comments" if public else "work_notes": text}
        await self._ask("PATCH", await self._record(message), body=body, query={"sysparm_fields": "sys_id"})
        return message.key

    async def _comments(self, message: Outgoing) -> AsyncIterator[tuple[str, str]]:
        query = {"sysparm_display_value": "true", "sysparm_fields": ",".join(JOURNALS)}
        answer = await self._ask("GET", await self._record(message), query=query)
        for journal in JOURNALS:
            yield message.key, str(field(answer, "result", journal))

    async def _record(self, message: Outgoing) -> str:
        """The record's path; one that is known by its number alone is asked for. Raises :class:`Refused`."""
        sys_id = message.address
        if not SYS_ID.fullmatch(sys_id):
            query: dict[str, str | int] = {
                "sysparm_query": f"number={sys_id}",
                "sysparm_fields": "sys_id",
                "sysparm_limit": 1,
            }
            found = field(await self._ask("GET", self._table, query=query), "result", 0, "sys_id")
            if not isinstance(found, str):
                raise Refused(GiveUp("invalid_address", f"servicenow has no record {sys_id}"))
            sys_id = found
        return f"{self._table}/{segment(sys_id)}"
