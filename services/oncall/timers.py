"""Due timers → handlers: keys that end at a time, swaps to be reminded of."""

from collections.abc import Mapping
from uuid import UUID

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from services.oncall.handlers import principals, swaps


async def _key_expiry(tx: Tx, due: DueTimer) -> None:
    await principals.expire(tx, str(due.payload["principal"]), due.key)


async def _swap_reminder(tx: Tx, due: DueTimer) -> None:
    await swaps.remind(tx, UUID(due.key))


HANDLERS: Mapping[str, TimerHandler] = {principals.EXPIRY: _key_expiry, swaps.REMINDER: _swap_reminder}
"""Every kind of timer that oncall sets."""
