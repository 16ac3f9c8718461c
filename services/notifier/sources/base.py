"""What a callback is before it is read, and what a provider's reader has to say of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from libs.common.errors import Malformed, Unsupported
from services.notifier.domain.callback import Callback, Signature, Webhooks

ROOT: Final = "/v1/callbacks/"
FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """A callback as it came: the path and query that were called, its headers (names in lower case) and its bytes."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, target: str, headers: Mapping[str, str], body: bytes) -> Self:
        """The callback to ``target``, a path with its query or a whole address. Raises :class:`Malformed` for what is none."""
        try:
            parts = urlsplit(target)
        except ValueError as error:
            raise Malformed("The path is no address.") from error
        path = parts.path[parts.path.index(ROOT) :] if ROOT in parts.path else parts.path
        return cls(path, parts.query, {name.lower(): value for name, value in headers.items()}, body)

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def provider(self) -> str:
        """The provider that the path names."""
        return self.path.removeprefix(ROOT).partition("/")[0] if self.path.startswith(ROOT) else ""

    def asked(self, name: str) -> str:
        """The value of ``name`` in the query; empty where there is none."""
        return dict(parse_qsl(self.query)).get(name, "")

    def attempt(self) -> UUID | None:
        """Our own id of the message, which the address carries. Raises :class:`Malformed` for what is no id."""
        if not (value := self.asked("attempt")):
            return None
        try:
            return UUID(value)
        except ValueError as error:
            raise Malformed("The attempt in the address is no id.") from error


class Form(dict[str, str]):
    """A form, with the last value of each name; Twilio's validator finds all of them by ``getlist``."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = tuple(pairs)

    def getlist(self, name: str) -> list[str]:
        """All values of ``name``."""
        return [value for key, value in self._pairs if key == name]

    def demand(self, *names: str) -> str:
        """The value of the first of ``names`` that has one. Raises :class:`Malformed` where there is none."""
        for name in names:
            if value := self.get(name):
                return value
        raise Malformed(f"The form has no {names[0]}.")


def form_of(arrival: Arrival) -> Form:
    """The form that was posted. Raises :class:`Unsupported` for another type and :class:`Malformed` for what is no form."""
    if arrival.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unsupported(f"Send {FORM}.")
    try:
        text = arrival.body.decode("utf-8").strip("\r\n")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed("This is no form.") from error
    return Form(pairs)


@dataclass(frozen=True)
class Source:
    """One provider's callbacks. Both functions are pure.

    ``read`` raises :class:`Malformed` or :class:`Unsupported` for what cannot be read. ``verify`` says whether one of the
    secrets signed it for the address (the public one, with its query); the moment is when it arrived, for signatures that grow old.
    """

    provider: str
    read: Callable[[Arrival], Callback]
    verify: Callable[[Arrival, str, Sequence[Webhooks], datetime], Signature]
