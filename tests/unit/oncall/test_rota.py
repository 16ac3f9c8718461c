"""Who is on shift: tables for the rules, hypothesis for what must hold in every zone on every day."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.oncall.domain.rota import Rota, Turn
from services.oncall.domain.schedule import on_call, on_shift, shifts
from services.oncall.domain.walltime import instant_of

PROCESS = (("02:00-10:00", "stefania"), ("10:00-18:00", "rafael"), ("18:00-02:00", "abdul"))


def rota(*turns: tuple[str, str | None], zone: str = "UTC", **rest: object) -> Rota:
    listed = [{"hours": hours, "person": person} for hours, person in turns or PROCESS]
    return Rota.model_validate({"id": "default", "name": "On shift", "zone": zone, "turns": listed, **rest})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("instant", "person"),
    [
        ("2026-03-02T02:00:00Z", "stefania"),
        ("2026-03-02T09:15:00Z", "stefania"),
        ("2026-03-02T09:59:59.999999Z", "stefania"),
        ("2026-03-02T10:00:00Z", "rafael"),
        ("2026-03-02T10:05:00Z", "rafael"),
        ("2026-03-02T18:00:00Z", "abdul"),
        ("2026-03-02T23:59:59Z", "abdul"),
        ("2026-03-03T00:00:00Z", "abdul"),
        ("2026-03-03T01:30:00Z", "abdul"),
        ("2026-03-03T02:00:00Z", "stefania"),
        ("2026-03-02T11:15:00+02:00", "stefania"),
    ],
)
def test_the_shift_of_the_process_is_found_at_every_hour(instant: str, person: str) -> None:
    assert [shift.person for shift in on_shift(rota(), at(instant))] == [person]


def test_a_shift_across_midnight_is_one_shift() -> None:
    (shift,) = on_shift(rota(), at("2026-03-03T01:30:00Z"))
    assert (shift.starts_at, shift.ends_at) == (at("2026-03-02T18:00:00Z"), at("2026-03-03T02:00:00Z"))


def test_the_next_shift_follows_the_present_one() -> None:
    answer = on_call(rota(), at("2026-03-02T17:00:00Z"))
    assert answer.next is not None
    assert (answer.next.person, answer.next.starts_at) == ("abdul", at("2026-03-02T18:00:00Z"))


def test_nobody_is_on_shift_in_a_gap_and_the_next_shift_is_still_known() -> None:
    answer = on_call(rota(("08:00-18:00", "rafael")), at("2026-03-02T20:00:00Z"))
    assert answer.now == ()
    assert answer.next is not None
    assert answer.next.starts_at == at("2026-03-03T08:00:00Z")


def test_overlapping_turns_are_both_on_shift_in_the_order_of_the_rota() -> None:
    both = rota(("08:00-18:00", "rafael"), ("06:00-12:00", "abdul"))
    assert [shift.person for shift in on_shift(both, at("2026-03-02T09:00:00Z"))] == ["rafael", "abdul"]


def test_equal_ends_mean_the_whole_day() -> None:
    whole = rota(("09:00-09:00", "rafael"))
    assert [shift.ends_at - shift.starts_at for shift in on_shift(whole, at("2026-03-02T09:00:00Z"))] == [
        timedelta(days=1)
    ]
    midnight = rota(("00:00-24:00", "rafael"))
    assert [shift.person for shift in on_shift(midnight, at("2026-03-02T23:59:59Z"))] == ["rafael"]


def test_a_rota_begins_with_the_turns_of_its_first_day_and_ends_with_those_of_its_last() -> None:
    bounded = rota(starts_on="2026-03-02", ends_on="2026-03-03")
    assert on_shift(bounded, at("2026-03-02T01:00:00Z")) == ()
    assert [shift.person for shift in on_shift(bounded, at("2026-03-02T02:00:00Z"))] == ["stefania"]
    assert [shift.person for shift in on_shift(bounded, at("2026-03-04T01:59:00Z"))] == ["abdul"]
    assert on_shift(bounded, at("2026-03-04T02:00:00Z")) == ()
    assert on_call(bounded, at("2026-03-04T02:00:00Z")).next is None


def test_a_turn_that_begins_next_year_is_the_next_shift() -> None:
    later = Rota(id="x", name="X", turns=(Turn(hours="08:00-09:00", person="rafael", starts_on=date(2027, 1, 1)),))
    following = on_call(later, at("2026-03-02T09:00:00Z")).next
    assert following is not None
    assert following.starts_at == at("2027-01-01T08:00:00Z")


@pytest.mark.parametrize(
    ("day", "clock", "instant"),
    [
        ("2018-03-11", "01:30", "2018-03-11T01:30:00-06:00"),
        ("2018-03-11", "02:00", "2018-03-11T03:00:00-05:00"),
        ("2018-03-11", "02:30", "2018-03-11T03:00:00-05:00"),
        ("2018-03-11", "03:00", "2018-03-11T03:00:00-05:00"),
        ("2018-11-04", "00:30", "2018-11-04T00:30:00-05:00"),
        ("2018-11-04", "01:00", "2018-11-04T01:00:00-05:00"),
        ("2018-11-04", "01:30", "2018-11-04T01:30:00-05:00"),
        ("2018-11-04", "02:00", "2018-11-04T02:00:00-06:00"),
    ],
)
def test_a_skipped_time_is_the_end_of_the_gap_and_a_repeated_one_its_first_occurrence(
    day: str, clock: str, instant: str
) -> None:
    assert instant_of(date.fromisoformat(day), time.fromisoformat(clock), ZoneInfo("America/Chicago")) == at(instant)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "instant"),
    [
        ("Pacific/Apia", "2011-12-30", "10:00", "2011-12-31T00:00:00+14:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04T02:30:00+11:00"),
        ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T01:00:00-02:00"),
        ("Europe/Lisbon", "2026-03-29", "01:30", "2026-03-29T02:00:00+01:00"),
        ("Africa/Monrovia", "1972-01-07", "00:15", "1972-01-07T00:45:00Z"),
    ],
)
def test_gaps_of_odd_zones_end_at_their_first_minute(zone: str, day: str, clock: str, instant: str) -> None:
    assert instant_of(date.fromisoformat(day), time.fromisoformat(clock), ZoneInfo(zone)) == at(instant)


@pytest.mark.parametrize(
    ("instant", "person", "hours"),
    [
        ("2017-03-12T00:30:00-06:00", "abdul", 8),
        ("2017-03-12T04:00:00-05:00", "stefania", 7),
        ("2017-11-05T00:30:00-05:00", "abdul", 9),
        ("2017-06-05T00:30:00-05:00", "abdul", 8),
    ],
)
def test_a_shift_in_which_clocks_change_is_an_hour_shorter_or_longer(instant: str, person: str, hours: int) -> None:
    (shift,) = on_shift(rota(zone="America/Chicago"), at(instant))
    assert (shift.person, shift.ends_at - shift.starts_at) == (person, timedelta(hours=hours))


def test_a_turn_that_lies_in_the_gap_does_not_happen_that_day() -> None:
    short = rota(("02:00-02:30", "rafael"), zone="America/Chicago")
    found = shifts(short, at("2018-03-10T00:00:00-06:00"), at("2018-03-13T00:00:00-05:00"))
    assert [shift.starts_at for shift in found] == [at("2018-03-10T02:00:00-06:00"), at("2018-03-12T02:00:00-05:00")]


def test_hand_offs_keep_their_local_hours_after_years_of_clock_changes() -> None:
    (shift,) = on_shift(rota(zone="America/Chicago"), at("2021-03-10T09:00:01-06:00"))
    assert shift.ends_at == at("2021-03-10T10:00:00-06:00")


def test_a_range_has_every_shift_that_touches_it_whole() -> None:
    found = shifts(rota(), at("2026-03-02T01:00:00Z"), at("2026-03-02T10:00:00Z"))
    assert [(shift.person, shift.starts_at.hour, shift.ends_at.hour) for shift in found] == [
        ("abdul", 18, 2),
        ("stefania", 2, 10),
    ]


@pytest.mark.parametrize("hours", ["2-10", "02:00", "25:00-03:00", "02:60-03:00", "24:00-02:00", ""])
def test_hours_that_no_clock_shows_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError, match="02:00-10:00"):
        Turn(hours=hours, person="rafael")


def test_a_zone_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="Europe/Lisboa"):
        rota(zone="Europe/Lisboa")


zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
instants = st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by the API
minutes = st.integers(0, 24 * 60 - 1)


@given(zone=zones, start=instants, cuts=st.sets(minutes, min_size=1, max_size=6), days=st.integers(0, 5))
def test_turns_that_fill_the_day_cover_every_instant_exactly_once(
    zone: str, start: datetime, cuts: set[int], days: int
) -> None:
    marks = [f"{cut // 60:02}:{cut % 60:02}" for cut in sorted(cuts)]
    turns = [
        (f"{begin}-{end}", f"p{number}")
        for number, (begin, end) in enumerate(zip(marks, [*marks[1:], marks[0]], strict=True))
    ]
    full = rota(*turns, zone=zone)
    end = start + timedelta(days=days, minutes=1)
    found = shifts(full, start, end)
    assert found[0].starts_at <= start
    assert found[-1].ends_at >= end
    assert all(one.ends_at == two.starts_at for one, two in pairwise(found))


@given(zone=zones, start=instants, clocks=st.lists(minutes, min_size=2, max_size=2))
def test_later_clock_times_never_come_earlier(zone: str, start: datetime, clocks: list[int]) -> None:
    earlier, later = (time(clock // 60, clock % 60) for clock in sorted(clocks))
    day = start.date()
    info = ZoneInfo(zone)
    assert instant_of(day, earlier, info) <= instant_of(day, later, info)
    assert instant_of(day, later, info) <= instant_of(day + timedelta(days=1), earlier, info)


@given(zone=zones, start=instants, begin=minutes, length=st.integers(1, 24 * 60))
def test_who_is_on_shift_now_is_who_the_list_of_shifts_names(
    zone: str, start: datetime, begin: int, length: int
) -> None:
    end = (begin + length) % (24 * 60)
    one = rota((f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}", "rafael"), zone=zone)
    listed = [shift for shift in shifts(one, start, start + timedelta(seconds=1)) if shift.covers(start)]
    assert list(on_shift(one, start)) == listed
