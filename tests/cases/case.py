"""A case as it is written, and what may become of it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

DEFAULT: Final = Path("../shared/cases/peer_cases.json")
"""Where the cases are, unless ``TOCSIN_CASES`` names another file."""

Outcome = Literal["passed", "failed", "not yet there", "by decision"]


class NotYet(Exception):
    """Tocsin, or the driver, cannot do this yet; the text says what."""


class Decided(Exception):
    """Tocsin was asked, and does otherwise as was decided: the text is the trait, a key of :data:`~tests.cases.decisions.DECISIONS`."""


@dataclass(frozen=True)
class Case:
    """One case: set-up, query or events, and the expected result."""

    id: str
    title: str
    area: str
    kind: str
    portability: str
    given: dict[str, Any]
    when: dict[str, Any]
    expect: dict[str, Any]

    @property
    def zone(self) -> str:
        """The zone whose clocks the case follows."""
        return str(self.given.get("time_zone", "UTC"))


Driver = Callable[[Case], None]
"""Plays a case. Raises :class:`AssertionError` where the result differs and :class:`NotYet` where it cannot be played."""


def same(actual: object, expected: object) -> None:
    """Assert that they are equal, and say how they differ."""
    if actual != expected:
        raise AssertionError(f"got {actual!r}\n      expected {expected!r}")


def only(where: str, said: Mapping[str, Any], *known: str) -> None:
    """Raise :class:`NotYet` for what is said besides ``known``: whoever does not read it cannot tell whether it holds."""
    unread = sorted(set(said) - set(known))
    if unread:
        raise NotYet(f"{where} says {', '.join(unread)}, which this driver does not read")


@contextmanager
def unless_decided(trait: str) -> Iterator[None]:
    """What differs inside is a decision of ours where Tocsin was really asked; what does not differ passes like anything else."""
    try:
        yield
    except AssertionError as difference:
        raise Decided(trait) from difference


def at(text: str) -> datetime:
    """The instant; nanoseconds are cut to microseconds, and what says no offset is UTC."""
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail.rstrip("Z").split("+")[0].split("-")[0]
        text = f"{head}.{digits[:6]}{tail[len(digits) :]}"
    said = datetime.fromisoformat(text)
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)


def wall(text: str, zone: str) -> datetime:
    """What the clocks of ``zone`` show at an instant."""
    return at(text).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def path_of_cases(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that ``TOCSIN_CASES`` names, or the default one."""
    return Path(environ.get("TOCSIN_CASES") or DEFAULT)


def load(path: Path) -> list[Case]:
    """The cases of a file; none where there is no file."""
    if not path.is_file():
        return []
    read = json.loads(path.read_text(encoding="utf-8"))
    listed = read["cases"] if isinstance(read, dict) else read
    return [
        Case(
            entry["id"],
            entry.get("title", ""),
            entry["area"],
            entry["kind"],
            entry.get("portability", "portable"),
            entry.get("given", {}),
            entry.get("when", {}),
            entry.get("expect", {}),
        )
        for entry in listed
    ]
