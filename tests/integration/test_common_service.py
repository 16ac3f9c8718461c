"""A service from its start to its end: alone in a process, and beside others in one."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from libs.common.auth import issue_key
from libs.common.bus.base import Record
from libs.common.chance import Chance
from libs.common.clock import ManualClock, ScaledClock
from libs.common.components import alarm_of
from libs.common.events.directory import PrincipalChanged
from libs.common.events.envelope import decode_record
from libs.common.events.triggers import TriggerReceived
from libs.common.service import Service
from tests.support.programs import free_port
from tests.support.sample import T0, notes, until
from tests.support.small_service import SampleSettings, build

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "words.yaml").write_text("words: [{id: a, text: hello}]")
    return tmp_path


@asynccontextmanager
async def running(
    database_url: str, tree: Path, bus_url: str | None = None
) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """The service without a port of its own, and a client of it."""
    given = SampleSettings(database_url=database_url, bus_url=bus_url, config_dir=tree)
    service = await build(given, clock=ManualClock(T0), chance=Chance(1))
    await service.start()
    try:
        transport = httpx.ASGITransport(app=service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
            yield service, client
    finally:
        await service.stop()


async def test_a_started_service_is_migrated_configured_and_ready(database_url: str, tree: Path) -> None:
    async with running(database_url, tree) as (service, client):
        assert await notes(service.platform.uow) == ["hello"]

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(ready)
        answer = await client.get("/readyz")
        assert answer.json() == {
            "status": "ready",
            "checks": {
                "configuration": "ok", "database": "ok", "bus": "ok", "outbox": "ok", "consumer sample": "ok",
            },
        }  # fmt: skip


async def test_a_principal_told_on_the_bus_may_call_soon_after(database_url: str, tree: Path) -> None:
    key = issue_key(Chance(5))
    event = PrincipalChanged(id="bot", name="Bot", roles=("viewer",), keys=(key.hashed,), at=T0)
    headers = {"Authorization": f"Bearer {key.plain}"}
    async with running(database_url, tree) as (_, client):
        assert (await client.get("/v1/me", headers=headers)).status_code == 401
        assert (await client.post("/v1/principals", json=event.model_dump(mode="json"))).status_code == 202

        async def known() -> bool:
            return (await client.get("/v1/me", headers=headers)).status_code == 200

        await until(known)


async def test_without_the_bus_it_starts_takes_requests_and_says_why_it_is_not_ready(
    database_url: str, tree: Path
) -> None:
    bus_url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    async with running(database_url, tree, bus_url=bus_url) as (_, client):
        event = PrincipalChanged(id="bot", name="Bot", at=T0)
        assert (await client.post("/v1/principals", json=event.model_dump(mode="json"))).status_code == 202
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert "the bus cannot be reached" in answer.json()["checks"]["bus"]
        assert answer.json()["checks"]["database"] == "ok"


async def test_a_speed_makes_the_clock_run_faster(database_url: str, tree: Path) -> None:
    service = await build(SampleSettings(database_url=database_url, config_dir=tree, clock_speed=60, clock_origin=T0))
    assert isinstance(service.platform.clock, ScaledClock)
    assert service.platform.clock.speed == 60
    await service.platform.database.dispose()


class Process:
    """``python -m tests.support.small_service`` with an environment of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def answers(self, path: str) -> bool:
        assert self.process.returncode is None, await self.process.communicate()
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(self.url + path)).status_code == 200
        except httpx.TransportError:
            return False

    async def end(self) -> tuple[int, str, str]:
        async with asyncio.timeout(60):
            out, err = await self.process.communicate()
        return self.process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def process(database_url: str, tree: Path, *words: str, **variables: str) -> AsyncIterator[Process]:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environment = {
        **clean,
        "TOCSIN_DATABASE_URL": database_url,
        "TOCSIN_CONFIG_DIR": str(tree),
        "TOCSIN_SAMPLE_PORT": str(port),
        **variables,
    }
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.small_service", *words,
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Process(made, port)
    finally:
        if made.returncode is None:
            made.kill()
            await made.communicate()


async def test_a_process_serves_until_it_is_asked_to_stop_and_ends_with_code_0(database_url: str, tree: Path) -> None:
    async with process(database_url, tree) as served:
        await until(lambda: served.answers("/readyz"), 120)
        served.process.send_signal(signal.SIGTERM)
        code, out, err = await served.end()
    assert (code, err) == (0, "")
    assert '"event": "listening"' in out
    assert '"event": "stopping"' in out
    assert '"service": "sample"' in out


async def test_a_taken_port_is_one_line_that_says_what_to_set(database_url: str, tree: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with process(database_url, tree, TOCSIN_SAMPLE_PORT=str(port)) as refused:
            code, _, err = await refused.end()
    assert code == 1
    assert err == f"tocsin sample: port {port} on 127.0.0.1 is in use; stop what uses it, or set TOCSIN_SAMPLE_PORT\n"


async def test_a_database_that_cannot_be_reached_is_one_line_that_names_the_variable(tree: Path) -> None:
    async with process(f"postgresql://nobody@127.0.0.1:{free_port()}/none", tree) as refused:
        code, _, err = await refused.end()
    assert code == 1
    assert err.startswith("tocsin sample: the database cannot be reached: ")
    assert "is TOCSIN_DATABASE_URL right" in err
    assert err.count("\n") == 1


async def test_a_bad_setting_is_one_line(database_url: str, tree: Path) -> None:
    async with process(database_url, tree, TOCSIN_SAMPLE_PORT="many") as refused:
        code, _, err = await refused.end()
    assert code == 1
    assert err.startswith("tocsin sample: TOCSIN_SAMPLE_PORT=many: ")
    assert err.count("\n") == 1


async def test_broken_configuration_is_told_line_by_line(database_url: str, tree: Path) -> None:
    (tree / "words.yaml").write_text("words:\n  - {id: a, txt: x}\n")
    async with process(database_url, tree) as refused:
        code, _, err = await refused.end()
    assert code == 1
    assert "tocsin sample: words.yaml:2: words[0].txt: no such key; did you mean text?\n" in err
    assert "Traceback" not in err


async def test_migrate_migrates_and_ends(database_url: str, tree: Path) -> None:
    async with process(database_url, tree, "migrate") as migrating:
        assert (await migrating.end())[0] == 0
    async with running(database_url, tree) as (service, _):
        assert await notes(service.platform.uow) == ["hello"]


async def test_help_lists_the_settings_and_needs_none_of_them(tree: Path) -> None:
    async with process("", tree, "--help") as helping:
        code, out, _ = await helping.end()
    assert code == 0
    assert "TOCSIN_DATABASE_URL" in out
    assert "migrate" in out


async def test_a_consumer_that_stopped_itself_has_somebody_paged(database_url: str, tree: Path) -> None:
    async with running(database_url, tree) as (service, _):
        reader = await service.platform.bus.subscribe("test", ["triggers"])
        await alarm_of(service.platform.uow, "sample", "sample-directory")("7 of 10 records failed for good")
        records: list[Record] = []
        while not records:
            records += await reader.fetch(10, timedelta(seconds=1))
        trigger = decode_record(records[0]).event
        assert isinstance(trigger, TriggerReceived)
        assert (trigger.kind, trigger.status, trigger.integration_id) == ("telemetry", "firing", "tocsin")
        assert trigger.title == "Tocsin's sample stopped reading events (sample-directory)"
        assert trigger.description == "7 of 10 records failed for good"
