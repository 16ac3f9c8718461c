"""How cases word what they say: the drivers read every wording alike, and a wording that means something else gives something else."""

from datetime import timedelta
from typing import Any

import pytest

from tests.cases.case import Case, NotYet
from tests.cases.run import play
from tests.cases.wording import days_of, hours_of, length, months_of, turns_of

EVERY_DAY = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
TURNS: dict[str, Any] = {"start": "2026-03-02T10:00:00Z", "participants": ["ana", "bo"], "unit": "daily"}
DESK: dict[str, Any] = {"user": "ana", "windows": [{"days": EVERY_DAY, "start": "08:00", "end": "10:00"}]}
HOUR = {"starts": "2026-03-02T08:00:00Z", "ends": "2026-03-02T09:00:00Z"}


@pytest.mark.parametrize("said", [10800, "3h", "3 hours", "PT3H", "03:00:00", "180 min", "2 hours 60 minutes"])
def test_a_length_is_read_in_any_wording(said: Any) -> None:
    assert length(said) == timedelta(hours=3)


def test_a_length_that_is_none_is_not_guessed() -> None:
    with pytest.raises(NotYet, match="a while"):
        length("a while")


@pytest.mark.parametrize(
    ("said", "turns"),
    [
        ({"unit": "weekly", "shift_length": 2}, (2, "weeks")),
        ({"repeat": "hourly"}, (1, "hours")),
        ({"frequency": "month", "interval": 3}, (3, "months")),
        ({"unit": "custom", "shift_length": "3 days"}, (3, "days")),
        ({}, (1, "days")),
    ],
)
def test_turns_are_read_in_any_wording(said: dict[str, Any], turns: tuple[int, str]) -> None:
    assert turns_of(said) == turns


def test_days_months_and_hours_are_read_in_any_wording() -> None:
    assert days_of(["monday:friday", "SU"]) == ["mo-fr", "su"]
    assert days_of(None) == ["mo-su"]
    assert months_of(["january:march", 6]) == ["1:3", "6"]
    assert hours_of({"start_time": "09:00", "end_time": "17:00"}) == hours_of("09:00-17:00")


