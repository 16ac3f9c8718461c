"""Maintenance that recurs: a new announcement is held against what was announced before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from libs.common.logs import get_logger
from services.intake.domain.integration import Integration
from services.intake.domain.series import Known, revise, split
from services.intake.domain.trigger import Ignored, Reading, Series
from services.intake.store import series as store
from services.intake.store.series import SeriesRow

log = get_logger(__name__)

TIMER: Final = "series"
"""The kind of timer that announces what has come near; its key is integration and event."""

EVERY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be noted of an event once the body is stored. ``newest``: it is read from this body from now on."""

    series: Series
    row: SeriesRow | None
    known: Known
    newest: bool


async def follow(tx: Tx, integration: Integration[Any], reading: Reading) -> tuple[Reading, Sequence[Noted]]:
    """The reading with what its events' announcements really change: ends of what is no more, nothing of what is older."""
    rows = {one.key: await store.held(tx, integration.id, one.key) for one in _in_order(reading)}
    return _followed(integration, reading, rows, tx.now)


async def foresee(session: AsyncSession, integration: Integration[Any], reading: Reading, now: datetime) -> Reading:
    """As :func:`follow`, for what is only tried out: nothing is held, and nothing is to be noted."""
    rows = {one.key: await store.present(session, integration.id, one.key) for one in _in_order(reading)}
    return _followed(integration, reading, rows, now)[0]


def _in_order(reading: Reading) -> Sequence[Series]:
    """The events in the order in which they are held, so that no two bodies wait for one another."""
    return sorted(reading.series, key=lambda one: one.key)


def _followed(
    integration: Integration[Any], reading: Reading, rows: Mapping[str, SeriesRow | None], now: datetime
) -> tuple[Reading, Sequence[Noted]]:
    if not reading.series:
        return reading, ()
    triggers = [one for one in reading.triggers if not one.series]
    passed: list[Ignored] = list(reading.ignored)
    noted: list[Noted] = []
    mine = split(reading)
    for series in _in_order(reading):
        row = rows[series.key]
        revised = revise(series, mine[series.key], None if row is None else store.known_of(row), now)
        log.info("calendar followed", reason=revised.reason, integration=integration.id, series=series.key)
        triggers += revised.triggers
        passed += revised.passed
        if revised.known is not None:
            noted.append(Noted(series, row, revised.known, revised.newest))
    order = {one.dedup_key: place for place, one in enumerate(reading.triggers)}
    triggers.sort(key=lambda one: order.get(one.dedup_key, len(order)))
    return replace(reading, triggers=tuple(triggers), ignored=tuple(passed), series=()), noted


async def keep(tx: Tx, integration: Integration[Any], noted: Sequence[Noted], delivery_id: UUID) -> None:
    """Note what :func:`follow` found, now that the body is stored."""
    for one in noted:
        body = delivery_id if one.newest or one.row is None else one.row.delivery_id
        await store.save(tx, one.row, integration.id, one.series.key, one.known, body)
        await tx.schedule(TIMER, _key(integration.id, one.series.key), tx.now + EVERY, _payload(integration.id, one))


def _key(integration_id: str, series: str) -> str:
    return f"{integration_id}/{series}"


def _payload(integration_id: str, noted: Noted) -> dict[str, Any]:
    return {"integration": integration_id, "series": noted.series.key}
