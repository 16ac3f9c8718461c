"""What the statuspage does at a time: sessions end."""

from collections.abc import Mapping

from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx
from services.statuspage import handlers
from services.statuspage.store import sessions


async def end_session(tx: Tx, timer: DueTimer) -> None:
    """A session has expired: forget it and the key that it sealed."""
    await sessions.end(tx, timer.key)


def timer_handlers() -> Mapping[str, TimerHandler]:
    """By the kind of timer."""
    return {handlers.SESSION_TIMER: end_session}
