"""The group-commit writer: bodies that arrive together are committed together.

A commit waits for the disk, whatever it carries. So requests hand what they want stored to one task, which takes all that
wait, inserts them with a statement a table, commits once, and then tells each request that its own is durable. While one
commit is under way the next batch gathers; nobody waits on purpose.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import bindparam, insert, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, DateTime, LargeBinary, Text, Uuid

from libs.common.background import Background
from libs.common.bus.base import Message
from libs.common.db.work import OUTBOX_WAKE, Tx, UnitOfWork
from libs.common.errors import Unavailable
from libs.common.logs import get_logger
from services.intake.domain.drop_in import Call
from services.intake.store.drop_in import keep_calls
from services.intake.store.lapses import Lasting, follow
from services.intake.store.mail import Mark, Marked, take_marks
from services.intake.store.signed import SignedOnce, take_once
from services.intake.store.tables import QuarantineRow
from services.intake.store.triggers import insert_triggers

log = get_logger(__name__)

BATCH_ENTRIES: Final = 256
BATCH_BYTES: Final = 8 * 1024 * 1024
QUEUE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of bodies that may wait. Beyond, a sender is told to come back: that is better than to run out of memory."""

RETRY_AFTER: Final = timedelta(seconds=5)


class NotCommitted(Unavailable):
    """The body could not be committed; nothing of it was accepted."""

    slug = "not-committed"
    title = "Not committed"


class Repeated(Exception):
    """The message, or the signed delivery, was committed before; nothing was stored again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one body leaves in the database: itself, the reason if it was not understood, its events."""

    delivery_id: UUID
    integration_id: str
    source: str
    received_at: datetime
    headers: dict[str, str]
    body: bytes
    triggers: int
    quarantine: dict[str, Any] | None
    messages: tuple[Message, ...]
    mark: Mark | None = None
    """By which it is known again: with one, an entry is stored only if no other of the integration had the same."""
    once: str = ""
    """What a signed delivery is known by: with it, an entry is stored only if no other of the integration had the same."""
    call: Call | None = None
    """The call of a drop-in API that it came with, where that is remembered."""
    lasting: tuple[Lasting, ...] = ()
    """The alerts in it that are over unless they are repeated, and those that no longer are."""

    @property
    def size(self) -> int:
        """About how many bytes it holds in memory."""
        return len(self.body) + sum(len(message.value or b"") for message in self.messages)


class Writer(Protocol):
    """Makes entries durable."""

    async def write(self, entry: Entry) -> None:
        """Return once ``entry`` is committed. Raises :class:`~libs.common.errors.Unavailable` where it is not, for all we know,
        and :class:`Repeated` where its message was before.
        """
        ...


_DELIVERIES = text(
    "INSERT INTO deliveries (id, integration_id, source, received_at, headers, body, triggers)"
    " SELECT i, n, s, r, CAST(h AS jsonb), b, t FROM unnest(:ids, :integrations, :sources, :times, :headers, :bodies, :triggers)"
    " AS rows (i, n, s, r, h, b, t)"
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("integrations", type_=ARRAY(Text)),
    bindparam("sources", type_=ARRAY(Text)),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
    bindparam("headers", type_=ARRAY(Text)),
    bindparam("bodies", type_=ARRAY(LargeBinary)),
    bindparam("triggers", type_=ARRAY(BigInteger)),
)

_OUTBOX = text(
    "INSERT INTO outbox (topic, key, headers, value, created_at)"
    " SELECT t, k, CAST(h AS jsonb), v, :now FROM unnest(:topics, :keys, :headers, :values) WITH ORDINALITY"
    " AS rows (t, k, h, v, place) ORDER BY place"
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("headers", type_=ARRAY(Text)),
    bindparam("values", type_=ARRAY(LargeBinary)),
)


