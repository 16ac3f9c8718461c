"""Freshdesk and Freshservice: notes of tickets (https://developers.freshdesk.com/api/#conversations). They are HTML.

A public note and not a reply, since a reply is an e-mail to whoever filed the ticket.
"""

import html
import re
from collections.abc import AsyncIterator
from typing import Final, Literal

import httpx

from services.notifier.channels.base import Outgoing
from services.notifier.channels.helpdesk import PAGE, PAGES, Account, Helpdesk, field, rows, segment

ANY_PASSWORD: Final = "X"  # noqa: S105 - the API key is the user name, and the password is not looked at
NUMBER: Final = re.compile(r"(?:[A-Z]{1,10}-)?([0-9]+)")
"""A ticket's number; Freshservice's people and webhooks put its kind before it (``INC-18``), and its API does not."""


class Freshdesk(Helpdesk):
    """One account, with an agent's API key."""

    provider: Literal["freshdesk"] = "freshdesk"

    def _knows(self, ticket: str) -> bool:
        return NUMBER.fullmatch(ticket) is not None

    def _auth(self, account: Account) -> httpx.Auth | None:
        return httpx.BasicAuth(account.token, ANY_PASSWORD)

    def _headers(self, account: Account) -> dict[str, str]:  # noqa: ARG002 - the key is in the user name
        return {}

    async def _comment(self, message: Outgoing, text: str, *, public: bool) -> str:
        written = html.escape(text).replace("\n", "<br>")
        body = {"body": f"<div>{written}</div>", "private": not public}
        answer = await self._ask("POST", f"{_path(message)}/notes", body=body)
        return str(field(answer, "id") or field(answer, "conversation", "id") or message.key)

    async def _comments(self, message: Outgoing) -> AsyncIterator[tuple[str, str]]:
        """The oldest come first, so that all pages are read."""
        path = f"{_path(message)}/conversations"
        for number in range(1, PAGES + 1):
            answer = await self._ask("GET", path, query={"page": number, "per_page": PAGE})
            found = rows(answer) or rows(field(answer, "conversations"))
            for comment in found:
                yield str(field(comment, "id")), f"{field(comment, 'body_text')} {field(comment, 'body')}"
            if len(found) < PAGE:
                return


def _path(message: Outgoing) -> str:
    number = NUMBER.sub(r"\1", message.address)
    return f"/api/v2/tickets/{segment(number)}"
