"""Ninety bars of a component."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.statuspage.domain.days import Outage, fold_days, outage_of, outages_of, percent, share_up
from tests.support.statuspage import NOW, at, incident

SINCE = date(2025, 1, 1)
MINUTES = st.integers(min_value=-130 * 1440, max_value=0)


def test_a_day_shows_its_worst_level_and_for_how_long() -> None:
    outages = [Outage(at(8, 0, 2), at(10, 0, 2), "degraded"), Outage(at(9, 0, 2), at(9, 30, 2), "down")]
    day = fold_days(outages, NOW, SINCE)[-3]
    assert day.date == date(2025, 5, 26)
    assert (day.level, day.text) == ("down", "26 May: did not work for 30 minutes")


def test_an_outage_across_midnight_is_on_both_days() -> None:
    days = fold_days([Outage(at(23, 30, 2), at(0, 45, 1), "down")], NOW, SINCE)
    assert [day.affected for day in days[-3:]] == [timedelta(minutes=30), timedelta(minutes=45), timedelta(0)]


def test_what_lasts_still_counts_up_to_now() -> None:
    today = fold_days([Outage(at(9, 15), None, "down")], NOW, SINCE)[-1]
    assert today.text == "28 May: did not work for 33 minutes"


def test_days_before_a_component_was_known_have_no_data() -> None:
    days = fold_days([], NOW, date(2025, 5, 20))
    assert [day.level for day in days[-10:]] == [None, *["ok"] * 9]
    assert days[0].text == "28 February: no data"


def test_a_false_positive_never_happened() -> None:
    assert outage_of(incident(1, at(9), verdict="false_positive")) is None


def test_a_system_that_is_down_takes_every_component_with_it() -> None:
    down = incident(1, at(9), category="system_down", service=None)
    assert outages_of([down], "reports", NOW)
    assert not outages_of([incident(2, at(9))], "reports", NOW)


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.9996, "99.96 %"), (0.0, "0.00 %")]
)
def test_only_what_was_whole_is_called_whole(share: float, text: str) -> None:
    assert percent(share) == text


def test_problems_and_maintenance_do_not_count_as_not_working() -> None:
    assert share_up([Outage(at(1), at(9), "maintenance"), Outage(at(1), at(9), "degraded")], NOW, SINCE) == 1.0
    half = share_up([Outage(at(0), at(4, 54), "down")], NOW, NOW.date())
    assert half == pytest.approx(0.5)


@given(st.lists(st.tuples(MINUTES, MINUTES, st.sampled_from(["down", "degraded", "maintenance"])), max_size=12))
def test_no_day_is_longer_than_a_day_however_outages_overlap(spans: list[tuple[int, int, str]]) -> None:
    outages = [
        Outage(NOW + timedelta(minutes=min(a, b)), NOW + timedelta(minutes=max(a, b)), level)  # type: ignore[arg-type]
        for a, b, level in spans
    ]
    days = fold_days(outages, NOW, SINCE)
    assert len(days) == 90
    assert all(timedelta(0) <= day.affected <= timedelta(days=1) for day in days)
    assert 0 <= share_up(outages, NOW, SINCE) <= 1
