"""A message on its way in: by which transport it came, for whom, and what makes it the same message when it comes again."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal

from services.intake.domain.headers import AUTHENTICATION_RESULTS, OURS
from services.intake.domain.mapping import clean

Transport = Literal["smtp", "imap", "sendgrid", "mailgun"]

MESSAGE_ID_LIMIT: Final = 998
"""Characters of a Message-ID that count: a line has no more (RFC 5322, 2.1.1)."""

HEADER_LIMIT: Final = 256 * 1024
"""Bytes in which a header is looked for."""

_KEY: Final = re.compile(r"[0-9a-z]{32}")
_END: Final = re.compile(rb"\r?\n\r?\n|\r\r")
_MESSAGE_ID: Final = re.compile(rb"^message-id[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as a transport hands it over, with what only the transport knows of it."""

    transport: Transport
    body: bytes
    """The message's own bytes (RFC 5322), header and all."""
    sender: str = ""
    """The address of the envelope, to which errors would go."""
    recipients: tuple[str, ...] = ()
    """The addresses of the envelope, without keys."""
    peer: str = ""
    """The address of the machine that handed it over."""
    authentication: str = ""
    """What the transport itself verified, as RFC 8601 writes it."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What is kept with the body, and what the source reads of the transport."""
        told = {
            "content-type": "message/rfc822",
            f"{OURS}mail-transport": self.transport,
            f"{OURS}envelope-from": self.sender,
            f"{OURS}envelope-to": ", ".join(self.recipients),
            f"{OURS}peer": self.peer,
            AUTHENTICATION_RESULTS: self.authentication,
        }
        return [(name, value) for name, value in told.items() if value]


def key_in(address: str) -> str | None:
    """The key of an address such as ``providers+0a1b…@tocsin.example``: 32 letters and digits behind the last plus sign."""
    local = address.rpartition("@")[0] or address
    key = local.strip('"').rpartition("+")[2].lower()
    return key if _KEY.fullmatch(key) and "+" in local else None


def without_key(address: str) -> str:
    """The address as it may be kept and shown."""
    local, at, host = address.rpartition("@")
    kept = local.strip('"').rpartition("+")[0] if key_in(address) else local
    return clean(f"{kept}{at}{host}", 320)


def message_id(raw: bytes) -> str:
    """The message's own id, with its angle brackets; empty where it has none."""
    head = _parted(raw)[0]
    found = _MESSAGE_ID.search(head)
    text = "" if found is None else " ".join(found[1].decode("utf-8", "replace").split())
    return clean(text, MESSAGE_ID_LIMIT)


def digest_of(raw: bytes) -> str:
    """What is the same whenever this message comes, though each server on its way adds to the header: SHA-256 of the body."""
    body = _parted(raw)[1].replace(b"\r\n", b"\n").rstrip()
    return hashlib.sha256(body).hexdigest()


def _parted(raw: bytes) -> tuple[bytes, bytes]:
    end = _END.search(raw, 0, HEADER_LIMIT)
    return (raw[:HEADER_LIMIT], raw[HEADER_LIMIT:]) if end is None else (raw[: end.start()], raw[end.end() :])
