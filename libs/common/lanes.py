"""Lanes: the records of one partition, waiting in order for their turn."""

from collections import deque
from dataclasses import dataclass, field

from libs.common.bus.base import Partition, Record

CAPACITY = 1000
"""So many records of one partition wait in memory, while one of them holds it up."""


@dataclass
class Lane:
    """One partition within a consumer loop.

    A full lane lets further records go by, remembers from where, and has them read again once it has room, so that a
    partition that is held up holds up no other.
    """

    place: Partition
    waiting: deque[Record] = field(default_factory=deque)
    running: bool = False
    done: int = 0
    """Every record below this offset is handled."""
    committed: int = 0
    _next: int = 0
    _let_go: int | None = None

    @property
    def busy(self) -> bool:
        """Whether something waits or runs here, or is handled and not yet committed."""
        return self.running or bool(self.waiting) or self.full or self.done > self.committed

    @property
    def full(self) -> bool:
        """Whether records were let go by."""
        return self._let_go is not None

    @property
    def may_reopen(self) -> bool:
        """Whether there is room again for what was let go by."""
        return self.full and len(self.waiting) <= CAPACITY // 2

    def take(self, record: Record) -> None:
        """Let ``record`` wait here, unless it is known already (a rebalance reads again) or the lane is full."""
        if record.offset < self._next or self.full:
            return
        if len(self.waiting) >= CAPACITY:
            self._let_go = record.offset
            return
        self.waiting.append(record)
        self._next = record.offset + 1

    def reopen(self) -> int:
        """Take records again; returns the offset from which they are to be read again."""
        offset, self._let_go = self._let_go, None
        return self._next if offset is None else offset

    def finish(self) -> None:
        """The first that waited is handled."""
        if self.waiting:
            self.done = self.waiting.popleft().offset + 1

    def abandon(self) -> None:
        """The partition is another member's now: handle no more of it."""
        self.waiting.clear()
