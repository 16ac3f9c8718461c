"""A house whose intake asks the status pages of this machine, and what is asked of both in tests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.integration.intake_support import OPERATOR, House, intake
from tests.support.sample import until
from tests.support.status_pages import Page, StatusPages, status_pages

MINUTE = timedelta(minutes=1)
SUMMARY, INCIDENTS, PLANNED = (f"/api/v2/{name}.json" for name in ("summary", "incidents", "scheduled-maintenances"))

FORGET = text("DELETE FROM outbox")

CONFIG = """
integrations:
  - {id: alertmanager, name: Alertmanager, source: alertmanager, key: {file: FOLDER/alerts.key}}
  - id: proofs
    name: The proofs' status page
    source: statuspage
    options:
      url: URL
      every: 2m
      unknown_after: 3
      components: {Viewer: {service: proofing, tenants: [lumen]}, Storage: {service: projects}}
"""

PAGE = {"id": "kctbh9vrtdwd", "name": "Proofs", "url": "https://status.proofs.example"}
VIEWER_PART = {"id": "b13yz5g2cw10", "name": "Viewer", "status": "partial_outage"}
INCIDENT: dict[str, Any] = {
    "id": "4m2dbk0n8x7p",
    "name": "Proofs cannot be opened",
    "status": "investigating",
    "impact": "major",
    "shortlink": "https://stspg.example/4m2",
    "created_at": "2026-03-02T09:10:00Z",
    "incident_updates": [{"id": "u1", "status": "investigating", "body": "We are looking into it."}],
    "components": [VIEWER_PART],
}
KEY = "kctbh9vrtdwd/4m2dbk0n8x7p"


@dataclass
class Desk:
    """A house that asks, and the pages that it asks."""

    house: House
    pages: StatusPages

    async def idle(self, polls: int) -> None:
        """Wait until so many polls were made and written down, over all."""

        async def done() -> bool:
            (row,) = await self.house.rows(
                "SELECT count(claim) AS claims, bool_and(polled_at IS NOT NULL) AS ever FROM pollers"
            )
            return bool(len(self.pages.asked) >= polls and row["claims"] == 0 and row["ever"])

        await until(done)

    async def poll(self) -> dict[str, Any]:
        """Let the next poll be due, and what is known after it."""
        before = await self.state()
        self.house.clock.advance(3 * MINUTE)

        async def done() -> bool:
            return bool((await self.state())["polled_at"] != before["polled_at"])

        await until(done)
        return await self.state()

    async def state(self, name: str = "proofs") -> dict[str, Any]:
        response = await self.house.call("GET", f"/v1/pollers/{name}", OPERATOR)
        assert response.status_code == 200, response.text
        state: dict[str, Any] = response.json()
        return state

    async def told(self) -> list[tuple[str, str]]:
        """Status or kind of what was told since the last time, with its key or reason."""
        events = await self.house.events()
        async with self.house.uow.begin() as tx:
            await tx.session.execute(FORGET)
        return [
            (
                event.get("status") or event["type"].split(".")[2],
                event["dedup_key"] if "dedup_key" in event else event["reason"],
            )
            for event in events
        ]

    def show(self, *incidents: dict[str, Any], page: str = SUMMARY, **more: Any) -> None:
        self.pages.pages[page] = Page(json.dumps({"page": PAGE, "incidents": list(incidents), **more}).encode())


def now(status: str, words: str, **more: Any) -> dict[str, Any]:
    """The incident with one more update."""
    updates = [{"id": status, "status": status, "body": words}, *INCIDENT["incident_updates"]]
    return deepcopy(INCIDENT) | {"status": status, "incident_updates": updates} | more


@asynccontextmanager
async def polling(database_url: str, folder: Path) -> AsyncIterator[Desk]:
    """A house with one integration that asks."""
    async with status_pages() as pages:
        (folder / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(folder)).replace("URL", pages.url))
        for page in (SUMMARY, INCIDENTS, PLANNED):
            pages.pages[page] = Page(json.dumps({"page": PAGE, "incidents": []}).encode())
        async with intake(database_url, folder, poll_hosts="127.0.0.1") as house:
            yield Desk(house, pages)


async def first_poll(desk: Desk) -> dict[str, Any]:
    async def planned() -> bool:
        return bool(await desk.house.rows("SELECT 1 FROM pollers"))

    await until(planned)
    desk.house.clock.advance(timedelta(seconds=10))
    await desk.idle(1)
    return await desk.state()
