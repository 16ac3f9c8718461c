"""The field's behaviour cases: every portable one of schedules must pass. Where their file is not there, there is nothing to play."""

import pytest

from tests.cases.case import Case, NotYet, load, path_of_cases
from tests.cases.run import by_area, play

AREAS = frozenset({"schedule rotation", "DST", "override", "gap", "multi-layer"})


def _ours() -> list[Case]:
    return [
        case
        for case in load(path_of_cases())
        if case.area in AREAS and case.portability == "portable" and case.kind.startswith(("schedule.", "time."))
    ]


def test_every_portable_case_of_schedules_passes() -> None:
    played = [play(case) for case in _ours()]
    assert [(one.case.id, one.why) for one in played if one.outcome != "passed"] == []


def test_a_case_that_differs_fails_and_says_how() -> None:
    wrong = Case(
        "X-1",
        "nobody ever is on call",
        "gap",
        "schedule.oncall_at",
        "portable",
        {"rotation": {"unit": "daily", "shift_length": 1, "start": "2026-03-02T00:00:00Z", "participants": ["ana"]}},
        {"query": "on_call_at"},
        {"on_call": [{"at": "2026-03-03T00:00:00Z", "users": []}]},
    )
    one = play(wrong)
    assert one.outcome == "failed"
    assert "ana" in one.why
    assert by_area([one])["gap"]["failed"] == 1


@pytest.mark.parametrize("kind", ["schedule.tides", "schedule.populate"])
def test_what_cannot_be_played_is_not_yet_there(kind: str) -> None:
    one = play(Case("X-2", "", "gap", kind, "portable", {}, {}, {}))
    assert one.outcome == "not yet there"
    assert NotYet.__doc__
