"""SMS by Twilio's Messages resource, through Twilio's own SDK.

Messages take no idempotency key (SDK 9.13: ``MessageList.create_async`` has none, and the resource's page names none), so that
a message whose answer was lost is looked for in the list of what was sent to that number before it is sent again.
The SDK speaks over the house's HTTP client: one pool of connections in the event loop, true timeouts, and a base URL
for tests and egress proxies.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.notifier.channels.base import Absent, Accepted, Found, GiveUp, Outcome, Outgoing, Retry, Unknowable
from services.notifier.channels.waits import retry_after
from services.notifier.domain.twilio import FOR_GOOD, THROTTLED

SDK_PREFIX: Final = "Unable to create record: "
"""What the SDK puts before Twilio's own words."""

LOOKED_AT: Final = 100
"""How many of the newest messages to a number are looked through: more than anybody gets while a lease runs."""


class _HouseClient(HttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's transport over httpx. Remembers nothing between requests, and retries nothing."""

    def __init__(self, base_url: str | None, timeout: timedelta) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), is_async=True, timeout=timeout.total_seconds())
        self._base = base_url.rstrip("/") if base_url else None
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=60)
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(timeout.total_seconds(), connect=5.0), limits=limits)

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


class TwilioSms:
    """One Twilio account with its sender: a number (``from_``) or a messaging service."""

    provider: Literal["twilio"] = "twilio"
    repeatable = False

    def __init__(
        self,
        *,
        account_sid: str,
        username: str,
        password: str,
        from_: str | None = None,
        messaging_service_sid: str | None = None,
        status_callback: str | None = None,
        base_url: str | None = None,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._http = _HouseClient(base_url, timeout)
        # The SDK imports a resource when it is first named: here, not when somebody is to be paged.
        self._messages = Client(username, password, account_sid=account_sid, http_client=self._http).messages
        fields = {"from_": from_, "messaging_service_sid": messaging_service_sid}
        self._fields = {name: value for name, value in fields.items() if value}
        self._status_callback = status_callback

    async def send(self, message: Outgoing) -> Outcome:
        """Create the message at Twilio."""
        try:
            created = await self._messages.create_async(
                to=message.address, body=message.text, **self._fields, **self._confirmation(message)
            )
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
        return Accepted(str(created.sid))

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:
        """Look through the newest messages to this number for the same text under an id that nobody else has.

        Not by Twilio's ``DateSent`` filter: a message that waits in its queue has no such date yet.
        """
        try:
            sent = await self._messages.list_async(to=message.address, limit=LOOKED_AT, page_size=LOOKED_AT)
        except (httpx.HTTPError, TwilioException, ValueError) as error:
            return Unknowable(_sentence(error), passing=True)
        for one in sent:
            if str(one.sid) not in known and one.direction != "inbound" and _same(one.body, message.text):
                return Accepted(str(one.sid))
        return Absent()

    def _confirmation(self, message: Outgoing) -> dict[str, str]:
        """Where Twilio tells what became of it. The key in it finds the attempt also before we know Twilio's id."""
        if not self._status_callback:
            return {}
        return {"status_callback": f"{self._status_callback}?attempt={message.key}"}

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._http.close()


def refusal(status: int, code: int | None, detail: str) -> Outcome:
    """What Twilio's refusal means. 503 says that nothing was taken; other 5xx say nothing."""
    sentence = f"Twilio {code or status}: {detail.removeprefix(SDK_PREFIX)}"
    if code in THROTTLED:
        return Retry("provider_throttled", sentence)
    if status >= 500:
        return Retry("provider_error", sentence, unsure=status != 503)
    return GiveUp(FOR_GOOD.get(code or 0, "rejected"), sentence)


def _same(sent: str | None, text: str) -> bool:
    """Whether Twilio's record of a body is this text; trial accounts put a sentence before it."""
    return sent is not None and sent.strip().endswith(text.strip())


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__
