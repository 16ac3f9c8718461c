"""What the HTTP API answered, compared with what a case expects: its meaning, since each system has numbers and words of its own."""

from collections.abc import Sequence
from typing import Any, Final

from tests.cases.case import same

_ALIKE: Final[Sequence[frozenset[int]]] = (
    frozenset({200, 201, 202, 204}),
    frozenset({400, 409, 422}),
    frozenset({401, 403}),
)
"""Taken; refused as it stands; not allowed. Every other status means itself."""


def meaning(status: int) -> int:
    """The status that stands for all that mean the same."""
    return next((min(alike) for alike in _ALIKE if status in alike), status)


def answered(asked: Any, found: int, wanted: int) -> None:
    """Assert that an answer means what was expected."""
    same((asked, found if meaning(found) != meaning(wanted) else wanted), (asked, wanted))
