"""The public pages: one for the system, one per tenant, their history, their feed, and the same as JSON."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from libs.common.db.session import ReadSession
from libs.common.errors import NotFound
from libs.common.events.incidents import Incident
from services.statuspage.api.context import Desk, packed, tagged
from services.statuspage.api.live import place_of
from services.statuspage.api.schema import StatusDocument, document
from services.statuspage.domain.calendar import MEDIA_TYPE, Place, maintenance_calendar
from services.statuspage.domain.page import (
    Month,
    PublicPage,
    Tenant,
    month_of,
    next_month,
    previous_month,
    public_page,
)
from services.statuspage.seal import page_key_fits
from services.statuspage.store import reading

router = APIRouter(include_in_schema=False)
api = APIRouter(tags=["status"])

Key = Annotated[str, Query(max_length=200, description="The secret of the tenant's page, where it has one.")]

YEAR = "public, max-age=31536000, immutable"


@router.get("/assets/{name}")
async def asset(name: str, request: Request, desk: Desk) -> Response:
    """A style sheet or script under its hashed name."""
    found = desk.assets.get(name)
    if found is None:
        raise NotFound("There is no such file.")
    headers = {"Cache-Control": YEAR, "Vary": "Accept-Encoding"}
    return packed(request, found.body, found.packed, found.media_type, headers)


@router.get("/")
async def system_page(request: Request, desk: Desk) -> Response:
    """The page of the whole system."""
    return await _page(request, desk, None, "")


@router.get("/t/{tenant_id}")
async def tenant_page(tenant_id: str, request: Request, desk: Desk, key: Key = "") -> Response:
    """The page of one tenant."""
    return await _page(request, desk, tenant_id, key)


@router.get("/history/{month}")
async def system_history(month: str, request: Request, desk: Desk) -> Response:
    """One month of the system, ``2025-05``."""
    return await _history(request, desk, None, "", month)


@router.get("/t/{tenant_id}/history/{month}")
async def tenant_history(tenant_id: str, month: str, request: Request, desk: Desk, key: Key = "") -> Response:
    """One month of one tenant."""
    return await _history(request, desk, tenant_id, key, month)


@router.get("/feed.atom")
async def system_feed(request: Request, desk: Desk) -> Response:
    """What happened, for feed readers (RFC 4287)."""
    return await _feed(request, desk, None, "")


@router.get("/t/{tenant_id}/feed.atom")
async def tenant_feed(tenant_id: str, request: Request, desk: Desk, key: Key = "") -> Response:
    """What happened to one tenant, for feed readers."""
    return await _feed(request, desk, tenant_id, key)


@router.get("/maintenances.ics")
async def system_calendar(request: Request, desk: Desk) -> Response:
    """Maintenance of the system, for calendars."""
    return await _calendar(request, desk, None, "")


@router.get("/t/{tenant_id}/maintenances.ics")
async def tenant_calendar(tenant_id: str, request: Request, desk: Desk, key: Key = "") -> Response:
    """Maintenance that concerns one tenant, for calendars."""
    return await _calendar(request, desk, tenant_id, key)


@api.get("/api/v1/status", response_model=StatusDocument)
async def status(
    request: Request,
    desk: Desk,
    tenant: Annotated[
        str | None, Query(max_length=63, description="One tenant's page in place of the system's.")
    ] = None,
    key: Key = "",
) -> Response:
    """What the page says, as JSON."""
    page, keyed, _ = await _read(desk, tenant, key)
    body = document(page).model_dump_json().encode()
    response = tagged(request, body, "application/json", private=keyed)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def _page(request: Request, desk: Desk, tenant_id: str | None, key: str) -> Response:
    page, keyed, place = await _read(desk, tenant_id, key)
    text = desk.render("public/status.html", page=page, place=place, **_address(request, tenant_id, key))
    return tagged(request, text.encode(), "text/html; charset=utf-8", private=keyed)


async def _feed(request: Request, desk: Desk, tenant_id: str | None, key: str) -> Response:
    page, keyed, _ = await _read(desk, tenant_id, key)
    base = desk.settings.public_url or str(request.base_url).rstrip("/")
    entries = [*page.open, *page.running, *page.planned, *(entry for month in page.months for entry in month.entries)]
    newest = max((_changed(entry.incident) for entry in entries), default=datetime(2000, 1, 1, tzinfo=UTC))
    text = desk.render(
        "public/feed.atom", page=page, base=base, entries=entries, changed=_changed, newest=newest,
        **_address(request, tenant_id, key),
    )  # fmt: skip
    return tagged(request, text.encode(), "application/atom+xml; charset=utf-8", private=keyed)


async def _calendar(request: Request, desk: Desk, tenant_id: str | None, key: str) -> Response:
    async with desk.uow.read() as session:
        tenant, keyed = await _tenant(session, tenant_id, key)
        folded = await reading.folded(session, desk.clock.now() - reading.HISTORY)
    base = desk.settings.public_url or str(request.base_url).rstrip("/")
    root = _address(request, tenant_id, key)["root"]
    place = Place(desk.settings.title, base.rstrip("/"), root, keyed)
    return tagged(request, maintenance_calendar(folded, tenant, place), MEDIA_TYPE, private=keyed)


async def _history(request: Request, desk: Desk, tenant_id: str | None, key: str, month: str) -> Response:
    first = _month(month)
    now = desk.clock.now()
    if first is None or first > now.date():
        raise NotFound("There is no such month; it is written as 2025-05.")
    async with desk.uow.read() as session:
        tenant, keyed = await _tenant(session, tenant_id, key)
        start = datetime(first.year, first.month, 1, tzinfo=UTC)
        end = next_month(first)
        folded = await reading.folded(session, start, datetime(end.year, end.month, 1, tzinfo=UTC))
    shown: Month = month_of(folded, first, now, tenant)
    text = desk.render(
        "public/history.html", month=shown, tenant=tenant, earlier=previous_month(first),
        later=next_month(first) if next_month(first) <= now.date() else None, **_address(request, tenant_id, key),
    )  # fmt: skip
    return tagged(request, text.encode(), "text/html; charset=utf-8", private=keyed)


async def _read(desk: Desk, tenant_id: str | None, key: str) -> tuple[PublicPage, bool, str]:
    """The page, whether a secret opens it, and where the changes stood before it was read."""
    now = desk.clock.now()
    async with desk.uow.read() as session:
        place = place_of({"public": await reading.public_print(session)})
        tenant, keyed = await _tenant(session, tenant_id, key)
        folded = await reading.folded(session, now - reading.HISTORY)
    return public_page(folded, now, tenant), keyed, place


async def _tenant(session: ReadSession, tenant_id: str | None, key: str) -> tuple[Tenant | None, bool]:
    """The tenant of an address, and whether its page has a secret. A wrong secret is answered like no such tenant."""
    if tenant_id is None:
        return None, False
    found = await reading.tenant_page(session, tenant_id)
    if found is None or (found.key_digest and not page_key_fits(key, found.key_digest)):
        raise NotFound("There is no such page. Check the address; it may need the key that you were given with it.")
    return found.tenant, found.key_digest is not None


def _address(request: Request, tenant_id: str | None, key: str) -> dict[str, str]:
    """Where this page's other pages are."""
    query = f"?{request.url.query}" if key else ""
    return {"root": f"/t/{tenant_id}" if tenant_id else "", "query": query}


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _changed(incident: Incident) -> datetime:
    """When something was said about an incident last."""
    update = incident.last_public_update
    return max(one for one in (incident.opened_at, incident.resolved_at, update.at if update else None) if one)
