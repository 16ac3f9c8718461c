"""``kill -9`` in the middle of a ladder: after the restart nothing is lost and nothing is sent twice."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from libs.common.bus.local_broker import LocalBroker
from services.settings import PORTS
from tests.support.instance import Instance, eventually, running, short_folder

LADDER = """\
ladders:
  - id: standard
    name: A ladder of two-minute rungs
    rungs:
      - {name: First, roles: [first], after: 0s}
      - {name: Responsible, roles: [service-responsible], after: 2m}
      - {name: PM, roles: [pm], after: 2m}
      - {name: DevOps and Helpdesk, roles: [role:devops, role:helpdesk], after: 2m}
      - {name: CAO and Head of Engineering, roles: [role:cao, role:head-of-engineering], after: 2m}
      - {name: COO and CTO, roles: [role:coo, role:cto], after: 2m}
"""


@pytest.fixture
def stage() -> Iterator[Path]:
    """A folder with a configuration whose ladder is climbed in twelve seconds."""
    folder = short_folder()
    shutil.copytree("deploy/config", folder / "config")
    (folder / "config" / "ladders.yaml").write_text(LADDER)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _surroundings(stage: Path, **more: str) -> dict[str, Any]:
    return {"TOCSIN_CONFIG_DIR": str(stage / "config"), "TOCSIN_CLOCK_SPEED": "60", **more}


def _rung(instance: Instance) -> int:
    try:
        return int(instance.get("escalator", "/v1/incidents/1")["rung"])
    except (httpx.TransportError, AssertionError):
        return 0


def _climbed(instance: Instance, rung: int) -> None:
    eventually(lambda: _rung(instance) >= rung, f"rung {rung}")


def _titles(instance: Instance) -> set[str]:
    return {incident["title"] for incident in instance.get("escalator", "/v1/incidents?limit=50")["incidents"]}


def _assert_each_page_once(instance: Instance) -> None:
    def all_rungs() -> list[dict[str, Any]] | None:
        found = instance.messages("page")
        return found if {message["rung"] for message in found} >= set(range(1, 7)) else None

    pages = eventually(all_rungs, "a page of every rung")
    counted = Counter((page["subject_id"], page["rung"], page["to"]["ref"]) for page in pages)
    assert set(counted.values()) == {1}, counted


def _posted(instance: Instance, name: str) -> None:
    """Post an alarm as a sender does: again and again until it is accepted."""

    def accepted() -> bool:
        try:
            return instance.alarm(name).status_code == 202
        except httpx.TransportError:
            return False

    eventually(accepted, f"{name} is accepted")


def _came_back(instance: Instance, service: str, killed: int) -> None:
    eventually(lambda: instance.facts["services"][service]["pid"] != killed, f"{service} came back")
    instance.wait_ready(service)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bus", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_every_service_is_killed_in_the_middle_of_a_ladder(
    stage: Path, bus: str, request: pytest.FixtureRequest
) -> None:
    more = {}
    if bus == "kafka":
        more["TOCSIN_BUS_URL"] = f"kafka://{request.getfixturevalue('kafka_bootstrap')}?prefix={stage.name}."
    with running(stage / "data", **_surroundings(stage, **more)) as instance:
        _posted(instance, "the-ladder")
        for rung, service in enumerate(PORTS, 1):
            _climbed(instance, rung)
            killed = instance.kill(service)
            if service != "intake":
                _posted(instance, f"while-{service}-is-down")
            _came_back(instance, service, killed)
        _climbed(instance, 6)
        _assert_each_page_once(instance)
        meanwhile = {f"while-{service}-is-down" for service in PORTS if service != "intake"}
        eventually(lambda: _titles(instance) >= {"the-ladder", *meanwhile}, "an incident of every alarm")


@pytest.mark.kafka
@pytest.mark.timeout(900)
def test_the_broker_is_killed_in_the_middle_of_a_ladder(stage: Path) -> None:
    broker = LocalBroker(stage / "kafka")
    broker.start()
    try:
        url = f"kafka://{broker.bootstrap}"
        with running(stage / "data", **_surroundings(stage, TOCSIN_BUS_URL=url)) as instance:
            _posted(instance, "the-ladder")
            eventually(lambda: instance.messages("page"), "the first page")
            broker.kill()
            time.sleep(3)
            assert instance.alarm("while-the-broker-is-down").status_code == 202, "202 means committed, broker or not"
            unready = eventually(lambda: _unready(instance, "escalator"), "the escalator says that it is not ready")
            assert "bus" in unready
            broker.start()
            for service in PORTS:
                instance.wait_ready(service)
            _climbed(instance, 6)
            _assert_each_page_once(instance)
            eventually(lambda: "while-the-broker-is-down" in _titles(instance), "the alarm that the broker missed")
            assert _titles(instance) == {"the-ladder", "while-the-broker-is-down"}
    finally:
        broker.stop()


def _unready(instance: Instance, service: str) -> str | None:
    answer = instance.client.get(f"{instance.url(service)}/readyz")
    return answer.text if answer.status_code == 503 else None


@pytest.mark.timeout(900)
def test_the_whole_instance_is_killed_and_what_came_due_meanwhile_fires_once(stage: Path) -> None:
    with running(stage / "data", **_surroundings(stage)) as instance:
        _posted(instance, "the-ladder")
        eventually(lambda: instance.messages("page"), "the first page")
        os.killpg(instance.process.pid, 9)
        instance.process.wait(120)
    time.sleep(5)
    with running(stage / "data", **_surroundings(stage)) as instance:
        _climbed(instance, 6)
        _assert_each_page_once(instance)
