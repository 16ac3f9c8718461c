"""The real oncall service behind the console of a test: the shipped configuration, a database of its own, no bus."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from pydantic import SecretStr

from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.config import ConfigWatcher
from services.oncall.__main__ import build
from services.oncall.settings import OncallSettings
from tests.support.statuspage import OPERATOR_KEY, STEFANIA_KEY, VIEWER_KEY

PRINCIPALS: Final = """\
principals:
  - {{id: operator, name: Operator, roles: [admin], key: {{file: {folder}/operator}}}}
  - {{id: viewer, name: Viewer, roles: [viewer], key: {{file: {folder}/viewer}}}}
  - {{id: stefania-key, name: Stefania, roles: [viewer], person: stefania, key: {{file: {folder}/stefania}}}}
"""
PLATFORM: Final = """\
  - id: platform
    name: Platform
    zone: Europe/Lisbon
    layers:
      - id: weeks
        people: [stefania, rafael]
        every: 1 week
        hand_off: mo 09:00
        starts_on: 2025-01-06
        only: [{days: mo-fr, hours: 07:00-19:00}]
      - id: stand-ins
        role: secondary
        people: [helena, luciane]
        every: weekly
        starts_on: 2025-01-06
"""
"""A rota with a mask, so that nobody is primary at night, and with secondaries."""


@asynccontextmanager
async def real_oncall(database_url: str, folder: Path, clock: Clock) -> AsyncIterator[FastAPI]:
    """Oncall's application with the keys of the console's tests and one more rota, ``platform``."""
    tree = folder / "config"
    shutil.copytree("deploy/config", tree)
    for name, key in (("operator", OPERATOR_KEY), ("viewer", VIEWER_KEY), ("stefania", STEFANIA_KEY)):
        (folder / name).write_text(key)
    (tree / "principals.yaml").write_text(PRINCIPALS.format(folder=folder))
    with (tree / "rotas.yaml").open("a") as rotas:
        rotas.write(PLATFORM)
    settings = OncallSettings(database_url=SecretStr(database_url), config_dir=tree)
    service = await build(settings, clock=clock, chance=Chance(7))
    await service.migrate()
    watcher = next(part for part in service.components if isinstance(part, ConfigWatcher))
    await watcher.take()
    try:
        yield service.app
    finally:
        await service.platform.database.dispose()
