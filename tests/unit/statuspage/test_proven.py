"""Proof in words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from services.statuspage.domain.proven import evenness, is_serious, summary

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """A doubt."""

    doubt: str
    starts_at: datetime


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        ([], "Somebody can be reached at every moment of the next 14 days"),
        ([5], "One doubt in the next 14 days, which begins in 5 hours"),
        ([50, -1], "Two doubts in the next 14 days; the first is there already"),
    ],
)
def test_the_first_line_says_how_many_doubts_there_are_and_how_soon(hours: list[int], text: str) -> None:
    assert summary([Found("gap", NOW + timedelta(hours=hour)) for hour in hours], 14, NOW) == text


def test_what_may_wait_is_no_doubt_of_the_first_line() -> None:
    found = [Found("unverified_contact", NOW), Found("no_backup", NOW + timedelta(hours=5))]
    assert summary(found, 14, NOW) == "One doubt in the next 14 days, which begins in 5 hours"
    assert summary(found[:1], 14, NOW).startswith("Somebody can be reached")


def test_a_doubt_is_serious_where_a_page_reaches_nobody_and_one_that_is_new_is_not() -> None:
    assert is_serious(Found("nobody_reachable", NOW))
    assert not is_serious(Found("no_backup", NOW))
    assert not is_serious(Found("quiet_hours", NOW))


@pytest.mark.parametrize(
    ("indices", "text"),
    [
        ((1.0, 0.97, 0.95), "Hours, nights and weekends are shared evenly."),
        ((1.0, 0.45, 0.81), "Hours are shared evenly; nights (0.45 of 1) and weekends (0.81 of 1) are not."),
        ((0.5, 0.45, 0.81), "Hours (0.50 of 1), nights (0.45 of 1) and weekends (0.81 of 1) are shared unevenly."),
    ],
)
def test_it_says_what_is_shared_evenly_and_what_is_not(indices: tuple[float, float, float], text: str) -> None:
    assert evenness(*indices) == text
