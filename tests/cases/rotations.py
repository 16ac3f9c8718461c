"""Drivers: hand-offs, bounds, who is on call, and lists of shifts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.oncall.domain.schedule import on_shift, shifts, uncovered
from services.oncall.domain.shift import Shift
from tests.cases.case import Case, NotYet, at, same
from tests.cases.rotas import amendments_of, grid_of, rota_of, slug

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
        found = sorted(shift.person or "" for shift in on_shift(rota, at(row["at"]), amendments))
        same((row["at"], found), (row["at"], sorted(slug(user) for user in row["users"])))


def shift_days(case: Case) -> None:
    """``schedule.shift_days``: on which days shifts begin, and whose they are."""
    rota = rota_of(case.given)
    begin, end = at(case.when["from"]), at(case.when["to"])
    by_day: dict[str, list[str]] = {}
    for shift in shifts(rota, begin, end):
        by_day.setdefault(f"{shift.starts_at:%Y-%m-%d}", []).append(shift.person or "")
    found = [(day, sorted(people)) for day, people in sorted(by_day.items())]
    same(found, [(row["date"], sorted(map(slug, row["users"]))) for row in case.expect["shift_start_days"]])


def shift_lists(case: Case) -> None:
    """``schedule.shifts`` and ``schedule.final``: the shifts of a range, or the one that covers each instant."""
    if "calendar" in case.given:
        raise NotYet("the calendar file is not part of the case")
    rota, amendments = rota_of(_recorded(case.given)), amendments_of(case.given)
    query = case.when["query"]
    if query == "shift_covering":
        found = [shift for text in case.when["at"] for shift in on_shift(rota, at(text), amendments)]
        same(sorted(map(_row, found)), sorted(_expected(case.expect["shifts"])))
        return
    begin, end = at(case.when["from"]), at(case.when["to"])
    found = list(shifts(rota, begin, max(end, begin + timedelta(microseconds=1)), amendments))
    wanted = case.expect["shifts"]
    rows = [_row(shift) for shift in found]
    if query == "shifts_between":
        rows = [(person, starts_at, min(ends_at, end)) for person, starts_at, ends_at in rows]
        cut = sorted((shift.person, shift.ends_at > end) for shift in found)
        same(cut, sorted((slug(row["user"]), row.get("truncated", False)) for row in wanted))
    if query == "shifts_with_gaps":
        rows += [("", *span) for span in uncovered(found, begin, end)]
    same(sorted(rows), sorted(_expected(wanted)))
    for row in wanted:
        if row.get("override"):
            same({shift.origin for shift in found if shift.person == slug(row["user"])} - {"span", "override"}, set())


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
    return shift.person or "", shift.starts_at.astimezone(UTC), shift.ends_at.astimezone(UTC)


def _expected(listed: list[dict[str, Any]]) -> list[Row]:
    return [
        (slug(user), at(row["start"]), at(row["end"]))
        for row in listed
        for user in (row.get("users") or [row.get("user", "")])
    ]


def user_shifts(case: Case) -> None:
    """``schedule.user_shifts``: one person's shifts of the next seven days, by whether they have begun."""
    now = at(case.given["now"])
    found = shifts(rota_of(case.given), now, now + timedelta(days=7), amendments_of(case.given))
    for user, wanted in case.expect.items():
        own = [shift for shift in found if shift.person == slug(user)]
        current = [shift for shift in own if shift.covers(now)]
        upcoming = [shift for shift in own if shift.starts_at > now]
        shown: dict[str, object] = {"passed": 0, "current": len(current), "upcoming": len(upcoming)}
        if "current_start" in wanted:
            shown |= {"current_start": current[0].starts_at, "next_start": upcoming[0].starts_at}
        same(shown, {name: at(value) if isinstance(value, str) else value for name, value in wanted.items()})


def check(case: Case) -> None:
    """``schedule.check``: gaps, and shifts of people who cannot be paged, in the coming days."""
    now = at(case.given["now"])
    end = now + timedelta(days=case.given["look_ahead_days"])
    unusable = {slug(entry["user"]) for entry in case.given["layers"] if "may not be paged" in entry["user"]}
    found = shifts(rota_of(case.given), now, end, amendments_of(case.given))
    shown = {
        "has_gaps": bool(uncovered(found, now, end)),
        "has_empty_shifts": any(shift.person in unusable for shift in found),
    }
    same(shown, case.expect)
