"""ServiceNow: the journals of a record, by the Table API. ``comments`` are for whoever filed it, ``work_notes`` for the agents.

An entry has no id that the API would tell, so that its own reference is its name. The journals are read from the record itself
(``sysparm_display_value``), since their own table is closed to most accounts.
"""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal

from services.notifier.channels.base import GiveUp, Outgoing
from services.notifier.channels.helpdesk import Account, Helpdesk, Refused, field, segment

SYS_ID: Final = re.compile(r"[0-9a-f]{32}")
NUMBER: Final = re.compile(r"[A-Z]{2,10}[0-9]{3,20}")
JOURNALS: Final = ("comments", "work_notes", "comments_and_work_notes")


class ServiceNow(Helpdesk):
    """One instance and the table in which its tickets stand. Without a user name the token is an API key."""

    provider: Literal["servicenow"] = "servicenow"

    def __init__(self, account: Account, table: str = "incident") -> None:
        super().__init__(account)
        self._table = f"/api/now/table/{segment(table)}"

    def _headers(self, account: Account) -> Mapping[str, str]:
        return {} if account.username else {"x-sn-apikey": account.token}

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
