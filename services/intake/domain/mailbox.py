"""The option ``mailbox`` of an integration of mail: an IMAP mailbox that is looked into, and what becomes of what was read."""

import base64
import re
from collections.abc import Iterable
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.durations import Duration
from services.intake.domain.integration import Origin
from services.intake.domain.verify import Reference

PORTS: Final = {"tls": 993, "starttls": 143, "none": 143}
LEAST: Final = timedelta(seconds=5)
"""How often a mailbox is looked into at most."""

_FOREIGN: Final = re.compile(r"[^ -~]+")
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"


class MailboxOptions(BaseModel):
    """Where the mailbox is, and how often it is looked into."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(pattern=r"^[A-Za-z0-9_.:-]{1,253}$")
    port: int | None = Field(None, ge=1, le=65535)
    """993 with TLS and 143 without, where nothing is said."""
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: Path | None = None
    """Certificates to believe in place of the system's, a PEM file."""
    username: str = Field(min_length=1, max_length=320, pattern=_PRINTABLE)
    password: Reference
    folder: str = Field("INBOX", min_length=1, max_length=500, pattern=_PRINTABLE)
    every: Duration = Field(timedelta(minutes=1), ge=LEAST)
    """How long it is left alone between two looks."""
    then: Literal["seen", "move", "delete"] = "seen"
    """What is done with a message once it is committed: marked as seen, moved to ``move_to``, or deleted."""
    move_to: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.then == "move") != bool(self.move_to):
            raise ValueError("give move_to, a folder, if and only if then is move")
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in self.move_to):
            raise ValueError("a folder's name has no control characters")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or PORTS[self.security]

    @property
    def account(self) -> str:
        """What makes it another mailbox when it changes."""
        host, port = self.address
        return f"{self.username}@{host.lower()}:{port}/{self.folder}"


def may_be_asked(host: str, origin: Origin, allowed: Iterable[str]) -> bool:
    """Whether the host may be asked, and be sent a password.

    With a list of patterns only what they name; without one what the configuration tree names, which only its owner writes:
    who may make integrations over the API could else have secrets of this machine sent anywhere.
    """
    patterns = [pattern.lower() for pattern in allowed]
    if patterns:
        return any(fnmatchcase(host.lower(), pattern) for pattern in patterns)
    return origin == "config"


def folder_name(name: str) -> str:
    """A folder's name as IMAP writes it (RFC 3501, 5.1.3), in quotes."""
    return quoted(_FOREIGN.sub(_shifted, name.replace("&", "&-")))


def _shifted(found: re.Match[str]) -> str:
    coded = base64.b64encode(found[0].encode("utf-16-be", "surrogatepass")).decode().rstrip("=")
    return f"&{coded.replace('/', ',')}-"


def quoted(text: str) -> str:
    """A text as a quoted string (RFC 3501, 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
