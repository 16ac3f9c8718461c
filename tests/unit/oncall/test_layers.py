"""Layers: people who take turns. Tables for the rules, hypothesis for what must hold in every zone from 1970 to 2100."""

from collections import Counter
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.oncall.domain.layer import Layer, plan_of, without_person
from services.oncall.domain.mask import Mask, Weekly
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_shift, shifts, uncovered
from services.oncall.domain.shift import Shift
from services.oncall.domain.spans import common, joined
from services.oncall.domain.turns import Grid, Unit, months_later
from services.oncall.domain.walltime import instant_of

MONDAY = "2026-03-02"


def layer(**said: Any) -> Layer:
    defaults = {"id": "week", "people": ["ana", "ben", "cem"], "every": "1 week", "starts_on": MONDAY}
    return Layer.model_validate(defaults | said)


def rota(*layers: Layer, zone: str = "UTC", **rest: Any) -> Rota:
    return Rota.model_validate({"id": "r", "name": "R", "zone": zone, "layers": layers, **rest})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def who(one: Rota, *instants: str) -> list[list[str | None]]:
    return [[shift.person for shift in on_shift(one, at(text))] for text in instants]


def test_weeks_hand_over_on_their_day_at_their_time() -> None:
    one = rota(layer(hand_off="we 09:30"), zone="Europe/Lisbon")
    assert who(one, "2026-03-04T09:29:00Z", "2026-03-04T09:30:00Z", "2026-04-01T08:29:00Z", "2026-04-01T08:30:00Z") == [
        ["ana"],
        ["ben"],
        ["ben"],
        ["cem"],
    ]


def test_a_layer_with_a_zone_of_its_own_follows_the_clocks_there() -> None:
    said: dict[str, Any] = {"people": ["ana"], "every": "1 day", "only": [{"days": "mo-fr", "hours": "09:00-17:00"}]}
    one = rota(
        layer(id="berlin", zone="Europe/Berlin", **said),
        layer(id="chicago", **said),
        layer(id="tokyo", zone="Asia/Tokyo", **said),
        zone="America/Chicago",
    )
    days = shifts(one, at("2026-03-27T00:00:00Z"), at("2026-03-31T00:00:00Z"))
    assert [(f"{shift.starts_at:%a %H}", shift.layer) for shift in days] == [
        ("Fri 00", "tokyo"),
        ("Fri 08", "berlin"),
        ("Fri 14", "chicago"),
        ("Mon 00", "tokyo"),
        ("Mon 07", "berlin"),  # clocks went forward on Sunday, in Berlin alone
        ("Mon 14", "chicago"),
    ]
    with pytest.raises(ValueError, match="no IANA time zone"):
        layer(zone="Mars/Base")


def test_a_custom_cycle_has_turns_of_different_length() -> None:
    one = rota(layer(every=["4 days", "3 days"], people=["ana", "ben"]))
    found = shifts(one, at("2026-03-02T00:00:00Z"), at("2026-03-16T00:00:00Z"))
    assert [(shift.person, (shift.ends_at - shift.starts_at).days) for shift in found] == [
        ("ana", 4),
        ("ben", 3),
        ("ana", 4),
        ("ben", 3),
    ]


@pytest.mark.parametrize("starts_on", ["2025-12-01", "2025-08-31", "2025-12-31", "2025-05-01", "2024-03-01"])
@pytest.mark.parametrize(
    ("day", "found"),
    [
        (28, ["01-28", "02-28", "03-28", "04-28", "05-28"]),
        (29, ["01-29", "02-28", "03-29", "04-29", "05-29"]),
        (30, ["01-30", "02-28", "03-30", "04-30", "05-30"]),
        (31, ["01-31", "02-28", "03-31", "04-30", "05-31"]),
    ],
)
def test_months_hand_over_on_the_last_day_of_a_month_that_has_no_such_day_and_on_theirs_in_the_next(
    starts_on: str, day: int, found: list[str]
) -> None:
    one = rota(layer(every="monthly", starts_on=starts_on, hand_off=f"{day} 00:00"))
    listed = shifts(one, at("2026-01-31T12:00:00Z"), at("2026-06-01T00:00:00Z"))
    assert [shift.starts_at.strftime("%m-%d") for shift in listed] == found
    first, second = (on_shift(one, listed[1].starts_at + timedelta(seconds=beside)) for beside in (-1, 0))
    assert (first[0], second[0]) == (listed[0], listed[1])


