"""Every reason that can reach the console has words; none is shown as the slug that programs use."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args, get_origin

import pytest

import services.escalator.domain
import services.escalator.handlers
from libs.common.events import deliveries, incidents, notifications
from services.escalator.domain import announcement, correlation, incident, ladder, obligations, routing
from services.statuspage.domain import reasons

UNTOLD = (
    set(get_args(ladder.StillReason))
    | set(get_args(correlation.DropReason))
    | set(get_args(incident.UnmovedReason))
    | set(get_args(announcement.UnmovedReason))
    | set(get_args(announcement.PastReason))
)
"""Why nothing happened: these are logged, and no line of a timeline."""


def slugs(kind: object) -> set[str]:
    """The words of a literal type."""
    return set(get_args(kind)) if get_origin(kind) is Literal else set()


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def typed() -> set[str]:
    """Every literal type of the escalator whose name says that it is a reason."""
    found: set[str] = set()
    for module in modules(services.escalator.domain):
        for name, kind in vars(module).items():
            if name.endswith("Reason") or name == "Outcome":
                found |= slugs(kind)
    return found


def written() -> set[str]:
    """Every reason that is written down where a fact is told: given as ``reason``, or to a parameter of that name."""
    tellers = [*modules(services.escalator.handlers), *modules(services.escalator.domain)]
    trees = [ast.parse(Path(str(module.__file__)).read_text()) for module in tellers]
    functions = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    places = {
        one.name: [arg.arg for arg in one.args.args].index("reason")
        for one in functions
        if "reason" in [arg.arg for arg in one.args.args]
    }
    values: list[ast.expr] = []
    for node in (node for tree in trees for node in ast.walk(tree)):
        if (isinstance(node, ast.keyword) and node.arg == "reason") or (
            isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "reason" for t in node.targets)
        ):
            values.append(node.value)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = places.get(name)
            if place is not None and len(node.args) > place:
                values.append(node.args[place])
    return {
        leaf.value
        for value in values
        for leaf in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    }


def test_the_search_for_reasons_finds_those_that_are_known_to_be_there() -> None:
    assert {"paged", "paging", "news", "no_news", "due_soon", "reached_meanwhile", "reply_changed_nothing"} <= written()
    assert {"rule_matched", "same_group", "ladder_exhausted", "waived"} <= typed() | slugs(routing.RouteReason) | {
        "ladder_exhausted"
    }


def test_every_reason_that_the_escalator_can_emit_has_a_phrase() -> None:
    emitted = typed() | written() | slugs(incidents.RungReason) | slugs(obligations.MoveReason)
    emitted |= slugs(notifications.SkipReason) | slugs(deliveries.AttemptReason) | {ladder.GiveUp(1).reason}
    assert sorted(emitted - UNTOLD - set(reasons.LINES)) == []
    assert all("_" not in phrase for phrase in reasons.LINES.values())


@pytest.mark.parametrize(
    ("kind", "phrases"),
    [
        (incidents.RungReason, reasons.RUNGS),
        (notifications.SkipReason, reasons.SKIPPED),
        (deliveries.AttemptReason, reasons.ATTEMPTS),
    ],
)
def test_rungs_people_left_out_and_failed_messages_have_words_for_every_reason(
    kind: object, phrases: dict[str, str]
) -> None:
    assert slugs(kind) == set(phrases)


def test_a_reason_of_a_newer_escalator_is_made_readable() -> None:
    assert reasons.of_line("moon_is_full") == "moon is full"
    assert reasons.of_line(None) == reasons.of_line("paged") == ""
