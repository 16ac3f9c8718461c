"""What SMS and calls by Twilio share: the SDK over the house's HTTP client, and what its refusals mean.

The SDK speaks over the house's client: one pool of connections in the event loop, true timeouts, and a base URL for tests and egress
proxies.
"""

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.notifier.channels.base import Accepted, GiveUp, Outcome, Retry, Unknowable
from services.notifier.channels.waits import retry_after
from services.notifier.domain.twilio import FOR_GOOD, THROTTLED

SDK_PREFIX: Final = "Unable to create record: "
"""What the SDK puts before Twilio's own words."""

LOOKED_AT: Final = 100
"""How many of the newest messages to a number are looked through: more than anybody gets while a lease runs."""


@dataclass(frozen=True)
class Account:
    """Whose account it is, and who asks in its name: the account itself with its token, or an API key with its secret."""

    sid: str
    username: str
    password: str
    base_url: str | None = None
    """In place of https://api.twilio.com."""
    timeout: timedelta = timedelta(seconds=10)


class HouseClient(HttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's transport over httpx. Remembers nothing between requests, and retries nothing."""

    def __init__(self, account: Account) -> None:
        seconds = account.timeout.total_seconds()
        super().__init__(logging.getLogger("twilio.http_client"), is_async=True, timeout=seconds)
        self._base = account.base_url.rstrip("/") if account.base_url else None
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=60)
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(seconds, connect=5.0), limits=limits)

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request. Raises :class:`_Throttled` for 429, whose ``Retry-After`` the SDK would drop."""
        if self._base:
            parts = urlsplit(url)
            url = f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        answer = await self._http.request(
            method.upper(),
            url,
            params=dict(params) if params else None,
            data=dict(data) if data else None,
            headers=dict(headers or {}),
            auth=auth,
            timeout=timeout or self.timeout,
            follow_redirects=allow_redirects,
        )
        if answer.status_code == 429:
            raise _Throttled(retry_after(answer.headers))
        return Response(answer.status_code, answer.text, answer.headers)

    async def close(self) -> None:
        """Close the pool."""
        await self._http.aclose()


class _Throttled(TwilioException):  # type: ignore[misc]  # the SDK has no types
    """Twilio asks to wait."""

    def __init__(self, after: timedelta | None) -> None:
        super().__init__("Twilio answered 429")
        self.after = after


def client_of(account: Account, http: HouseClient) -> Client:
    """The SDK's client of the account."""
    return Client(account.username, account.password, account_sid=account.sid, http_client=http)


async def created(creation: Awaitable[Any]) -> Outcome:
    """What became of creating a message or a call."""
    try:
        return Accepted(str((await creation).sid))
    except _Throttled as error:
        return Retry("provider_throttled", str(error), error.after)
    except TwilioRestException as error:
        return refusal(error.status, error.code, error.msg)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Retry("provider_unreachable", _sentence(error))
    except httpx.TimeoutException as error:
        return Retry("timed_out", _sentence(error), unsure=True)
    except (httpx.HTTPError, TwilioException, ValueError) as error:  # an answer that is none, a lost connection
        return Retry("provider_error", _sentence(error), unsure=True)


async def listed(listing: Awaitable[Sequence[Any]]) -> Sequence[Any] | Unknowable:
    """What Twilio lists, or that it cannot be asked now."""
    try:
        return await listing
    except (httpx.HTTPError, TwilioException, ValueError) as error:
        return Unknowable(_sentence(error), passing=True)


def refusal(status: int, code: int | None, detail: str) -> Outcome:
    """What Twilio's refusal means. 503 says that nothing was taken; other 5xx say nothing."""
    sentence = f"Twilio {code or status}: {detail.removeprefix(SDK_PREFIX)}"
    if code in THROTTLED:
        return Retry("provider_throttled", sentence)
    if status >= 500:
        return Retry("provider_error", sentence, unsure=status != 503)
    return GiveUp(FOR_GOOD.get(code or 0, "rejected"), sentence)


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__
