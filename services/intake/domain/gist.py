"""What a body that nobody understood is about, in one line: enough for a person to open an incident from it."""

import json
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from typing import Final

from services.intake.domain.mapping import TEXT_LIMIT, TITLE_LIMIT, clean

LOOKED_AT: Final = 64 * 1024
"""Bytes of the body in which a title is looked for."""

NAMES: Final = ("title", "subject", "summary", "alert_name", "alertname", "name", "message", "text", "description")
"""Members of a JSON object that say what it is about, best first."""


def gist(body: bytes, sender: str) -> str:
    """The subject of a mail, the member of a JSON object that names it, or the first line that says something."""
    subject = subject_of(body)
    if subject:
        return subject
    text = body[:LOOKED_AT].decode("utf-8", "replace")
    named = _named(body)
    if named:
        return named
    lines = (clean(line, TITLE_LIMIT) for line in text.splitlines())
    first = next((line for line in lines if any(character.isalpha() for character in line)), "")
    if first and first[0] not in "{[<":
        return first
    return clean(f"{sender} sent something that nobody could read", TITLE_LIMIT)


def subject_of(body: bytes) -> str:
    """The subject of a mail; empty for what is no mail, or has none."""
    head = BytesHeaderParser().parsebytes(body[:LOOKED_AT])
    subject = head.get("Subject")
    if subject is None or head.get("From") is None:
        return ""
    try:
        decoded = str(make_header(decode_header(str(subject))))
    except (HeaderParseError, LookupError, ValueError):
        decoded = str(subject)
    return clean(" ".join(decoded.split()), TITLE_LIMIT)


def excerpt(body: bytes) -> str:
    """The beginning of the body as text, for those who work on the incident."""
    text = clean(body[: 4 * TEXT_LIMIT].decode("utf-8", "replace"))
    return "" if text.count("\N{REPLACEMENT CHARACTER}") > len(text) // 4 else text


def _named(body: bytes) -> str:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    said = (value.get(name) for name in NAMES)
    return next((clean(one, TITLE_LIMIT) for one in said if isinstance(one, str) and one.strip()), "")
