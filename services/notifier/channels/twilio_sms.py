"""SMS by Twilio's Messages resource, through Twilio's own SDK.

Messages take no idempotency key (SDK 9.13: ``MessageList.create_async`` has none, and the resource's page names none), so that
a message whose answer was lost is looked for in the list of what was sent to that number before it is sent again.
"""

from collections.abc import Collection
from typing import Literal

from services.notifier.channels.base import Absent, Accepted, Found, Outcome, Outgoing, Unknowable
from services.notifier.channels.twilio import LOOKED_AT, Account, HouseClient, client_of, created, listed


class TwilioSms:
    """One Twilio account with its sender: a number (``from_``) or a messaging service."""

    provider: Literal["twilio"] = "twilio"
    repeatable = False

    def __init__(
        self,
        account: Account,
        *,
        from_: str | None = None,
        messaging_service_sid: str | None = None,
        status_callback: str | None = None,
    ) -> None:
        self._http = HouseClient(account)
        # The SDK imports a resource when it is first named: here, not when somebody is to be paged.
        self._messages = client_of(account, self._http).messages
        fields = {"from_": from_, "messaging_service_sid": messaging_service_sid}
        self._fields = {name: value for name, value in fields.items() if value}
        self._status_callback = status_callback

    async def send(self, message: Outgoing) -> Outcome:
        """Create the message at Twilio."""
        asked = self._confirmation(message)
        return await created(
            self._messages.create_async(to=message.address, body=message.text, **self._fields, **asked)
        )

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:
        """Look through the newest messages to this number for the same text under an id that nobody else has.

        Not by Twilio's ``DateSent`` filter: a message that waits in its queue has no such date yet.
        """
        sent = await listed(self._messages.list_async(to=message.address, limit=LOOKED_AT, page_size=LOOKED_AT))
        if isinstance(sent, Unknowable):
            return sent
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


def _same(sent: str | None, text: str) -> bool:
    """Whether Twilio's record of a body is this text; trial accounts put a sentence before it."""
    return sent is not None and sent.strip().endswith(text.strip())