def on_call(given: dict[str, Any], *rows: tuple[str, list[str]]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "schedule.oncall_at", given, {"on_call": [{"at": at, "users": users} for at, users in rows]}


def listed(given: dict[str, Any], *rows: tuple[str, str, str]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    shown = [{"user": user, "start": start, "end": end, "gap": not user} for user, start, end in rows]
    return "schedule.final", given, {"shifts": shown}


SAID: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    **{
        name: on_call(
            {"rotation": {**TURNS, name: value}},
            ("2026-03-02T12:59:00Z", ["ana"]), ("2026-03-02T13:00:00Z", []), ("2026-03-03T10:00:00Z", ["bo"]),
        )
        for name, value in {"shift_duration_min": 180, "duration_h": 3, "duration": "3h", "shift_lasts": "PT3H"}.items()
    },
    "once": on_call(
        {"layers": [{"user": "ana", "start": "2026-03-02T10:00:00Z", "end": "2026-03-02T15:00:00Z"}]},
        ("2026-03-02T14:59:00Z", ["ana"]), ("2026-03-03T14:59:00Z", []),
    ),
    "roles": on_call(
        {"layers": [{"user": "ana", "start": "2026-03-02T00:00:00Z", "duration_h": 24, "repeat": "daily"},
                    {"user": "bo", "role": "backup", "priority": 9, "start": "2026-03-02T00:00:00Z", "duration_h": 24, "repeat": "daily"}]},
        ("2026-03-02T12:00:00Z", ["ana", "bo"]),
    ),
    "a zone of its own": on_call(
        {"layers": [{"user": "ana", "time_zone": "Europe/Berlin", "start": "2026-03-28T08:00:00Z", "duration_h": 1, "repeat": "daily"}]},
        ("2026-03-28T08:00:00Z", ["ana"]), ("2026-03-29T07:00:00Z", ["ana"]), ("2026-03-29T08:00:00Z", []),
    ),
    "nobody": on_call({"rotation": {**TURNS, "participants": []}}, ("2026-03-02T12:00:00Z", [])),
    "no day": on_call({"layers": [{"user": "ana", "windows": [{"days": [], "start": "08:00", "end": "10:00"}]}]},
                      ("2026-03-02T09:00:00Z", [])),
    "groups": on_call({"rotation": {**TURNS, "participants": [{"users": ["ana", "bo"]}, {"users": ["cy"]}]}},
                      ("2026-03-02T12:00:00Z", ["ana", "bo"]), ("2026-03-03T12:00:00Z", ["cy"])),
    "a position each": on_call(
        {"layers": [{"rotation": TURNS, "state": {"active_index": 1, "active_since": "2026-03-05T11:00:00Z"}}]},
        ("2026-03-05T12:00:00Z", ["bo"]), ("2026-03-06T12:00:00Z", ["ana"]),
    ),
    "every third month": on_call(
        {"rotation": {**TURNS, "start": "2026-01-07T00:00:00Z", "unit": "monthly", "interval": 3, "days": ["WE"]}},
        ("2026-01-14T12:00:00Z", ["ana"]), ("2026-02-04T12:00:00Z", []), ("2026-04-01T12:00:00Z", ["bo"]),
    ),
    "for ever": on_call({"base_on_call": ["ana"], "overrides": [{"remove": "ana", "add": "bo"}]}, ("2026-03-02T12:00:00Z", ["bo"])),
    "a kind of override": on_call({"layers": [DESK], "overrides": [{"type": "remove", "user": "ana"}]}, ("2026-03-02T09:00:00Z", [])),
    "a span": listed(
        {"layers": [DESK], "temporary_schedules": [{"start": "2026-03-02T08:30:00Z", "end": "2026-03-03T00:00:00Z", "shifts": []}]},
        ("ana", "2026-03-02T08:00:00Z", "2026-03-02T08:30:00Z"),
        ("", "2026-03-02T00:00:00Z", "2026-03-02T08:00:00Z"),
        ("", "2026-03-02T08:30:00Z", "2026-03-03T00:00:00Z"),
    ),
    "overrides side by side": listed(
        {"layers": [DESK], "overrides": [{"user": "bo", "start": "2026-03-02T00:00:00Z", "duration": "24h"},
                                         {"user": "cy", "start": "2026-03-02T12:00:00Z", "duration": "12h"},
                                         {"user": "di", "priority": 1, "start": "2026-03-02T23:00:00Z", "duration": "1h"}]},
        ("bo", "2026-03-02T00:00:00Z", "2026-03-02T23:00:00Z"),
        ("cy", "2026-03-02T12:00:00Z", "2026-03-02T23:00:00Z"),
        ("di", "2026-03-02T23:00:00Z", "2026-03-03T00:00:00Z"),
    ),
    "shifts that nobody is in": (
        "schedule.check",
        {"now": "2026-03-02T10:00:00Z", "look_ahead_days": 2, "layers": [{"users": [], "start": "2026-03-01T00:00:00Z", "duration_h": 24, "repeat": "daily"}]},
        {"has_gaps": False, "has_empty_shifts": True},
    ),
}  # fmt: skip
DAY = {"query": "final_shifts", "from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}


@pytest.mark.parametrize("name", SAID)
def test_a_case_is_understood_in_any_wording(name: str) -> None:
    kind, given, expect = SAID[name]
    one = play(Case("OWN-1", name, "own", kind, "portable", given, DAY, expect))
    assert (one.outcome, one.why) == ("passed", "")


SPAN: dict[str, Any] = {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T20:00:00Z",
        "shifts": [{"user": "ana", "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T18:00:00Z"}]}  # fmt: skip
LEFT = [
    {**SPAN, "end": "2026-03-02T12:00:00Z", "shifts": [{**SPAN["shifts"][0], "end": "2026-03-02T12:00:00Z"}]},
    {**SPAN, "start": "2026-03-02T14:00:00Z", "shifts": [{**SPAN["shifts"][0], "start": "2026-03-02T14:00:00Z"}]},
]
FOUND: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "a stretch is taken out": ("schedule.replacement_window", {"window": SPAN},
                               {"action": "delete range", "from": "2026-03-02T12:00:00Z", "to": "2026-03-02T14:00:00Z"},
                               {"windows": LEFT}, "passed"),
    "spans that lie apart": ("schedule.replacement_window", {"windows": LEFT}, {"action": "merge"}, {"windows": LEFT}, "passed"),
    "spans that overlap": ("schedule.replacement_window", {"windows": [SPAN, {**SPAN, "shifts": []}]}, {"action": "merge"},
                           {"windows": [SPAN]}, "by decision"),
    "what was recorded": ("schedule.shifts", {"layers": [DESK], "history": [{"user": "ana", "start": "2026-03-02T07:00:00Z"}]},
                          {"query": "shifts_between", "from": "2026-03-02T08:00:00Z", "to": "2026-03-02T09:00:00Z"},
                          {"shifts": [{"user": "ana", "start": "2026-03-02T07:00:00Z", "end": "2026-03-02T09:00:00Z", "truncated": True}]},
                          "by decision"),
    "the last of two": ("time.local_clock", {"time_zone": "Europe/Berlin"}, {"pick": "last occurrence"},
                        {"rows": [{"date": "2026-10-25", "clock": "02:30", "instant": "2026-10-25T02:30:00+01:00"}]}, "by decision"),
    "the only one": ("time.local_clock", {"time_zone": "Europe/Berlin"}, {"pick": "last occurrence"},
                     {"rows": [{"date": "2026-10-26", "clock": "02:30", "instant": "2026-10-26T03:30:00+01:00"}]}, "failed"),
    "two weeks of shifts": (
        "schedule.week_template",
        {"now": "2026-03-04T00:00:00Z", "populate_days": 1,
         "week_template": [{"day": "WE", "start": "12:00", "duration": "12h", "repeat_daily": 10}]},
        {"action": "populate"},
        {"epochs": [[{"start": f"2026-03-{day:02}T12:00:00Z", "end": f"2026-03-{day + 1:02}T00:00:00Z"} for day in range(4, 14)]]},
        "passed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_becomes_of_a_case_is_what_is_so(name: str) -> None:
    kind, given, when, expect, outcome = FOUND[name]
    one = play(Case("OWN-2", name, "own", kind, "portable", given, when, expect))
    assert one.outcome == outcome, one.why
