"""What intake keeps: bodies as they came, and those that nobody understood. For operators of all tenants."""

import base64
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from libs.common.auth import Operator, Principal
from libs.common.errors import Forbidden, NotFound
from services.intake.api.schemas import DeliveryShown, QuarantineDetail, QuarantinePage, QuarantineShown, Told
from services.intake.api.state import Here, State
from services.intake.store import deliveries as store
from services.intake.store.tables import DeliveryRow, QuarantineRow

router = APIRouter(tags=["kept"])


@router.get("/v1/quarantine")
async def list_quarantine(
    operator: Operator,
    here: Here,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: UUID | None = None,
    integration: str | None = None,
) -> QuarantinePage:
    """Bodies that could not be understood, the newest first."""
    _of_all_tenants(operator)
    async with here.uow.read() as session:
        rows = await store.quarantine_page(session, limit + 1, cursor, integration)
    more = len(rows) > limit
    return QuarantinePage(
        quarantine=[QuarantineShown(**_quarantine(row)) for row in rows[:limit]],
        next_cursor=rows[limit - 1].id if more else None,
    )


@router.get("/v1/quarantine/{quarantine_id}")
async def get_quarantined(operator: Operator, here: Here, quarantine_id: UUID) -> QuarantineDetail:
    """One of them, with the body itself."""
    _of_all_tenants(operator)
    async with here.uow.read() as session:
        row = await store.quarantined(session, quarantine_id)
        delivery = None if row is None else await store.delivery(session, row.delivery_id)
    if row is None or delivery is None:
        raise NotFound("There is nothing of this id in quarantine.")
    return QuarantineDetail(**_quarantine(row), delivery=_delivery(delivery))


@router.get("/v1/deliveries/{delivery_id}")
async def get_delivery(operator: Operator, here: Here, delivery_id: UUID) -> DeliveryShown:
    """A body as it came, with its headers."""
    return _delivery(await _found(operator, here, delivery_id))


@router.get("/v1/deliveries/{delivery_id}/body", response_class=Response)
async def get_body(operator: Operator, here: Here, delivery_id: UUID) -> Response:
    """The bytes themselves, to be saved and never to be shown by a browser."""
    row = await _found(operator, here, delivery_id)
    headers = {"Content-Disposition": f'attachment; filename="{row.id}.bin"'}
    return Response(row.body, media_type="application/octet-stream", headers=headers)


async def _found(operator: Principal, here: State, delivery_id: UUID) -> DeliveryRow:
    _of_all_tenants(operator)
    async with here.uow.read() as session:
        row = await store.delivery(session, delivery_id)
    if row is None:
        raise NotFound("There is no delivery of this id; bodies are deleted after some time.")
    return row


def _of_all_tenants(operator: Principal) -> None:
    if operator.tenants is not None:
        raise Forbidden("Raw bodies may concern any tenant; this key may see only some.")


def _delivery(row: DeliveryRow) -> DeliveryShown:
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
    )


def _quarantine(row: QuarantineRow) -> dict[str, object]:
    return {
        "id": row.id,
        "delivery_id": row.delivery_id,
        "integration_id": row.integration_id,
        "integration_name": row.integration_name,
        "source": row.source,
        "received_at": row.received_at,
        "reason": row.reason,
        "detail": row.detail,
        "triggers": row.triggers,
        "problems": [Told.model_validate(problem) for problem in row.problems],
    }
