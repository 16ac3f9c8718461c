"""Changes of a schedule for a while: overrides and temporary spans; and absences, which are of every schedule."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.common.auth import Operator, Viewer
from libs.common.errors import Invalid
from services.oncall.api import views
from services.oncall.api.edge import Now, ScheduleId, Work, refuse_bound, within
from services.oncall.domain.amendments import Absence, Override, Revisable, TemporarySpan, Timed
from services.oncall.handlers import amendments as handlers
from services.oncall.store import amendments as store
from services.oncall.store.amendments import EVERY_ROTA, Stored

router = APIRouter(prefix="/v1", tags=["changes"])

LONGEST = timedelta(days=400)

Preview = Annotated[
    bool, Query(description="Only say what it would change: nothing is kept. The answer is 200 instead of 201.")
]
OnlySay = Annotated[bool, Query(description="Only say what it would change: nothing is kept.")]
Seen = Annotated[str | None, Query(description="The one that you saw; where it is another by now: 409.")]


def _add_routes(kind: str, plural: str, model: type[Timed], summary: str) -> None:
    path = f"/schedules/{{schedule_id}}/{plural}"

    async def make(
        schedule_id: ScheduleId,
        change: Any,
        principal: Operator,
        work: Work,
        now: Now,
        response: Response,
        preview: Preview = False,
    ) -> views.MadeChange:
        """Make it. The answer has the shifts that it takes away and those that it brings; what lies in the past is cut off."""
        refuse_bound(principal)
        return await _make(
            work, now, response, Stored(UUID(int=0), kind, schedule_id, change, now, principal.id), preview
        )

    async def listed(schedule_id: ScheduleId, principal: Viewer, work: Work, now: Now) -> views.Changes:
        """Those that are not over, in the order in which they were made."""
        refuse_bound(principal)
        return await _listed(work, kind, schedule_id, now)

    async def end(schedule_id: ScheduleId, change_id: UUID, principal: Operator, work: Work) -> None:
        """Take it back. One that is under way ends now: the past stays as it was."""
        refuse_bound(principal)
        async with work.begin() as tx:
            await handlers.end(tx, schedule_id, kind, change_id, principal.id)

    make.__annotations__["change"] = model
    router.add_api_route(
        path, make, methods=["POST"], status_code=201, summary=summary, name=f"make_{kind}", operation_id=f"make_{kind}"
    )
    router.add_api_route(
        path, listed, summary=f"List the {plural}", name=f"list_{plural}", operation_id=f"list_{plural}"
    )
    router.add_api_route(
        f"{path}/{{change_id}}",
        end,
        methods=["DELETE"],
        status_code=204,
        summary=f"End one of the {plural}",
        name=f"end_{kind}",
        operation_id=f"end_{kind}",
    )


def _add_changing(kind: str, plural: str, model: type[Timed]) -> None:
    async def put(
        schedule_id: ScheduleId,
        change_id: UUID,
        change: Any,
        principal: Operator,
        work: Work,
        now: Now,
        preview: OnlySay = False,
        version: Seen = None,
    ) -> views.MadeChange:
        """Make it this. One that is under way becomes it from now on, and began when it began: the past stays as it was.

        With `version` of what was seen, nobody's change is written over unseen.

        The answer has the shifts that go and those that come, to what was before.
        """
        refuse_bound(principal)
        return await _change(work, now, schedule_id, change_id, change, principal.id, preview, version)

    put.__annotations__["change"] = model
    router.add_api_route(
        f"/schedules/{{schedule_id}}/{plural}/{{change_id}}",
        put,
        methods=["PUT"],
        summary=f"Change one of the {plural}",
        name=f"change_{kind}",
        operation_id=f"change_{kind}",
    )


_add_routes("override", "overrides", Override, "Add, remove or replace somebody for a while")
_add_changing("override", "overrides", Override)
_add_routes("span", "spans", TemporarySpan, "Replace everything for a while")
_add_changing("span", "spans", TemporarySpan)


@router.post("/absences", status_code=201, summary="Say that somebody is away")
async def make_absence(
    change: Absence, principal: Operator, work: Work, now: Now, response: Response, preview: Preview = False
) -> views.MadeChange:
    """In every schedule the next in order stands in. The answer has the shifts that pass to others."""
    refuse_bound(principal)
    return await _make(
        work, now, response, Stored(UUID(int=0), "absence", EVERY_ROTA, change, now, principal.id), preview
    )


@router.get("/absences", summary="List the absences")
async def list_absences(principal: Viewer, work: Work, now: Now) -> views.Changes:
    """Who is or will be away."""
    refuse_bound(principal)
    return await _listed(work, "absence", EVERY_ROTA, now)


@router.put("/absences/{change_id}", summary="Change an absence")
async def change_absence(
    change_id: UUID,
    change: Absence,
    principal: Operator,
    work: Work,
    now: Now,
    preview: OnlySay = False,
    version: Seen = None,
) -> views.MadeChange:
    """As for overrides: from now on, and with `version` never over what somebody else made of it."""
    refuse_bound(principal)
    return await _change(work, now, EVERY_ROTA, change_id, change, principal.id, preview, version)


@router.delete("/absences/{change_id}", status_code=204, summary="End an absence")
async def end_absence(change_id: UUID, principal: Operator, work: Work) -> None:
    """Somebody is there after all; an absence that is under way ends now."""
    refuse_bound(principal)
    async with work.begin() as tx:
        await handlers.end(tx, EVERY_ROTA, "absence", change_id, principal.id)


def check_range(change: Timed) -> None:
    """Raise :class:`Invalid` for a change that is too long or out of every calendar."""
    within(change.starts_at, "starts_at")
    within(change.ends_at, "ends_at")
    if change.ends_at - change.starts_at > LONGEST:
        raise Invalid(f"A change lasts {LONGEST.days} days at most; change the rota itself for longer.")


async def _make(work: Work, now: datetime, response: Response, wanted: Stored, preview: bool) -> views.MadeChange:
    check_range(wanted.change)
    if preview:
        response.status_code = 200
        async with work.read() as session:
            made = await handlers.preview(session, wanted, now)
    else:
        async with work.begin() as tx:
            made = await handlers.make(tx, wanted.rota, wanted.kind, wanted.change, wanted.made_by)
    return views.made(made.directory, made.stored, made.effect)


async def _change(
    work: Work,
    now: datetime,
    rota: str,
    change_id: UUID,
    wanted: Revisable,
    actor: str,
    preview: bool,
    version: str | None,
) -> views.MadeChange:
    check_range(wanted)
    if preview:
        async with work.read() as session:
            made = (await handlers.preview_change(session, rota, change_id, wanted, now, version)).made
    else:
        async with work.begin() as tx:
            made = await handlers.change(tx, rota, change_id, wanted, actor, version)
    return views.made(made.directory, made.stored, made.effect)


async def _listed(work: Work, kind: str, rota: str, now: datetime) -> views.Changes:
    async with work.read() as session:
        if rota != EVERY_ROTA:
            handlers.rota_of(await store.directory_at(session, now), rota)
        found = await store.listed(session, kind=kind, rota=rota, start=now)
    return views.Changes(changes=[views.change(one) for one in found])
