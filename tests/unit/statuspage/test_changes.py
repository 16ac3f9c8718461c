"""Changes of a rota: from a form to oncall, and back into a sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.statuspage.domain.changes import Kind, NoChange, asked, filled, instant, soon, told

LISBON = ZoneInfo("Europe/Lisbon")
NAMES = {"ana": "Ana", "ben": "Ben"}
TIMES = {"starts_at": "2026-07-01T10:00", "ends_at": "2026-07-01T18:00"}
SENT = {"starts_at": "2026-07-01T09:00:00+00:00", "ends_at": "2026-07-01T17:00:00+00:00"}
WHEN = "Wed 1 Jul 10:00 to 18:00 (Wed 1 Jul 09:00 to 17:00 UTC)"


@pytest.mark.parametrize(
    ("kind", "form", "path", "body", "sentence"),
    [
        ("override", {"add": "ana", "remove": "ben"}, "schedules/a%2Fb/overrides", {"add": "ana", "remove": "ben", "role": "primary"}, f"Ana has the place of Ben, {WHEN}"),
        ("override", {"add": "ana", "role": "shadow"}, "schedules/a%2Fb/overrides", {"add": "ana", "role": "shadow"}, f"Ana comes as shadow, {WHEN}"),
        ("override", {"remove": "eve"}, "schedules/a%2Fb/overrides", {"remove": "eve", "role": "primary"}, f"eve goes, {WHEN}"),
        ("absence", {"person": "ben", "reason": "holiday"}, "absences", {"person": "ben", "reason": "holiday"}, f"Ben is away (holiday), {WHEN}"),
        ("swap", {"of": "ben"}, "schedules/a%2Fb/swaps", {"of": "ben", "role": "primary"}, f"Ben offers their shifts to whoever takes them, {WHEN}"),
    ],
)  # fmt: skip
def test_a_form_on_the_readers_clock_becomes_a_change_and_a_sentence(
    kind: Kind, form: dict[str, str], path: str, body: dict[str, Any], sentence: str
) -> None:
    made = asked(kind, "a/b", {**form, **TIMES}, LISBON)
    assert (made.path, made.body) == (path, {**SENT, **body})
    assert told(made.body, NAMES, LISBON) == sentence


@pytest.mark.parametrize(
    ("kind", "change", "path"),
    [
        ("override", {"add": "ana", "remove": None, "role": "shadow"}, "schedules/a%2Fb/overrides"),
        ("override", {"add": "ana", "remove": "ben", "role": "primary"}, "schedules/a%2Fb/overrides"),
        ("absence", {"person": "ben", "reason": ""}, "absences"),
        ("absence", {"person": "ben", "reason": "a <b>"}, "absences"),
    ],
)
def test_what_was_made_fills_its_form_and_is_put_as_it_was_seen(kind: Kind, change: dict[str, Any], path: str) -> None:
    form = filled({**SENT, **change}, LISBON)
    put = asked(kind, "a/b", {**form, "change": "1-2", "version": "ab/c"}, LISBON)
    assert (put.method, put.path) == ("PUT", f"{path}/1-2?version=ab%2Fc")
    assert put.body == {**SENT, **{name: said for name, said in change.items() if said is not None}}
    assert asked(kind, "a/b", form, LISBON).method == "POST"


def test_a_temporary_span_names_who_counts() -> None:
    span = {**SENT, "shifts": [{"person": "ana"}, {"person": "ben"}, {"person": "ana"}]}
    assert told(span, NAMES, LISBON) == f"Only Ana and Ben count, {WHEN}"
    assert told({**span, "shifts": [{"person": "ana"}]}, NAMES, LISBON) == f"Only Ana counts, {WHEN}"
    assert told({**SENT, "shifts": []}, NAMES, LISBON) == f"Only nobody counts, {WHEN}"


def test_the_form_of_a_temporary_span_has_its_shifts_and_whoever_has_no_times_has_all_of_it() -> None:
    form = {
        **TIMES, "person.0": "ana", "starts_at.0": "", "ends_at.0": "",
        "person.1": "", "starts_at.1": "2026-07-01T11:00",
        "person.2": "ben", "role.2": "shadow", "starts_at.2": "2026-07-01T12:30", "ends_at.2": "",
    }  # fmt: skip
    made = asked("span", "a/b", form, LISBON)
    assert (made.method, made.path) == ("POST", "schedules/a%2Fb/spans")
    assert made.body == {
        **SENT,
        "shifts": [
            {"person": "ana", "role": "primary", **SENT},
            {"person": "ben", "role": "shadow", **SENT, "starts_at": "2026-07-01T11:30:00+00:00"},
        ],
    }
    again = filled(made.body, LISBON)
    assert asked("span", "a/b", again, LISBON) == made
    later = {**again, "ends_at": "2026-07-01T20:00", "change": "1-2"}
    moved = asked("span", "a/b", later, LISBON)
    assert (moved.method, moved.path) == ("PUT", "schedules/a%2Fb/spans/1-2")
    assert {shift["ends_at"] for shift in moved.body["shifts"]} == {"2026-07-01T19:00:00+00:00"}


@pytest.mark.parametrize(
    ("kind", "form", "sentence"),
    [
        ("override", TIMES, "Choose who comes"),
        ("absence", TIMES, "Choose who is away"),
        ("swap", {"starts_at": "", "ends_at": ""}, "Say when the beginning is"),
        ("swap", {**TIMES, "ends_at": "0001-01-01T00:00"}, "Say when the end is"),
        ("absence", {**TIMES, "ends_at": "2026-07-01T10:00"}, "must lie after"),
        ("span", {**TIMES, "person.0": "ana", "starts_at.0": "soon"}, "Say when the beginning of shift 1 is"),
        ("span", {**TIMES, "person.0": "ana", "ends_at.0": "2026-07-01T10:00"}, "end of shift 1 must lie after"),
        ("span", {**TIMES, "person.0": "", "person.1": "ana", "ends_at.1": "2026-07-01T18:01"}, "Shift 2 must lie within"),
    ],
)  # fmt: skip
def test_a_form_that_says_no_change_says_what_is_missing(kind: Kind, form: dict[str, str], sentence: str) -> None:
    with pytest.raises(NoChange, match=sentence):
        asked(kind, "default", form, ZoneInfo("Asia/Tokyo"))


ZONES = st.sampled_from(["UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MOMENTS = st.integers(0, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(now=MOMENTS, name=ZONES)
def test_the_times_that_a_form_says_at_first_are_a_full_hour_to_come_and_a_day_on_the_readers_clock(
    now: datetime, name: str
) -> None:
    zone = ZoneInfo(name)
    form = soon(now, zone)
    begin, end = (datetime.fromisoformat(form[edge]) for edge in ("starts_at", "ends_at"))
    assert (begin.minute, end - begin) == (0, timedelta(days=1))
    # where clocks go back the hour exists twice, and the first one is meant
    assert -timedelta(hours=1) <= instant(form, "starts_at", zone) - now <= timedelta(hours=2)
    assert asked("absence", "default", {**form, "person": "ana"}, zone).body["person"] == "ana"
