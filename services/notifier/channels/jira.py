"""Jira and Jira Service Management: comments of issues, by version 2 of the platform's API, which cloud and own servers have in common.

Its comments are plain text; in service projects the property ``sd.public.comment`` keeps one among the agents.
"""

import re
from collections.abc import AsyncIterator
from typing import Any, Final, Literal

from services.notifier.channels.base import Outgoing
from services.notifier.channels.helpdesk import PAGE, Helpdesk, field, rows, segment

KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]+|[0-9]+")
INTERNAL: Final = [{"key": "sd.public.comment", "value": {"internal": True}}]


class Jira(Helpdesk):
    """One site. With a user name (cloud: an e-mail address) the token is an API token, else a personal access token."""

    provider: Literal["jira"] = "jira"

    def _knows(self, ticket: str) -> bool:
        return KEY.fullmatch(ticket) is not None

    async def _comment(self, message: Outgoing, text: str, *, public: bool) -> str:
        body: dict[str, Any] = {"body": text} if public else {"body": text, "properties": INTERNAL}
        return str(field(await self._ask("POST", _path(message), body=body), "id") or message.key)

    async def _comments(self, message: Outgoing) -> AsyncIterator[tuple[str, str]]:
        """The newest come first."""
        answer = await self._ask("GET", _path(message), query={"orderBy": "-created", "maxResults": PAGE})
        for comment in rows(field(answer, "comments")):
            yield str(field(comment, "id")), str(field(comment, "body"))


def _path(message: Outgoing) -> str:
    return f"/rest/api/2/issue/{segment(message.address)}/comment"
