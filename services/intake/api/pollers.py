"""Providers' pages that are asked: how each stands, and a poll at once. For operators of all tenants."""

from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from fastapi import APIRouter
from pydantic import BaseModel

from libs.common.auth import Operator
from libs.common.durations import text_of
from libs.common.errors import NotFound
from libs.common.events.directory import ProviderHealth
from services.intake.api.kept import of_all_tenants
from services.intake.api.state import Here, State
from services.intake.domain.polling import UnknownReason
from services.intake.domain.watching import open_keys
from services.intake.handlers.watch import Watched, items_of, watched_of
from services.intake.store import integrations, pollers
from services.intake.store.pollers import PollerRow

router = APIRouter(tags=["pollers"])


class PollerShown(BaseModel):
    """A page that is asked, and what is known of its provider."""

    id: str
    """The integration's."""
    name: str
    source: str
    url: str
    """Without what stands behind a question mark, which may be a secret."""
    every: str
    health: ProviderHealth
    """``operational``; ``quiet``: nothing is open, which proves nothing; ``disrupted``: something that concerns us is; ``unknown``."""
    reason: UnknownReason | None
    """Why it is unknown."""
    detail: str
    open: list[str]
    """The dedup keys of the provider's incidents and maintenances that were told of and are not over."""
    failures: int
    """How many polls in a row have failed."""
    failing_since: datetime | None
    polled_at: datetime | None
    last_ok_at: datetime | None
    """The last good answer, changed or not."""
    last_changed_at: datetime | None
    """The last answer with news."""
    next_poll_at: datetime


@router.get("/v1/pollers")
async def list_pollers(operator: Operator, here: Here) -> list[PollerShown]:
    """Every page that is asked."""
    of_all_tenants(operator)
    async with here.uow.read() as session:
        wanted = {
            one.integration.id: one for one in map(watched_of, await integrations.all_integrations(session)) if one
        }
        rows = await pollers.all_pollers(session)
    return [_shown(wanted[row.integration_id], row) for row in rows if row.integration_id in wanted]


@router.get("/v1/pollers/{integration_id}")
async def get_poller(operator: Operator, here: Here, integration_id: str) -> PollerShown:
    """One page that is asked."""
    of_all_tenants(operator)
    return await _one(here, integration_id)


@router.post("/v1/pollers/{integration_id}/poll")
async def poll_now(operator: Operator, here: Here, integration_id: str) -> PollerShown:
    """Ask a page at once, and say how its provider stands now; 409 where it is asked at this moment anyway."""
    of_all_tenants(operator)
    await here.watcher.poll_now(integration_id)
    return await _one(here, integration_id)


async def _one(here: State, integration_id: str) -> PollerShown:
    async with here.uow.read() as session:
        record = await integrations.integration(session, integration_id)
        row = await pollers.poller(session, integration_id)
    watched = None if record is None else watched_of(record)
    if watched is None or row is None:
        raise NotFound(f"No page is asked for an integration {integration_id}.")
    return _shown(watched, row)


def _shown(watched: Watched, row: PollerRow) -> PollerShown:
    url = urlsplit(watched.integration.options.url)
    return PollerShown.model_validate(
        {
            "id": row.integration_id,
            "name": watched.integration.name,
            "source": watched.source.name,
            "url": urlunsplit((url.scheme, url.netloc, url.path, "", "")),
            "every": text_of(watched.integration.options.every),
            "health": row.health,
            "reason": row.reason,
            "detail": row.detail,
            "open": list(open_keys(items_of(row))),
            "failures": row.failures,
            "failing_since": row.failing_since,
            "polled_at": row.polled_at,
            "last_ok_at": row.last_ok_at,
            "last_changed_at": row.last_changed_at,
            "next_poll_at": row.due_at,
        }
    )
