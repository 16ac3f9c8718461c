"""What a source is: one wire format, told in one file of this package."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from libs.common.events.base import TriggerKind
from services.intake.domain.charset import in_utf8
from services.intake.domain.integration import Integration, OptionsT
from services.intake.domain.mapping import clean
from services.intake.domain.packing import CannotUnpack, is_gzip, unpacked
from services.intake.domain.polling import Watch
from services.intake.domain.trigger import Reading, Refusal, RefusalReason

SENTENCE_LIMIT = 300

WORDS = {
    "missing": "This field is required",
    "model_type": "This should be a JSON object",
    "model_attributes_type": "This should be a JSON object",
    "dict_type": "This should be a JSON object",
    "list_type": "This should be a JSON array",
    "tuple_type": "This should be a JSON array",
    "string_type": "This should be a text",
}
"""What is said in place of pydantic's own words, which speak of Python."""


@dataclass(frozen=True, slots=True)
class Arrival(Generic[OptionsT]):
    """A body as it came: its headers (names in lower case), its bytes, who sent it, and when."""

    headers: Mapping[str, str]
    body: bytes
    integration: Integration[OptionsT]
    now: datetime


class Network(Protocol):
    """What a source may do with the network: ask for a page that it knows to be safe, over HTTPS, without redirects."""

    async def get(self, url: str, *, keep: bool = False, anew: bool = False) -> bytes:
        """What stands at ``url``; with ``keep`` from memory after the first time, unless ``anew``, which is heeded every five
        minutes at most. Raises ``Unavailable``.
        """
        ...


@dataclass(frozen=True)
class Source(Generic[OptionsT]):
    """One wire format. A module of this package that has a ``SOURCE`` is found and served; nothing else is needed.

    ``read`` is pure: an :class:`Arrival` in, a :class:`Reading` out. It never raises, whatever the body is.
    """

    name: str
    """The word in the address: ``/v1/hooks/<name>/<key>``."""
    title: str
    kind: TriggerKind | None
    """The kind of its triggers where neither integration nor body say one."""
    docs: str
    """Markdown: what is read from the body, and how the sender is set up."""
    options: type[OptionsT]
    example: Mapping[str, Any] | Sequence[Any] | str
    """A body that becomes a trigger; a text where the format is not JSON."""
    read: Callable[[Arrival[OptionsT]], Reading]
    accepted: int = 202
    """The status of the answer to a body that was committed, where the sender insists on one."""
    answer: str = ""
    """The text of that answer, where the sender insists on one; else what became of the body is told."""
    throttled: Literal[429, 503] = 503
    """What is said to a sender that sends too much. Most drop a body after 429 and try again after 503."""
    suffix: str = ""
    """What the sender puts behind the address that it is given."""
    greeting: Callable[[Mapping[str, str]], Mapping[str, str] | None] | None = None
    """The answer's headers to an ``OPTIONS`` with these headers, by which the sender asks whether it may send."""
    once: Callable[[Arrival[OptionsT]], str] | None = None
    """What the sender calls this body and no other, so that one which comes again is not taken twice; empty where it has no name."""
    check: Callable[[Arrival[OptionsT], Network], Awaitable[None]] | None = None
    """Whether the body is the sender's, where that takes the network; sees every header. Raises ``Forbidden`` where it is not."""
    afterwards: Callable[[Arrival[OptionsT], Network], Awaitable[None]] | None = None
    """What the sender waits for once the body is committed: the answer to a handshake. Outside of every transaction."""
    watch: Watch | None = None
    """How its pages are asked, where the option ``url`` of an integration says which."""

    @property
    def example_body(self) -> bytes:
        """The bytes of :attr:`example`."""
        return (self.example if isinstance(self.example, str) else json.dumps(self.example)).encode()


class CannotRead(Exception):
    """The body is not JSON that can be read; ``refusal`` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def plain_body(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body, unpacked where it came compressed. Raises :class:`CannotRead`."""
    try:
        return unpacked(headers.get("content-encoding", ""), body)
    except CannotUnpack as error:
        raise CannotRead(Refusal("content-encoding", clean(str(error), SENTENCE_LIMIT))) from error


def json_of(headers: Mapping[str, str], body: bytes) -> Any:
    """The JSON value of a body, whatever its media type says. Raises :class:`CannotRead`."""
    body = plain_body(headers, body)
    if is_gzip(body):  # a sender, or a proxy, that forgot to say so
        body = plain_body({"content-encoding": "gzip"}, body)
    body = in_utf8(headers.get("content-type", ""), body)
    if not body.strip():
        raise CannotRead(Refusal("empty-body", "The body is empty; send a JSON document."))
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise CannotRead(_json_refusal(str(error), body)) from error


def _json_refusal(message: str, body: bytes) -> Refusal:
    if "recursion limit" in message:
        return Refusal("too-deep", "The JSON document is nested too deeply; 200 levels are read.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        sentence = f"The body is not UTF-8: byte {error.start} cannot be read. Send the JSON document as UTF-8."
        return Refusal("invalid-encoding", sentence)
    return Refusal("invalid-json", f"The body is no JSON document: {clean(message, SENTENCE_LIMIT)}.")


def pointer_of(*parts: int | str) -> str:
    """A JSON Pointer fragment (RFC 6901, 6)."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def refusals_of(error: ValidationError, at: Sequence[int | str] = (), limit: int = 10) -> tuple[Refusal, ...]:
    """One refusal for each thing that a model found wrong, with its place under ``at``."""
    return tuple(_refusal(problem, at) for problem in error.errors(include_url=False, include_input=False)[:limit])


def _refusal(problem: ErrorDetails, at: Sequence[int | str]) -> Refusal:
    reason: RefusalReason = "missing-field" if problem["type"] == "missing" else "invalid-field"
    if not problem["loc"]:
        reason = "wrong-shape" if problem["type"] != "value_error" else reason
    message = WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return Refusal(reason, clean(f"{message}.", SENTENCE_LIMIT), clean(pointer_of(*at, *problem["loc"])))
