"""Drivers: templates of a week that are laid out, and people who are filled in."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.oncall.domain.amendments import Absence, Amendments
from services.oncall.domain.layer import Layer, plan_of
from services.oncall.domain.proof import suggested
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import shifts
from services.oncall.domain.shift import Shift
from services.oncall.domain.weekdays import day_number
from tests.cases.case import Case, NotYet, at, same
from tests.cases.rotas import slug
from tests.cases.wording import duration_of, length

BASE: Final = datetime(2024, 1, 7, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


def week_template(case: Case) -> None:
    """``schedule.week_template``: the weeks from the present one to the last day, those laid out before left out."""
    zone = ZoneInfo(case.zone)
    now = at(case.given["now"]).astimezone(zone)
    week = _sunday(now)
    entries = case.given["week_template"]
    weeks = _weeks(entries)
    found = []
    while week <= now.replace(tzinfo=None) + timedelta(days=case.given["populate_days"]):
        if not _laid_out_before(week, case.given.get("already_populated_through")):
            found.append([span for entry in entries for span in _spans(entry, week, case.zone, weeks)])
        week += weeks * _WEEK
    wanted = [[(at(one["start"]), at(one["end"])) for one in epoch] for epoch in case.expect["epochs"]]
    same(found, wanted)
    for epoch in case.expect["epochs"]:
        for one in epoch:
            if "elapsed_s" in one:
                same(at(one["end"]) - at(one["start"]), timedelta(seconds=one["elapsed_s"]))


def _sunday(local: datetime) -> datetime:
    midnight = datetime.combine(local.date(), time())
    return midnight - timedelta(days=(midnight.weekday() + 1) % 7)


def _laid_out_before(week: datetime, mark: str | None) -> bool:
    return mark is not None and week <= datetime.fromisoformat(mark.removeprefix("week of ").split(",")[0])


def _weeks(entries: list[dict[str, Any]]) -> int:
    """How many weeks a template goes on for, from its first shift to the end of its last."""
    marks = []
    for entry in entries:
        begin = (day_number(entry["day"]) + 1) % 7 * _DAY + length(entry["start"])
        last = begin + (int(entry.get("repeat_daily", 1)) - 1) * _DAY
        marks += [begin, last + (duration_of(entry) or _DAY)]
    return -((min(marks, default=_WEEK) - max(marks, default=_WEEK)) // _WEEK) or 1


def _spans(entry: dict[str, Any], week: datetime, zone: str, weeks: int) -> list[tuple[datetime, datetime]]:
    """The shifts of one entry in the weeks that begin on a Sunday."""
    day = day_number(entry["day"])
    begin = week + timedelta(days=(day + 1) % 7)
    lasts = duration_of(entry) or _DAY
    said: dict[str, Any] = {
        "id": "week",
        "people": ["u"],
        "every": f"{weeks} weeks",
        "hand_off": f"{entry['day']} {entry['start']}",
        "starts_on": begin.date(),
        "lasts": lasts,
    }
    if entry.get("repeat_daily"):
        end = datetime.combine(begin.date(), time.fromisoformat(entry["start"])) + lasts
        said |= {"only": [{"hours": f"{entry['start']}-{end:%H:%M}"}], "lasts": int(entry["repeat_daily"]) * _DAY}
    layer = Layer.model_validate(said)
    starts_at = datetime.combine(begin.date(), time.fromisoformat(entry["start"]), ZoneInfo(zone))
    ends_at = starts_at + weeks * _WEEK
    return [shift.span for shift in plan_of(layer, zone).shifts(starts_at, ends_at) if shift.starts_at < ends_at]


def _suggested(case: Case) -> None:
    """The one who is farthest from their own shifts takes the gap."""
    gap = re.search(r"(\d+)-(\d+)", case.when["query"])
    if gap is None:
        raise NotYet(case.when["query"])
    own = []
    for entry in case.given["events"]:
        marks = entry.get("s") or (entry["start_s"], entry["end_s"])
        starts_at, ends_at = (BASE + timedelta(seconds=mark) for mark in marks)
        own.append(Shift(slug(entry["user"]), starts_at, ends_at, 0))
    begin, end = (BASE + timedelta(seconds=int(mark)) for mark in gap.groups())
    same(suggested(own, (begin, end), [slug(user) for user in case.given["roster"]]), slug(case.expect["user"]))


def populate(case: Case) -> None:
    """``schedule.populate``: people in their order, after whoever was last, without those who are away."""
    if "roster" in case.given:
        _suggested(case)
        return
    if "order" not in case.given:
        raise NotYet("people without an order")
    order = [slug(user) for user in case.given["order"]]
    existing = [slug(entry["user"]) for entry in case.given.get("existing", [])]
    first = (order.index(existing[-1]) + 1) % len(order) if existing else 0
    lasts = timedelta(seconds=case.given["shift_s"])
    layer = Layer.model_validate(
        {
            "id": "one",
            "people": order,
            "first": first,
            "every": f"{lasts // timedelta(hours=1)} hours",
            "starts_on": BASE.date(),
        }
    )
    end = BASE + timedelta(days=case.given["populate_days"])
    away = [Absence(person=slug(user), starts_at=BASE, ends_at=end) for user in case.given.get("vacation", {})]
    rota = Rota(id="one", name="One", layers=(layer,))
    found = [*existing, *(shift.person or "" for shift in shifts(rota, BASE, end, Amendments.of((), away)))]
    if "users_in_order" in case.expect:
        wanted = [slug(user.split(" ")[0]) for user in case.expect["users_in_order"]]
        same(found[: len(wanted)], wanted)
        return
    same((len(found), found), (case.expect["events"], [slug(user) for user in case.expect["users"]]))
