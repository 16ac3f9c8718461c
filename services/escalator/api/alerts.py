"""Which incident an alert belongs to: what came in is known elsewhere by its integration and dedup key."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.common.auth import Viewer
from libs.common.events.base import Instant, Model
from services.escalator.api.edge import Work
from services.escalator.store import alerts

router = APIRouter(prefix="/v1", tags=["incidents"])


class AlertShown(Model):
    """An alert of one incident."""

    integration_id: str
    dedup_key: str
    title: str
    firing: bool
    triggers: int
    """How many triggers came in for it, repeats included."""
    first_at: Instant
    last_at: Instant
    incident_id: UUID
    incident_number: int
    incident_state: str
    opened_at: Instant
    resolved_at: Instant | None


class Alerts(Model):
    """The newest incident first."""

    alerts: tuple[AlertShown, ...]


@router.get("/alerts", summary="The incidents that an alert was part of, newest first")
async def list_alerts(
    principal: Viewer,
    work: Work,
    integration: Annotated[str, Query(max_length=200, description="The integration's id.")],
    dedup_key: Annotated[str, Query(max_length=300)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Alerts:
    """Each incident has an alert once, however often it came in; after its resolve the same alert opens another one."""
    async with work.read() as session:
        found = await alerts.history(session, integration, dedup_key, principal.tenants, limit)
    return Alerts(
        alerts=tuple(
            AlertShown(
                integration_id=alert.integration_id,
                dedup_key=alert.dedup_key,
                title=alert.title,
                firing=alert.firing,
                triggers=alert.triggers,
                first_at=alert.first_at,
                last_at=alert.last_at,
                incident_id=incident.id,
                incident_number=incident.number,
                incident_state=incident.state,
                opened_at=incident.opened_at,
                resolved_at=incident.resolved_at,
            )
            for alert, incident in found
        )
    )
