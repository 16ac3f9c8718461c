"""What intake could not understand: each of these bodies may be an alarm that nobody heard."""

import asyncio
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from services.statuspage import intake
from services.statuspage.api.console import frame
from services.statuspage.api.context import Desk, html
from services.statuspage.api.session import SignedIn, Visitor
from services.statuspage.intake import Kept, KeptBody
from services.statuspage.peers import PeerRefused

router = APIRouter(prefix="/console", include_in_schema=False)

COUNTED = 100
"""So many are counted on the home page; what is more is told as more."""

LISTED = 10
"""Bodies on one page of the list."""

SHOWN = 20_000
"""Characters of a body that are shown; intake keeps the rest."""

NOT_ALLOWED = "Only operators of all tenants see what is in quarantine."


@router.get("/parts/quarantine")
async def quarantine_part(desk: Desk, who: SignedIn) -> Response:
    """How many bodies wait, and since when."""
    kept: tuple[Kept, ...] = ()
    problem = NOT_ALLOWED
    if _may_see(who):
        try:
            kept, problem = (await intake.quarantine(desk.peers, who.key, {}, COUNTED)).quarantine, ""
        except PeerRefused as error:
            problem = error.detail
    return html(desk.render("console/parts/quarantine.html", kept=kept, most=COUNTED, problem=problem))


@router.get("/quarantine")
async def quarantine_page(desk: Desk, who: SignedIn, cursor: UUID | None = None) -> Response:
    """The bodies with why each could not be understood, the newest first."""
    bodies: list[KeptBody] = []
    following, problem = None, "" if _may_see(who) else NOT_ALLOWED
    if not problem:
        try:
            page = await intake.quarantine(desk.peers, who.key, {"cursor": str(cursor)} if cursor else {}, LISTED)
            following = page.next_cursor
            bodies = await asyncio.gather(*(intake.kept_body(desk.peers, who.key, one.id) for one in page.quarantine))
        except PeerRefused as error:
            problem = error.detail
    values = {"bodies": bodies, "following": following, "problem": problem, "first": cursor is None, "shown": SHOWN}
    return html(desk.render("console/quarantine.html", **frame(who, "quarantine"), **values))


def _may_see(who: Visitor) -> bool:
    """Raw bodies may concern any tenant."""
    return who.may_act and who.principal.tenants is None
