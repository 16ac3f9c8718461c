"""JSON that is not written in UTF-8, as RFC 8259 wants it: read by its mark, by its zeros, or by the charset that its sender says."""

import codecs
import re
from email.message import Message
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Of two of which one begins with the other, the longer first."""

_CHARSETS: Final = re.compile(
    r"iso[-_]?8859[-_]\d+|latin-?\d|windows-125\d|cp125\d|utf-(?:16|32)(?:-?[lb]e)?|shift[-_]jis|euc-(?:jp|kr)|gb(?:k|2312|18030)|big5|koi8-[ru]"
)
"""Charsets that senders say; no other codec is asked for."""


def in_utf8(content_type: str, body: bytes) -> bytes:
    """The body in UTF-8; as it came where it is UTF-8 already, or where nothing says what else it is."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return _from(charset, body[len(mark) :], body)
    # the first character of JSON is ASCII (RFC 4627, 3): where its zeros stand tells the rest
    if body[:1] != b"\0" and body[1:2] == b"\0":
        return _from("utf-32-le" if body[2:4] == b"\0\0" else "utf-16-le", body, body)
    if body[:1] == b"\0":
        return _from("utf-32-be" if body[1:2] == b"\0" else "utf-16-be", body, body)
    try:
        body.decode()
    except UnicodeDecodeError:
        charset = _said(content_type)
        return _from(charset, body, body) if _CHARSETS.fullmatch(charset) else body
    return body


def _from(charset: str, text: bytes, otherwise: bytes) -> bytes:
    try:
        return text.decode(charset).encode()
    except (UnicodeError, LookupError):
        return otherwise


def _said(content_type: str) -> str:
    header = Message()
    header["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    return str(header.get_param("charset", "")).strip().lower()
