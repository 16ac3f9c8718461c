"""Forms as bytes: each field as it came, since each may be written in a charset of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

FIELDS_LIMIT: Final = 1_000
"""Fields that a form may have."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field, or one file."""

    value: bytes
    filename: str = ""
    content_type: str = ""


class NoForm(ValueError):
    """The body is no form; ``args[0]`` says why."""


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)


def fields_of(content_type: str, body: bytes) -> Mapping[str, Field]:
    """The fields by their names; of several with one name the first. Raises :class:`NoForm`."""
    media, options = parse_options_header(content_type.encode("latin-1", "replace"))
    if media == b"application/x-www-form-urlencoded":
        return _plain(body)
    boundary = options.get(b"boundary", b"")
    if media != b"multipart/form-data" or not boundary:
        raise NoForm("The body is no form: its Content-Type names none.")
    return _in_parts(boundary, body)


def _plain(body: bytes) -> dict[str, Field]:
    try:
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=FIELDS_LIMIT
        )
    except ValueError as error:
        raise NoForm(f"The form has more than {FIELDS_LIMIT} fields.") from error
    found: dict[str, Field] = {}
    for name, value in pairs:
        found.setdefault(name, Field(value.encode("latin-1")))
    return found


def _in_parts(boundary: bytes, body: bytes) -> dict[str, Field]:
    parts: list[_Part] = []

    def began() -> None:
        if len(parts) >= FIELDS_LIMIT:
            raise FormParserError(f"more than {FIELDS_LIMIT} fields")
        parts.append(_Part())

    def named() -> None:
        part = parts[-1]
        part.headers[part.name.decode("latin-1").lower()] = bytes(part.value)
        part.name.clear()
        part.value.clear()

    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": began,
                "on_header_field": lambda data, start, end: parts[-1].name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: parts[-1].value.extend(data[start:end]),
                "on_header_end": named,
                "on_part_data": lambda data, start, end: parts[-1].content.extend(data[start:end]),
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise NoForm(f"The form cannot be read: {error}.") from error
    found: dict[str, Field] = {}
    for part in parts:
        _, options = parse_options_header(part.headers.get("content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename", b"").decode("utf-8", "replace")
        found.setdefault(
            name, Field(bytes(part.content), filename, part.headers.get("content-type", b"").decode("latin-1"))
        )
    return found
