"""Dead letters: records that fail for good are set aside, up to a limit, and can be listed and sent again.

A dead letter carries the original headers and value, and why it died in ``dl_`` headers. Sent again, it goes back to its
topic under its own event id, marked for the one group that it failed in: no other group sees it a second time.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from libs.common.bus.base import Bus, Consumer, Message, Record
from libs.common.errors import NotFound
from libs.common.events.topics import DEAD_LETTERS

REDRIVEN_FOR = "dl_redriven_for"
"""Header of a record that was sent again: the only group that is to handle it."""

_REDRIVEN = "dl_redriven"
"""Header of a note on the topic of dead letters: the place there of the letter that was sent again."""

_GROUP = "dead-letters-reader"
"""Reads the topic from the beginning each time; commits nothing."""
_QUIET = timedelta(seconds=2)
_ERROR_LENGTH = 1000


class DeadReason(StrEnum):
    """Why a record was set aside."""

    UNDECODABLE = "undecodable"
    """It is no event that this version knows, or breaks its schema."""
    REJECTED = "rejected"
    """The handler refused it: its content contradicts what is stored."""
    FAILED = "failed"
    """The handler broke, at every try."""


@dataclass(frozen=True)
class DeadLetterLimit:
    """How many of the last ``window`` records may be dead: ``at_least``, or the ``share`` of the window if that is more."""

    window: int = 100
    at_least: int = 10
    share: float = 0.1

    @property
    def allowed(self) -> int:
        """So many of a window may be dead; one more is too many."""
        return max(self.at_least, int(self.share * self.window))


class DeadLetterCount:
    """What became of the last records, held against a :class:`DeadLetterLimit`."""

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._last: deque[bool] = deque(maxlen=limit.window)

    def note(self, *, dead: bool) -> None:
        """One more record was handled, or set aside."""
        self._last.append(dead)

    def one_more_is_too_many(self) -> bool:
        """Whether the next dead letter would pass the limit."""
        kept = list(self._last)[-(self._limit.window - 1) :] if self._limit.window > 1 else []
        return sum(kept) + 1 > self._limit.allowed


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter as it stands on its topic."""

    place: str
    """``partition/offset`` on the topic of dead letters: by this it is named."""
    topic: str
    origin: str
    """``partition/offset`` on its own topic."""
    group: str
    reason: str
    error: str
    at: datetime
    redriven: bool
    record: Record

    @property
    def event_type(self) -> str:
        """What the record says that it is."""
        return self.record.headers.get("ce_type", "")


def place_id(record: Record) -> UUID:
    """The id under which a group's inbox remembers that it set the record of this place aside."""
    return uuid5(NAMESPACE_URL, f"tocsin:dead-letter:{record.topic}/{record.partition}/{record.offset}")


def as_dead_letter(record: Record, group: str, reason: DeadReason, error: BaseException) -> Message:
    """The message that sets ``record`` aside."""
    headers = {name: value for name, value in record.headers.items() if not name.startswith("dl_")}
    headers |= {
        "dl_reason": reason.value,
        "dl_error": f"{type(error).__name__}: {error}"[:_ERROR_LENGTH],
        "dl_topic": record.topic,
        "dl_partition": str(record.partition),
        "dl_offset": str(record.offset),
        "dl_group": group,
    }
    return Message(DEAD_LETTERS.name, record.key, record.value, headers)


async def list_dead_letters(bus: Bus, *, quiet: timedelta = _QUIET) -> Sequence[DeadLetter]:
    """Every dead letter that the topic still keeps, the oldest first, those sent again included.

    Where the topic's count of records is too high (its oldest are gone) it returns once nothing more came for ``quiet``.
    Raises :class:`~libs.common.bus.base.BusUnavailable`.
    """
    expected = await bus.lag(_GROUP, [DEAD_LETTERS.name])
    async with _reader(bus) as consumer:
        records: list[Record] = []
        while len(records) < expected and (fetched := await consumer.fetch(500, quiet)):
            records.extend(fetched)
    redriven = {record.headers[_REDRIVEN] for record in records if _REDRIVEN in record.headers}
    return [_letter(record, redriven) for record in records if "dl_topic" in record.headers]


async def redrive(bus: Bus, letters: Sequence[DeadLetter]) -> None:
    """Send ``letters`` to their topics again, for the groups that they failed in, and note that this was done.

    Done twice it changes nothing: a group handles an event id once. Raises :class:`~libs.common.bus.base.BusUnavailable`.
    """
    for letter in letters:
        record = letter.record
        headers = {name: value for name, value in record.headers.items() if not name.startswith("dl_")}
        again = Message(letter.topic, record.key, record.value, {**headers, REDRIVEN_FOR: letter.group})
        note = Message(DEAD_LETTERS.name, record.key, None, {_REDRIVEN: letter.place})
        await bus.producer().publish([again])
        await bus.producer().publish([note])


def choose(
    letters: Sequence[DeadLetter], places: Sequence[str] = (), accept: Callable[[DeadLetter], bool] | None = None
) -> Sequence[DeadLetter]:
    """Those letters that stand at ``places``; without places all that were not sent again and that ``accept`` accepts.

    Raises :class:`~libs.common.errors.NotFound` for a place where there is none.
    """
    if not places:
        return [letter for letter in letters if not letter.redriven and (accept is None or accept(letter))]
    by_place = {letter.place: letter for letter in letters}
    if missing := [place for place in places if place not in by_place]:
        raise NotFound(f"there is no dead letter at {', '.join(missing)}: list them to see the places")
    return [by_place[place] for place in places]


def _letter(record: Record, redriven: set[str]) -> DeadLetter:
    place = f"{record.partition}/{record.offset}"
    headers = record.headers
    return DeadLetter(
        place=place,
        topic=headers["dl_topic"],
        origin=f"{headers.get('dl_partition', '?')}/{headers.get('dl_offset', '?')}",
        group=headers.get("dl_group", ""),
        reason=headers.get("dl_reason", ""),
        error=headers.get("dl_error", ""),
        at=record.timestamp,
        redriven=place in redriven,
        record=record,
    )


@asynccontextmanager
async def _reader(bus: Bus) -> AsyncIterator[Consumer]:
    consumer = await bus.subscribe(_GROUP, [DEAD_LETTERS.name])
    try:
        yield consumer
    finally:
        await consumer.close()