@pytest.mark.parametrize(
    ("start", "months", "later"),
    [("2026-01-31", 1, "2026-02-28"), ("2024-01-31", 1, "2024-02-29"), ("2026-01-31", -1, "2025-12-31")],
)
def test_a_month_later_is_the_same_day_where_there_is_one(start: str, months: int, later: str) -> None:
    assert months_later(datetime.fromisoformat(start), months) == datetime.fromisoformat(later)


def test_whoever_is_named_twice_in_a_turn_is_on_shift_once() -> None:
    one = rota(layer(people=[["ana", "ben", "ana"], "cem"]))
    assert [shift.person for shift in on_shift(one, at("2026-03-02T12:00:00Z"))] == ["ana", "ben"]


def test_a_masked_day_uses_up_nobodys_turn() -> None:
    one = rota(layer(every="1 day", only=[{"days": "mo-fr"}]))
    found = shifts(one, at("2026-03-02T00:00:00Z"), at("2026-03-16T00:00:00Z"))
    assert [shift.person for shift in found] == ["ana", "ben", "cem", "ana", "ben", "cem", "ana", "ben", "cem", "ana"]


def test_hours_are_counted_on_the_mask() -> None:
    office = [{"days": "mo-fr", "hours": "09:00-17:00"}]
    one = rota(layer(every="8 hours", only=office, hand_off="09:00"))
    found = shifts(one, at("2026-03-02T00:00:00Z"), at("2026-03-10T00:00:00Z"))
    assert [(shift.person, shift.starts_at.day) for shift in found] == [
        ("ana", 2),
        ("ben", 3),
        ("cem", 4),
        ("ana", 5),
        ("ben", 6),
        ("cem", 9),
    ]


def test_a_window_across_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    one = rota(layer(every=None, people=["ana"], starts_on=None, only=[{"days": "fr", "hours": "20:00-08:00"}]))
    assert who(one, "2026-03-07T07:59:00Z", "2026-03-07T20:00:00Z", "2026-03-06T19:59:00Z") == [["ana"], [], []]


def test_a_window_of_some_dates_keeps_to_them() -> None:
    first = [{"month_days": "1:7", "days": "mo", "hours": "09:00-12:00"}]
    one = rota(layer(every=None, people=["ana"], starts_on=None, only=first))
    found = shifts(one, at("2026-03-01T00:00:00Z"), at("2026-06-01T00:00:00Z"))
    assert [shift.starts_at.strftime("%m-%d") for shift in found] == ["03-02", "04-06", "05-04"]


def test_the_higher_layer_has_the_night_and_the_lower_one_the_rest() -> None:
    night = layer(id="night", people=["nil"], every=None, starts_on=None, priority=5, only=[{"hours": "22:00-06:00"}])
    day = layer(people=["ana"], every=None, starts_on=None)
    found = shifts(rota(day, night), at("2026-03-03T00:00:00Z"), at("2026-03-04T00:00:00Z"))
    assert [(shift.person, shift.starts_at.hour, shift.ends_at.hour) for shift in found] == [
        ("nil", 22, 6),
        ("ana", 6, 22),
        ("nil", 22, 6),
    ]


def test_layers_of_the_same_priority_are_on_shift_together_and_roles_hide_nobody() -> None:
    both = [layer(id=name, people=[name], every=None, starts_on=None) for name in ("ana", "ben")]
    second = layer(id="second", people=["cem"], every=None, starts_on=None, role="secondary", priority=9)
    assert who(rota(*both, second), "2026-03-03T00:00:00Z") == [["ana", "ben", "cem"]]


def test_a_layer_runs_from_its_first_day_until_its_last() -> None:
    one = rota(layer(ends_on="2026-03-10", hand_off="mo 09:00"))
    assert who(one, "2026-03-02T08:59:00Z", "2026-03-02T09:00:00Z", "2026-03-11T08:59:00Z", "2026-03-11T09:00:00Z") == [
        [],
        ["ana"],
        ["ben"],
        [],
    ]


def test_what_was_cut_off_has_used_up_its_turns() -> None:
    one = rota(layer(since="2026-03-10T12:00:00Z"))
    (shift,) = on_shift(one, at("2026-03-11T00:00:00Z"))
    assert (shift.person, shift.starts_at) == ("ben", at("2026-03-10T12:00:00Z"))


def test_people_who_share_a_turn_are_on_shift_together() -> None:
    assert who(rota(layer(people=[["ana", "ben"], "cem"])), "2026-03-03T00:00:00Z") == [["ana", "ben"]]


