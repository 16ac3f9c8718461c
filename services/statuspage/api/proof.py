"""Proof: whether somebody can be reached in the coming days, and how the load is shared."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.statuspage import oncall
from services.statuspage.api.console import frame
from services.statuspage.api.context import Desk, html
from services.statuspage.api.on_call import DEFAULT, ZONE_COOKIE, Id, names_of, otherwise
from services.statuspage.api.session import SignedIn
from services.statuspage.domain import changes, lanes, proven

router = APIRouter(prefix="/console", include_in_schema=False)

SPANS: Final = (7, 14, 28, 90)
LOADED: Final = timedelta(days=28)
NOT_ALLOWED: Final = "Only operators of all tenants see who can be reached."


@router.get("/proof")
async def proof_page(
    request: Request,
    desk: Desk,
    who: SignedIn,
    schedule: Id = DEFAULT,
    days: Annotated[int, Query(ge=1, le=90)] = 14,
) -> Response:
    """Doubts by how serious they are, each with when, whom it concerns and what helps; and the load of a rota."""
    now = desk.clock.now()
    names = await names_of(desk)
    values: dict[str, Any] = {"proof": None, "load": None, "rotas": (), "problems": [NOT_ALLOWED]}
    if who.may_act_for_all:
        peers, key = desk.peers, who.key
        (proof, trouble), (load, problem), (rotas, _) = await asyncio.gather(
            otherwise(oncall.proof(peers, key, days), None),
            otherwise(oncall.load(peers, key, schedule, now, now + LOADED), None),
            otherwise(oncall.schedules(peers, key), ()),
        )
        problems = list(dict.fromkeys(one for one in (trouble, problem) if one))
        values = {"proof": proof, "load": load, "rotas": rotas, "problems": problems}
    found = values["proof"].findings if values["proof"] else ()
    serious = [one for one in found if proven.is_serious(one)]
    fewer = [one for one in found if not proven.is_serious(one) and not proven.is_patient(one)]
    load = values["load"]
    fair = load.fairness if load else None
    values |= {
        "summary": proven.summary(found, days, now)
        if values["proof"]
        else "Whether somebody can be reached cannot be told",
        "serious": serious,
        "groups": [
            ("Nobody would be reached at first", "down", serious),
            ("Fewer would be reached than planned", "degraded", fewer),
        ],
        "patient": [one for one in found if proven.is_patient(one)],
        "fewer": fewer,
        "helps": proven.HELPS,
        "most": max((one.hours for one in load.loads), default=1) if load else 1,
        "fairness": proven.evenness(fair.hours, fair.night_hours, fair.weekend_hours) if fair else "",
        "schedule": schedule,
        "days": days,
        "spans": SPANS,
        "names": names,
        "zone": lanes.zone_of(request.cookies.get(ZONE_COOKIE, "")),
        "spoken": lanes.spoken,
        "local": changes.local,
    }
    return html(desk.render("console/proof.html", **frame(who, "on-call"), **values))
