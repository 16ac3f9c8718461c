"""Bodies that come compressed (``Content-Encoding``, RFC 9110, 8.4), within a limit: a small body may claim to be a huge one."""

import zlib
from typing import Final

UNPACKED_LIMIT: Final = 8 * 1024 * 1024
"""Bytes that a body may have once it is unpacked."""

CODINGS_LIMIT: Final = 2
"""How many times over a body may be compressed."""

PLAIN: Final = frozenset({"", "identity", "none", "utf-8", "utf8"})
"""Words that change no byte: some clients put the charset there."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


class CannotUnpack(Exception):
    """The body is not what its ``Content-Encoding`` says, or too large; ``args[0]`` is the sentence for its sender."""


def unpacked(encoding: str, body: bytes, limit: int = UNPACKED_LIMIT) -> bytes:
    """``body`` without the codings that ``encoding``, the value of ``Content-Encoding``, names. Raises :class:`CannotUnpack`.

    Never holds more than ``limit`` bytes and a little, whatever the body claims to become.
    """
    names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name not in PLAIN]
    if len(names) > CODINGS_LIMIT:
        raise CannotUnpack(f"The body is compressed {len(names)} times over; compress it once, or not at all.")
    for name in reversed(names):
        body = _one(name, body, limit)
    return body


def is_gzip(body: bytes) -> bool:
    """Whether a body begins as gzip's do, and nothing else that is read here (RFC 1952, 2.3.1)."""
    return body.startswith(b"\x1f\x8b\x08")


def _one(name: str, body: bytes, limit: int) -> bytes:
    match name:
        case "gzip" | "x-gzip":
            if body.lstrip()[:1] in (b"{", b"["):  # a proxy unpacked it, and left the header as it was
                return body
            return _inflated(body, _GZIP, name, limit)
        case "deflate":
            # RFC 9110, 8.4.1.2: zlib's format; some senders leave its header away
            framed = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0
            return _inflated(body, _ZLIB if framed else _RAW, name, limit)
        case _:
            shown = "".join(letter for letter in name if letter.isprintable())[:40]
            raise CannotUnpack(
                f"The body is encoded as {shown}; send it as gzip, as deflate, or without a Content-Encoding."
            )


def _inflated(body: bytes, bits: int, name: str, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while body:  # a gzip body may hold several members, one after the other (RFC 1952, 2.2)
        member = zlib.decompressobj(bits)
        try:
            part = member.decompress(body, limit - size + 1)
        except zlib.error as error:
            raise CannotUnpack(f"The body says that it is {name}, and is not: {error}.") from error
        size += len(part)
        if size > limit:
            raise CannotUnpack(f"The body has more than {limit} bytes once it is unpacked; send less at once.")
        if not member.eof:
            raise CannotUnpack(f"The body says that it is {name}, and ends in the middle.")
        parts.append(part)
        body = member.unused_data if bits == _GZIP else b""
    return b"".join(parts)