@pytest.mark.parametrize("gone", ["ana", "ben", "cem", "dan"])
def test_whoever_has_the_turn_keeps_it_when_another_leaves(gone: str) -> None:
    before = layer(people=["ana", "ben", "cem", "dan"])
    for week in range(4):
        moment = at("2026-03-03T00:00:00Z") + timedelta(weeks=week)
        (present,) = plan_of(before, "UTC").group(week)
        after = without_person(before, gone, "UTC", moment)
        assert after is not None
        (keeps,) = plan_of(after, "UTC").group(week)
        assert keeps == (present if present != gone else plan_of(before, "UTC").group(week + 1)[0])


def test_the_last_one_leaves_nothing() -> None:
    assert without_person(layer(people=["ana"]), "ana", "UTC", at("2026-03-03T00:00:00Z")) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"every": "1 fortnight"}, "a number of hours, days, weeks or months"),
        ({"every": "-1 week"}, "a number of hours"),
        ({"every": ["1 week", "2 days"]}, "the same unit"),
        ({"every": []}, "turns last as long as"),
        ({"hand_off": "9"}, "is no hand-off"),
        ({"hand_off": " "}, "is no hand-off"),
        ({"every": "fortnightly"}, "as `2 weeks`"),
        ({"hand_off": "xx 09:00"}, "is no day of the week"),
        ({"hand_off": "1 09:00", "every": "1 day"}, "is no day to hand over on"),
        ({"starts_on": None}, "starts_on"),
        ({"every": None}, "give every"),
        ({"people": []}, "at least 1"),
        ({"first": 3}, "first counts"),
        ({"only": [{"days": ""}]}, "needs a day"),
        ({"only": [{"days": "mo", "hours": "9-17"}]}, "02:00-10:00"),
        ({"only": [{"month_days": "0"}]}, "no day of a month"),
        ({"only": [{"month_days": "-15:5"}]}, "write -15:-1 and 1:5"),
        ({"only": [{"months": "13"}]}, "months are 1 to 12"),
        ({"lasts": "2 fortnights"}, "12 hours"),
    ],
)
def test_a_layer_that_says_nothing_clear_is_refused_with_what_to_write(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        layer(**said)


def test_a_layer_reads_back_what_it_wrote() -> None:
    one = layer(
        every=["4 days", "3 days"],
        lasts="90 minutes",
        people=[["ana", "ben"], "cem"],
        only=[{"days": "mo-we", "hours": "09:00-17:00", "month_days": "-7:-1"}],
    )
    assert Layer.model_validate(one.model_dump(mode="json")) == one


# What must hold always --------------------------------------------------------------------------------------------

zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
instants = st.datetimes(datetime(1970, 2, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by the API
clocks = st.integers(0, 24 * 60 - 1)
windows = st.builds(
    Weekly,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    at=clocks.map(lambda minutes: timedelta(minutes=minutes)),
    lasts=st.integers(1, 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
)
masks = st.lists(windows, min_size=1, max_size=3).map(lambda listed: Mask(tuple(listed)))
units: st.SearchStrategy[Unit] = st.sampled_from(("hours", "days", "weeks", "months"))
lengths = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    start = datetime.combine(draw(st.dates(date(1970, 2, 1), date(2099, 1, 1))), time(0)) + timedelta(
        minutes=draw(clocks)
    )
    mask = draw(st.one_of(st.just(Mask()), masks))
    return Grid(draw(units), draw(lengths), start, ZoneInfo(draw(zones)), mask)


@given(grid=grids(), moment=instants)
def test_every_instant_lies_in_exactly_the_turn_that_it_is_told(grid: Grid, moment: datetime) -> None:
    turn = grid.turn_at(moment)
    assert grid.hand_off(turn) <= moment < grid.hand_off(turn + 1)


@given(grid=grids(), turn=st.integers(-500, 500))
def test_hand_offs_never_go_back(grid: Grid, turn: int) -> None:
    assert grid.wall(turn) < grid.wall(turn + 1)
    assert grid.hand_off(turn) <= grid.hand_off(turn + 1)


def covered(mask: Mask, moment: datetime, zone: ZoneInfo) -> bool:
    """Asked of every window of the days around, one by one."""
    day = moment.astimezone(zone).date()
    for window in mask.windows:
        for back in range(-2, 4):
            begins_on = day - timedelta(days=back)
            if begins_on.weekday() in window.days:
                begin = datetime.combine(begins_on, time(0)) + window.at
                end = begin + window.lasts
                if instant_of(begin.date(), begin.time(), zone) <= moment < instant_of(end.date(), end.time(), zone):
                    return True
    return False


@given(mask=masks, zone=zones, moment=instants)
def test_a_mask_covers_what_its_windows_cover(mask: Mask, zone: str, moment: datetime) -> None:
    info = ZoneInfo(zone)
    spans = mask.spans(moment, moment + timedelta(microseconds=1), info)
    assert (mask.whole or bool(spans)) == covered(mask, moment, info)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    def window() -> dict[str, Any]:
        begin, end = draw(clocks), draw(clocks)
        days = sorted(draw(st.sets(st.sampled_from(["mo", "tu", "we", "th", "fr", "sa", "su"]), min_size=1)))
        return {"days": days, "hours": f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"}

    minutes = draw(clocks)
    unit = draw(units).removesuffix("s")
    return layer(
        people=[f"p{number}" for number in range(draw(st.integers(1, 4)))],
        every=[f"{number} {unit}" for number in draw(lengths)],
        hand_off=f"{minutes // 60:02}:{minutes % 60:02}",
        starts_on="1970-01-15",
        only=[window() for _ in range(draw(st.integers(0, 3)))],
    )


@given(one=layers(), zone=zones, start=instants, days=st.integers(1, 40))
def test_the_shifts_of_a_layer_fill_its_mask_and_never_overlap(
    one: Layer, zone: str, start: datetime, days: int
) -> None:
    end = start + timedelta(days=days)
    found = list(plan_of(one, zone).shifts(start, end))
    assert all(former.ends_at <= later.starts_at for former, later in pairwise(found))
    assert all(shift.starts_at < shift.ends_at for shift in found)
    mask = Mask(tuple(window.weekly() for window in one.only))
    wanted = [(start, end)] if mask.whole else common((start, end), mask.spans(start, end, ZoneInfo(zone)))
    assert common((start, end), joined(shift.span for shift in found)) == wanted


@given(one=layers(), other=layers(), zone=zones, start=instants, inside=st.integers(0, 10 * 24 * 60))
def test_who_is_on_shift_is_who_the_final_schedule_names(
    one: Layer, other: Layer, zone: str, start: datetime, inside: int
) -> None:
    both = rota(one, other.model_copy(update={"id": "other", "priority": 1}), zone=zone)
    moment = start + timedelta(minutes=inside)
    listed = {shift for shift in shifts(both, start, start + timedelta(days=10, minutes=1)) if shift.covers(moment)}
    assert set(on_shift(both, moment)) == listed
    assert len(listed) <= 1


@given(one=layers(), other=layers(), zone=zones, start=instants)
def test_layers_over_each_other_cover_what_any_of_them_covers(
    one: Layer, other: Layer, zone: str, start: datetime
) -> None:
    end = start + timedelta(days=10)
    both = rota(one, other.model_copy(update={"id": "other", "priority": 1}), zone=zone)
    alone = [shift for part in (one, other) for shift in plan_of(part, zone).shifts(start, end)]
    final = shifts(both, start, end)
    assert uncovered(final, start, end) == uncovered(alone, start, end)
    spans = sorted(shift.span for shift in final)
    assert all(former[1] <= later[0] for former, later in pairwise(spans))


@given(window=windows, people=st.integers(1, 5))
def test_turns_of_days_are_fair_under_any_mask(window: Weekly, people: int) -> None:
    grid = Grid("days", (1,), datetime(2026, 3, 2), ZoneInfo("UTC"), Mask((window,)))  # noqa: DTZ001 - a wall clock's
    begin, end = grid.hand_off(0), grid.hand_off(7 * people)
    spans = Mask((window,)).spans(begin, end, ZoneInfo("UTC"))
    turns = Counter(
        turn % people for turn, span in grid.turns(begin, end) if Mask((window,)).whole or common(span, spans)
    )
    assert len(set(turns.values())) == 1


def test_a_piece_of_a_shift_is_the_same_in_all_but_its_length() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    begin, end = noon - timedelta(hours=3), noon + timedelta(hours=3)
    shift = Shift("ana", begin, end, 7, "nights", "secondary", 3, "swap", "bo", "swap-1")
    told = {field.name: getattr(shift, field.name) for field in fields(Shift)}
    assert all(field.default != told[field.name] for field in fields(Shift))
    piece = shift.during((begin, noon))
    assert {field.name: getattr(piece, field.name) for field in fields(Shift)} == {**told, "ends_at": noon}
