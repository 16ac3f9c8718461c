"""Feeds of status pages (RSS 2.0, Atom) as entries with plain words. What is no feed is refused, never taken for an empty one."""

import io
import re
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from xml.sax import SAXException

import feedparser
from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup

from libs.common.events.base import Severity
from services.intake.domain.mapping import TEXT_LIMIT, instant
from services.intake.domain.trigger import Refusal
from services.intake.sources.base import CannotRead, plain_body

ENTRIES_LIMIT: Final = 200
"""Entries that are read, the first ones: feeds begin with the newest."""

HTML_LIMIT: Final = 20_000
"""Characters of an entry's HTML that are read."""

PAGE: Final = re.compile(rb"<(!doctype\s+html|html)\b", re.IGNORECASE)
BEFORE: Final = {b"\xef\xbb\xbf": b"", b"<?xml": b"?>", b"<!--": b"-->"}
"""What may stand before a document, and what ends it."""

WORST: Final[tuple[tuple[Severity, re.Pattern[str]], ...]] = (
    ("error", re.compile(r"\bpartial(ly)? (service |system )?outage", re.IGNORECASE)),
    ("critical", re.compile(r"\b(outages?|unavailab\w+|major|down)\b", re.IGNORECASE)),
    ("error", re.compile(r"\b(fail\w*|errors?|unable|disrupt\w+)\b", re.IGNORECASE)),
    ("warning", re.compile(r"\b(degrad\w+|intermittent\w*|latency|delay\w*|slow\w*|subset|minor)\b", re.IGNORECASE)),
    ("info", re.compile(r"\b(advisory|informational|maintenance)\b", re.IGNORECASE)),
)
"""Words from which a severity is guessed where a feed has none; the first that is found counts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed."""

    id: str
    title: str
    link: str
    text: str
    """Its words, without markup."""
    strong: str
    """The first words in bold, by which status pages say how an incident stands."""
    categories: tuple[str, ...]
    published: datetime | None
    updated: datetime | None

    @property
    def touched(self) -> datetime | None:
        """When something was said of it last."""
        return self.updated or self.published


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed holds."""

    title: str
    link: str
    entries: tuple[Entry, ...]


def is_page(body: bytes) -> bool:
    """Whether the body is an HTML page: of an error, of a login, of anything but what was asked for."""
    head = body[:2000].lstrip()
    while (begin := next((mark for mark in BEFORE if head.startswith(mark)), None)) is not None:
        end = BEFORE[begin]
        head = head[len(begin) :] if not end else head.partition(end)[2]
        head = head.lstrip()
    return PAGE.match(head) is not None


def feed_of(headers: Any, raw: bytes, *, rss: bool = False) -> Feed:
    """The feed in a body; with ``rss`` only RSS will do. Raises :class:`CannotRead`."""
    body = plain_body(headers, raw).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        raise CannotRead(Refusal("empty-body", "The body is empty; a feed without news has a root at least."))
    if is_page(body):
        raise CannotRead(Refusal("wrong-shape", "The body is an HTML page and no feed."))
    no_xml = Refusal("invalid-xml", "The body is no XML document, or ends in the middle.")
    try:
        found = feedparser.parse(io.BytesIO(body))  # of bytes alone it would believe that they may be a file's name
    except ValueError as error:  # the declaration names an encoding that no codec can even be asked for
        raise CannotRead(no_xml) from error
    if isinstance(found.get("bozo_exception"), SAXException):
        raise CannotRead(no_xml)
    version = str(found.get("version", ""))
    if not version.startswith("rss" if rss else ("rss", "atom")):
        raise CannotRead(Refusal("wrong-shape", f"The root is not that of {'an RSS' if rss else 'a'} feed."))
    about = found.get("feed", {})
    entries = tuple(_entry(entry) for entry in found.get("entries", [])[:ENTRIES_LIMIT])
    return Feed(_text(about.get("title")), _text(about.get("link")), entries)


def _entry(entry: Any) -> Entry:
    contents = [_text(one.get("value")) for one in entry.get("content", [])]
    words, strong = plain_words(next(filter(None, [*contents, _text(entry.get("summary"))]), ""))
    return Entry(
        id=_text(entry.get("id")),
        title=plain_words(_text(entry.get("title")))[0],
        link=_text(entry.get("link")),
        text=words,
        strong=strong,
        categories=tuple(filter(None, (_text(tag.get("term")) for tag in entry.get("tags", [])))),
        published=_moment(entry, "published"),
        updated=_moment(entry, "updated"),
    )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _moment(entry: Any, name: str) -> datetime | None:
    parsed = entry.get(f"{name}_parsed") if name in entry else None
    if parsed is not None:
        try:
            return datetime.fromtimestamp(timegm(parsed), UTC)
        except (ValueError, OverflowError, TypeError):
            return None
    return moment_of_mail(_text(entry.get(name))) if name in entry else None


def moment_of_mail(text: str) -> datetime | None:
    """The instant of a date as mails write it (RFC 5322, 3.3), whatever its weekday says, or of one in ISO 8601."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return instant(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def plain_words(html: str) -> tuple[str, str]:
    """The words of HTML, and those in bold that come first."""
    if "<" not in html and "&" not in html:
        return html[:TEXT_LIMIT], ""
    try:
        soup = BeautifulSoup(html[:HTML_LIMIT], "html.parser")
    except (ParserRejectedMarkup, RecursionError, ValueError, AssertionError):
        # Python's own parser says so by an assertion in some versions
        return html[:TEXT_LIMIT], ""
    bold = soup.find(["strong", "b"])
    words = " ".join(soup.get_text(" ").split()).replace(" ,", ",")
    return words[:TEXT_LIMIT], "" if bold is None else " ".join(bold.get_text(" ").split())


def guessed_severity(texts: Iterable[str]) -> Severity | None:
    """The severity that words suggest: those of the first text that says something."""
    for text in texts:
        for severity, words in WORST:
            if words.search(text):
                return severity
    return None
