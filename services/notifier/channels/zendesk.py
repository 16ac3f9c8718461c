"""Zendesk: comments are updates of the ticket (https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/)."""

from collections.abc import AsyncIterator
from typing import Literal

import httpx

from services.notifier.channels.base import Outgoing
from services.notifier.channels.helpdesk import PAGE, Account, Helpdesk, field, rows, segment


class Zendesk(Helpdesk):
    """One Zendesk account. With a user name the token is an API token, else an OAuth token."""

    provider: Literal["zendesk"] = "zendesk"

    def _knows(self, ticket: str) -> bool:
        return ticket.isascii() and ticket.isdigit()

    def _auth(self, account: Account) -> httpx.Auth | None:
        return httpx.BasicAuth(f"{account.username}/token", account.token) if account.username else None

    async def _comment(self, message: Outgoing, text: str, *, public: bool) -> str:
        body = {"ticket": {"comment": {"body": text, "public": public}}}
        answer = await self._ask("PUT", f"/api/v2/tickets/{segment(message.address)}.json", body=body)
        events = rows(field(answer, "audit", "events"))
        comments = [field(event, "id") for event in events if field(event, "type") == "Comment"]
        return str(comments[0] if comments else message.key)

    async def _comments(self, message: Outgoing) -> AsyncIterator[tuple[str, str]]:
        """The newest come first."""
        path = f"/api/v2/tickets/{segment(message.address)}/comments.json"
        answer = await self._ask("GET", path, query={"sort_order": "desc", "per_page": PAGE})
        for comment in rows(field(answer, "comments")):
            yield str(field(comment, "id")), str(field(comment, "body"))
