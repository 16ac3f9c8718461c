"""An e-mail as a reader needs it: who wrote it, when, what its text says, and the calendars that it carries.

Mails of providers are seldom by the book. Lists take the sender away (``X-Original-From`` stays), gateways announce an encoding
that the body does not have, and some send nothing but HTML. Whatever comes in, a :class:`Mail` comes out, of bounded size.
"""

import contextlib
import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from quopri import decodestring
from typing import Final, TypeAlias

from services.intake.domain.html import page_of
from services.intake.domain.mapping import clean

SIZE_LIMIT: Final = 4_000_000
"""Bytes of a message that are read; nothing of a provider's notice comes after them."""

PARTS_LIMIT: Final = 100
DEPTH_LIMIT: Final = 8
TEXT_LIMIT: Final = 200_000
CALENDAR_LIMIT: Final = 500_000
CALENDARS_LIMIT: Final = 10
HEADER_LIMIT: Final = 10_000
LINKS_LIMIT: Final = 200

QUOTED_ENOUGH: Final = 5
QUOTED: Final = re.compile(rb"=[0-9A-F]{2}")
BARE_LINK: Final = re.compile(r"https?://[^\s<>\"'\]]{3,2000}")
CALENDAR: Final = re.compile(r"BEGIN:VCALENDAR.*?(?:END:VCALENDAR|\Z)", re.DOTALL)
AUTHORS: Final = ("from", "x-original-from", "reply-to", "x-original-sender", "sender", "return-path")
"""Where the author stands, best first; the later ones are what lists leave of the first."""

Part: TypeAlias = "Message[str, str]"

FOLD: Final = re.compile(r"\r?\n[ \t]*|[\r\n]+")


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. Every text is clean: it fits into UTF-8 and PostgreSQL."""

    headers: tuple[tuple[str, str], ...]
    """Names in lower case, values unfolded and decoded, in their order."""
    author: str
    """The address of the author in lower case; empty where no header names one."""
    author_name: str
    subject: str
    date: datetime | None
    """When it was sent, in UTC."""
    texts: tuple[str, ...]
    """The same words in each form that the mail has, plain text first."""
    calendars: tuple[str, ...]
    """Every calendar in it, attached or written into the text."""
    links: tuple[tuple[str, str], ...]
    """Addresses with the words that stand on them."""
    forwarded: bool = False
    """Whether it came inside of another mail."""

    def header(self, name: str) -> str:
        """The first header with this name (lower case), or an empty text."""
        return next((value for found, value in self.headers if found == name), "")

    @property
    def text(self) -> str:
        """Its words as plain text."""
        return self.texts[0] if self.texts else ""

    @property
    def words(self) -> str:
        """Subject and text together, for what may stand in either."""
        return f"{self.subject}\n{self.text}"

    @property
    def domain(self) -> str:
        """The domain of the author."""
        return self.author.rpartition("@")[2]


def mail_of(raw: bytes) -> tuple[Mail, ...]:
    """The mail in these bytes, and after it those that were forwarded inside of it. Never raises."""
    parser = BytesParser(policy=compat32)
    try:
        message = parser.parsebytes(raw[:SIZE_LIMIT].lstrip(b"\r\n"))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # the standard library's parser has raised each of these on broken input
        return ()
    found: list[Mail] = []
    budget = [PARTS_LIMIT]
    pending: list[Part] = [message]
    while pending and budget[0] > 0:
        one = pending.pop(0)
        found.append(_mail(one, pending, budget, forwarded=bool(found)))
    return tuple(found)


def _mail(message: Part, pending: list[Part], budget: list[int], *, forwarded: bool) -> Mail:
    headers = tuple(_headers(message))
    plain: list[str] = []
    html: list[str] = []
    calendars: list[str] = []
    for part in _leaves(message, pending, budget, 0):
        media = part.get_content_type()
        if media == "text/calendar" or _filename(part).endswith((".ics", ".ifb")):
            calendars.append(_content(part)[:CALENDAR_LIMIT])
        elif media == "text/html":
            html.append(_content(part)[:TEXT_LIMIT])
        elif media == "text/plain" and "attachment" not in str(part.get("content-disposition", "")).lower():
            plain.append(_unflowed(part, _content(part)[:TEXT_LIMIT]))
    pages = page_of("\n".join(html)[:TEXT_LIMIT])
    texts = [clean(text, TEXT_LIMIT) for text in ("\n".join(plain)[:TEXT_LIMIT], pages.text) if text.strip()]
    for text in texts[:1]:
        calendars += CALENDAR.findall(text)
    links = pages.links + [(found.rstrip(".,;:!?)"), "") for text in texts[:1] for found in BARE_LINK.findall(text)]
    name, author = _author(headers)
    return Mail(
        headers=headers,
        author=author,
        author_name=name,
        subject=" ".join(_first(headers, "subject").split()),
        date=_date(_first(headers, "date")) or _received(headers),
        texts=tuple(texts),
        calendars=tuple(clean(text, CALENDAR_LIMIT) for text in calendars[:CALENDARS_LIMIT]),
        links=tuple(dict.fromkeys((clean(href), clean(words, 200)) for href, words in links[:LINKS_LIMIT])),
        forwarded=forwarded,
    )


def _leaves(message: Part, pending: list[Part], budget: list[int], depth: int) -> Iterator[Part]:
    """The parts without parts; messages that were forwarded go to ``pending``."""
    budget[0] -= 1
    if budget[0] < 0 or depth > DEPTH_LIMIT:
        return
    content = message.get_payload()
    if not isinstance(content, list):
        yield message
    elif message.get_content_type() == "message/rfc822":
        pending += [part for part in content[:1] if isinstance(part, Message)]
    elif not message.get_content_type().startswith("message/"):
        for part in content:
            if isinstance(part, Message):
                yield from _leaves(part, pending, budget, depth + 1)


def _headers(message: Part) -> Iterator[tuple[str, str]]:
    for name, value in list(message.items())[:500]:
        yield clean(name.lower(), 200), _decoded(str(value)[:HEADER_LIMIT])


def _decoded(value: str) -> str:
    """A header's value on one line, with encoded words (RFC 2047) in plain."""
    value = FOLD.sub(" ", value)
    try:
        pieces = decode_header(value) if "=?" in value else [(value, None)]
    except (HeaderParseError, BadBase64, ValueError):
        pieces = [(value, None)]
    words = [piece if isinstance(piece, str) else _text(piece, charset or "utf-8") for piece, charset in pieces]
    raw = "".join(words)
    return clean(raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), HEADER_LIMIT)


