"""Chance: identifiers, secrets and jitter from one injected source, so that a run can be repeated from its seed."""

import base64
import random
import secrets
from datetime import datetime, timedelta
from uuid import UUID


class Chance:
    """A source of randomness; with a ``seed`` it is repeatable, without one it is the operating system's.

    A seeded source is for tests and simulations only: what it returns as a secret can be guessed.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = secrets.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - seeded for repeatable runs
        self._last = 0

    def uuid7(self, now: datetime) -> UUID:
        """A UUID version 7 (RFC 9562, 5.7): milliseconds of ``now``, then a counter and chance.

        Ids of one source never go backwards, also within one millisecond.
        """
        stamp = int(now.timestamp() * 1000) << 12
        self._last = max(self._last + 1, stamp)
        milliseconds, counter = self._last >> 12, self._last & 0xFFF
        value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62
        return UUID(int=value | self._random.getrandbits(62))

    def jitter(self, base: timedelta, spread: float = 0.5) -> timedelta:
        """``base`` made longer or shorter by at most the share ``spread`` of it."""
        return base * (1 + spread * (2 * self._random.random() - 1))

    def token(self, bits: int = 192) -> str:
        """A secret of ``bits`` of chance as URL-safe text without padding."""
        raw = self._random.getrandbits(bits).to_bytes((bits + 7) // 8, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
