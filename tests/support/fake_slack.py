"""Slack on this machine: the methods by which its SDK posts and finds messages, as strict as Slack about what it takes, response URLs, and
what Slack posts to an app, signed as Slack signs it.

Slack answers 200 to what it refuses as well: https://docs.slack.dev/apis/web-api/#responses.
"""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from slack_sdk.signature import SignatureVerifier

from tests.support.fake_api import Answer, FakeApi, running

TOKEN = "xoxb-a-bot-token"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM = "T0000001"
OPS = "C0000OPS1"
RAFAEL = "U000RAFAEL"
HELENA = "U000HELENA"
STRANGER = "U0STRANGER"

LIMITS: Final = {"header": 150, "section": 3000, "context": 3000}
"""Characters of a text: https://docs.slack.dev/reference/block-kit/blocks."""


@dataclass(frozen=True)
class Refusal:
    """An error that Slack answers with in place of taking the message; ``error`` of ``None`` is a body that is no JSON."""

    error: str | None
    status: int = 200
    retry_after: int | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class FakeSlack(FakeApi):
    """A workspace with members, and channels in which the app is. ``refusals`` are used up one a request."""

    members: set[str] = field(default_factory=lambda: {RAFAEL, HELENA, STRANGER})
    channels: set[str] = field(default_factory=lambda: {OPS})
    archived: set[str] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    responses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was posted to response URLs: path and message."""
    methods: list[str] = field(default_factory=list)

    def taken(self) -> int:
        return len(self.messages)

    def in_conversation(self, conversation: str) -> list[dict[str, Any]]:
        """The messages there, oldest first."""
        return [one for one in self.messages if one["channel"] == conversation]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:  # noqa: ARG002 - the path says it all
        parts = urlsplit(target)
        if not parts.path.startswith("/api/"):
            self.responses.append((parts.path, json.loads(body)))
            return 200, {"ok": True}, []
        self.methods.append(parts.path.removeprefix("/api/"))
        if self.refusals:
            refusal = self.refusals.pop(0)
            extra = [f"Retry-After: {refusal.retry_after}"] if refusal.retry_after is not None else []
            said = None if refusal.error is None else {"ok": False, "error": refusal.error, **refusal.more}
            return refusal.status, said, extra
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 200, {"ok": False, "error": "invalid_auth"}, []
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        said = json.loads(body) if headers.get("content-type", "").startswith("application/json") and body else query
        routes = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.open": self._open,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
        }
        return 200, routes[self.methods[-1]](said), []

    def conversation(self, address: str) -> str | None:
        """Where a message to an address stands: a member's is a direct one."""
        if address in self.members:
            return f"D{address[1:]}"
        known = self.channels | {f"D{member[1:]}" for member in self.members}
        return address if address in known else None

    def _post(self, said: dict[str, Any]) -> dict[str, Any]:
        where = self.conversation(said["channel"])
        if where is None:
            return {"ok": False, "error": "channel_not_found"}
        if where in self.archived:
            return {"ok": False, "error": "is_archived"}
        if problem := wrong_with(said.get("blocks", [])):
            return {"ok": False, "error": "invalid_blocks", "errors": [problem]}
        if not said.get("text"):
            return {"ok": False, "error": "no_text"}
        root = said.get("thread_ts")
        if root and not any(one["ts"] == root for one in self.in_conversation(where)):
            return {"ok": False, "error": "thread_not_found"}
        message = {**said, "channel": where, "ts": f"{1764000000 + len(self.messages)}.000100"}
        self.messages.append(message)
        return {"ok": True, "channel": where, "ts": message["ts"], "message": {"type": "message", "text": said["text"]}}

    def _update(self, said: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self.in_conversation(said["channel"]) if one["ts"] == said["ts"]]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        if problem := wrong_with(said.get("blocks", [])):
            return {"ok": False, "error": "invalid_blocks", "errors": [problem]}
        found[0].update(said)
        return {"ok": True, "channel": said["channel"], "ts": said["ts"], "text": said["text"]}

    def _open(self, said: dict[str, Any]) -> dict[str, Any]:
        if said["users"] not in self.members:
            return {"ok": False, "error": "user_not_found"}
        return {"ok": True, "channel": {"id": self.conversation(said["users"])}}

    def _history(self, query: dict[str, Any]) -> dict[str, Any]:
        """Newest first, without what stands in threads alone."""
        there = self.in_conversation(query["channel"])
        shown = [one for one in reversed(there) if "thread_ts" not in one or one.get("reply_broadcast")]
        return self._page(query, shown)

    def _replies(self, query: dict[str, Any]) -> dict[str, Any]:
        """Oldest first."""
        shown = [
            one for one in self.in_conversation(query["channel"]) if query["ts"] in (one["ts"], one.get("thread_ts"))
        ]
        return self._page(query, shown)

    def _page(self, query: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        if not self.conversation(query["channel"]):
            return {"ok": False, "error": "channel_not_found"}
        start, limit = int(query.get("cursor") or 0), int(query.get("limit") or 100)
        fields = {"ts", "text"} | ({"metadata"} if query.get("include_all_metadata") == "1" else set())
        shown = [{name: one[name] for name in fields if name in one} for one in found[start : start + limit]]
        more = start + limit < len(found)
        cursor = {"next_cursor": str(start + limit) if more else ""}
        return {"ok": True, "messages": shown, "has_more": more, "response_metadata": cursor}


def wrong_with(blocks: list[dict[str, Any]]) -> str | None:
    """What Slack would refuse of these blocks."""
    if len(blocks) > 50:
        return "more than 50 blocks"
    named = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(named)) != len(named):
        return "a block_id stands twice"
    return next((problem for block in blocks if (problem := _wrong_in(block))), None)


