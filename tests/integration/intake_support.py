"""A whole intake on a real PostgreSQL, without a port: requests go straight to its application."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from pydantic import SecretStr
from sqlalchemy import text

from libs.common.auth import hash_key, take_principal
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.db.timers import TimerLoop
from libs.common.db.work import UnitOfWork
from libs.common.events.directory import KeyRole, PrincipalChanged
from libs.common.service import Service
from services.intake.__main__ import build
from services.intake.handlers.senders import FAILED_SECONDS
from services.intake.settings import IntakeSettings

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
ALERTS = "alertmanager1234secretsecretsecr"
NATIVE = "monitoringkey567secretsecretsecr"
ADMIN = "tocsin_adminadm" + "x" * 24
OPERATOR = "tocsin_operator" + "y" * 24
VIEWER = "tocsin_viewervv" + "z" * 24
FABRIKAM = "tocsin_fabrikam" + "w" * 24

CONFIG = """
integrations:
  - {id: alertmanager, name: Alertmanager, source: alertmanager, kind: telemetry, key: {file: FOLDER/alerts.key}}
  - {id: monitoring, name: Monitoring, source: native, kind: telemetry, key: {file: FOLDER/native.key}}
  - {id: silent, name: Has no key yet, source: native, key: {env: TOCSIN_TEST_KEY_THAT_IS_NOT_SET}}
"""


@dataclass
class House:
    """The service, a client of it, and a way to look into its tables."""

    service: Service
    client: httpx.AsyncClient
    clock: ManualClock
    folder: Path

    @property
    def uow(self) -> UnitOfWork:
        return self.service.platform.uow

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.uow.read() as session:
            return [dict(row) for row in (await session.execute(text(query))).mappings()]

    async def events(self) -> list[dict[str, Any]]:
        """What was told, in its order: from the outbox, or from the log of the bus where the relay was there first."""
        found = await self.rows("SELECT headers, value FROM outbox ORDER BY id")
        return [{"type": row["headers"]["ce_type"], **json.loads(row["value"])} for row in found]

    async def post_alerts(self, body: bytes | object, key: str = ALERTS) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(f"/v1/hooks/alertmanager/{key}", content=content)

    async def post_triggers(self, body: bytes | object, key: str = NATIVE) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return await self.client.post("/v1/triggers", content=content, headers=headers)

    async def call(self, method: str, path: str, key: str = ADMIN, **kwargs: Any) -> httpx.Response:
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **kwargs)

    async def forward(self, **duration: float) -> None:
        """Go on by so much time, stopping at every timer on the way."""
        target = self.clock.now() + timedelta(**duration)
        while True:
            [row] = await self.rows("SELECT min(run_at) AS due FROM timers")
            if row["due"] is None or row["due"] > target:
                break
            await self.jump_to(max(row["due"], self.clock.now()))
        await self.jump_to(target)

    async def jump_to(self, at: datetime) -> None:
        """Let the time until ``at`` pass as if nothing ran in it; then whatever is due runs."""
        self.clock.set(at)
        loops = [component for component in self.service.components if isinstance(component, TimerLoop)]
        async with asyncio.timeout(60):
            while True:
                await asyncio.sleep(0.005)
                if all([await loop.idle() for loop in loops]):
                    break

    async def admit(self, name: str, key: str, role: KeyRole, tenants: tuple[str, ...] | None = None) -> None:
        event = PrincipalChanged(
            id=name, name=name.title(), roles=(role,), tenants=tenants, keys=(hash_key(key),), at=self.clock.now()
        )
        async with self.uow.begin() as tx:
            await take_principal(tx, event)


@asynccontextmanager
async def intake(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[House]:
    """A started intake, its relay stopped so that the outbox can be read; ``settings`` are further ones."""
    (folder / "alerts.key").write_text(ALERTS + "\n")
    (folder / "native.key").write_text(NATIVE)
    if not (folder / "integrations.yaml").exists():
        (folder / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(folder)))
    chosen = IntakeSettings(database_url=SecretStr(database_url), config_dir=folder, **settings)
    clock = ManualClock(NOW)
    service = await build(chosen, clock=clock, chance=Chance(7))
    await service.start()
    try:
        await keep_outbox(service)
        transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            house = House(service, client, clock, folder)
            await house.admit("admin", ADMIN, "admin")
            await house.admit("operator", OPERATOR, "operator")
            await house.admit("viewer", VIEWER, "viewer")
            await house.admit("fabrikam", FABRIKAM, "operator", ("fabrikam",))
            yield house
    finally:
        await service.stop()


async def keep_outbox(service: Service) -> None:
    """Stop the relay, so that what is told can be read in its order: ids of two replicas have none within a millisecond."""
    for component in service.components:
        if component.name.startswith("relay"):
            await component.stop()


THROW_OUT = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1"
"""Waits until each of them is gone: one that goes later would fail a request that comes when all is well again."""


@asynccontextmanager
async def no_database(house: House) -> AsyncIterator[None]:
    """The database lets nobody in, and throws out whoever was there; then it lets everybody in again, and is asked again."""
    url = house.uow.database.url
    name = url.partition("?")[0].rpartition("/")[2]
    administrator = await asyncpg.connect(url.replace(f"/{name}", "/postgres", 1))
    try:
        await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await administrator.execute(THROW_OUT, name)
        yield
        await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await asyncio.sleep(2 * FAILED_SECONDS)  # for so long who sends is not looked up again after a failure
    finally:
        await administrator.close()
