"""One connection to the mail server: the dialogue of SMTP (RFC 5321), with Tocsin's rules of who may send what."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from libs.common.errors import Throttled, Unavailable
from libs.common.logs import get_logger
from services.intake.domain.integration import Integration
from services.intake.domain.letter import Letter, key_in, without_key
from services.intake.handlers.guard import Busy
from services.intake.handlers.mail import Postbox

log = get_logger(__name__)

NOBODY: Final = "550 5.1.1 There is no such mailbox"
LATER: Final = "451 4.3.0 The message cannot be taken at the moment, send it again"
CLOSING: Final = b"421 4.3.2 The server is stopping, send the message again\r\n"
IDLE: Final = b"421 4.4.2 Nothing was heard for too long\r\n"

LINE_LIMIT: Final = 128 * 1024
"""Bytes of a line of a message. The RFC allows 998; programs that write HTML heed that seldom, and a warning must not be lost over it."""

COMMAND_LIMIT: Final = 1024
"""Bytes of a command: addresses in UTF-8 are longer than the RFC's 512."""

EMPTY_COMMANDS: Final = {"NOOP": 100, "RSET": 1_000, "VRFY": 10, "EXPN": 10, "HELP": 10, "*": 100_000}
"""How often a connection may give a command that does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server bears. Data, so that it can be read at a glance and tests can take less."""

    size: int
    """Bytes of a message."""
    recipients: int = 20
    """Recipients of one message."""
    wrong: int = 10
    """Wrong recipients after which a connection is closed: nobody tries keys out here."""
    connections: int = 250
    """Connections at the same time."""
    per_peer: int = 50
    """Connections of one machine at the same time."""
    per_minute: int = 300
    """New connections of one machine in a minute."""
    idle: float = 300.0
    """Seconds that a client may take for a command or a message (RFC 5321, 4.5.3.2)."""


class Letters(Envelope):
    """A message that is being handed over, with whom it is for."""

    def __init__(self) -> None:
        super().__init__()
        self.addressees: dict[str, Addressee] = {}


@dataclass(slots=True)
class Addressee:
    """An integration, and the addresses by which the message reaches it."""

    integration: Integration[Any]
    addresses: list[str] = field(default_factory=list)


class House(Protocol):
    """What a connection needs of the server that it belongs to."""

    limits: Limits
    postbox: Postbox

    def entered(self, session: "SmtpSession") -> bytes | None:
        """A client came; why it must leave, as a reply of SMTP, or ``None``."""
        ...

    def left(self, session: "SmtpSession") -> None:
        """A client is gone."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether nothing new is taken."""
        ...


