"""Drivers: local clocks, windows of the week, intervals."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from services.oncall.domain.mask import Mask, Window, next_time_of_day, window_at
from services.oncall.domain.walltime import instant_of
from services.oncall.domain.weekdays import EVERY_DAY, day_number
from tests.cases.case import Case, at, same, unless_decided
from tests.cases.rotas import window_of
from tests.cases.wording import days_of, hours_of, months_of


def local_clock(case: Case) -> None:
    """``time.local_clock``: the instant of a local clock time on a date."""
    zone = ZoneInfo(case.zone)
    wanted = {(row["date"], row["clock"]): at(row["instant"]) for row in case.expect["rows"]}
    found = {row: instant_of(date.fromisoformat(row[0]), time.fromisoformat(row[1]), zone) for row in wanted}
    last = "last" in case.when.get("pick", "first occurrence")
    twice = {row for row in wanted if last and _shown_twice(found[row], zone)}
    for row in wanted.keys() - twice:
        same((row, found[row]), (row, wanted[row]))
    with unless_decided("the last occurrence"):
        for row in twice:
            same((row, found[row]), (row, wanted[row]))


def _shown_twice(instant: datetime, zone: ZoneInfo) -> bool:
    local = instant.astimezone(zone)
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def window_active(case: Case) -> None:
    """``schedule.window_active``: whether a window covers an instant."""
    mask, zone = _mask(case.given["window"]), ZoneInfo(case.zone)
    for row in case.expect["active"]:
        span = window_at(mask, at(row["at"]), zone)
        same((row["at"], span is not None and span[0] <= at(row["at"])), (row["at"], row["active"]))


def window_bounds(case: Case) -> None:
    """``schedule.window_bounds``: begin or end of the window at an instant, or of the next one."""
    mask, zone = _mask(case.given["window"]), ZoneInfo(case.zone)
    for row in case.expect["rows"]:
        span = window_at(mask, at(row["at"]), zone)
        for place, name in enumerate(("window_start", "window_end")):
            if name in row:
                same((row["at"], span and span[place]), (row["at"], at(row[name])))


def next_clock(case: Case) -> None:
    """``schedule.next_time_of_day``: the next time at which the clocks show a time, strictly later."""
    for row in case.expect["rows"]:
        days = EVERY_DAY if row["days"] is None else frozenset(day_number(day) for day in row["days"])
        found = None
        if row["clock"] is not None:
            clock = time.fromisoformat(row["clock"])
            found = next_time_of_day(days, clock, at(case.given["now"]), ZoneInfo(case.zone))
        same((row, found), (row, row["next"] and at(row["next"])))


def interval(case: Case) -> None:
    """``time.interval``: which instants lie in an interval of years, months, days and times."""
    zone = ZoneInfo(case.given["interval"].get("time_zone", "UTC"))
    mask = _interval(case.given["interval"])
    for name, wanted in (("contains", True), ("excludes", False)):
        for text in case.expect.get(name, []):
            same((text, _covers(mask, at(text), zone)), (text, wanted))


def mute(case: Case) -> None:
    """``time.mute``: the names of the intervals that cover each instant."""
    for text, wanted in zip(case.when["at"], case.expect["muted_by"], strict=True):
        found = [
            name
            for name, said in case.given["mute_intervals"].items()
            if any(
                _covers(_interval(entry), at(text), ZoneInfo(entry.get("time_zone", "UTC")))
                for entry in (said if isinstance(said, list) else [said])
            )
        ]
        same((text, found), (text, wanted))


def _mask(window: dict[str, Any]) -> Mask:
    return Mask((Window.model_validate(window_of(window)).weekly(),))


def _interval(entry: dict[str, Any]) -> Mask:
    dates = {name: list(map(str, entry[name])) for name in ("month_days", "years") if entry.get(name)}
    dates |= {"days": days_of(entry.get("days") or None), "months": months_of(entry.get("months") or [])}
    times = entry.get("times") or ["00:00-24:00"]
    return Mask(tuple(Window.model_validate({**dates, "hours": hours_of(hours)}).weekly() for hours in times))


def _covers(mask: Mask, instant: datetime, zone: ZoneInfo) -> bool:
    span = window_at(mask, instant, zone)
    return mask.whole or (span is not None and span[0] <= instant)
