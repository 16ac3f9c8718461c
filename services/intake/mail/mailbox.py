"""A mailbox over IMAP (RFC 3501): which messages are new, their bytes, and what becomes of them."""

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aioimaplib import aioimaplib

from services.intake.domain.mailbox import MailboxOptions, folder_name, quoted

SECONDS: Final = 20.0
"""How long an answer is waited for, in time of the machine."""

NOISY: Final = "aioimaplib"
"""The library's loggers, which write down whole messages."""

_VALIDITY: Final = re.compile(rb"UIDVALIDITY (\d+)")
_NEXT: Final = re.compile(rb"UIDNEXT (\d+)")
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")

FAILURES: Final = (OSError, TimeoutError, aioimaplib.AioImapException, ValueError)
"""What is raised where a server does not do what it should."""


class MailboxError(aioimaplib.AioImapException):  # type: ignore[misc]
    """The server said no, in its own words."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is open. ``next_uid`` is above the UID of everything in it."""

    validity: int
    next_uid: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message. ``whole`` is false where it is larger than what is read of one."""

    raw: bytes
    whole: bool


class Mailbox:
    """An open folder. Every method raises one of :data:`FAILURES` where the server is gone or refuses."""

    def __init__(self, client: aioimaplib.IMAP4, options: MailboxOptions, folder: Folder) -> None:
        self._client = client
        self._options = options
        self.folder = folder

    async def unseen(self) -> list[int]:
        """The UIDs of the messages that nobody has seen yet, in their order."""
        return await self._search("UNSEEN")

    async def after(self, last_uid: int) -> list[int]:
        """The UIDs above ``last_uid``, in their order."""
        found = await self._search("UID", f"{last_uid + 1}:*")
        return [uid for uid in found if uid > last_uid]  # the last message matches 5:* even if its UID is 4

    async def fetch(self, uid: int, limit: int) -> Fetched | None:
        """A message, without marking it as seen; ``None`` where it is gone."""
        answer = await self._client.uid("FETCH", str(uid), f"(UID RFC822.SIZE BODY.PEEK[]<0.{limit}>)")
        lines = _good(answer, "read a message")
        told = [bytes(line) for line in lines if isinstance(line, bytes) and b"FETCH (" in line]
        if not told:
            return None
        size = _SIZE.search(told[0])
        raw = next((bytes(line) for line in lines if isinstance(line, bytearray)), b"")
        return Fetched(raw, size is None or int(size[1]) <= max(len(raw), limit))

    async def done_with(self, uid: int) -> None:
        """Do with a message what the options say. Doing it twice does no harm."""
        if self._options.then == "seen":
            _good(await self._client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)"), "mark a message as seen")
            return
        if self._options.then == "move":
            folder = folder_name(self._options.move_to)
            if self._client.has_capability("MOVE"):
                _good(await self._client.uid("MOVE", str(uid), folder), "move a message")
                return
            _good(await self._client.uid("COPY", str(uid), folder), "copy a message")
        flags = r"(\Deleted \Seen)"
        _good(await self._client.uid("STORE", str(uid), "+FLAGS.SILENT", flags), "mark a message as deleted")
        if self._client.has_capability("UIDPLUS"):
            _good(await self._client.uid("EXPUNGE", str(uid)), "remove a message")
        else:
            _good(await self._client.expunge(), "remove messages")

    async def _search(self, *criteria: str) -> list[int]:
        lines = _good(await self._client.uid_search(*criteria, charset=None), "look for messages")
        return sorted({int(word) for word in bytes(lines[0]).split() if word.isdigit()} if len(lines) > 1 else set())


@asynccontextmanager
async def opened(options: MailboxOptions, password: str) -> AsyncIterator[Mailbox]:
    """The folder that ``options`` name, signed in. Raises one of :data:`FAILURES`."""
    logging.getLogger(NOISY).setLevel(logging.CRITICAL)
    host, port = options.address
    context = await asyncio.to_thread(_context, options)
    client = aioimaplib.IMAP4(host, port, timeout=SECONDS, ssl_context=context if options.security == "tls" else None)
    try:
        await client.wait_hello_from_server()
        if options.security == "starttls":
            await _secure(client, context, host)
        _good(await client.login(quoted(options.username), password), "sign in")
        lines = _good(await client.select(folder_name(options.folder)), f"open the folder {options.folder}")
        text = b"\n".join(bytes(line) for line in lines)
        validity, following = _VALIDITY.search(text), _NEXT.search(text)
        if validity is None or following is None:
            raise MailboxError("The server does not say UIDVALIDITY and UIDNEXT of the folder.")
        yield Mailbox(client, options, Folder(int(validity[1]), int(following[1])))
        with contextlib.suppress(*FAILURES):
            await client.logout()
    finally:
        _let_go(client)


def _context(options: MailboxOptions) -> ssl.SSLContext | None:
    if options.security == "none":
        return None
    return ssl.create_default_context(cafile=None if options.ca_file is None else str(options.ca_file))


async def _secure(client: aioimaplib.IMAP4, context: ssl.SSLContext | None, host: str) -> None:
    protocol = client.protocol
    command = aioimaplib.Command("STARTTLS", protocol.new_tag(), loop=protocol.loop, timeout=SECONDS)
    _good(await protocol.execute(command), "secure the connection")
    protocol.incomplete_line = b""  # what came before is not believed (RFC 3501, 6.2.1)
    transport = await protocol.loop.start_tls(
        protocol.transport, protocol, context, server_hostname=host, ssl_handshake_timeout=SECONDS
    )
    protocol.transport = transport
    await asyncio.wait_for(protocol.capability(), SECONDS)


def _let_go(client: aioimaplib.IMAP4) -> None:
    connecting = client._client_task  # noqa: SLF001 - the library gives no other way to leave a connection
    connecting.add_done_callback(_noticed)
    connecting.cancel()
    if client.protocol.transport is not None:
        client.protocol.transport.abort()


def _noticed(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


def _good(answer: aioimaplib.Response, what: str) -> list[bytes | bytearray]:
    if answer.result != "OK":
        said = bytes(answer.lines[-1]).decode("utf-8", "replace")[:200] if answer.lines else answer.result
        raise MailboxError(f"The server does not let us {what}: {said}")
    lines: list[bytes | bytearray] = list(answer.lines)
    return lines
