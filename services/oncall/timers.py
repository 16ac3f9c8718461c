"""Due timers → handlers: keys that end at a time, swaps to be reminded of, looks ahead."""

from collections.abc import Mapping
from uuid import UUID

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from services.oncall.handlers import outlook, principals, swaps


async def _key_expiry(tx: Tx, due: DueTimer) -> None:
    await principals.expire(tx, str(due.payload["principal"]), due.key)


async def _swap_reminder(tx: Tx, due: DueTimer) -> None:
    await swaps.remind(tx, UUID(due.key))


def timer_handlers(status_page: str | None) -> Mapping[str, TimerHandler]:
    """The handler of each kind of timer that oncall sets. ``status_page`` is the address of our own, for links."""

    async def look(tx: Tx, _: DueTimer) -> None:
        await outlook.look(tx, status_page)

    return {principals.EXPIRY: _key_expiry, swaps.REMINDER: _swap_reminder, outlook.LOOK: look}
