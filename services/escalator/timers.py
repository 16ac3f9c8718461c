"""Due timers → handlers: rungs, obligations, reminders, and the begin and the end of a maintenance's window."""

from collections.abc import Awaitable, Callable, Mapping

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from libs.common.metrics import Metrics
from services.escalator.handlers import ladder, obligations, quarantine, windows
from services.escalator.handlers.case import Desk


def timer_handlers(metrics: Metrics) -> Mapping[str, TimerHandler]:
    """Every kind of timer that the escalator sets."""
    return {
        ladder.RUNG: _at_desk(metrics, ladder.on_rung_timer),
        obligations.OBLIGATION: _at_desk(metrics, obligations.on_obligation_timer),
        obligations.REMINDER: _at_desk(metrics, obligations.on_reminder_timer),
        quarantine.TOLD: _at_desk(metrics, quarantine.on_told_timer),
        windows.BEGIN: _at_desk(metrics, windows.on_begin_timer),
        windows.END: _at_desk(metrics, windows.on_end_timer),
    }


def _at_desk(metrics: Metrics, handler: Callable[[Desk, DueTimer], Awaitable[None]]) -> TimerHandler:
    async def handle(tx: Tx, timer: DueTimer) -> None:
        await handler(Desk(tx, metrics), timer)

    return handle
