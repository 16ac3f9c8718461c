"""Due rows and who handles them."""

from collections.abc import Mapping
from datetime import timedelta

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from services.intake.handlers.keep import PRUNE, drop_old


def timer_handlers(keep: timedelta) -> Mapping[str, TimerHandler]:
    """The handler of each kind of timer that intake has."""

    async def prune(tx: Tx, _timer: DueTimer) -> None:
        await drop_old(tx, keep)

    return {PRUNE: prune}
