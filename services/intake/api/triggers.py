"""What was derived from the bodies that came in, beside the bodies themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.auth import Operator, Principal, Viewer
from libs.common.errors import NotFound
from libs.common.events.base import Severity, TriggerKind
from services.intake.api.kept import delivery_shown, of_all_tenants
from services.intake.api.schemas import DeliveryShown, Told
from services.intake.api.state import Here
from services.intake.handlers import replay as replaying
from services.intake.handlers.replay import Replay
from services.intake.store import deliveries, triggers
from services.intake.store.tables import DeliveryRow
from services.intake.store.triggers import TriggerRow, Wanted

router = APIRouter(tags=["triggers"])

LOOKERS: Final = "Only operators see bodies as they came."
SHARED: Final = "The body may concern other tenants than those of your key."
DELETED: Final = "The body was deleted; bodies are kept for some time only."

Words = Annotated[str | None, Query(max_length=200)]


class TriggerShown(BaseModel):
    """One trigger, in short."""

    id: UUID
    delivery_id: UUID
    received_at: datetime
    integration_id: str
    integration_name: str
    source: str
    kind: str
    status: str
    severity: str
    dedup_key: str
    title: str
    service: str | None
    tool: str | None
    provider: str | None
    tenants: list[str]


class TriggerPage(BaseModel):
    """The newest first; ``next_cursor`` leads to older ones."""

    triggers: list[TriggerShown]
    next_cursor: UUID | None


class TriggerDetail(TriggerShown):
    """With everything that was derived, and the body that it was derived from. Its alert, and so its incident, is told by the
    escalator's ``GET /v1/alerts`` for this integration and dedup key.
    """

    derived: dict[str, Any]
    delivery: DeliveryShown | None
    withheld: str
    """Why there is no ``delivery``; empty where there is one."""
    others: list[TriggerShown]
    """What else was derived from the same body."""
    replays: list[UUID]
    """The deliveries in which the body was read again."""


class ReplayWanted(BaseModel):
    """How the bytes are to be read again."""

    dry_run: bool = False
    """Only say what would be told; nothing is stored and nobody is paged."""


class DifferenceShown(BaseModel):
    """One thing that is read otherwise than it was. ``field`` is empty for a trigger that only one of the two readings has."""

    dedup_key: str
    status: str
    field: str
    before: Any
    after: Any


class ReplayShown(BaseModel):
    """What the bytes say today."""

    dry_run: bool
    understood: bool
    """Whether anything of the body could be used; where not, nothing was stored."""
    delivery_id: UUID | None
    """The new delivery."""
    triggers: list[dict[str, Any]]
    ignored: list[Told]
    problems: list[Told]
    differences: list[DifferenceShown] = Field(description="Against what was derived when the body came.")
    quarantine_id: UUID | None
    """Where a part waits that is not understood today either."""


def wanted(
    integration: Words = None,
    source: Words = None,
    kind: TriggerKind | None = None,
    status: Literal["firing", "resolved"] | None = None,
    severity: Severity | None = None,
    dedup_key: Annotated[str | None, Query(max_length=255)] = None,
    service: Words = None,
    tool: Words = None,
    provider: Words = None,
    tenant: Words = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: AwareDatetime | None = None,
    q: Annotated[str, Query(max_length=200, description="Words of title, description, dedup key or labels.")] = "",
) -> Wanted:
    """The filters; without any every trigger is wanted."""
    return Wanted(
        integration=integration, source=source, kind=kind, status=status, severity=severity, dedup_key=dedup_key,
        service=service, tool=tool, provider=provider, tenant=tenant, since=since, until=until, words=q,
    )  # fmt: skip


@router.get("/v1/triggers")
async def list_triggers(
    viewer: Viewer,
    here: Here,
    filters: Annotated[Wanted, Depends(wanted)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> TriggerPage:
    """What came in and was understood, the newest first; with a key of certain tenants only what names one of these."""
    async with here.uow.read() as session:
        rows = await triggers.page(session, filters, viewer.tenants, cursor, limit + 1)
    more = len(rows) > limit
    return TriggerPage(
        triggers=[_shown(row, viewer) for row in rows[:limit]], next_cursor=rows[limit - 1].id if more else None
    )


@router.get("/v1/triggers/{trigger_id}")
async def get_trigger(viewer: Viewer, here: Here, trigger_id: UUID) -> TriggerDetail:
    """One trigger as it was derived, beside the body as it came."""
    async with here.uow.read() as session:
        row = await triggers.trigger(session, trigger_id, viewer.tenants)
        if row is None:
            raise NotFound(
                "There is no trigger of this id, or none that you may see; triggers are deleted after some time."
            )
        delivery = await deliveries.delivery(session, row.delivery_id)
        family = [] if delivery is None else await triggers.triggers_of(session, delivery.id, delivery.received_at)
        replays = await deliveries.replays_of(session, row.delivery_id)
        withheld = await _withheld(session, viewer, delivery, family)
    return TriggerDetail(
        **_shown(row, viewer).model_dump(),
        derived={**row.derived, "tenants": _own(row.tenants, viewer)},
        delivery=None if delivery is None or withheld else delivery_shown(delivery),
        withheld=withheld,
        others=[_shown(one, viewer) for one in family if one.id != row.id and _may_see(one, viewer)],
        replays=list(replays),
    )


@router.post("/v1/deliveries/{delivery_id}/replay")
async def replay(operator: Operator, here: Here, delivery_id: UUID, body: ReplayWanted | None = None) -> ReplayShown:
    """Read the kept bytes again with the code and the options of today, and tell what they say as a new delivery.

    What is open already is joined by its dedup key: nobody is paged for it twice. With ``dry_run`` nothing is told.
    """
    of_all_tenants(operator)
    dry_run = body is not None and body.dry_run
    if dry_run:
        async with here.uow.read() as session:
            found = await replaying.rehearse(session, delivery_id, here.uow.clock.now())
    else:
        async with here.uow.begin() as tx:
            found = await replaying.replay(tx, here.receiver, operator.actor(), delivery_id)
    return _replayed(found, dry_run=dry_run)


def _replayed(found: Replay, *, dry_run: bool) -> ReplayShown:
    reading = found.reading
    ids = {"trigger_id", "delivery_id"} if dry_run else set()
    return ReplayShown(
        dry_run=dry_run,
        understood=not reading.refused,
        delivery_id=found.delivery_id,
        triggers=[event.model_dump(mode="json", exclude=ids | {"type"}) for event in found.triggers],
        ignored=[Told(pointer=part.pointer, reason=part.reason, detail=part.detail) for part in reading.ignored],
        problems=[Told(pointer=part.pointer, reason=part.reason, detail=part.detail) for part in reading.refusals],
        differences=[
            DifferenceShown(
                dedup_key=one.dedup_key, status=one.status, field=one.field, before=one.before, after=one.after
            )
            for one in found.differences
        ],
        quarantine_id=found.quarantine_id,
    )


def _shown(row: TriggerRow, viewer: Principal) -> TriggerShown:
    return TriggerShown(
        id=row.id,
        delivery_id=row.delivery_id,
        received_at=row.received_at,
        integration_id=row.integration_id,
        integration_name=str(row.derived.get("integration_name", "")),
        source=row.source,
        kind=row.kind,
        status=row.status,
        severity=row.severity,
        dedup_key=row.dedup_key,
        title=row.title,
        service=row.service,
        tool=row.tool,
        provider=row.provider,
        tenants=_own(row.tenants, viewer),
    )


def _own(tenants: list[str], viewer: Principal) -> list[str]:
    return [tenant for tenant in tenants if viewer.tenants is None or tenant in viewer.tenants]


def _may_see(row: TriggerRow, viewer: Principal) -> bool:
    return viewer.tenants is None or bool(_own(row.tenants, viewer))


async def _withheld(
    session: AsyncSession, viewer: Principal, delivery: DeliveryRow | None, family: Sequence[TriggerRow]
) -> str:
    """Why somebody may not see a body; empty where they may: operators, where all of it concerns their own tenants."""
    if delivery is None:
        return DELETED
    if not viewer.may("operator"):
        return LOOKERS
    if viewer.tenants is None:
        return ""
    theirs = [bool(row.tenants) and _own(row.tenants, viewer) == row.tenants for row in family]
    entire = bool(theirs) and all(theirs) and await deliveries.quarantine_of(session, delivery.id) is None
    return "" if entire else SHARED
