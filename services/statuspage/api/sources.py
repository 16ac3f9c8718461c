"""What is listened to, and how each stands: heartbeats, providers' pages that are asked, integrations."""

import asyncio
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from services.statuspage import intake
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.on_call import otherwise
from services.statuspage.api.session import SignedIn, Visitor
from services.statuspage.domain import standing
from services.statuspage.intake import Integration, Poller, Trigger

router = APIRouter(prefix="/console", include_in_schema=False)

ASKED: Final = 60
"""Of so many integrations it is asked what came last; of more the list would ask too much."""

NOT_ALLOWED: Final = "How providers' pages stand is told to operators of all tenants."


@router.get("/sources")
async def sources_page(desk: Desk, who: SignedIn) -> Response:
    """Every heartbeat, page and integration with its state."""
    peers, key = desk.peers, who.key
    (senders, trouble), (heartbeats, problem) = await asyncio.gather(
        otherwise(intake.integrations(peers, key), ()), otherwise(intake.heartbeats(peers, key), ())
    )
    pollers: tuple[Poller, ...] = ()
    unasked = NOT_ALLOWED
    if who.may_act_for_all:
        pollers, unasked = await otherwise(intake.pollers(peers, key), pollers)
    latest = await asyncio.gather(*(_latest(desk, who, one) for one in senders[:ASKED]))
    tone, summary = standing.summary([one.state for one in heartbeats], [one.health for one in pollers])
    values = {
        "problems": list(dict.fromkeys(one for one in (trouble, problem) if one)),
        "unasked": unasked,
        "tone": tone,
        "summary": summary,
        "heartbeats": [(one, *standing.told(one.state, standing.HEARTBEATS)) for one in heartbeats],
        "pollers": [(one, *standing.told(one.health, standing.PAGES)) for one in pollers],
        "senders": [*zip(senders, latest, strict=False), *((one, None) for one in senders[ASKED:])],
    }
    return html(desk.render("console/sources.html", **frame(who, "triggers"), **values))


async def _latest(desk: Context, who: Visitor, sender: Integration) -> Trigger | None:
    """What came last from an integration; nothing where that cannot be told."""
    wanted = {"integration": sender.id}
    page, _ = await otherwise(intake.triggers(desk.peers, who.key, wanted, 1), None)
    return page.triggers[0] if page and page.triggers else None
