"""A real SMTP server (aiosmtpd) that keeps what it takes, and can refuse, stall and hang up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailServer:
    """What came in, and how the next commands are answered. ``stall`` is waited after a message was taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuse_rcpt: list[str] = field(default_factory=list)
    refuse_data: list[str] = field(default_factory=list)
    stall: float = 0.0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        if self.refuse_rcpt:
            return self.refuse_rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        """Take a message, or refuse it."""
        if self.refuse_data:
            return self.refuse_data.pop(0)
        self.mails.append(message_from_bytes(cast("bytes", envelope.content), policy=default))
        self.recipients += envelope.rcpt_tos
        await asyncio.sleep(self.stall)
        return "250 OK: queued as 12345"


@asynccontextmanager
async def running_smtp() -> AsyncIterator[MailServer]:
    """A server that listens on a free port."""
    mail = MailServer()
    loop = asyncio.get_running_loop()
    protocols: list[Any] = []

    def protocol() -> SMTP:
        protocols.append(SMTP(mail, hostname="mail.example", loop=loop, enable_SMTPUTF8=True))
        return cast("SMTP", protocols[-1])

    server = await loop.create_server(protocol, "127.0.0.1", 0, family=socket.AF_INET)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
        for one in protocols:
            if one.transport is not None:
                one.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)
