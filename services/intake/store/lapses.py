"""When alerts are over that nobody repeats: one timer for each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from libs.common.db.tables import TIMERS
from libs.common.db.work import Tx
from services.intake.domain.lapse import Lapse

TIMER: Final = "lapse"
"""The kind of timer that ends an alert; its key is integration and dedup key."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a body says of how long an alert lasts."""

    integration_id: str
    source: str
    dedup_key: str
    lapse: Lapse

    @property
    def key(self) -> str:
        """The key of its timer."""
        return f"{self.integration_id}/{self.dedup_key}"


async def follow(tx: Tx, lasting: Iterable[Lasting]) -> None:
    """Move the timers of alerts to when these are over, and remove those of alerts that are over or last.

    Written at once and in the order of the keys: whoever tells of these alerts holds their timers before.
    """
    latest = {one.key: one for one in lasting}
    gone = [key for key, one in latest.items() if one.lapse.at is None]
    if gone:
        held = select(TIMERS.c.id).where(TIMERS.c.kind == TIMER, TIMERS.c.key.in_(gone))
        ids = (await tx.session.scalars(held.order_by(TIMERS.c.key).with_for_update())).all()
        if ids:
            await tx.session.execute(delete(TIMERS).where(TIMERS.c.id.in_(ids)))
    for key, one in latest.items():
        if one.lapse.at is not None:
            given = (one.lapse.at - tx.now).total_seconds()
            payload = {"integration": one.integration_id, "source": one.source, "given": given, "note": one.lapse.note}
            await tx.schedule(TIMER, key, one.lapse.at, payload)
    if latest:
        await tx.write()


async def held(tx: Tx, key: str) -> datetime | None:
    """When the alert is over, its timer locked until the commit; ``None`` where nobody waits for that any more."""
    query = select(TIMERS.c.due_at).where(TIMERS.c.kind == TIMER, TIMERS.c.key == key).with_for_update()
    due_at: datetime | None = await tx.session.scalar(query)
    return due_at
