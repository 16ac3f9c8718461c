"""Incidents and their timelines, for viewers."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from libs.common.auth import Viewer
from services.escalator.api.edge import Reference, Work, cursor_of, nowhere, place_of, shown
from services.escalator.api.schemas import IncidentInFull, Incidents, State, Timeline, line
from services.escalator.store import incidents, records

router = APIRouter(prefix="/v1", tags=["incidents"])

LONGEST: Final = 1000
"""How many lines of the timeline come with an incident; the rest by their own route."""

Cursor = Annotated[str | None, Query(max_length=40, description="`next` of the page before.")]


@router.get("/incidents", summary="Incidents, newest first")
async def list_incidents(
    principal: Viewer,
    work: Work,
    state: Annotated[list[State] | None, Query(description="Only these states; may be given more than once.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> Incidents:
    """The incidents that concern the tenants of your key; with a key for all tenants, every one."""
    async with work.read() as session:
        found = await incidents.page(session, state or (), principal.tenants, place_of(cursor), limit + 1)
    shown_here = [shown(incident, principal) for incident in found[:limit]]
    more = len(found) > limit
    return Incidents(incidents=shown_here, next=cursor_of(shown_here[-1].number) if more else None)


@router.get("/incidents/{reference}", summary="One incident with its timeline")
async def get_incident(reference: Reference, principal: Viewer, work: Work) -> IncidentInFull:
    """An incident by its id or its number, with everything that happened so far."""
    async with work.read() as session:
        found = await incidents.find(session, reference, principal.tenants)
        if found is None:
            raise nowhere(reference)
        rows = await records.timeline(session, found.id, after=0, limit=LONGEST)
    return IncidentInFull(**dict(shown(found, principal)), timeline=tuple(line(row) for row in rows))


@router.get("/incidents/{reference}/timeline", summary="The timeline of an incident, oldest first")
async def get_timeline(
    reference: Reference,
    principal: Viewer,
    work: Work,
    limit: Annotated[int, Query(ge=1, le=LONGEST)] = 500,
    cursor: Cursor = None,
) -> Timeline:
    """Who did what, and the reason of each automatic step."""
    async with work.read() as session:
        found = await incidents.locate(session, reference, principal.tenants)
        if found is None:
            raise nowhere(reference)
        rows = await records.timeline(session, found, after=place_of(cursor) or 0, limit=limit + 1)
    lines = [line(row) for row in rows[:limit]]
    return Timeline(timeline=lines, next=cursor_of(lines[-1].version) if len(rows) > limit else None)
