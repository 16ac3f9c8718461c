"""What came in, and what of it could not be understood."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, or_, select, table, update
from sqlalchemy import column as named
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from libs.common.events.base import Actor
from services.intake.store.tables import DeliveryRow, QuarantineRow

PRUNE_AT_ONCE = 5_000
WORDS_LIMIT: Final = 10
"""Words of one search; what comes after them is passed over."""

Settled = Literal["dismissed", "replayed", "opened"]
"""What became of a body in quarantine."""

QuarantineState = Literal["waiting", "dismissed", "replayed", "opened"]

_DELIVERIES = table("deliveries", named("id"))
_READ_AGAIN = table("maintenance_series", named("delivery_id"))
"""Bodies that maintenance which recurs is read from."""
_DERIVED = table("triggers", named("id"))


@dataclass(frozen=True, slots=True)
class WantedBodies:
    """Which entries of the quarantine are looked for; what is ``None`` is not asked for."""

    state: QuarantineState | None = "waiting"
    integration: str | None = None
    source: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusively."""
    words: str = ""
    """Each must stand in the reason's sentence or in the name of the integration."""


async def delivery(session: AsyncSession, delivery_id: UUID) -> DeliveryRow | None:
    """One body as it came."""
    return await session.get(DeliveryRow, delivery_id)


async def replays_of(session: AsyncSession, delivery_id: UUID) -> Sequence[UUID]:
    """The deliveries in which its bytes were read again, the oldest first."""
    query = select(DeliveryRow.id).where(DeliveryRow.replay_of == delivery_id).order_by(DeliveryRow.id)
    return (await session.scalars(query)).all()


async def note_replay(tx: Tx, delivery_id: UUID, replay_of: UUID) -> None:
    """Say of a delivery that its bytes are those of another one."""
    fresh = update(DeliveryRow).where(DeliveryRow.id == delivery_id).values(replay_of=replay_of)
    await tx.session.execute(fresh)


async def quarantined(session: AsyncSession, either_id: UUID) -> QuarantineRow | None:
    """One entry of the quarantine, by its own id or by that of its delivery, which is the one that notices tell."""
    match = or_(QuarantineRow.id == either_id, QuarantineRow.delivery_id == either_id)
    return await session.scalar(select(QuarantineRow).where(match))


async def quarantine_of(session: AsyncSession, delivery_id: UUID) -> QuarantineRow | None:
    """The entry of a body, where it could not be understood."""
    return await session.scalar(select(QuarantineRow).where(QuarantineRow.delivery_id == delivery_id))


async def locked_quarantine(tx: Tx, match: ColumnElement[bool]) -> QuarantineRow | None:
    """One entry of the quarantine under its lock, as of now."""
    query = select(QuarantineRow).where(match).with_for_update().execution_options(populate_existing=True)
    return await tx.session.scalar(query)


def settle(tx: Tx, row: QuarantineRow, state: Settled, actor: Actor, *, note: str = "", led_to: UUID | None) -> None:
    """Write down what became of an entry, which the caller has locked."""
    row.state, row.note, row.led_to = state, note, led_to
    row.settled_at, row.settled_by = tx.now, actor.model_dump(mode="json")


async def quarantine_page(
    session: AsyncSession, limit: int, before: UUID | None = None, wanted: WantedBodies | None = None
) -> Sequence[QuarantineRow]:
    """Entries of the quarantine, the newest first, from ``before`` on; without ``wanted`` those that wait."""
    query = select(QuarantineRow).where(*_wanted(wanted or WantedBodies()))
    if before is not None:
        query = query.where(QuarantineRow.id < before)
    return (await session.scalars(query.order_by(QuarantineRow.id.desc()).limit(limit))).all()


async def prune(tx: Tx, before: datetime) -> int:
    """Delete what came before ``before``: at most :data:`PRUNE_AT_ONCE` bodies with their quarantine, and as many triggers.

    How many bodies there were, or how many triggers where these are more.
    """
    dropped = []
    for rows in (_DELIVERIES, _DERIVED):
        needed = exists().where(_READ_AGAIN.c.delivery_id == rows.c.id)
        oldest = select(rows.c.id).where(rows.c.id < first_id(before), ~needed).limit(PRUNE_AT_ONCE)
        result = await tx.session.execute(delete(rows).where(rows.c.id.in_(oldest)))
        dropped.append(result.rowcount if isinstance(result, CursorResult) else 0)
    return max(dropped)


def first_id(at: datetime) -> UUID:
    """The least UUIDv7 that can be made at ``at``: whatever is below it is older."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def _wanted(wanted: WantedBodies) -> list[ColumnElement[bool]]:
    plain = {
        QuarantineRow.state: wanted.state,
        QuarantineRow.integration_id: wanted.integration,
        QuarantineRow.source: wanted.source,
        QuarantineRow.reason: wanted.reason,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in plain.items() if value is not None]
    if wanted.since is not None:
        found.append(QuarantineRow.id >= first_id(wanted.since))
    if wanted.until is not None:
        found.append(QuarantineRow.id < first_id(wanted.until))
    places = (QuarantineRow.detail, QuarantineRow.integration_name, QuarantineRow.integration_id, QuarantineRow.reason)
    words = wanted.words.split()[:WORDS_LIMIT]
    return found + [or_(*(place.icontains(word, autoescape=True) for place in places)) for word in words]
