"""What came in and was understood: a list to search, and one trigger beside the body that it was derived from."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from services.statuspage import intake
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.session import SignedIn, Visitor
from services.statuspage.domain import raw
from services.statuspage.domain.desk import SEVERITIES
from services.statuspage.domain.search import KINDS, WITHIN, NoMoment, Search
from services.statuspage.intake import Alert, Integration, Trigger
from services.statuspage.peers import PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

LISTED: Final = 50
SAME_LISTED: Final = 10
"""Others of the same dedup key that a page shows."""

COUNTED: Final = 20
"""So many new ones are counted; what is more is told as more."""

NEXT: Final = timedelta(milliseconds=1)
"""What came in is told apart by milliseconds, as its ids are."""

EXPECTED_FOR: Final = timedelta(minutes=2)
"""So long the page of a firing trigger asks again by itself which incident it opened."""

Words = Annotated[str, Query(max_length=300)]


def search(
    q: Words = "",
    kind: Words = "",
    status: Words = "",
    severity: Words = "",
    source: Words = "",
    integration: Words = "",
    service: Words = "",
    dedup_key: Words = "",
    within: Words = "",
    since: Annotated[str, Query(alias="from", max_length=40)] = "",
    until: Annotated[str, Query(max_length=40)] = "",
) -> Search:
    """The filters in the address; an empty one is none."""
    return Search(
        q=q.strip(), kind=kind, status=status, severity=severity, source=source, integration=integration,
        service=service, dedup_key=dedup_key.strip(), within=within, since=since, until=until,
    )  # fmt: skip


Wanted = Annotated[Search, Depends(search)]


@router.get("/triggers")
async def triggers_page(desk: Desk, who: SignedIn, wanted: Wanted, cursor: UUID | None = None) -> Response:
    """What came in, the newest first; the address holds every filter."""
    found: tuple[Trigger, ...] = ()
    following, problem = None, ""
    senders, services = await asyncio.gather(_senders(desk, who), _services(desk))
    try:
        page = await intake.triggers(desk.peers, who.key, _asked(wanted, desk.clock.now(), cursor), LISTED)
        found, following = page.triggers, page.next_cursor
    except NoMoment as error:
        problem = str(error)
    except PeerRefused as error:
        problem = error.detail
    values = {
        "found": found,
        "following": following,
        "problem": problem,
        "first": cursor is None,
        "wanted": wanted,
        "services": services,
        "selects": _selects(senders, services),
        "severities": {one: one.capitalize() for one in SEVERITIES},
        "after": found[0].received_at if found else desk.clock.now(),
    }
    return html(desk.render("console/triggers.html", **frame(who, "triggers"), **values))


@router.get("/parts/new-triggers")
async def new_triggers(desk: Desk, who: SignedIn, wanted: Wanted, after: AwareDatetime) -> Response:
    """How many came in since a list was drawn: told beside it, so that nothing moves that somebody reads."""
    later = replace(wanted, since=(after + NEXT).isoformat())
    try:
        found = (await intake.triggers(desk.peers, who.key, _asked(later, desk.clock.now()), COUNTED)).triggers
    except (NoMoment, PeerRefused):
        found = ()
    values = {"wanted": wanted, "after": after, "count": len(found), "most": COUNTED}
    return html(desk.render("console/parts/new-triggers.html", **values))


@router.get("/triggers/{trigger_id}")
async def trigger_page(trigger_id: UUID, desk: Desk, who: SignedIn) -> Response:
    """One trigger: the body as it came, and what was derived from it."""
    try:
        found = await intake.trigger(desk.peers, who.key, trigger_id)
    except PeerRefused as error:
        return html(
            desk.render("console/trigger.html", **frame(who, "triggers"), trigger=None, problem=error.detail),
            error.http_status,
        )
    same, alerts = await asyncio.gather(
        _same(desk, who, found), alerts_values(desk, who, found.integration_id, found.dedup_key, found.received_at)
    )
    values = {
        "trigger": found,
        "problem": "",
        "body": raw.readable(found.delivery.body, found.delivery.encoding) if found.delivery else None,
        "facts": raw.facts(found.derived),
        "same": same,
        **alerts,
    }
    return html(desk.render("console/trigger.html", **frame(who, "triggers"), **values))


@router.get("/parts/alerts")
async def alerts_part(desk: Desk, who: SignedIn, integration: Words, dedup_key: Words, came: AwareDatetime) -> Response:
    """The incidents that an alert was part of, asked again."""
    values = await alerts_values(desk, who, integration, dedup_key, came)
    return html(desk.render("console/parts/alerts.html", **values))


async def alerts_values(
    desk: Context, who: Visitor, integration: str, dedup_key: str, came: datetime
) -> dict[str, Any]:
    """The incidents of an alert as the escalator tells; ``waiting`` while one may still be opened."""
    found: Sequence[Alert] = ()
    problem = ""
    try:
        found = await intake.alerts(desk.peers, who.key, integration, dedup_key)
    except PeerRefused as error:
        problem = error.detail
    return {
        "alerts": found,
        "alerts_problem": problem,
        "alert": {"integration": integration, "dedup_key": dedup_key, "came": came.isoformat()},
        "waiting": not found and desk.clock.now() - came < EXPECTED_FOR,
    }


def _asked(wanted: Search, now: datetime, cursor: UUID | None = None) -> dict[str, str]:
    return {**wanted.asked(now), **({"cursor": str(cursor)} if cursor else {})}


def _selects(
    senders: Sequence[Integration], services: Mapping[str, str]
) -> list[tuple[str, str, str, Mapping[str, str]]]:
    """The lists to choose from: the name in the address, the label, what choosing nothing means, and the choices by value."""
    return [
        ("kind", "Kind", "Every kind", KINDS),
        ("integration", "Integration", "Every integration", {one.id: one.name or one.id for one in senders}),
        ("source", "Source", "Every source", {source: source for source in sorted({one.source for one in senders})}),
        ("service", "Service", "Every service", services),
        ("within", "Time", "Any time", {value: text for value, (text, _) in WITHIN.items()}),
    ]


async def _same(desk: Context, who: Visitor, trigger: Trigger) -> list[Trigger]:
    """Others of the same alert, the newest first; none where they cannot be had."""
    wanted = {"integration": trigger.integration_id, "dedup_key": trigger.dedup_key}
    try:
        page = await intake.triggers(desk.peers, who.key, wanted, SAME_LISTED + 1)
    except PeerRefused:
        return []
    return [one for one in page.triggers if one.id != trigger.id][:SAME_LISTED]


async def _senders(desk: Context, who: Visitor) -> tuple[Integration, ...]:
    """Whom to choose from; none where they cannot be had."""
    try:
        return await intake.integrations(desk.peers, who.key)
    except PeerRefused:
        return ()


async def _services(desk: Context) -> Mapping[str, str]:
    async with desk.uow.read() as session:
        return await reading.nouns(session, "service")
