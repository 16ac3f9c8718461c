"""What holds the house together, checked by machine: budgets, layout, golden files, documented metrics, one clock, one commit."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.common.events.catalogue import name_of
from libs.common.events.registry import EVENTS
from libs.common.metrics import render_docs

SERVICES = ("intake", "oncall", "escalator", "notifier", "statuspage")
CODE = sorted(path for top in ("libs", "services", "tests") for path in Path(top).rglob("*.py"))
PRODUCT = [path for path in CODE if path.parts[0] != "tests"]

FILE_BUDGET = 400
FUNCTION_BUDGET = 60
SETTINGS_BUDGET = 20


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_no_file_is_longer_than_its_budget() -> None:
    long = {str(path): lines for path in CODE if (lines := len(path.read_text().splitlines())) > FILE_BUDGET}
    assert not long


def test_files_are_short_on_the_whole() -> None:
    assert statistics.median(len(path.read_text().splitlines()) for path in PRODUCT) <= 150


def test_no_function_is_longer_than_its_budget() -> None:
    long = {
        f"{path}:{node.lineno} {node.name}": size
        for path in CODE
        if "versions" not in path.parts
        for node in _functions(path)
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_BUDGET
    }
    assert not long


@pytest.mark.parametrize("service", SERVICES)
def test_a_path_can_be_guessed_in_every_service(service: str) -> None:
    root = Path("services") / service
    for name in ("__main__", "settings", "api", "consumer", "timers", "handlers", "store"):
        assert (root / f"{name}.py").is_file() or (root / name / "__init__.py").is_file(), f"{service} has no {name}"
    assert (root / "domain" / "__init__.py").is_file()
    assert list((root / "migrations" / "versions").glob("0001_*.py"))


@pytest.mark.parametrize("path", sorted(Path("services").glob("*/settings.py")), ids=str)
def test_settings_stay_few(path: Path) -> None:
    fields = [
        node
        for top in ast.walk(ast.parse(path.read_text()))
        if isinstance(top, ast.ClassDef)
        for node in top.body
        if isinstance(node, ast.AnnAssign)
    ]
    assert len(fields) <= SETTINGS_BUDGET


def test_every_event_has_a_golden_file() -> None:
    present = {path.stem for path in Path("tests/golden/events").glob("*.json")}
    assert {name_of(event) for event in EVENTS} <= present


def test_every_metric_is_documented() -> None:
    assert Path("docs/metrics.md").read_text() == render_docs(), "run `make docs`"


def test_only_a_clock_reads_the_time() -> None:
    """Whatever else knows the time was given it. The local instance has no clock to be given: it makes them."""
    allowed = {Path("libs/common/clock.py"), Path("services/local.py")}
    readers = {
        f"{path}:{line} {call}"
        for path in PRODUCT
        if path not in allowed
        for line, call in _calls(path)
        if call in {"datetime.now", "datetime.utcnow", "time.time", "date.today", "datetime.today", "func.now"}
    }
    assert not readers


def test_domain_waits_for_nothing() -> None:
    waits = {
        f"{path}:{node.lineno}"
        for path in PRODUCT
        if "domain" in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    }
    assert not waits


def test_only_the_edge_commits() -> None:
    """A consumer of the bus commits offsets, which is another thing."""
    edge = {Path("libs/common/db/work.py"), Path("libs/common/bus/kafka_consumer.py")}
    commits = {
        f"{path}:{line}"
        for path in PRODUCT
        if path not in edge
        for line, call in _calls(path)
        if call.endswith(".commit") and "consumer" not in call
    }
    assert not commits


def test_the_environment_is_read_by_composition_roots_alone() -> None:
    readers = {
        str(path)
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    roots = {path for path in readers if path.endswith(("__main__.py", "settings.py"))}
    assert readers - roots <= {
        "services/local.py",
        "libs/common/service.py",
        "libs/common/platform.py",
        "libs/common/bus/kafka_jars.py",
    }
