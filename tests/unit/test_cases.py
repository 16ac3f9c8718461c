"""Cases of our own through the drivers that ask the domain: what passes, what fails, and what nobody can play yet."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cases.case import Case, load, path_of_cases
from tests.cases.decisions import DECISIONS
from tests.cases.run import DRIVERS, SHAPE, play

Said = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]
"""Kind, set-up, query and expected result."""


def a_case(kind: str, given: dict[str, Any], when: dict[str, Any], expect: dict[str, Any]) -> Case:
    return Case("OWN-1", "a case of our own", "own", kind, "portable", given, when, expect)


def ranges(*values: Any) -> dict[str, Any]:
    return {"values": list(values)}


TREE = {
    "receiver": "desk",
    "routes": [
        {
            "match": {"team": "sea"},
            "receiver": "harbour",
            "routes": [{"match": {"tide": "high"}, "receiver": "pilots"}],
        },
        {"match_re": {"team": "air|land"}, "receiver": "tower"},
    ],
}
NEWS = [
    {"id": "old", "alert": 9, "log": 1, "offset_s": 500},
    {"id": "new", "alert": 9, "log": 2, "offset_s": 0},
    {"id": "gone", "alert": 9, "log": 1, "offset_s": 0, "sent": True},
]

PASSING: dict[str, Said] = {
    "hours": ("validate", {"field": "time range"}, ranges(["07:00", "19:30"], ["07:00", "31:00"]), {"valid": [True, False]}),
    "dates": (
        "validate",
        {"field": "interval"},
        ranges({"month_days": "3:9"}, {"month_days": "-9:3"}, {"month_days": "-31:31"}, {"days": "sunday:someday"}, {"months": "13"}),
        {"valid": [True, False, True, False, False], "errors": [None, "", None, "", ""]},
    ),
    "lengths": ("validate", {"field": "rotation shift length"}, ranges(0, 12), {"valid": [False, True]}),
    "alerts": ("validate", {"field": "alert"}, ranges({"summary": "Ice on the wings"}, {"details": "?"}), {"valid": [True, False]}),
    "zones": ("validate", {"field": "time zone"}, ranges("Asia/Tokyo", "Middle/Earth"), {"valid": [True, False]}),
    "answers": ("delivery.retry", {"receiver": "webhook"}, {"http_status": [204, 410, 503]}, {"retried": [False, False, True]}),
    "news": (
        "queue.dedup",
        {"messages": NEWS, "user": "Ana"},
        {"action": "deduplicate pending status updates"},
        {"kept": ["new", "gone"], "deleted": ["old"]},
    ),
    "routes": (
        "routing.match",
        {"route": TREE},
        {"labels": [{"team": "sea"}, {"team": "sea", "tide": "high"}, {"team": "land"}, {"team": "landing"}]},
        {"receivers": [["harbour"], ["pilots"], ["tower"], ["desk"]]},
    ),
    "labels": (
        "grouping.identity",
        {"alerts": [{"id": "x", "labels": {"a": "1", "b": "2"}}, {"id": "y", "labels": {"b": "2", "a": "1"}}]},
        {"query": "same identity?"},
        {"x==y": True},
    ),
    "bodies": (
        "dedup.matrix",
        {"previous": "what was told last"},
        {"query": "send again?"},
        {
            "rows": [
                {"previous": None, "firing": [7], "send": True},
                {"previous": {"firing": [7]}, "firing": [7], "send": False},
                {"previous": {"firing": [7]}, "firing": [], "resolved": [7], "send": True},
            ]
        },
    ),
}  # fmt: skip
PASSING |= {
    "waits": ("escalation.step", {"step": "wait", "wait_min": 11}, {}, {"next_step_after_s": 660, "notified": []}),
    "steps": ("escalation.step", {"step": "notify users", "users": ["ana", "bo"]}, {}, {"notified": ["ana", "bo"]}),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_case_that_holds_passes(name: str) -> None:
    one = play(a_case(*PASSING[name]))
    assert (one.outcome, one.why) == ("passed", "")


FAILING: dict[str, Said] = {
    "hours": ("validate", {"field": "time range"}, ranges(["07:00", "19:30"]), {"valid": [False]}),
    "answers": ("delivery.retry", {"receiver": "webhook"}, {"http_status": [503]}, {"retried": [False]}),
    "news": (
        "queue.dedup", {"messages": NEWS}, {"action": "deduplicate pending status updates"}, {"kept": ["old"], "deleted": []},
    ),
    "routes": ("routing.match", {"route": TREE}, {"labels": [{"team": "sea"}]}, {"receivers": [["tower"]]}),
    "labels": (
        "grouping.identity",
        {"alerts": [{"id": "x", "labels": {"a": "1"}}, {"id": "y", "labels": {"a": "2"}}]},
        {},
        {"x==y": True},
    ),
    "bodies": ("dedup.matrix", {}, {}, {"rows": [{"previous": {"firing": [7]}, "firing": [7, 8], "resolved": [], "send": False},
                                                 {"previous": None, "firing": [7], "send": False}]}),
}  # fmt: skip
FAILING |= {"waits": ("escalation.step", {"step": "wait", "wait_s": 90}, {}, {"next_step_after_s": 30})}


@pytest.mark.parametrize("name", FAILING)
def test_a_case_that_does_not_hold_fails_and_says_how(name: str) -> None:
    one = play(a_case(*FAILING[name]))
    assert one.outcome == "failed"
    assert "expected" in one.why


DECIDED: dict[str, Said] = {
    "hours across midnight": (
        "validate", {"field": "time range"}, ranges(["22:00", "06:00"]), {"valid": [False]},
    ),
    "a provider that throttles": ("delivery.retry", {"receiver": "webhook"}, {"http_status": [429]}, {"retried": [False]}),
    "groups": ("dedup.matrix", {}, {}, {"rows": [{"previous": {"firing": [7]}, "firing": [7, 8], "send": True}]}),
    "one ladder": (
        "routing.match",
        {"route": {**TREE, "routes": [{"match": {"team": "sea"}, "receiver": "harbour", "continue": True}, *TREE["routes"]]}},
        {"labels": [{"team": "sea"}]},
        {"receivers": [["harbour", "harbour"]]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("trait", DECIDED)
def test_what_was_decided_otherwise_says_so_and_where(trait: str) -> None:
    one = play(a_case(*DECIDED[trait]))
    assert (one.outcome, one.why) == ("by decision", str(DECISIONS[trait]))


@pytest.mark.parametrize("trait", DECISIONS)
def test_every_decision_stands_where_it_is_said_to(trait: str) -> None:
    where = DECISIONS[trait].where
    assert list(Path().glob(where if where.endswith(".md") else f"{where}-*.md")), where


UNREAD: dict[str, Said] = {
    "a field": ("validate", {"field": "phase of the moon"}, ranges(1), {"valid": [True]}),
    "an option": ("delivery.retry", {"receiver": "webhook", "patience": "endless"}, {"http_status": [503]}, {"retried": [True]}),
    "a queue": ("queue.dedup", {"messages": NEWS}, {"action": "shuffle"}, {"kept": [], "deleted": []}),
    "a route": (
        "routing.match",
        {"route": {"receiver": "desk", "routes": [{"receiver": "x", "active_time_intervals": ["nights"]}]}},
        {"labels": [{}]},
        {"receivers": [["desk"]]},
    ),
}  # fmt: skip
UNREAD |= {
    "a step": ("escalation.step", {"step": "play a song"}, {}, {"notified": []}),
    "turns": ("escalation.step", {"step": "notify round-robin", "users": ["ana"]}, {}, {"notified": ["ana"]}),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_a_driver_does_not_read_is_not_yet_there(name: str) -> None:
    one = play(a_case(*UNREAD[name]))
    assert one.outcome == "not yet there"
    assert one.why


@pytest.mark.parametrize("kind", sorted(kind for kind in DRIVERS if not kind.startswith(("schedule.", "time."))))
def test_an_empty_case_of_any_kind_neither_passes_nor_crashes(kind: str) -> None:
    one = play(a_case(kind, {}, {}, {}))
    assert one.outcome == "not yet there"
    assert one.why


DOMAIN = (
    "schedule.",
    "time.",
    "validate",
    "queue.",
    "routing.",
    "grouping.identity",
    "dedup.matrix",
    "escalation.step",
)


def test_none_of_the_fields_cases_that_ask_the_domain_fails() -> None:
    found = [play(case) for case in load(path_of_cases()) if case.kind.startswith(DOMAIN)]
    assert [(one.case.id, one.why) for one in found if one.outcome == "failed" or SHAPE in one.why] == []


def test_the_command_counts_by_area_and_says_by_its_exit_code_whether_any_failed(tmp_path: Path) -> None:
    def told(*said: Said) -> tuple[int, str]:
        names = ("kind", "given", "when", "expect")
        listed = [
            dict(zip(names, one, strict=True)) | {"id": f"OWN-{at}", "area": "tides"} for at, one in enumerate(said)
        ]
        path = tmp_path / "cases.json"
        path.write_text(json.dumps(listed))
        environ = os.environ | {"TOCSIN_CASES": str(path), "COLUMNS": "200"}
        ran = subprocess.run(
            [sys.executable, "-m", "tests.cases"], capture_output=True, text=True, env=environ, check=False
        )
        assert ran.stderr == ""
        return ran.returncode, ran.stdout

    status, text = told(PASSING["hours"], UNREAD["a field"], DECIDED["groups"], ("tides", {}, {}, {}))
    assert status == 0
    assert re.search(r"tides\W+1\W+0\W+2\W+1\b", text), text
    assert "no driver for tides" in text
    assert str(DECISIONS["groups"]) in text
    status, text = told(PASSING["hours"], FAILING["hours"])
    assert status == 1
    assert "failed (1)" in text
