"""Reading a body again that came in before: what it would tell is shown first, and told only then."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.statuspage import intake
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html, wants_fragment
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain import raw
from services.statuspage.intake import Replay
from services.statuspage.peers import PeerRefused

router = APIRouter(prefix="/console", include_in_schema=False)

NOT_ALLOWED: Final = "Only operators of all tenants have bodies read again."
NOT_UNDERSTOOD: Final = "Nothing of it is understood today either, so nothing was told."


@router.get("/deliveries/{delivery_id}/replay")
async def rehearse(delivery_id: UUID, request: Request, desk: Desk, who: SignedIn) -> Response:
    """What the body would tell today, and how that differs from what it told when it came. Nothing is done."""
    return await _sheet(desk, who, delivery_id, request, "")


@router.post("/deliveries/{delivery_id}/replay")
async def replay(delivery_id: UUID, request: Request, desk: Desk, who: Acting) -> Response:
    """Tell what the body says today."""
    if not who.may_act_for_all:
        return await _sheet(desk, who, delivery_id, request, NOT_ALLOWED, 403)
    try:
        done = await intake.replay(desk.peers, who.key, delivery_id, dry_run=False)
    except PeerRefused as error:
        return await _sheet(desk, who, delivery_id, request, error.detail, error.http_status)
    if not done.understood:
        return await _sheet(desk, who, delivery_id, request, NOT_UNDERSTOOD, 422)
    told = [one["trigger_id"] for one in done.triggers if one.get("trigger_id")]
    return RedirectResponse(f"/console/triggers/{told[0]}" if told else "/console/triggers", 303)


async def _sheet(
    desk: Context, who: Visitor, delivery_id: UUID, request: Request, problem: str, status: int = 200
) -> Response:
    rehearsal: Replay | None = None
    if not who.may_act_for_all:
        problem, status = problem or NOT_ALLOWED, 403
    else:
        try:
            rehearsal = await intake.replay(desk.peers, who.key, delivery_id, dry_run=True)
        except PeerRefused as error:
            problem, status = problem or error.detail, error.http_status
    found = rehearsal.differences if rehearsal else ()
    values = {
        "delivery_id": delivery_id,
        "rehearsal": rehearsal,
        "changes": raw.changes((one.dedup_key, one.status, one.field, one.before, one.after) for one in found),
        "problem": problem,
    }
    if wants_fragment(request):
        return html(desk.render("console/parts/replay.html", who=who, **values))
    return html(desk.render("console/form.html", **frame(who, "triggers"), form_part="replay", **values), status)
