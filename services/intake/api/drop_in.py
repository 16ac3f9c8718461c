"""What the drop-in APIs do alike: a caller is let in, a body is read within a limit, errors are told in foreign words."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from libs.common.errors import Malformed, NotFound, Rejected, TocsinError, TooLarge
from services.intake.api.hooks import KEY_ID, called
from services.intake.api.state import state_of
from services.intake.domain.drop_in import ALIAS, CALL
from services.intake.domain.integration import Integration
from services.intake.domain.signatures import Signed
from services.intake.handlers.senders import source_named
from services.intake.sources.base import CannotRead, plain_body

Answer = Callable[[Request], Coroutine[Any, Any, Response]]
Words = Callable[[Request, TocsinError], Response]
"""How an API tells an error."""

OURS: Final = frozenset({CALL, ALIAS, "content-encoding"})
"""Headers that a caller cannot set: two are ours, and bodies are kept unpacked."""


LIMITED_HERE: Final = dict.fromkeys(
    ("/generic/", "/v2/alerts", "/v2/change/", "/v2/enqueue", "/v2/heartbeats"), 1024**3
)
"""Paths whose bodies are limited by :func:`body_within`, which tells so in foreign words, and not before."""


class NoSuchMethod(Rejected):
    """There is such an address, and the method is none of its."""

    status = 405
    slug = "method-not-allowed"
    title = "Method not allowed"


def route_in(words: Words) -> type[APIRoute]:
    """A class of routes whose errors are told in ``words``."""

    class ForeignRoute(APIRoute):
        def get_route_handler(self) -> Answer:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handle(request)
                except TocsinError as error:
                    return words(request, error)
                except HTTPException as error:
                    return words(request, _of_http(error))

            return answer

    return ForeignRoute


def _of_http(error: HTTPException) -> TocsinError:
    kinds: dict[int, type[TocsinError]] = {404: NotFound, 405: NoSuchMethod, 413: TooLarge}
    return kinds.get(error.status_code, Malformed)(str(error.detail))


async def body_within(request: Request, limit: int) -> bytes:
    """The body as it came. Raises :class:`TooLarge` for one of more than ``limit`` bytes."""
    sentence = f"The body is over the limit of {limit} bytes."
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(sentence)
    parts, taken = [], 0
    async for part in request.stream():
        taken += len(part)
        if taken > limit:
            raise TooLarge(sentence)
        parts.append(part)
    return b"".join(parts)


def unpacked(request: Request, body: bytes, limit: int) -> tuple[dict[str, str], bytes]:
    """The headers for the source, and the body unpacked; as it came where it cannot be unpacked. Raises :class:`TooLarge`."""
    headers = {name: value for name, value in request.headers.items() if name not in (CALL, ALIAS)}
    try:
        plain = plain_body(request.headers, body)
    except CannotRead:
        return headers, body
    if len(plain) > limit:
        raise TooLarge(f"The body is over the limit of {limit} bytes.")
    return {name: value for name, value in headers.items() if name not in OURS}, plain


async def admitted(request: Request, source_name: str, key: str | None, body: bytes | None) -> Integration[Any]:
    """The integration that calls, once it may: its key is good, it does not call too often, what it signs it has signed.

    A call that changes nothing has no ``body``, and for it the key alone counts; one that does is signed whatever its method, a ping by
    ``GET`` as well, which has an empty one.

    Raises :class:`~libs.common.errors.Unauthenticated`, :class:`~libs.common.errors.Forbidden`, and what the guard raises.
    """
    state, source = state_of(request), source_named(source_name)
    integration = await state.senders.sender(key, source_name)
    now = state.uow.clock.now()
    state.guard.admit(source, integration, (key or "")[:KEY_ID], now)
    if body is not None:
        state.guard.verify(integration, Signed(request.headers, body, called(request, state.public_url)), now)
    return integration


def once_of(request: Request, integration: Integration[Any], body: bytes) -> str:
    """By what a signed call is known when it comes again; empty for one that is not signed."""
    state = state_of(request)
    return state.guard.once(integration, Signed(request.headers, body, called(request, state.public_url)))