def _wrong_in(block: dict[str, Any]) -> str | None:
    kind = block["type"]
    texts = [block["text"]] if "text" in block else []
    texts += block.get("elements", []) if kind == "context" else []
    if any(not text["text"] or len(text["text"]) > LIMITS[kind] for text in texts):
        return f"a text of {kind} is empty or too long"
    fields = block.get("fields", [])
    if len(fields) > 10 or any(len(one["text"]) > 2000 for one in fields):
        return "fields"
    if kind == "section" and not texts and not fields:
        return "a section without text"
    for button in block["elements"] if kind == "actions" else []:
        if len(button["text"]["text"]) > 75 or len(button["value"]) > 2000 or button["type"] != "button":
            return "a button"
    return None


@asynccontextmanager
async def running_slack() -> AsyncIterator[FakeSlack]:
    """A double that listens on a free port."""
    async with running(FakeSlack()) as fake:
        yield fake


def signed(body: str | bytes, at: datetime | float | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers with which Slack posts ``body``."""
    moment = at.timestamp() if isinstance(at, datetime) else at or time.time()
    timestamp = str(int(moment))
    made = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(made),
    }


def press(
    message: Mapping[str, Any], action_id: str, user: str, response_url: str, *, action_ts: str = "1764000100.000200"
) -> str:
    """The form that Slack posts when ``user`` presses a button of ``message``."""
    buttons = [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]
    button = next(one for one in buttons if one["action_id"] == action_id)
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": TEAM},
        "api_app_id": "A0000001",
        "token": "deprecated",
        "container": {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": message["channel"],
            "is_ephemeral": False,
        },
        "trigger_id": "1.2.3",
        "team": {"id": TEAM, "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": message["channel"], "name": "ops"},
        "message": {"type": "message", "ts": message["ts"], "text": message["text"], "blocks": message["blocks"]},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [
            {
                "action_id": action_id,
                "block_id": "tocsin:answers",
                "text": {**button["text"], "emoji": True},
                "value": button["value"],
                "type": "button",
                "action_ts": action_ts,
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload)})


def command(
    text: str, user: str, *, channel: str = OPS, trigger_id: str = "13345224609.738474920.8088930838d88"
) -> str:
    """The form of ``/tocsin TEXT``."""
    return urlencode(
        {
            "token": "deprecated",
            "team_id": TEAM,
            "team_domain": "acme",
            "channel_id": channel,
            "channel_name": "ops",
            "user_id": user,
            "user_name": "somebody",
            "command": "/tocsin",
            "text": text,
            "api_app_id": "A0000001",
            "is_enterprise_install": "false",
            "response_url": "https://hooks.slack.com/commands/T0000001/1/x",
            "trigger_id": trigger_id,
        }
    )
