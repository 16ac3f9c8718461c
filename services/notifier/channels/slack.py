"""Slack by chat.postMessage, through Slack's own SDK, which speaks over aiohttp here: one pool of connections, true timeouts.

Slack takes no idempotency key. So each message carries our key as its metadata, and one whose answer was lost is looked for in the
conversation before it is sent again: https://docs.slack.dev/messaging/message-metadata. Slack answers 200 to refusals as well; what
counts is its ``error``: https://docs.slack.dev/reference/methods/chat.postMessage#errors.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from libs.common.events.deliveries import AttemptReason
from libs.common.slack_ids import is_member
from services.notifier.channels.base import Absent, Accepted, Found, GiveUp, Outcome, Outgoing, Retry, Unknowable
from services.notifier.channels.waits import retry_after
from services.notifier.domain.blocks import cut, escaped

EVENT: Final = "tocsin_message"
"""The type of our metadata."""
FALLBACK: Final = 3000
"""Characters of the text for notifications and screen readers: Slack cuts beyond 4,000."""
PAGE: Final = 100
PAGES: Final = 10
"""How much of a conversation is looked through: more than anybody writes while a lease runs."""
CONNECT_SECONDS: Final = 5.0

FOR_GOOD: Final[Mapping[str, AttemptReason]] = {
    "channel_not_found": "invalid_address",
    "user_not_found": "invalid_address",
    "users_not_found": "invalid_address",
    "user_not_visible": "invalid_address",
    "user_disabled": "invalid_address",
    "cannot_dm_bot": "invalid_address",
    "is_archived": "invalid_address",
}
"""What says that the address is no good. Every other refusal that does not pass is ``rejected``."""

PASSING: Final[Mapping[str, bool]] = {
    "ratelimited": False,
    "rate_limited": False,
    "service_unavailable": False,
    "team_added_to_org": False,
    "request_timeout": True,
    "internal_error": True,
    "fatal_error": True,
}
"""What passes, and whether the message may have gone out all the same."""

THROTTLED: Final = frozenset({"ratelimited", "rate_limited"})
LOST_ROOTS: Final = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})
"""The message under which this one was to stand is gone."""

HINTS: Final[Mapping[str, str]] = {
    "not_in_channel": "invite the app there: /invite @Tocsin",
    "channel_not_found": "the id may be of another workspace, or of a private channel that the app is not in",
    "is_archived": "the channel is archived",
    "invalid_auth": "the token is wrong",
    "not_authed": "the token is empty",
    "token_revoked": "the token was revoked: install the app again",
    "token_expired": "the token has expired",
    "account_inactive": "the app was removed from the workspace: install it again",
    "messages_tab_disabled": "the app's Messages tab is off: App Home in its settings",
    "restricted_action": "the workspace lets the app not post there",
}
"""What the one who runs Tocsin can do."""


class SlackChannel:
    """One workspace's app, as its bot."""

    provider: Literal["slack"] = "slack"
    repeatable = False

    def __init__(self, *, token: str, api_url: str | None = None, timeout: timedelta = timedelta(seconds=10)) -> None:
        self._token = token
        self._api_url = api_url or AsyncWebClient.BASE_URL
        self._timeout = timeout
        self._client: AsyncWebClient | None = None

    async def send(self, message: Outgoing) -> Outcome:
        """Post it, under the message that it belongs to or on its own where that one is gone."""
        root = _place(message.root)[1] if message.root else None
        try:
            return await self._post(message, root)
        except _Refused as error:
            if root is None or error.code not in LOST_ROOTS:
                return error.outcome
        try:
            return await self._post(message, None)
        except _Refused as error:
            return error.outcome

    async def show(self, message: Outgoing, provider_id: str) -> Outcome:
        """Have a message that was posted before say what ``message`` says."""
        conversation, timestamp = _place(provider_id)
        try:
            await self._ask("chat.update", json={**_said(message), "channel": conversation, "ts": timestamp})
        except _Refused as error:
            return error.outcome
        return Accepted(provider_id)

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:  # noqa: ARG002 - the key says it all
        """Look for our key in the conversation's newest messages, or in the thread that it was to stand in."""
        try:
            where = await self._conversation(message.address)
            found = await self._seek(message.key, "conversations.history", {"channel": where})
            if found is None and message.root:
                thread = {"channel": where, "ts": _place(message.root)[1]}
                found = await self._seek(message.key, "conversations.replies", thread)
        except _Refused as error:
            return Unknowable(error.outcome.detail, passing=isinstance(error.outcome, Retry))
        return Accepted(f"{where}/{found}") if found else Absent()

    async def close(self) -> None:
        """Close the connections to Slack."""
        if self._client is not None and self._client.session is not None:
            await self._client.session.close()

    async def _post(self, message: Outgoing, thread_ts: str | None) -> Accepted:
        said = {**_said(message), "channel": message.address, "unfurl_links": False, "unfurl_media": False}
        if thread_ts is not None:
            said["thread_ts"] = thread_ts
            said["reply_broadcast"] = message.broadcast
        answer = await self._ask("chat.postMessage", json=said, unsure=True)
        return Accepted(f"{answer.get('channel') or message.address}/{answer.get('ts')}")

    async def _conversation(self, address: str) -> str:
        """The conversation that an address means: a member's is the direct one with the app."""
        if not is_member(address):
            return address
        answer = await self._ask("conversations.open", json={"users": address})
        return str((answer.get("channel") or {}).get("id") or address)

    async def _seek(self, key: str, method: str, where: Mapping[str, str]) -> str | None:
        """The timestamp of the message with our key."""
        cursor = ""
        for _ in range(PAGES):
            query = {**where, "limit": PAGE, "include_all_metadata": True, **({"cursor": cursor} if cursor else {})}
            answer = await self._ask(method, query=query)
            for one in _rows(answer.get("messages")):
                metadata = one.get("metadata") or {}
                if metadata.get("event_type") == EVENT and metadata.get("event_payload", {}).get("key") == key:
                    return str(one.get("ts"))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return None

    async def _ask(
        self,
        method: str,
        *,
        json: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
        unsure: bool = False,
    ) -> Mapping[str, Any]:
        """Slack's answer to a method. Raises :class:`_Refused`; what may have arrived all the same is ``unsure``."""
        try:
            answer = await self._web().api_call(method, http_verb="GET" if query else "POST", json=json, params=query)
        except SlackApiError as error:
            raise refusal(error.response, unsure=unsure) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _Refused(Retry("provider_unreachable", _sentence(error))) from error
        except TimeoutError as error:
            raise _Refused(Retry("timed_out", _sentence(error), unsure=unsure)) from error
        except (
            aiohttp.ClientError,
            AttributeError,
            ValueError,
        ) as error:  # a lost connection; what the SDK cannot read
            raise _Refused(Retry("provider_error", _sentence(error), unsure=unsure)) from error
        return answer.data if isinstance(answer.data, dict) else {}

    def _web(self) -> AsyncWebClient:
        """The SDK's client on a pool of ours, made when an event loop runs; it retries nothing by itself."""
        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout.total_seconds(), connect=CONNECT_SECONDS)
            session = aiohttp.ClientSession(
                timeout=timeout, connector=aiohttp.TCPConnector(limit=50, keepalive_timeout=60)
            )
            self._client = AsyncWebClient(
                self._token,
                base_url=self._api_url,
                session=session,
                retry_handlers=[],
                logger=logging.getLogger("slack_sdk.client"),
            )
        return self._client


