"""Oncall on a database of its own, without a bus: the configuration taken in, handlers and routes at hand."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select

from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.config import ConfigWatcher
from libs.common.db.tables import OUTBOX
from libs.common.db.work import UnitOfWork
from libs.common.events.base import Event
from libs.common.events.envelope import decode
from libs.common.service import Service
from services.oncall.__main__ import build
from services.oncall.settings import OncallSettings

SHIPPED = Path("deploy/config")
KEY = "tocsin_operator" + "s" * 24
MORNING = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
"""Stefania's shift."""


@dataclass
class Rig:
    """A service whose database is ready, and whose bus is not there."""

    service: Service
    clock: ManualClock
    tree: Path
    http: httpx.AsyncClient

    @property
    def uow(self) -> UnitOfWork:
        return self.service.platform.uow

    @property
    def watcher(self) -> ConfigWatcher:
        return next(part for part in self.service.components if isinstance(part, ConfigWatcher))

    def rewrite(self, name: str, old: str, new: str) -> None:
        """Change a file of the tree."""
        path = self.tree / name
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))

    async def emitted(self) -> list[Event]:
        """The events in the outbox, which is empty afterwards."""
        async with self.uow.begin() as tx:
            rows = (await tx.session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).all()
            await tx.session.execute(delete(OUTBOX))
        return [decode(row.headers, row.value).event for row in rows]


@pytest.fixture
async def rig(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Oncall with the shipped configuration and an admin's key, its first announcements read."""
    monkeypatch.setenv("TOCSIN_KEY_OPERATOR", KEY)
    tree = tmp_path / "config"
    shutil.copytree(SHIPPED, tree)
    clock = ManualClock(MORNING)
    settings = OncallSettings(
        database_url=SecretStr(database_url), config_dir=tree, statuspage_url="https://status.example.com"
    )
    service = await build(settings, clock=clock, chance=Chance(7))
    await service.migrate()
    transport = httpx.ASGITransport(service.app)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://oncall", headers=headers) as http:
        made = Rig(service, clock, tree, http)
        await made.watcher.take()
        await made.emitted()
        yield made
    await service.platform.database.dispose()
