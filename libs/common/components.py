"""The components and checks that every service has: its migrated database, its bus, and the cry for help of a stopped consumer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from libs.common.background import Background, pause
from libs.common.bus.base import Bus, BusUnavailable
from libs.common.clock import Stopwatch
from libs.common.db.session import Database, DatabaseUnavailable
from libs.common.db.work import UnitOfWork
from libs.common.errors import Misconfigured
from libs.common.events.topics import TOPICS
from libs.common.events.triggers import TriggerReceived
from libs.common.logs import get_logger
from libs.common.web import Check

log = get_logger(__name__)

DATABASE_SECONDS: Final = 5.0
"""How long a start waits for the database, in seconds of the machine: a restart of it passes unnoticed."""

TOPICS_SECONDS: Final = 3.0
"""How long a start waits for the bus before it goes on without it."""

RETRY_SECONDS: Final = 0.5


class Storage:
    """The first to start and the last to stop: the migrated database. ``variable`` is named where it cannot be reached."""

    name = "database"

    def __init__(self, database: Database, migrate: Callable[[], Awaitable[None]], variable: str) -> None:
        self._database = database
        self._migrate = migrate
        self._variable = variable

    async def start(self) -> None:
        """Migrate; wait some seconds for a database that is just restarting. Raises :class:`Misconfigured`."""
        watch = Stopwatch()
        while True:
            try:
                await self._migrate()
            except DatabaseUnavailable as error:
                if watch.seconds() > DATABASE_SECONDS:
                    raise Misconfigured(f"{error.detail}; is {self._variable} right, and does it run?") from error
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def stop(self) -> None:
        """Close the pool."""
        await self._database.dispose()


class BusConnection(Background):
    """The bus with its topics. Where it cannot be reached the service starts without it, and this goes on trying."""

    name = "bus"

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._made = asyncio.Event()
        self._trouble = "not connected yet"

    async def start(self) -> None:
        """Connect, and wait a little for the topics."""
        await self._bus.start()
        await super().start()
        await pause(TOPICS_SECONDS, self._made)

    async def stop(self) -> None:
        """Close what is open on the bus."""
        await super().stop()
        await self._bus.stop()

    async def problem(self) -> str | None:
        """Why events do not flow at the moment."""
        if not self._made.is_set():
            return f"the bus cannot be reached: {self._trouble}"
        return None if self._bus.healthy() else "the bus cannot be reached at the moment"

    def _interrupt(self) -> None:
        """Nothing to wake: the wait itself looks at ``_stopping``."""

    async def _work(self) -> None:
        while not self._stopping.is_set() and not self._made.is_set():
            try:
                await self._bus.ensure_topics(TOPICS)
            except BusUnavailable as error:
                if error.detail != self._trouble:
                    log.warning("waiting for the bus", reason=error.detail)
                self._trouble = error.detail
                await pause(RETRY_SECONDS, self._stopping)
            else:
                self._made.set()


def alarm_of(uow: UnitOfWork, service: str, group: str) -> Callable[[str], Awaitable[None]]:
    """What a consumer calls that stopped itself: a trigger like any other, so that somebody is paged.

    The escalator's own group cannot page this way while it stands still: ``tocsin_consumer_stopped`` and readiness tell.
    """

    async def alarm(reason: str) -> None:
        while True:
            try:
                async with uow.begin() as tx:
                    number = tx.chance.uuid7(tx.now)
                    await tx.emit(
                        TriggerReceived(
                            trigger_id=number,
                            delivery_id=number,
                            integration_id="tocsin",
                            integration_name="Tocsin itself",
                            source="tocsin",
                            kind="telemetry",
                            status="firing",
                            dedup_key=f"consumer-stopped:{group}",
                            title=f"Tocsin's {service} stopped reading events ({group})",
                            description=reason,
                            started_at=tx.now,
                            received_at=tx.now,
                        )
                    )
            except DatabaseUnavailable:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    return alarm


def database_check(database: Database) -> Check:
    """Whether the database answers."""

    async def check() -> str | None:
        await database.ping()
        return None

    return check


def said(problem: Callable[[], str | None]) -> Check:
    """A check of what a component says of itself."""

    async def check() -> str | None:
        return problem()

    return check
