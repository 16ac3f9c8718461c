"""Backoff: how long to wait before the next try."""

from dataclasses import dataclass
from datetime import timedelta

from libs.common.chance import Chance


@dataclass(frozen=True)
class Backoff:
    """Waits that double from ``first`` up to ``longest``, each made longer or shorter by at most ``spread`` of it."""

    first: timedelta = timedelta(milliseconds=100)
    longest: timedelta = timedelta(seconds=10)
    spread: float = 0.25

    def wait(self, failures: int, chance: Chance) -> timedelta:
        """How long to wait after so many failures in a row, the first being 1."""
        doublings = min(max(failures, 1) - 1, 32)
        return chance.jitter(min(self.first * 2**doublings, self.longest), self.spread)
