"""Looks ahead every few minutes, counts what is doubtful in a metric and says what is new in the log. Owners are warned by the timer ``outlook``."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final, get_args

from libs.common.background import Background, pause
from libs.common.clock import Clock
from libs.common.db.session import DatabaseUnavailable
from libs.common.db.work import UnitOfWork
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from services.oncall.domain.finding import Doubt, Finding
from services.oncall.domain.proof import findings
from services.oncall.store.amendments import directory_during

log = get_logger(__name__)

DAYS: Final = 14
EVERY_SECONDS: Final = 300.0


class Prover(Background):
    """Keeps ``tocsin_oncall_doubts`` current."""

    name = "proof"

    def __init__(self, uow: UnitOfWork, clock: Clock, metrics: Metrics) -> None:
        super().__init__()
        self._uow = uow
        self._clock = clock
        self._metrics = metrics
        self._known: frozenset[tuple[str, str, str | None]] = frozenset()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.warning("schedules not looked through", reason=str(error))
            await pause(EVERY_SECONDS, self._stopping)

    def _interrupt(self) -> None:
        """The wait ends with ``_stopping`` itself."""

    async def look(self) -> list[Finding]:
        """Look through the coming days once."""
        now = self._clock.now()
        async with self._uow.read() as session:
            directory = await directory_during(session, now, now + timedelta(days=DAYS))
        found = await asyncio.to_thread(findings, directory, now, DAYS)
        counts = Counter(one.doubt for one in found)
        for doubt in get_args(Doubt):
            self._metrics.oncall_doubts.labels(doubt).set(counts[doubt])
        for one in found:
            if (one.doubt, one.subject, one.person) not in self._known:
                log.info(
                    "doubt ahead", doubt=one.doubt, subject=one.subject, starts_at=str(one.starts_at), text=one.text
                )
        self._known = frozenset((one.doubt, one.subject, one.person) for one in found)
        return found
