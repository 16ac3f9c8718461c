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

_BEGINS: Final = (b"{", b"[", b'"', b" ", b"\t", b"\r", b"\n")
"""With what a document of JSON that somebody posts begins."""

_CHARSETS: Final = re.compile(
    r"iso[-_]?8859[-_]\d+|latin-?\d|windows-125\d|cp125\d|utf-(?:16|32)(?:-?[lb]e)?|shift[-_]jis|euc-(?:jp|kr)|gb(?:k|2312|18030)|big5|koi8-[ru]"
)
"""Charsets that senders say; no other codec is asked for."""


def in_utf8(content_type: str, body: bytes) -> bytes:
    """The body in UTF-8; as it came where it is UTF-8 already, or where nothing says what else it is."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return _from(charset, body[len(mark) :], body)
    charset = _by_zeros(body[:4])
    if charset:
        return _from(charset, body, body)
    try:
        body.decode()
    except UnicodeDecodeError:
        charset = _said(content_type)
        return _from(charset, body, body) if _CHARSETS.fullmatch(charset) else body
    return body


def _by_zeros(head: bytes) -> str:
    """The charset of JSON without a mark: its first character is ASCII (RFC 4627, 3), and where its zeros stand tells the rest."""
    if len(head) < 2 or head.strip(b"\0")[:1] not in _BEGINS:
        return ""
    if head[0] and not head[1]:
        return "utf-32-le" if head[2:] == b"\0\0" else "utf-16-le"
    if not head[0]:
        return "utf-16-be" if head[1] else "utf-32-be"
    return ""


def _from(charset: str, text: bytes, otherwise: bytes) -> bytes:
    try:
        return text.decode(charset).encode()
    except (UnicodeError, LookupError):
        return otherwise


def _said(content_type: str) -> str:
    header = Message()
    header["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    return str(header.get_param("charset", "")).strip().lower()
