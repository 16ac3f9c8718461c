"""Drivers: overrides, temporary spans, swaps, changes of who takes part, policy targets."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.oncall.domain.amendments import (
    Amendments,
    Made,
    Override,
    Swap,
    SwapState,
    TemporarySpan,
    clash,
    overridden,
    takeable,
    trimmed,
)
from services.oncall.domain.layer import plan_of, without_person
from services.oncall.domain.schedule import on_shift, shifts
from services.oncall.domain.shift import Shift
from services.oncall.domain.spans import Span, joined
from tests.cases.case import Case, NotYet, at, same, unless_decided
from tests.cases.rotas import amendments_of, layer_of, rota_of, slug, span_of

BASE: Final = datetime(2024, 1, 15, 10, tzinfo=UTC)
"""What seconds are counted from."""
_REST: Final = "everybody-else"
_EVERY_DAY: Final = [{"days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], "start": "00:00", "end": "23:59"}]


def override(case: Case) -> None:
    """``schedule.override``: one person takes over from whoever is on shift; the pieces of both."""
    events = [_shift(entry, number) for number, entry in enumerate(case.given["events"])]
    entry = case.when["override"]
    left: list[Shift] = events
    for user in {shift.person for shift in events}:
        change = Override(
            starts_at=_at(entry["start_s"]), ends_at=_at(entry["end_s"]), remove=user, add=slug(entry["user"])
        )
        left = overridden(left, change, "one")
    wanted = {slug(user): pieces for user, pieces in case.expect.items() if isinstance(pieces, list)}
    for user, pieces in wanted.items():
        found = sorted(shift.span for shift in left if shift.person == user)
        same((user, found), (user, [(_at(piece["start_s"]), _at(piece["end_s"])) for piece in pieces]))
    if "changed_events" in case.expect:
        same(len([shift for shift in left if shift not in events]), case.expect["changed_events"])


def replacement_window(case: Case) -> None:
    """``schedule.replacement_window``: temporary spans are trimmed, a stretch is taken out of them, or they overlap."""
    spans = [span_of(entry) for entry in case.given.get("windows") or [case.given["window"]]]
    action = case.when["action"]
    if action.startswith("merge"):
        _merged_windows(spans, case)
        return
    left = [piece for span in spans for keep in _kept(case.when, span) if (piece := trimmed(span, *keep))]
    wanted = [span_of(entry) for entry in case.expect["windows"]]
    same(left, wanted)


def _kept(when: dict[str, Any], span: TemporarySpan) -> list[Span]:
    """What of a span is to be left."""
    action = when["action"]
    begin, end = (when.get(name) or when.get(other) for name, other in (("from", "start"), ("to", "end")))
    if action == "trim end":
        return [(span.starts_at, at(when["at"]))]
    if action == "trim start":
        return [(at(when["at"]), span.ends_at)]
    if begin and end and action.split()[0] in {"delete", "remove", "clear"}:
        return [(span.starts_at, at(begin)), (at(end), span.ends_at)]
    raise NotYet(action)


def _merged_windows(spans: list[TemporarySpan], case: Case) -> None:
    """Who is on shift by spans that overlap, and when nothing but them counts."""
    rota = rota_of({"base_on_call": [_REST]})
    made = Amendments.of(Made(str(number), span) for number, span in enumerate(spans))
    wanted = Amendments.of(Made(str(number), span_of(entry)) for number, entry in enumerate(case.expect["windows"]))
    begin, end = min(span.starts_at for span in spans), max(span.ends_at for span in spans)
    with unless_decided("spans that overlap"):
        same(_merged(_rows(shifts(rota, begin, end, made))), _merged(_rows(shifts(rota, begin, end, wanted))))


def swap(case: Case) -> None:
    """``schedule.swap``: what a swap that was taken does, and who may take one."""
    if "swap_states" in case.given:
        found = ["ok" if _take(state) is None else "error" for state in case.given["swap_states"]]
        same(found, case.expect["results"])
        return
    rota = rota_of(case.given)
    begin, end = at(case.when["from"]), at(case.when["to"])
    if "swaps" in case.given:
        same(_rows(shifts(rota, begin, end, _irrelevant(begin))), _rows(shifts(rota, begin, end)))
        return
    wanted = [(slug(user), at(row["start"]), at(row["end"])) for row in case.expect["shifts"] for user in row["users"]]
    same(_merged(_rows(shifts(rota, begin, end, amendments_of(case.given)))), _merged(sorted(wanted)))


def _rows(found: tuple[Shift, ...]) -> list[tuple[str, datetime, datetime]]:
    return sorted((shift.person or "", *shift.span) for shift in found)


def _merged(rows: list[tuple[str, datetime, datetime]]) -> list[tuple[str, list[Span]]]:
    """When each person is on shift: a source that keeps people who share a shift in one event cuts it for all of them."""
    people = sorted({person for person, _, _ in rows})
    return [(person, joined(row[1:] for row in rows if row[0] == person)) for person in people]


def _take(state: str) -> str | None:
    states: dict[str, SwapState] = {"taken": "taken", "deleted": "withdrawn"}
    ends_at = BASE - timedelta(hours=1) if state == "past due" else BASE + timedelta(hours=1)
    offered = Swap(starts_at=ends_at - timedelta(hours=1), ends_at=ends_at, of="u1", state=states.get(state, "open"))
    return takeable(offered, "u1" if state == "own request" else "u2", BASE)


def _irrelevant(begin: datetime) -> Any:
    day = timedelta(days=1)
    listed = [
        {"of": "stranger", "taken_by": "other", "start": begin.isoformat(), "end": (begin + day).isoformat()},
        {"of": "user", "start": begin.isoformat(), "end": (begin + day).isoformat()},
        {
            "of": "user",
            "taken_by": "other",
            "start": (begin - 3 * day).isoformat(),
            "end": (begin - 2 * day).isoformat(),
        },
    ]
    made = [one for entry in listed for one in amendments_of({"swap": entry}).made]
    return replace(amendments_of({}), made=tuple(made))


def mutation(case: Case) -> None:
    """``schedule.mutation``: somebody leaves a rotation; the same override is made twice."""
    action = case.when["action"]
    leaving = re.match(r"(?:delete|remove) (?:user|participant) (.+)", action)
    if leaving:
        given = {**case.given["rotation"], "start": BASE.isoformat()}
        layer = layer_of(given, case.zone, state={"active_index": case.given["state"]["active_index"]})
        left = without_person(layer, slug(leaving[1]), case.zone, BASE)
        if left is None:
            raise AssertionError("nobody is left")
        place = (plan_of(left, case.zone).turn_at(BASE) + left.first) % len(left.people)
        same({"active_index": place, "active_user": left.people[place][0]}, case.expect)
    elif "same add override" in action:
        one = Override(starts_at=BASE, ends_at=BASE + timedelta(hours=8), add="bob")
        results = ["committed" if clash(one, present) is None else "rejected with an error" for present in ([], [one])]
        same(results, [case.expect["first"], case.expect["second"]])
    else:
        raise NotYet(action)


def oncall_matrix(case: Case) -> None:
    """``schedule.oncall_matrix``: who is on call for each kind of target; the overrides last throughout."""
    for row in case.expect["rows"]:
        found = _on_call(row["target"])
        same(
            (row["target"], {user: user in found for user in case.given["users"]}),
            (row["target"], {user: row[user] for user in case.given["users"]}),
        )


def _on_call(target: str) -> set[str]:
    direct = re.match(r"user (\w+) directly", target)
    if direct:
        return {direct[1]}
    given: dict[str, Any] = {"layers": [], "overrides": []}
    rotation = re.search(r"rotation \[([\w, ]+)\]", target)
    person = re.search(r"schedule with (u\d+)", target)
    if rotation:
        turns = {"unit": "daily", "shift_length": 1, "start": BASE.isoformat(), "participants": rotation[1].split(", ")}
        given["layers"].append({"rotation": turns})
    elif person:
        given["layers"].append({"user": person[1], "windows": _EVERY_DAY})
    span = {"start": BASE.isoformat(), "end": (BASE + timedelta(hours=1)).isoformat()}
    for pattern, names in (
        (r"\badd override (\w+)", ("add",)),
        (r"replace override (\w+)->(\w+)", ("remove", "add")),
        (r"remove override (\w+)", ("remove",)),
    ):
        match = re.search(pattern, target)
        if match:
            given["overrides"].append({**span, **dict(zip(names, match.groups(), strict=True))})
    return {shift.person or "" for shift in on_shift(rota_of(given), BASE, amendments_of(given))}


def _shift(entry: dict[str, Any], number: int) -> Shift:
    return Shift(slug(entry["user"]), _at(entry["start_s"]), _at(entry["end_s"]), number)


def _at(seconds: int) -> datetime:
    return BASE + timedelta(seconds=seconds)