class GroupWriter(Background):
    """Commits entries in the order in which they came, all that wait in one transaction."""

    name = "intake writer"

    def __init__(self, uow: UnitOfWork) -> None:
        super().__init__()
        self._uow = uow
        self._waiting: deque[tuple[Entry, asyncio.Future[None]]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    async def write(self, entry: Entry) -> None:
        """Return once ``entry`` is committed. Raises :class:`~libs.common.errors.Unavailable` and :class:`Repeated`."""
        if self._task is None or self._stopping.is_set():
            raise NotCommitted("This service is stopping; post the body again.", retry_after=RETRY_AFTER)
        if self._bytes + entry.size > QUEUE_BYTES:
            sentence = "More bodies wait to be committed than fit into memory; post the body again."
            raise NotCommitted(sentence, retry_after=RETRY_AFTER)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bytes += entry.size
        self._waiting.append((entry, done))
        self._wake.set()
        await done

    def _interrupt(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        while self._waiting or not self._stopping.is_set():
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._commit_batch(self._take())

    def _take(self) -> list[tuple[Entry, asyncio.Future[None]]]:
        batch: list[tuple[Entry, asyncio.Future[None]]] = []
        size = 0
        while self._waiting and len(batch) < BATCH_ENTRIES and size < BATCH_BYTES:
            pair = self._waiting.popleft()
            batch.append(pair)
            size += pair[0].size
        self._bytes -= size
        return batch

    async def _commit_batch(self, batch: Sequence[tuple[Entry, asyncio.Future[None]]]) -> None:
        error, repeated = await self._commit([entry for entry, _ in batch])
        if error is None or len(batch) == 1 or isinstance(error, Unavailable):
            for entry, done in batch:
                _settle(done, Repeated() if entry.delivery_id in repeated else error)
            return
        log.warning("batch_not_committed", entries=len(batch), reason=_first_line(error))
        for entry, done in batch:  # each alone, so that the one that cannot be stored fails no other
            error, repeated = await self._commit([entry])
            _settle(done, Repeated() if repeated else error)

    async def _commit(self, entries: Sequence[Entry]) -> tuple[Exception | None, frozenset[UUID]]:
        """Commit ``entries`` in one transaction; what went wrong where that was not possible, and which were committed before."""
        try:
            async with self._uow.begin() as tx:
                repeated = await insert_entries(tx, entries)
        except Exception as error:  # noqa: BLE001 - every caller is told, and what nobody foresaw is logged
            return error, frozenset()
        return None, repeated


async def insert_entries(tx: Tx, entries: Sequence[Entry]) -> frozenset[UUID]:
    """Store ``entries`` and their events, in their order, with one statement a table.

    Returns the ids of those that were passed over, since their message was taken before.
    """
    signed = [SignedOnce(entry.delivery_id, entry.integration_id, entry.once) for entry in entries if entry.once]
    repeated = await take_once(tx, signed)
    marked = [
        Marked(entry.delivery_id, entry.integration_id, entry.mark)
        for entry in entries
        if entry.mark and entry.delivery_id not in repeated
    ]
    repeated |= await take_marks(tx, marked)
    entries = [entry for entry in entries if entry.delivery_id not in repeated]
    lasting = [one for entry in entries for one in entry.lasting]
    if lasting:
        await follow(tx, lasting)
    await tx.session.execute(
        _DELIVERIES,
        {
            "ids": [entry.delivery_id for entry in entries],
            "integrations": [entry.integration_id for entry in entries],
            "sources": [entry.source for entry in entries],
            "times": [entry.received_at for entry in entries],
            "headers": [json.dumps(entry.headers) for entry in entries],
            "bodies": [entry.body for entry in entries],
            "triggers": [entry.triggers for entry in entries],
        },
    )
    kept = [entry.quarantine for entry in entries if entry.quarantine is not None]
    if kept:
        await tx.session.execute(insert(QuarantineRow), kept)
    messages = [message for entry in entries for message in entry.messages]
    if messages:
        await insert_triggers(tx, messages)
        await tx.session.execute(
            _OUTBOX,
            {
                "now": tx.now,
                "topics": [message.topic for message in messages],
                "keys": [message.key for message in messages],
                "headers": [json.dumps(dict(message.headers)) for message in messages],
                "values": [message.value for message in messages],
            },
        )
        tx.wakes.add(OUTBOX_WAKE)
    calls = [(entry.delivery_id, entry.call) for entry in entries if entry.call is not None]
    if calls:
        await keep_calls(tx, calls)
    return repeated


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    """Tell the request, unless its caller has left meanwhile."""
    if done.done():
        return
    if error is None:
        done.set_result(None)
    elif isinstance(error, Repeated):
        done.set_exception(error)
    elif isinstance(error, Unavailable):
        done.set_exception(type(error)(error.detail, retry_after=error.retry_after))
    else:
        log.error("body_not_committed", reason=_first_line(error))
        done.set_exception(NotCommitted("The body could not be stored; post it again.", retry_after=RETRY_AFTER))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
