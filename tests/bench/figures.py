"""What every benchmark hands over: figures beside their aims, and how they were taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Tell = Callable[[str, float], None]
"""Hears what is being done now, and which share of the benchmark is done (0 to 1)."""


@dataclass(frozen=True)
class Aim:
    """One figure beside its aim, both in words, and whether it was met."""

    what: str
    measured: str
    aim: str
    met: bool


@dataclass(frozen=True)
class Section:
    """One benchmark: its aims, what else it found (name, value), and in words how it was taken and what it is made of."""

    title: str
    how: str
    aims: tuple[Aim, ...]
    details: tuple[tuple[str, str], ...]
    reading: str
    versions: tuple[tuple[str, str], ...] = ()
    busy: tuple[float, float] = field(default=(0.0, 0.0))
    """Percent of all cores that other programs used just before and just after."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all values do not pass."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def ms(seconds: float) -> str:
    """Seconds, written as milliseconds."""
    return f"{seconds * 1000:.1f} ms"


def at_most(what: str, seconds: float, limit_ms: int) -> Aim:
    """A duration whose aim is to stay below a limit."""
    return Aim(what, ms(seconds), f"≤ {limit_ms} ms", met=seconds * 1000 <= limit_ms)