class SmtpSession(SMTP):
    """One client's connection."""

    line_length_limit = LINE_LIMIT

    def __init__(self, house: House, tls: Any, hostname: str, *, require_tls: bool) -> None:
        # the library keeps this one for all connections together, and grows it
        self.command_size_limits: dict[str, int] = defaultdict(lambda: COMMAND_LIMIT)
        super().__init__(
            Dialogue(house),
            data_size_limit=house.limits.size,
            enable_SMTPUTF8=True,
            hostname=hostname,
            ident="Tocsin",
            tls_context=tls,
            require_starttls=require_tls,
            timeout=house.limits.idle,
            command_call_limit=EMPTY_COMMANDS,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=asyncio.get_running_loop(),
        )
        self._house = house
        self.peer = ""
        self.wrong = 0
        self.busy = False
        """Whether a message is under way."""

    def _create_envelope(self) -> Envelope:
        return Letters()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came; after STARTTLS it comes a second time."""
        if self.transport is not None:
            super().connection_made(transport)
            return
        self.peer = str((transport.get_extra_info("peername") or ("",))[0])
        refusal = self._house.entered(self)
        if refusal is not None:
            plain = cast("asyncio.Transport", transport)
            plain.write(refusal)
            plain.close()
            transport.set_protocol(asyncio.Protocol())
            self._house.left(self)
            return
        super().connection_made(transport)
        if self._handler_coroutine is not None:
            self._handler_coroutine.add_done_callback(_heard)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(error)
        self._house.left(self)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        """Take a message; a server that is stopping ends the connection after it."""
        self.busy = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self.busy = False
            if self._house.stopping:
                self.leave(CLOSING)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - see above
        """Take a recipient; too many wrong ones end the connection."""
        await super().smtp_RCPT(arg)
        if self.wrong >= self._house.limits.wrong:
            log.warning("mail client guesses", peer=self.peer, wrong=self.wrong)
            self.leave(b"421 4.7.0 Too many wrong recipients\r\n")

    async def smtp_AUTH(self, _arg: str) -> None:  # noqa: N802 - see above
        """Nobody signs in here: the key stands in the address."""
        await self.push("502 5.5.1 There is nothing to sign in to")

    def leave(self, word: bytes) -> None:
        """Say ``word`` and end the connection."""
        if self.transport is not None:
            self._writer.write(word)
            self.transport.close()

    def _timeout_cb(self) -> None:
        self.leave(IDLE)


class Dialogue:
    """Answers what the client says. aiosmtpd finds the methods by their names."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def handle_EHLO(  # noqa: N802 - see the class
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greet, and leave AUTH away, which there is not."""
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_RCPT(  # noqa: N802 - see the class
        self, server: SmtpSession, _session: Session, envelope: Letters, address: str, _options: list[str]
    ) -> str:
        """Take a recipient whose address holds the key of an integration that mail may come for."""
        limits, postbox = self._house.limits, self._house.postbox
        if self._house.stopping:
            return CLOSING.decode().strip()
        if len(envelope.rcpt_tos) >= limits.recipients:
            return "452 4.5.3 Too many recipients, send the message to the others again"
        key = key_in(address)
        try:
            integration = await postbox.addressee(key)
        except Unavailable:
            postbox.count("smtp", "not-committed")
            return LATER
        if integration is None or key is None:
            server.wrong += 1
            postbox.count("smtp", "wrong-recipient")
            return NOBODY
        if integration.id not in envelope.addressees:
            try:
                postbox.admit(integration, key)
            except (Throttled, Busy):
                postbox.count("smtp", "throttled")
                return "451 4.7.1 Too many messages came for this recipient, send it again later"
        addressee = envelope.addressees.setdefault(integration.id, Addressee(integration))
        addressee.addresses.append(without_key(address))
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - see the class
        self, server: SmtpSession, _session: Session, envelope: Letters
    ) -> str:
        """Commit the message for everybody whom it is for, and only then say that it is taken.

        Where one of them cannot be served the message is sent again, and the others know it by its Message-ID.
        """
        found = await asyncio.gather(
            *(self._take(addressee, server.peer, envelope) for addressee in envelope.addressees.values()),
            return_exceptions=True,
        )
        for problem in found:
            if isinstance(problem, Unavailable):
                return LATER
            if isinstance(problem, BaseException):
                raise problem
        return "250 2.0.0 Taken"

    async def handle_exception(self, error: Exception) -> str:
        """What nobody foresaw is logged, and the message is asked for again."""
        log.error("mail not taken", exc_info=error)
        return LATER

    async def _take(self, addressee: Addressee, peer: str, envelope: Letters) -> None:
        letter = Letter(
            "smtp",
            cast("bytes", envelope.original_content),
            "" if envelope.mail_from in (None, "<>") else without_key(str(envelope.mail_from)),
            tuple(addressee.addresses),
            peer,
        )
        await self._house.postbox.take(addressee.integration, letter)


def _heard(task: "asyncio.Task[None]") -> None:
    """Take notice of how a dialogue ended: a client that is gone in the middle is nobody's error."""
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
        log.error("mail dialogue broke", exc_info=error)
