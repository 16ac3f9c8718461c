"""Slack: what tools post to an incoming webhook of Slack, so that a tool which can reach only Slack reaches Tocsin."""

import re
from typing import Any, Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    gathered,
    ignored,
    refused,
    trigger_of,
    value_of,
)

STATUS: Final = re.compile(
    r"^\W*(firing|resolved|alerting|ok|recovered|recovery|closed|triggered|down|up|problem|no data)\b[:\W]*\d*\W*",
    re.IGNORECASE,
)
"""The word about the state that many tools put before the name of what they tell of."""

PRESSES: Final = frozenset(
    {"block_actions", "interactive_message", "shortcut", "message_action", "view_submission", "view_closed"}
)
"""The types of what Slack posts when people use an app: https://docs.slack.dev/interactivity/handling-user-interaction."""

NOTIFIER: Final = "https://NOTIFIER/v1/callbacks/slack"
"""Where these belong: the notifier understands them."""

OVER: Final = frozenset({"resolved", "ok", "recovered", "recovery", "closed", "up"})
GOOD: Final = frozenset({"good", "#2eb886", "#36a64f", "#00ff00", "#008000"})
WORDS: Final = {"danger": "critical", "warning": "warning"}
MARKUP: Final = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
LIMIT: Final = 20
"""Attachments that Slack shows; each is one alert."""


def read(arrival: Arrival[CommonOptions]) -> Reading:
    """A message: every attachment is an alert, and without any the message is one."""
    try:
        look = value_of(arrival, form=True)
        look = look.opened("payload") if look.opened("payload").is_object() else look
        if not look.is_object():
            raise refused("wrong-shape", "The body should be a message as Slack takes it: a JSON object.", look)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    if look.text("type") == "url_verification":
        sentence = f"A handshake of Slack's Events API, which belongs to {NOTIFIER}/events; it opens nothing."
        return Reading(ignored=(ignored("handshake", sentence),))
    if look.text("type") in PRESSES:
        sentence = f"Somebody pressed a button in Slack, which opens nothing. The app's Interactivity belongs to {NOTIFIER}/interactions."
        return Reading(ignored=(ignored("no-news", sentence),))
    if look.text("command").startswith("/"):
        sentence = (
            f"Somebody typed a command in Slack, which opens nothing. The app's command belongs to {NOTIFIER}/commands."
        )
        return Reading(ignored=(ignored("no-news", sentence),))
    attachments = list(look.each("attachments"))[:LIMIT]

    def one(part: Look, arrival: Arrival[CommonOptions]) -> Part:
        return _one(look, part, arrival)

    return gathered(attachments or [look], one, arrival)


def _one(message: Look, part: Look, arrival: Arrival[CommonOptions]) -> Part:
    words = _plain(
        part.text("title", "pretext", "fallback") or message.text("text") or _blocks(part) or _blocks(message)
    )
    marked = part.text("text") or message.text("text") or _blocks(part)
    text = _plain(marked)
    title = words or text
    if not title:
        raise refused("missing-field", "The message needs text, blocks or attachments.", part.at("text"))
    found = STATUS.match(title)
    name = title[found.end() :].strip() if found else title
    color = part.text("color").lower()
    fields = {field.text("title"): field.text("value") for field in part.each("fields") if field.text("title")}
    told = Told(
        key=hash_of_words("message", [message.text("channel"), name or title]),
        firing=found.group(1).lower() not in OVER if found else color not in GOOD,
        title=title,
        description=text if text != title else "",
        severity=fields.get("Severity", "") or fields.get("severity", "") or WORDS.get(color, ""),
        services=[fields.get("Service", "") or fields.get("service", "")],
        links=[
            (part.text("title_link"), "Source"),
            *((match.group(1), match.group(2) or "Link") for match in MARKUP.finditer(marked)),
            *((action.text("url"), action.text("text") or "Link") for action in part.each("actions")),
        ],
        labels={**fields, "channel": message.text("channel"), "sender": message.text("username")},
        started_at=part.moment("ts"),
        ended_at=part.moment("ts"),
    )
    return trigger_of(told, arrival)


def _blocks(look: Look) -> str:
    """The first block that says something."""
    return next((found for block in look.each("blocks") if (found := block.text("text.text", "text"))), "")


def _plain(text: str) -> str:
    """A text without Slack's markup for links."""
    return MARKUP.sub(lambda match: match.group(2) or match.group(1), text)


DOCS: Final = f"""
A tool that can post to Slack and to nothing else can post here: give it this address in place of Slack's webhook URL. Answered with `ok`, as Slack does.

## Set it up

Put `https://intake.example.org/v1/hooks/slack/YOUR-KEY` where the tool wants the *Slack webhook URL* (Alertmanager: `api_url` of `slack_configs`).
Wherever the tool has an integration of its own here, take that: a message for people says less than an event for programs.

## What is read

Each attachment is an alert; a message without any is one itself.

| Tocsin | from the message |
|---|---|
| title | `title`, `pretext` or `fallback` of the attachment, else `text`, else the first block |
| status | the word before the title (`[RESOLVED]`, `OK:`, `Recovered`), else the colour: good resolves, everything else fires |
| dedup key | channel and title without that word: what fires and what resolves need the same words behind it |
| severity | a field *Severity*, else the colour: danger is critical, warning a warning |
| service | a field *Service* |
| links | `title_link`, links in the text, buttons |

What people press and type in Slack, and the handshake of its Events API, are no news and open nothing here. They belong to the notifier (`…/v1/callbacks/slack/interactions`, `…/commands`, `…/events`): [Slack](../slack.md) says how pages with buttons are set up.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "channel": "#operations",
    "username": "Monitoring",
    "attachments": [
        {
            "title": "[FIRING:1] The approval queue is stuck",
            "title_link": "https://monitoring.example.org/alerts/7",
            "text": "1,204 approvals are waiting.",
            "color": "danger",
            "fields": [{"title": "Service", "value": "approvals", "short": True}],
        }
    ],
}

SOURCE: Final = Source(
    name="slack",
    title="Slack-compatible webhook",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=read,
    accepted=200,
    answer="ok",
)
