"""Two replicas of every service: still one of everything."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.world import World, alertmanager_body, environment


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def pair(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """Two replicas of every service on one database and one bus."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    bus_url = database_url
    if request.param == "kafka":
        bus_url = f"kafka://{request.getfixturevalue('kafka_bootstrap')}?prefix={tmp_path.name}."
    stage = World(database_url, bus_url, tmp_path, replicas=2)
    yield stage
    await stage.stop()


async def test_two_replicas_of_every_service_page_each_person_once(pair: World) -> None:
    await pair.at("09:15")
    for number in range(4):
        await pair.post_alarm(alertmanager_body(f"Alarm{number}", service="invoicing"))
        await pair.post_alarm(alertmanager_body(f"Alarm{number}", service="invoicing"))
    await pair.settle()
    await pair.forward(minutes=5)
    pages = [(m["incident_number"], m["rung"], m["to"]["name"]) for m in await pair.messages("page")]
    assert len(pages) == len(set(pages))
    assert {number for number, _, _ in pages} == {1, 2, 3, 4}
    assert {rung for _, rung, _ in pages} == {1, 2}
    assert sorted(name for _, rung, name in pages if rung == 1) == ["Stefania"] * 4
