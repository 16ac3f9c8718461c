"""What intake keeps: bodies as they came, and those that nobody understood. For operators of all tenants."""

import base64
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from libs.common.auth import Operator, Principal
from libs.common.errors import Forbidden, NotFound
from libs.common.events.base import Severity, Slug, TriggerKind
from services.intake.api.schemas import DeliveryShown, QuarantineDetail, QuarantinePage, QuarantineShown, Told
from services.intake.api.state import Here, State
from services.intake.domain.gist import gist
from services.intake.handlers.dismiss import Said, dismiss, make_incident, usual_kind
from services.intake.store import deliveries as store
from services.intake.store.deliveries import QuarantineState, WantedBodies
from services.intake.store.tables import DeliveryRow, QuarantineRow

router = APIRouter(tags=["kept"])

Words = Annotated[str | None, Query(max_length=200)]
Title = Annotated[str | None, Field(max_length=300)]
NOWHERE: Final = "There is nothing of this id in quarantine."


class Dismissal(BaseModel):
    """Why nothing is to be done about a body."""

    note: str = Field("", max_length=1000)


class Opening(BaseModel):
    """What a person says of a body. What is left away is taken from the body and its integration."""

    title: Title = None
    """Else the subject of a mail, or the first line of the body."""
    description: str | None = Field(None, max_length=10_000)
    """Else the beginning of the body."""
    kind: TriggerKind | None = None
    """Else that of the integration."""
    severity: Severity = "critical"
    service: Slug | None = None
    tool: Slug | None = None
    provider: Slug | None = None
    tenants: list[Slug] = []
    """None: it concerns all of them."""


class Opened(BaseModel):
    """The trigger that was told, so that an incident opens."""

    trigger_id: UUID
    integration_id: str
    dedup_key: str
    title: str
    kind: str


def wanted(
    state: QuarantineState | Literal["all"] = "waiting",
    integration: Words = None,
    source: Words = None,
    reason: Words = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: AwareDatetime | None = None,
    q: Annotated[str, Query(max_length=200, description="Words of the reason or of the integration's name.")] = "",
) -> WantedBodies:
    """The filters; without any what waits is wanted."""
    only = None if state == "all" else state
    return WantedBodies(only, integration, source, reason, since, until, q)


@router.get("/v1/quarantine")
async def list_quarantine(
    operator: Operator,
    here: Here,
    filters: Annotated[WantedBodies, Depends(wanted)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
) -> QuarantinePage:
    """Bodies that could not be understood and wait for a person, the newest first; ``state`` asks for others."""
    of_all_tenants(operator)
    async with here.uow.read() as session:
        rows = await store.quarantine_page(session, limit + 1, cursor, filters)
    more = len(rows) > limit
    return QuarantinePage(
        quarantine=[_quarantine(row) for row in rows[:limit]], next_cursor=rows[limit - 1].id if more else None
    )


@router.get("/v1/quarantine/{quarantine_id}")
async def get_quarantined(operator: Operator, here: Here, quarantine_id: UUID) -> QuarantineDetail:
    """One of them, with the body itself."""
    of_all_tenants(operator)
    async with here.uow.read() as session:
        row = await store.quarantined(session, quarantine_id)
        delivery = None if row is None else await store.delivery(session, row.delivery_id)
        if row is None or delivery is None:
            raise NotFound(NOWHERE)
        kind = await usual_kind(session, row)
    title = gist(delivery.body, row.integration_name or row.integration_id)
    kept = _quarantine(row).model_dump()
    return QuarantineDetail(**kept, delivery=delivery_shown(delivery), title=title, kind=kind)


@router.post("/v1/quarantine/{quarantine_id}/dismiss")
async def dismiss_quarantined(
    operator: Operator, here: Here, quarantine_id: UUID, body: Dismissal | None = None
) -> QuarantineShown:
    """Say that nothing is to be done about a body. It is kept as long as any other; a second time changes nothing."""
    of_all_tenants(operator)
    note = "" if body is None else body.note.strip()
    async with here.uow.begin() as tx:
        row = await dismiss(tx, operator.actor(), quarantine_id, note)
        return _quarantine(row)


@router.post("/v1/quarantine/{quarantine_id}/incident")
async def open_quarantined(operator: Operator, here: Here, quarantine_id: UUID, body: Opening | None = None) -> Opened:
    """Make an incident of a body that only a person understands, such as a provider's mail. A second time opens nothing."""
    of_all_tenants(operator)
    given = (body or Opening()).model_dump()
    async with here.uow.begin() as tx:
        event = await make_incident(
            tx, operator.actor(), quarantine_id, Said(**{**given, "tenants": tuple(given["tenants"])})
        )
    return Opened(
        trigger_id=event.trigger_id,
        integration_id=event.integration_id,
        dedup_key=event.dedup_key,
        title=event.title,
        kind=event.kind,
    )


@router.get("/v1/deliveries/{delivery_id}")
async def get_delivery(operator: Operator, here: Here, delivery_id: UUID) -> DeliveryShown:
    """A body as it came, with its headers, of which those that may hold a credential were never kept."""
    return delivery_shown(await _found(operator, here, delivery_id))


@router.get("/v1/deliveries/{delivery_id}/body", response_class=Response)
async def get_body(operator: Operator, here: Here, delivery_id: UUID) -> Response:
    """The bytes themselves, to be saved and never to be shown by a browser."""
    row = await _found(operator, here, delivery_id)
    headers = {"Content-Disposition": f'attachment; filename="{row.id}.bin"'}
    return Response(row.body, media_type="application/octet-stream", headers=headers)


async def _found(operator: Principal, here: State, delivery_id: UUID) -> DeliveryRow:
    of_all_tenants(operator)
    async with here.uow.read() as session:
        row = await store.delivery(session, delivery_id)
    if row is None:
        raise NotFound("There is no delivery of this id; bodies are deleted after some time.")
    return row


def of_all_tenants(operator: Principal) -> None:
    """Refuse a key of certain tenants. Raises :class:`Forbidden`."""
    if operator.tenants is not None:
        raise Forbidden("Raw bodies may concern any tenant; this key may see only some.")


def delivery_shown(row: DeliveryRow) -> DeliveryShown:
    """A body as it is shown: as text, or in base64 where it is none."""
    try:
        body, encoding = row.body.decode(), "utf-8"
    except UnicodeDecodeError:
        body, encoding = base64.b64encode(row.body).decode(), "base64"
    return DeliveryShown(
        id=row.id,
        integration_id=row.integration_id,
        source=row.source,
        received_at=row.received_at,
        headers=row.headers,
        triggers=row.triggers,
        body=body,
        encoding=encoding,
        replay_of=row.replay_of,
    )


def _quarantine(row: QuarantineRow) -> QuarantineShown:
    return QuarantineShown(
        id=row.id,
        delivery_id=row.delivery_id,
        integration_id=row.integration_id,
        integration_name=row.integration_name,
        source=row.source,
        received_at=row.received_at,
        reason=row.reason,
        detail=row.detail,
        triggers=row.triggers,
        problems=[Told.model_validate(problem) for problem in row.problems],
        state=row.state,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        note=row.note,
        led_to=row.led_to,
    )
