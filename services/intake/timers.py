"""Due rows and who handles them."""

from collections.abc import Mapping
from datetime import timedelta

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from services.intake.handlers import heartbeats, lapses, rolling, series
from services.intake.handlers.keep import PRUNE, drop_old
from services.intake.handlers.receive import Receiver
from services.intake.store.lapses import TIMER


def timer_handlers(keep: timedelta, receiver: Receiver) -> Mapping[str, TimerHandler]:
    """The handler of each kind of timer that intake has."""

    async def prune(tx: Tx, _timer: DueTimer) -> None:
        await drop_old(tx, keep)

    async def look_for_heartbeat(tx: Tx, timer: DueTimer) -> None:
        await heartbeats.on_timer(tx, receiver, timer)

    async def end_alert(tx: Tx, timer: DueTimer) -> None:
        await lapses.on_timer(tx, receiver, timer)

    async def announce(tx: Tx, timer: DueTimer) -> None:
        await rolling.on_timer(tx, receiver, timer)

    return {PRUNE: prune, heartbeats.TIMER: look_for_heartbeat, TIMER: end_alert, series.TIMER: announce}
