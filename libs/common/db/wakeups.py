"""Wakes whoever waits for committed work, in this process at once and in other replicas by NOTIFY.

A NOTIFY is never sent inside a transaction that commits work: PostgreSQL holds one lock over the whole database while a
transaction with a NOTIFY commits, so that all such commits queue up behind each other. It goes out after the commit,
on a connection of its own, and several wakes become one. A wake that is lost costs latency, never work: whoever waits
looks by itself from time to time, and after each reconnect.
"""

import asyncio
import weakref
from typing import Any

from libs.common.background import Background, pause
from libs.common.db.session import Database, DatabaseUnavailable, close
from libs.common.logs import get_logger
from libs.common.unreachable import UNREACHABLE

log = get_logger(__name__)

RECONNECT_SECONDS = 1.0
DEBOUNCE_SECONDS = 0.005
"""Wakes of one name within this time become one NOTIFY."""
KEEPALIVE_SECONDS = 20.0


class Wakeups(Background):
    """Events by name, shared by all replicas of one schema. Works within the process also while it is not started."""

    name = "wakeups"

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._channel = f"tocsin_{database.schema}"
        self._events: dict[str, weakref.WeakSet[asyncio.Event]] = {}
        self._answered: set[str] = set()
        self._pending: set[str] = set()
        self._changed = asyncio.Event()
        self._pid = 0

    def event(self, name: str) -> asyncio.Event:
        """A new event that every wake of ``name`` sets. Its owner keeps it and clears it; dropped, it is forgotten."""
        event = asyncio.Event()
        self._events.setdefault(name, weakref.WeakSet()).add(event)
        return event

    def answer_here(self, name: str, here: bool) -> None:
        """Say whether this process does all the work of ``name`` itself, so that nobody else need be told of it."""
        (self._answered.add if here else self._answered.discard)(name)

    async def wake(self, name: str) -> None:
        """Wake who waits for ``name``: here at once, elsewhere soon unless it is answered here."""
        self._set(name)
        if name not in self._answered and self._task is not None:
            self._pending.add(name)
            self._changed.set()

    def _interrupt(self) -> None:
        self._changed.set()

    def _set(self, name: str) -> None:
        for event in tuple(self._events.get(name, ())):
            event.set()

    def _heard(self, _connection: Any, pid: int, _channel: str, payload: object) -> None:
        if pid != self._pid:
            self._set(str(payload))

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = await self._database.connect()
            except DatabaseUnavailable:
                await pause(RECONNECT_SECONDS, self._stopping)
                continue
            try:
                await self._serve(connection)
            except UNREACHABLE as error:
                log.warning("wakeups lost their connection", reason=str(error) or type(error).__name__)
                await pause(RECONNECT_SECONDS, self._stopping)
            finally:
                await close(connection)

    async def _serve(self, connection: Any) -> None:
        """Listen and send on ``connection`` until it is lost. First everybody looks: wakes may have been missed."""
        self._pid = connection.get_server_pid()
        connection.add_termination_listener(lambda _: self._changed.set())
        await connection.add_listener(self._channel, self._heard)
        for name in tuple(self._events):
            self._set(name)
        while not self._stopping.is_set():
            await pause(KEEPALIVE_SECONDS, self._changed)
            self._changed.clear()
            names, self._pending = sorted(self._pending), set()
            await connection.execute("SELECT pg_notify($1, name) FROM unnest($2::text[]) AS name", self._channel, names)
            await pause(DEBOUNCE_SECONDS, self._stopping)
