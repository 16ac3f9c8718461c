import tomllib

import pytest

from libs.common.docs import DOCS, pages
from libs.common.metrics import Metrics
from libs.common.version import VERSION


def test_each_service_has_metrics_of_its_own() -> None:
    first, second = Metrics(), Metrics()
    first.incidents_opened.labels("telemetry").inc()
    assert b'tocsin_incidents_opened_total{kind="telemetry"} 1.0' in first.exposition()
    assert b'tocsin_incidents_opened_total{kind="telemetry"}' not in second.exposition()


def test_every_metric_has_the_name_of_its_attribute_and_a_sentence() -> None:
    metrics = Metrics()
    for described in metrics.described:
        attribute = described.name.removeprefix("tocsin_").removesuffix("_total")
        assert hasattr(metrics, attribute), described
        assert described.sentence.endswith("."), described


def test_what_is_registered_is_what_is_described() -> None:
    metrics = Metrics()
    families = {family.name for family in metrics.registry.collect() if family.name.startswith("tocsin_")}
    assert families == {described.name.removesuffix("_total") for described in metrics.described}


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.name))
def test_the_generated_page_is_current(path: object) -> None:
    content = {str(page): text for page, text in pages().items()}[str(path)]
    written = next(page for page in pages() if str(page) == str(path)).read_text(encoding="utf-8")
    assert written == content, "run python -m libs.common.docs"


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
