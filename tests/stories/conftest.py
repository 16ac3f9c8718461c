"""The same stories on both engines of the bus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.world import World, environment


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def world(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A Tocsin that begins at 08:00 UTC and starts when the story first needs it."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    bus_url = database_url
    if request.param == "kafka":
        bus_url = f"kafka://{request.getfixturevalue('kafka_bootstrap')}?prefix={tmp_path.name}."
    stage = World(database_url, bus_url, tmp_path)
    yield stage
    await stage.stop()
