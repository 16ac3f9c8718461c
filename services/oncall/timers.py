"""Due timers → handlers: keys that end at a time."""

from collections.abc import Mapping

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from services.oncall.handlers import principals


async def _key_expiry(tx: Tx, due: DueTimer) -> None:
    await principals.expire(tx, str(due.payload["principal"]), due.key)


HANDLERS: Mapping[str, TimerHandler] = {principals.EXPIRY: _key_expiry}
"""Every kind of timer that oncall sets."""
