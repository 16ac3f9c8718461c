"""What people hear in Slack who press a button or give a command, and whether an address is Slack's own for answers."""

from typing import Final
from urllib.parse import urlsplit

from services.notifier.domain.reply import Command

ANSWERS: Final = "hooks.slack.com"
"""The host at which Slack takes answers: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses."""

USAGE: Final = (
    "`/tocsin ack 12` takes incident 12: nobody else is paged. `/tocsin resolve 12` ends it. "
    "Without a number the latest page to you, or in this channel, is meant."
)


def stranger(slack: str) -> str:
    """The sentence for somebody whom Tocsin does not know."""
    return (
        f"Nothing was done: Tocsin does not know who you are. Have your Slack id among your contacts, "
        f"`{{slack: {slack}}}` in people.yaml (or add it yourself and verify it), or act in the console."
    )


def taken(command: Command, number: int, title: str) -> str:
    """The sentence for somebody whose press or command was understood."""
    if command.action == "acknowledge":
        return f"You have #{number} now ({title}). Nobody else is paged. `/tocsin resolve {number}` when it is over."
    return f"#{number} ({title}) is being resolved. Everyone who was reached is told."


def untold(command: Command) -> str:
    """The sentence for somebody who was not told of what they name, nor was the channel in which they name it."""
    if command.number is None:
        return (
            "Tocsin has paged neither you nor this channel lately. Name the incident by its number: `/tocsin ack 12`."
        )
    return f"Tocsin has told neither you nor this channel of #{command.number}. The console has every incident."


def takes_answers(url: str, instead: str | None) -> bool:
    """Whether an answer may be posted to ``url``: Slack's own host, or the one that is configured in its place, and no other."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if instead is not None:
        return url.startswith(f"{instead}/")
    plain = parts.username is None and parts.password is None and port in {None, 443}
    return parts.scheme == "https" and parts.hostname == ANSWERS and plain