class _Refused(Exception):
    """A method that brought no answer of use; ``code`` is Slack's word for why."""

    def __init__(self, outcome: Retry | GiveUp, code: str = "") -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome
        self.code = code


def refusal(response: Any, *, unsure: bool) -> _Refused:
    """What Slack's refusal means. ``response`` is the SDK's, or aiohttp's where the body was no JSON."""
    status = int(response.status_code if hasattr(response, "status_code") else response.status)
    data = getattr(response, "data", None)
    said = data if isinstance(data, dict) else {}
    code = str(said.get("error") or "")
    detail = f"Slack {code or status}"
    if hint := HINTS.get(code) or (f"the app needs the scope {said.get('needed')}" if code == "missing_scope" else ""):
        detail = f"{detail}: {hint}"
    after = retry_after(response.headers)
    if status == 429 or code in THROTTLED:
        return _Refused(Retry("provider_throttled", detail, after), code)
    if code in PASSING:
        return _Refused(Retry("provider_error", detail, after, unsure=unsure and PASSING[code]), code)
    if status >= 500 or not code:
        return _Refused(Retry("provider_error", detail, after, unsure=unsure and status != 503), code)
    return _Refused(GiveUp(FOR_GOOD.get(code, "rejected"), detail), code)


def _said(message: Outgoing) -> dict[str, Any]:
    """What a message says, with our key."""
    said: dict[str, Any] = {
        "text": escaped(cut(message.text or message.headline, FALLBACK)),
        "metadata": {"event_type": EVENT, "event_payload": {"key": message.key}},
    }
    return {**said, "blocks": [dict(block) for block in message.blocks]} if message.blocks else said


def _place(provider_id: str) -> tuple[str, str]:
    """Conversation and timestamp of a message of ours."""
    conversation, _, timestamp = provider_id.partition("/")
    return conversation, timestamp


def _rows(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _sentence(error: Exception) -> str:
    return f"Slack: {str(error) or type(error).__name__}"
