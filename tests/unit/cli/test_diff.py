"""What differs between two configurations is told noun by noun, field by field, and nothing else is."""

from typing import Any

import pytest
from rich.console import Console

from services.cli.diff import ABSENT, Change, FieldChange, changes, counted
from services.cli.plan import Part, Plan, Step
from services.cli.show import show_plan

ANN = {"id": "ann", "name": "Ann", "contacts": [{"sms": "+15550100"}]}
BOB = {"id": "bob", "name": "Bob"}


def found(before: Any, after: Any, file: str = "people.yaml") -> list[Change]:
    return list(changes(file, before, after))


def people(*them: dict[str, Any]) -> dict[str, Any]:
    return {"people": list(them)}


def fields(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    (change,) = found(before, after)
    return [(one.path, one.before, one.after) for one in change.fields]


def test_the_same_differs_in_nothing() -> None:
    assert found(people(ANN, BOB), people(ANN, BOB)) == []


def test_what_is_new_changed_and_gone() -> None:
    told = found(people(ANN, BOB), people({**ANN, "name": "Anna"}, {"id": "cid", "name": "Cid"}))
    assert [(one.kind, one.noun, one.id) for one in told] == [
        ("changed", "person", "ann"),
        ("added", "person", "cid"),
        ("removed", "person", "bob"),
    ]
    assert told[0].fields == (FieldChange("name", "Ann", "Anna"),)
    assert counted(told) == {"added": 1, "changed": 1, "removed": 1}


def test_a_first_file_and_a_field_that_comes_or_goes() -> None:
    assert [one.kind for one in found(None, people(ANN))] == ["added"]
    assert fields(people(BOB), people({**BOB, "title": None})) == [("title", ABSENT, None)]
    assert fields(people({**BOB, "title": "PM"}), people(BOB)) == [("title", "PM", ABSENT)]


def test_a_new_order_of_the_same_is_told_as_such() -> None:
    assert fields(people(ANN, BOB), people(BOB, ANN)) == [("order", ["ann", "bob"], ["bob", "ann"])]


def test_things_within_things_are_told_by_their_ids() -> None:
    before = {"routing": {"rules": [{"id": "a", "first": ["x"]}, {"id": "b", "first": ["y"]}]}}
    after = {"routing": {"rules": [{"id": "b", "first": ["z"]}, {"id": "a", "first": ["x"]}]}}
    (change,) = found(before, after, "routing.yaml")
    assert (change.noun, change.id) == ("routing", "routing")
    assert [(one.path, one.before, one.after) for one in change.fields] == [
        ("rules[b].first", ["y"], ["z"]),
        ("rules: order", ["a", "b"], ["b", "a"]),
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], [("rungs[1].a", 2, 3)]),
        ([{"a": 1}], [{"a": 0}, {"a": 1}], [("rungs[0]", ABSENT, {"a": 0})]),
        ([{"a": 1}, {"a": 2}, {"a": 3}], [{"a": 1}, {"a": 3}], [("rungs[1]", {"a": 2}, ABSENT)]),
        ([{"a": 1}], [], [("rungs", [{"a": 1}], [])]),
        (["x"], ["y"], [("rungs", ["x"], ["y"])]),
    ],
)
def test_items_without_ids_are_told_by_their_places(before: Any, after: Any, expected: Any) -> None:
    ladder = {"id": "l", "rungs": before}
    assert fields({"ladders": [ladder]}, {"ladders": [{**ladder, "rungs": after}]}) == expected


def test_a_plan_reads_from_file_to_file_and_ends_with_how_much_it_is() -> None:
    told = found(people(ANN, BOB), people({**ANN, "name": "Anna"}, {"id": "cid", "name": "Cid [x]"}))
    part = Part("oncall", ("people.yaml",), "v", {})
    plan = Plan((Step(part, {}, ("people.yaml",), tuple(told), ("The team: Ann instead of Bob.",)),))
    screen = Console(width=80, record=True, force_terminal=False, highlight=False)
    with screen.capture() as shown:
        show_plan(screen, plan)
    lines = [line.rstrip() for line in shown.get().splitlines() if line.strip()]
    assert lines == [
        "people.yaml",
        "  ~ person ann",
        "      name  Ann → Anna",
        "  + person cid",
        "      name  Cid [x]",
        "  - person bob",
        "For people, in the next 30 days",
        "  The team: Ann instead of Bob.",
        "1 to add, 1 to change, 1 to remove.",
    ]


def test_machines_are_told_what_is_not_there_by_leaving_it_out() -> None:
    (change,) = found(people(BOB), people({**BOB, "title": "PM"}))
    assert change.shown == {
        "file": "people.yaml",
        "noun": "person",
        "id": "bob",
        "change": "changed",
        "fields": [{"path": "title", "after": "PM"}],
    }
