"""What the routes of Opsgenie's API share: its key, its envelope, its errors and its headers."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from fastapi import APIRouter, Depends, Request
from pydantic_core import to_json
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.responses import Response

from libs.common.clock import Stopwatch
from libs.common.errors import Forbidden, TocsinError
from services.intake.api.drop_in import admitted, route_in
from services.intake.api.hooks import sent_key
from services.intake.api.state import state_of
from services.intake.domain.integration import Integration


class _Anything(PathConvertor):
    """A path as Starlette's own, in which an alias of several lines is one, too."""

    regex = "(?s:.*)"


register_url_convertor("anything", _Anything())
SOURCE: Final = "opsgenie"
LIMIT: Final = 512 * 1024
"""Bytes that a body may have."""

RETRY: Final = timedelta(seconds=30)
SENTENCES: Final = {401: "Could not authenticate", 429: "You are making too many requests!"}
"""What Opsgenie says in place of a sentence of ours."""


class NotOffered(Forbidden):
    """Opsgenie does this, and Tocsin does not."""

    code: ClassVar[int] = 40302


async def caller(request: Request, body: bytes | None = None) -> Integration[Any]:
    """The integration whose key came as ``Authorization: GenieKey …``; ``None``: nothing is changed. Raises what :func:`admitted` raises."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    key = value.strip() if scheme.lower() == "geniekey" else sent_key(request)
    return await admitted(request, SOURCE, key, body)


def answered(
    request: Request, status: int, content: Mapping[str, Any], request_id: str = "", throttled: bool = False
) -> Response:
    """An answer with how long it took, and by which id it can be asked for."""
    state = state_of(request)
    watch: Stopwatch | None = request.scope.get("state", {}).get("watch")
    took = round(watch.seconds(), 3) if watch else 0.0
    request_id = request_id or str(state.uow.chance.uuid7(state.uow.clock.now()))
    headers = {
        "X-Response-Time": str(took),
        "X-RateLimit-State": "THROTTLED" if throttled else "OK",
        "X-RateLimit-Reason": "INTEGRATION",
        "X-RateLimit-Period-In-Sec": "60",
    }
    body = to_json({**content, "took": took, "requestId": request_id})
    return Response(body, status, headers, "application/json")


def told(request: Request, error: TocsinError) -> Response:
    """An error as Opsgenie tells it."""
    content: dict[str, Any] = {"message": SENTENCES.get(error.status, error.detail)}
    if isinstance(error, Forbidden):
        content["code"] = error.code if isinstance(error, NotOffered) else 40301
    if error.problems:
        content["message"] = "Request body is not processable. Please check the errors."
        content["errors"] = {problem.pointer.rpartition("/")[2] or "body": problem.detail for problem in error.problems}
    response = answered(request, error.status, content, throttled=error.status == 429)
    if error.status in (429, 503):
        response.headers["Retry-After"] = str(math.ceil((error.retry_after or RETRY).total_seconds()))
    return response


async def timed(request: Request) -> None:
    """Begin to count how long the answer takes."""
    request.scope.setdefault("state", {})["watch"] = Stopwatch()


ForeignRoute: Final = route_in(told)


def opsgenie_router() -> APIRouter:
    """A router whose answers are Opsgenie's."""
    return APIRouter(include_in_schema=False, route_class=ForeignRoute, dependencies=[Depends(timed)])
