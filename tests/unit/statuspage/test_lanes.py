"""Where shifts lie on a timeline, whatever the zone and the week."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.statuspage.domain.lanes import Doubt as Unreached
from services.statuspage.domain.lanes import (
    Slot,
    Stretch,
    Weeks,
    colours,
    doubts,
    final,
    layers,
    people,
    spoken,
    stretch,
    zone_of,
)

LISBON = ZoneInfo("Europe/Lisbon")
NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = (
    "UTC",
    "Europe/Lisbon",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
)


def slot(person: str, since: int, until: int, **more: str) -> Slot:
    """Hours from Monday, the second of March."""
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    return Slot(person or None, person.capitalize(), monday + since * HOUR, monday + until * HOUR, **more)


WEEK = stretch(None, 1, ZoneInfo("UTC"), NOW)


@given(st.dates(date(1971, 1, 1), date(2199, 1, 1)), st.sampled_from(ZONES), st.sampled_from([1, 4]))
def test_days_stand_side_by_side_from_a_monday_on_and_fill_the_stretch(day: date, zone: str, weeks: Weeks) -> None:
    across = stretch(day, weeks, ZoneInfo(zone), NOW)
    days = across.days(NOW)
    assert across.first.weekday() == 0
    assert across.first <= day < across.after
    assert len(days) == 7 * weeks
    assert days[0].x == 0
    assert sum(one.width for one in days) == pytest.approx(100, abs=0.1)
    assert all(before.x + before.width == pytest.approx(after.x, abs=0.01) for before, after in pairwise(days))
    assert stretch(across.before, weeks, ZoneInfo(zone), NOW).after == across.first


def test_a_day_on_which_clocks_go_forward_is_an_hour_narrower() -> None:
    week = Stretch(date(2026, 3, 23), 1, LISBON)
    widths = [round(day.width * (week.end - week.start) / HOUR / 100) for day in week.days(NOW)]
    assert widths == [24, 24, 24, 24, 24, 24, 23]
    assert [day.beside for day in stretch(date(2026, 6, 1), 1, LISBON, NOW).days(NOW)] == ["23:00 UTC"] * 7


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-30, 190), st.integers(1, 60)), max_size=12))
def test_no_bar_hides_another_and_none_leaves_the_drawing(given_shifts: list[tuple[str, int, int]]) -> None:
    slots = [slot(person, since, since + length) for person, since, length in given_shifts]
    for lane in (*final(slots, [], WEEK, colours(slots)), *people(slots, WEEK, colours(slots))):
        for row in lane.rows:
            assert all(before.x + before.width <= after.x + 0.002 for before, after in pairwise(row))
            assert all(0 <= bar.x <= bar.x + bar.width <= 100.001 for bar in row)


def test_the_final_schedule_has_a_lane_for_each_role_and_its_gaps_in_red() -> None:
    slots = [slot("ana", 0, 24, role="secondary"), slot("ben", 0, 12), slot("", 12, 20)]
    gap = (slot("", 20, 30).since, slot("", 20, 30).until, "Ana")
    primary, secondary = final(slots, [gap], WEEK, colours(slots))
    assert (primary.name, secondary.name) == ("Primary", "Secondary")
    [row] = primary.rows
    assert [(bar.text, bar.tone) for bar in row] == [("Ben", "person"), ("Nobody", "nobody"), ("Nobody", "nobody")]
    assert row[-1].title == "Nobody is on shift: Mon 2 Mar 20:00 to Tue 3 Mar 06:00 UTC; Ana could take it"
    [alone] = final([], [gap], WEEK, {})
    assert alone.name == "Primary"


def test_somebody_has_one_colour_in_every_lane_and_lanes_of_people_say_when_or_as_what() -> None:
    slots = [
        slot("ben", 0, 12, layer="turns"),
        slot("ana", 12, 24, layer="turns"),
        slot("ana", 30, 60, role="secondary"),
    ]
    hues = colours(slots)
    [turns, *_] = layers(slots, WEEK, hues)
    ana, ben = people(slots, WEEK, hues)
    assert (turns.name, [bar.colour for bar in turns.rows[0]]) == ("Turns", [1, 0])
    assert ([bar.text for bar in ana.rows[0]], [bar.text for bar in ben.rows[0]]) == (["12:00", "Secondary"], ["00:00"])


def test_a_narrow_bar_says_its_name_only_in_its_title() -> None:
    [lane] = people([slot("ana", 0, 2)], WEEK, {"ana": 0})
    assert (lane.rows[0][0].text, lane.rows[0][0].title) == ("", "Ana, Mon 2 Mar 00:00 to 02:00 UTC, primary")


def test_who_cannot_be_reached_has_a_lane_where_it_touches_the_stretch() -> None:
    found = [
        Unreached("the CAO", slot("", -200, 900).since, slot("", 0, 900).until, "The CAO reaches nobody"),
        Unreached("the COO", slot("", 300, 301).since, slot("", 300, 301).until, "The COO reaches nobody"),
    ]
    [lane] = doubts(found, WEEK)
    assert (lane.name, lane.rows[0][0].x, lane.rows[0][0].width) == ("The CAO", 0, 100)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "Mon 2 Mar 22:00 to Tue 3 Mar 06:00 UTC"),
        ("Europe/Lisbon", "Mon 2 Mar 22:00 to Tue 3 Mar 06:00 UTC"),
        ("Asia/Tokyo", "Tue 3 Mar 07:00 to 15:00 (Mon 2 Mar 22:00 to Tue 3 Mar 06:00 UTC)"),
    ],
)
def test_a_time_is_told_on_the_readers_clock_with_utc_beside_it_where_they_differ(zone: str, text: str) -> None:
    one = slot("ana", 22, 30)
    assert spoken(one.since, one.until, ZoneInfo(zone)) == text


@pytest.mark.parametrize(
    "name", ["", "Nowhere/City", "../../etc/passwd", "/etc/localtime", "Europe", "Zürich", "a" * 100]
)
def test_what_is_no_zone_is_utc(name: str) -> None:
    assert zone_of(name).key == "UTC"
    assert zone_of(name, "Asia/Tokyo").key == "Asia/Tokyo"
