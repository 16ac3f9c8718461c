"""Other people's programs, unchanged, against a started intake that listens on a port."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from libs.common.server import HttpServer
from tests.integration.intake_support import House, intake

APPRISE = "apprisekey" + "2" * 22
CLOUDEVENTS = "cloudevent" + "3" * 22
CONFIG = """
integrations:
  - {id: apprise, name: Apprise, source: apprise, key: {file: FOLDER/apprise.key}}
  - {id: events, name: Events, source: cloudevents, key: {file: FOLDER/events.key}}
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "apprise.key").write_text(APPRISE)
    (tmp_path / "events.key").write_text(CLOUDEVENTS)
    (tmp_path / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    async with intake(database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def port(house: House) -> AsyncIterator[int]:
    server = HttpServer(house.service.app, "127.0.0.1", 0, drain_seconds=1, port_variable="PORT")
    await server.start()
    yield server.port
    await server.stop()


async def apprise(*arguments: str) -> int:
    program = str(Path(sys.executable).with_name("apprise"))
    process = await asyncio.create_subprocess_exec(program, *arguments)
    return await asyncio.wait_for(process.wait(), 200)


async def test_apprise_fires_and_resolves(house: House, port: int) -> None:
    address = f"json://127.0.0.1:{port}/v1/hooks/apprise/{APPRISE}?:service=approvals"
    for kind in ("failure", "success"):
        assert await apprise("-t", "Queue stuck", "-b", "1,204 are waiting", "-n", kind, address) == 0
    first, second = await house.events()
    assert (first["status"], first["title"], first["service"]) == ("firing", "Queue stuck", "approvals")
    assert (second["status"], second["dedup_key"]) == ("resolved", first["dedup_key"])


async def test_apprise_may_send_the_key_as_a_header(house: House, port: int) -> None:
    address = f"json://127.0.0.1:{port}/v1/hooks/apprise?+X-Tocsin-Key={APPRISE}"
    assert await apprise("-t", "Queue stuck", "-b", "x", "-n", "warning", address) == 0
    (event,) = await house.events()
    assert event["severity"] == "warning"


@pytest.mark.parametrize("mode", [to_binary, to_structured])
async def test_the_cloudevents_sdk_is_understood_in_both_modes(
    house: House, port: int, mode: Callable[[CloudEvent, JSONFormat], HTTPMessage]
) -> None:
    event = CloudEvent(
        {
            "id": "1",
            "source": "/approvals",
            "type": "org.example.firing",
            "specversion": "1.0",
            "subject": "Café 100 %",
        },
        {"summary": "Queue stuck", "severity": "warning"},
    )
    message = mode(event, JSONFormat())
    async with httpx.AsyncClient() as client:
        address = f"http://127.0.0.1:{port}/v1/hooks/cloudevents/{CLOUDEVENTS}"
        response = await client.post(address, content=message.body, headers=message.headers)
    assert response.status_code == 202
    (told,) = await house.events()
    assert (told["dedup_key"], told["title"], told["severity"]) == ("Café 100 %", "Queue stuck", "warning")
