"""An intake with an integration of each drop-in API, and words to speak to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.integration.intake_support import House, intake

ROUTING = "pagerdutykey" + "4" * 20
GENIE = "opsgeniekeys" + "5" * 20
OTHER = "otheropsgeni" + "6" * 20
SLOW = "slowroutings" + "7" * 20
SLOW_GENIE = "slowgeniekey" + "8" * 20
CONFIG = """
integrations:
  - {id: pager, name: Pager, source: pagerduty, kind: telemetry, key: {file: FOLDER/pager.key}}
  - {id: genie, name: Genie, source: opsgenie, kind: telemetry, key: {file: FOLDER/genie.key}}
  - {id: other, name: Other, source: opsgenie, kind: telemetry, key: {file: FOLDER/other.key}}
  - {id: slow, name: Slow, source: pagerduty, options: {rate_limit: 1}, key: {file: FOLDER/slow.key}}
  - {id: slow-genie, name: Slow, source: opsgenie, options: {rate_limit: 1}, key: {file: FOLDER/slow_genie.key}}
"""
KEYS = {"pager": ROUTING, "genie": GENIE, "other": OTHER, "slow": SLOW, "slow_genie": SLOW_GENIE}


@asynccontextmanager
async def drop_in(database_url: str, folder: Path) -> AsyncIterator[House]:
    """A started intake that answers as PagerDuty and as Opsgenie."""
    for name, key in KEYS.items():
        (folder / f"{name}.key").write_text(key)
    (folder / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(folder)))
    async with intake(database_url, folder) as house:
        yield house


async def genie(house: House, method: str, path: str, body: Any = None, key: str = GENIE) -> httpx.Response:
    """A call of Opsgenie's API."""
    headers = {"Authorization": f"GenieKey {key}"}
    return await house.client.request(method, path, json=body, headers=headers)


async def told(house: House) -> list[tuple[str, str]]:
    """The dedup key of each event so far and what it says: firing, resolved, acknowledged, noted, quarantined."""
    events = await house.events()
    return [(event.get("dedup_key", ""), event.get("status") or event["type"].split(".")[2]) for event in events]
