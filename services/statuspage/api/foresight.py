"""What would happen, for the command and for programs: put together of what the escalator and oncall say, with the caller's own key."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request

from libs.common.auth import Operator
from libs.common.errors import Conflict, Forbidden, Invalid, NotFound, TocsinError, Unauthenticated, Unavailable
from services.statuspage import rehearsal
from services.statuspage.api.context import Desk
from services.statuspage.api.through import demand
from services.statuspage.domain.foresight import Foreseen, told
from services.statuspage.peers import PeerRefused

router = APIRouter(prefix="/v1", tags=["rehearsal"])

_KINDS: Final[dict[int, type[TocsinError]]] = {
    kind.status: kind for kind in (Unauthenticated, Forbidden, NotFound, Conflict, Invalid)
}

Wanted = Annotated[
    dict[str, Any],
    Body(
        description="As the escalator's `POST /v1/simulations` takes it.",
        examples=[{"situation": {"kind": "telemetry", "service": "checkout"}, "at": "2026-11-29T23:50:00Z"}],
    ),
]


@router.post("/simulations", summary="Who would hear what when")
async def foresee(wanted: Wanted, _: Operator, request: Request, desk: Desk) -> Foreseen:
    """Rung by rung and clock by clock, with people, channels and reasons. Nothing is opened and nobody is told."""
    demand(desk)
    key = request.headers["Authorization"].partition(" ")[2]
    try:
        found = await rehearsal.foresee(desk.peers, key, wanted)
    except PeerRefused as error:
        raise _KINDS.get(error.http_status, Unavailable)(error.detail) from error
    return told(found.played, found.steps, found.person)
