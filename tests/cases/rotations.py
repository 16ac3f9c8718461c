"""Drivers: hand-offs, bounds, who is on call, and lists of shifts."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.oncall.domain.schedule import on_shift, shifts, uncovered
from services.oncall.domain.shift import Shift
from tests.cases.case import Case, NotYet, at, same, unless_decided
from tests.cases.rotas import NOBODY, amendments_of, grid_of, rota_of, slug

Row = tuple[str, datetime, datetime]


def handoffs(case: Case) -> None:
    """``schedule.handoffs``: every shift start and end of the shifts that cover a range."""
    grid = grid_of(case.given["rotation"], case.zone)
    found = {edge for _, span in grid.turns(at(case.when["from"]), at(case.when["to"])) for edge in span}
    wanted = {at(text) for text in case.expect["handoffs"]}
    # The walk of the source goes to the last instant of the range, inclusive.
    last = at(case.when["to"])
    found |= {edge for _, span in grid.turns(last, last + timedelta(microseconds=1)) for edge in span}
    same(sorted(found), sorted(wanted))


def shift_bounds(case: Case) -> None:
    """``schedule.shift_bounds``: the shift that covers an instant."""
    for row in case.expect["rows"]:
        given = dict(case.given["rotation"])
        if given.get("shift_length") == "per row":
            given |= {"shift_length": row["shift_length"], "start": row["shift_start"]}
        grid = grid_of(given, case.zone)
        moment = at(row.get("at") or row["shift_start"])
        turn = grid.turn_at(moment)
        begin, end = grid.hand_off(turn), grid.hand_off(turn + 1)
        if "shift_start" in row:
            same((row, begin), (row, at(row["shift_start"])))
        if "shift_end" in row:
            same((row, end), (row, at(row["shift_end"])))
        if "elapsed_s" in row:
            same((row, end - begin), (row, timedelta(seconds=row["elapsed_s"])))
    for clock in case.expect.get("local_handoffs_every_day", []):
        grid = grid_of(case.given["rotation"], case.zone)
        begin = at(case.when["at"][0])
        shown = {f"{span[0].astimezone(grid.zone):%H:%M}" for _, span in grid.turns(begin, begin + timedelta(days=3))}
        same((clock, clock in shown), (clock, True))


def oncall_at(case: Case) -> None:
    """``schedule.oncall_at``: who is on call at each instant."""
    rota, amendments = rota_of(case.given), amendments_of(case.given)
    for row in case.expect["on_call"]:
        found = {_who(shift) for shift in on_shift(rota, at(row["at"]), amendments)} - {""}
        same((row["at"], sorted(found)), (row["at"], sorted({slug(user) for user in row["users"]})))


def shift_days(case: Case) -> None:
    """``schedule.shift_days``: on which days shifts begin, and whose they are."""
    rota = rota_of(case.given)
    begin, end = at(case.when["from"]), at(case.when["to"])
    by_day: dict[str, list[str]] = {}
    for shift in shifts(rota, begin, end):
        by_day.setdefault(f"{shift.starts_at.astimezone(ZoneInfo(case.zone)):%Y-%m-%d}", []).append(_who(shift))
    found = [(day, sorted(people)) for day, people in sorted(by_day.items())]
    same(found, [(row["date"], sorted(map(slug, row["users"]))) for row in case.expect["shift_start_days"]])


def shift_lists(case: Case) -> None:
    """``schedule.shifts`` and ``schedule.final``: the shifts of a range, or the one that covers each instant."""
    if "calendar" in case.given:
        raise NotYet("the calendar file is not part of the case")
    if case.given.get("history"):
        with unless_decided("a shift that is recorded"):
            _shift_list(case)
    else:
        _shift_list(case)


def _shift_list(case: Case) -> None:
    rota, amendments = rota_of(_recorded(case.given)), amendments_of(case.given)
    query, wanted = case.when["query"], case.expect["shifts"]
    if query == "shift_covering":
        covering = [shift for text in case.when["at"] for shift in on_shift(rota, at(text), amendments)]
        same(sorted(map(_row, covering)), sorted(_expected(wanted)))
        return
    begin, end = at(case.when["from"]), at(case.when["to"])
    found = list(shifts(rota, begin, max(end, begin + timedelta(microseconds=1)), amendments))
    rows = [_row(shift) for shift in found]
    if query == "shifts_between":
        rows = [(person, starts_at, min(ends_at, end)) for person, starts_at, ends_at in rows]
        cut = sorted((_who(shift), shift.ends_at > end) for shift in found)
        same(cut, sorted((slug(row["user"]), row.get("truncated", False)) for row in wanted))
    if query == "shifts_with_gaps" or any(row.get("gap") for row in wanted):
        rows += [("", *span) for span in uncovered(found, begin, end)]
    same(sorted(rows), sorted(_expected(wanted)))
    overriding = {_row(shift) for shift in found if shift.origin in {"span", "override"}}
    for row in _expected([row for row in wanted if row.get("override")]):
        same((row, row in overriding), (row, True))


def _recorded(given: dict[str, Any]) -> dict[str, Any]:
    """A shift that is under way keeps its recorded start: its layer begins there."""
    history = {entry["user"]: entry["start"] for entry in given.get("history", []) if not entry.get("end")}
    if not history:
        return given
    layers = []
    for entry in given["layers"]:
        since = history.get(entry["user"])
        layers.append({**entry, "since": since} if since else entry)
    return {**given, "layers": layers}


def _row(shift: Shift) -> Row:
    return _who(shift), shift.starts_at.astimezone(UTC), shift.ends_at.astimezone(UTC)


def _who(shift: Shift) -> str:
    return "" if shift.person in {None, NOBODY} else shift.person or ""


def _expected(listed: list[dict[str, Any]]) -> list[Row]:
    return [
        (slug(user), at(row["start"]), at(row["end"]))
        for row in listed
        for user in (row.get("users") or [row.get("user", "")])
    ]


def user_shifts(case: Case) -> None:
    """``schedule.user_shifts``: one person's shifts of the next days, seven where nothing is said, by whether they have begun."""
    now = at(case.given["now"])
    said = re.search(r"next (\d+) days", case.when.get("query", ""))
    days = int(case.when.get("days") or (said[1] if said else 7))
    found = shifts(rota_of(case.given), now, now + timedelta(days=days), amendments_of(case.given))
    for user, wanted in case.expect.items():
        own = [shift for shift in found if shift.person == slug(user)]
        current = [shift for shift in own if shift.covers(now)]
        upcoming = [shift for shift in own if shift.starts_at > now]
        shown: dict[str, object] = {
            "passed": 0,
            "current": len(current),
            "upcoming": len(upcoming),
            "current_start": current[0].starts_at if current else None,
            "next_start": upcoming[0].starts_at if upcoming else None,
        }
        same(
            {name: shown[name] for name in wanted},
            {name: at(value) if isinstance(value, str) else value for name, value in wanted.items()},
        )


def check(case: Case) -> None:
    """``schedule.check``: gaps, and shifts of people who cannot be paged, in the coming days."""
    now = at(case.given["now"])
    end = now + timedelta(days=case.given["look_ahead_days"])
    unusable = {slug(entry["user"]) for entry in case.given["layers"] if "may not be paged" in entry.get("user", "")}
    unusable |= {NOBODY}
    found = shifts(rota_of(case.given), now, end, amendments_of(case.given))
    shown = {
        "has_gaps": bool(uncovered(found, now, end)),
        "has_empty_shifts": any(shift.person in unusable for shift in found),
    }
    same(shown, case.expect)
