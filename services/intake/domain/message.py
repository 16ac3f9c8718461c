"""An e-mail as a reader needs it: who wrote it, when, what its text says, and the calendars that it carries.

Mails of providers are seldom by the book. Lists take the sender away (``X-Original-From`` stays), gateways announce an encoding
that the body does not have, and some send nothing but HTML. Whatever comes in, a :class:`Mail` comes out, of bounded size.
"""

import contextlib
import re
from base64 import b64decode
from binascii import Error as BadBase64
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
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

BROKEN: Final = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the standard library's parser has raised on broken input."""
ENCODED: Final = frozenset({"base64", "quoted-printable"})
BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
NARROW: Final = re.compile(r"utf[-_]?(?:16|32)|ucs|punycode|idna", re.IGNORECASE)
"""Charsets that are not believed of bytes without a zero: those of wide characters, and two that are none of texts and take for ever."""
CALENDARS: Final = frozenset({"text/calendar", "application/ics", "text/x-vcalendar"})
SEALED: Final = {
    "application/ms-tnef": "a winmail.dat",
    "application/vnd.ms-tnef": "a winmail.dat",
    "application/pkcs7-mime": "an encrypted message (S/MIME)",
    "application/x-pkcs7-mime": "an encrypted message (S/MIME)",
    "application/pgp-encrypted": "an encrypted message (PGP)",
}
QUOTED_ENOUGH: Final = 5
QUOTED: Final = re.compile(rb"=[0-9A-F]{2}")
BARE_LINK: Final = re.compile(r"https?://[^\s<>\"'\]]{3,2000}")
QUOTE: Final = re.compile(r"^(?:> ?)+", re.MULTILINE)
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
    sealed: str = ""
    """What it carries that nobody can read without the program, or the key, of its recipient."""

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
        message = parser.parsebytes(raw[:SIZE_LIMIT].removeprefix(BOM_UTF8).lstrip(b"\r\n"))
    except BROKEN:
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
    sealed = ""
    for part in _leaves(message, pending, budget, 0):
        media, name = part.get_content_type(), _filename(part)
        sealed = sealed or SEALED.get(media, "")
        if media in CALENDARS or name.endswith((".ics", ".ifb")):
            calendars.append(_content(part)[:CALENDAR_LIMIT])
        elif name.endswith(".eml") or media == "message/rfc822":
            pending += _inner(_raw(part))
        elif media.startswith("application/") and _raw(part).lstrip()[:15].upper() == b"BEGIN:VCALENDAR":
            calendars.append(_content(part)[:CALENDAR_LIMIT])
        elif media == "text/html":
            html.append(_content(part)[:TEXT_LIMIT])
        elif (
            media.startswith(("text/plain", "multipart/"))
            and "attachment" not in str(part.get("content-disposition", "")).lower()
        ):
            plain.append(_unflowed(part, _content(part)[:TEXT_LIMIT]))
    pages = page_of("\n".join(html)[:TEXT_LIMIT])
    texts = [clean(text, TEXT_LIMIT) for text in ("\n".join(plain)[:TEXT_LIMIT], pages.text) if text.strip()]
    for text in texts[:1]:
        calendars += CALENDAR.findall(QUOTE.sub("", text))
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
        sealed=sealed,
    )


def _leaves(message: Part, pending: list[Part], budget: list[int], depth: int) -> Iterator[Part]:
    """The parts without parts; messages that were forwarded go to ``pending``."""
    budget[0] -= 1
    if budget[0] < 0 or depth > DEPTH_LIMIT:
        return
    if not message.is_multipart():
        yield message
        return
    content = list(message.get_payload())
    if message.get_content_type() == "message/rfc822":
        inner = [part for part in content[:1] if isinstance(part, Message)]
        encoded = _encoding(message) in ENCODED
        # by the standard it is not encoded; programs encode it all the same
        pending += _inner(_decoded_body(inner[0].as_bytes(), _encoding(message))) if inner and encoded else inner
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
    if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        charset = "utf-16"
    elif b"\0" not in raw and NARROW.match(charset):  # no text of any length is without a zero in it there
        charset = "utf-8"
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
    raw = _raw(part)
    try:
        charset = part.get_content_charset("utf-8")
    except (LookupError, TypeError, ValueError):
        charset = "utf-8"
    return clean(_text(raw, charset).replace("\r\n", "\n").replace("\r", "\n"), CALENDAR_LIMIT)


def _raw(part: Part) -> bytes:
    """The bytes of a part, decoded."""
    found = part.get_payload(decode=True)  # as it came: as a text its charset, which may not be true, counts already
    raw, encoding = found if isinstance(found, bytes) else b"", _encoding(part)
    if encoding in ENCODED and not part.is_multipart():
        try:
            text = str(part.get_payload())
        except ValueError:  # its charset is none of texts, and says so
            return raw
        return _decoded_body(text.encode("utf-8", "surrogateescape"), encoding)
    return decodestring(raw) if not encoding and len(QUOTED.findall(raw)) > QUOTED_ENOUGH else raw


def _encoding(part: Part) -> str:
    return str(part.get("content-transfer-encoding", "")).strip().lower()


def _decoded_body(raw: bytes, encoding: str) -> bytes:
    """What was encoded; what is none of it any more, since a gateway rewrote it, as it is."""
    if encoding == "quoted-printable":
        return decodestring(raw)
    lines: list[bytes] = []
    for line in filter(None, map(bytes.strip, raw.splitlines())):
        if not BASE64.fullmatch(line):
            break  # lists write their footers behind it
        lines.append(line)
        if line.endswith(b"="):
            break
    joined = b"".join(lines).rstrip(b"=")
    with contextlib.suppress(BadBase64, ValueError):
        return b64decode(joined + b"=" * (-len(joined) % 4)) or raw
    return raw


def _inner(raw: bytes) -> list[Part]:
    """The message in these bytes, if it is one."""
    try:
        message = BytesParser(policy=compat32).parsebytes(raw[:SIZE_LIMIT].lstrip(b"\r\n"))
    except BROKEN:
        return []
    return [message] if message.keys() else []


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