def _text(raw: bytes, charset: str) -> str:
    """Bytes as a text: in their charset, else as UTF-8, else as Windows has it, in which every byte is something."""
    for name in (charset, "utf-8"):
        try:
            return raw.decode(name)
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def _filename(part: Part) -> str:
    try:
        return (part.get_filename() or "").lower()
    except (TypeError, ValueError, LookupError):
        return ""


def _content(part: Part) -> str:
    """The text of a part. Where its encoding is not what it says, the encoding that its bytes have."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return ""
    raw = payload.encode("utf-8", "surrogateescape")
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "quoted-printable" or (not encoding and len(QUOTED.findall(raw)) > QUOTED_ENOUGH):
        raw = decodestring(raw)
    elif encoding == "base64":
        with contextlib.suppress(BadBase64, ValueError):  # gateways that rewrite a part leave the old encoding behind
            raw = b64decode(raw, validate=False)
    try:
        charset = part.get_content_charset("utf-8")
    except (LookupError, TypeError, ValueError):
        charset = "utf-8"
    return clean(_text(raw, charset).replace("\r\n", "\n").replace("\r", "\n"), CALENDAR_LIMIT)


def _unflowed(part: Part, text: str) -> str:
    """Lines that the sender's program broke put together again (RFC 3676)."""
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    joint = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
    lines: list[str] = []
    goes_on = False
    for line in text.split("\n"):
        body = line.removeprefix(" ")
        flows = body.endswith(" ") and body != "-- "
        words = body[:-1] if flows else body
        if goes_on:
            lines[-1] += joint + words if not joint or lines[-1] else words
        else:
            lines.append(words)
        goes_on = flows
    return "\n".join(lines)


def _first(headers: Sequence[tuple[str, str]], name: str) -> str:
    return next((value for found, value in headers if found == name), "")


def _author(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Name and address of whoever wrote it, past the rewriting of lists ("Vendor via Team")."""
    for header in AUTHORS if not _first(headers, "x-original-from") else AUTHORS[1:]:
        value = _first(headers, header)
        try:
            pairs = getaddresses([value]) if value else []
        except (ValueError, IndexError, TypeError):
            pairs = []
        for name, address in pairs:
            if "@" in address:
                return clean(name, 200), clean(address.lower().strip("<> "), 320)
    return "", ""


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def _received(headers: Sequence[tuple[str, str]]) -> datetime | None:
    """When the last server took it, for mails without a date."""
    return _date(_first(headers, "received").rpartition(";")[2].strip())
