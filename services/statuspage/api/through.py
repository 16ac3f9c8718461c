"""The other services' APIs for administration, reached through the status page: often the only one that a network lets in.

What is passed on is listed here and goes with the caller's own key, so that each service itself decides what is allowed.
"""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from libs.common.auth import Viewer
from libs.common.errors import NotFound
from services.statuspage.api.context import Context, Desk
from services.statuspage.peers import SERVICES

router = APIRouter(prefix="/v1/services", tags=["services"])

_EVERY: Final = r"(GET|PUT) config|POST config/check|GET config/changes"
_OPEN: Final = {
    "intake": re.compile(_EVERY),
    "escalator": re.compile(rf"{_EVERY}|POST routing/test|GET (routing|ladders|clocks)"),
    "oncall": re.compile(
        rf"{_EVERY}|POST resolve(/batch)?|GET (services|schedules|schedules/[a-z0-9_-]+/(on-call|shifts))"
    ),
    "notifier": re.compile(_EVERY),
}
"""What of each service's ``/v1`` is passed on, by method and path."""

_PASSED: Final = ("content-type", "retry-after", "www-authenticate")


class Reached(BaseModel):
    """One service, and where its API is reached on this host."""

    name: str
    path: str


class Services(BaseModel):
    """The services that are reached through this one."""

    services: list[Reached]


@router.get("", summary="The services behind this one")
async def list_services(_: Viewer, desk: Desk) -> Services:
    """Where the API of each is reached: for the `tocsin` command, which is given the address of the status page alone."""
    demand(desk)
    return Services(services=[Reached(name=name, path=f"/v1/services/{name}") for name in SERVICES])


@router.api_route("/{service}/{path:path}", methods=["GET", "PUT", "POST"], include_in_schema=False)
async def pass_on(
    _: Viewer,
    service: Annotated[str, Path(max_length=20)],
    path: Annotated[str, Path(max_length=200)],
    request: Request,
    desk: Desk,
) -> Response:
    """The other service's answer, as it is. Raises :class:`NotFound` for what is not passed on."""
    demand(desk)
    known = _OPEN.get(service)
    if known is None or not known.fullmatch(f"{request.method} {path}"):
        raise NotFound(f"Nothing at {path} of {service} is reached from here.")
    answer = await desk.peers.pass_on(
        service,
        request.method,
        f"/v1/{path}?{request.url.query}".rstrip("?"),
        request.headers["Authorization"],
        await request.body(),
    )
    headers = {name: value for name in _PASSED if (value := answer.headers.get(name))}
    return Response(answer.content, answer.status_code, headers)


def demand(desk: Context) -> None:
    """Raise :class:`NotFound` where operators keep this status page from passing anything on."""
    if not desk.settings.administration:
        raise NotFound("This status page passes nothing on: TOCSIN_STATUSPAGE_ADMINISTRATION is off.")
