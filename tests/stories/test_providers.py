"""A provider's status page tells of an outage, of its end, or falls silent."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.status_pages import Page, StatusPages, status_pages
from tests.support.world import World

ENTRY = """
  - id: proofs-status
    name: Ziflow's status page
    source: statuspage
    options:
      url: {url}
      provider: ziflow
      public: Ziflow
      every: 2m
      components: {{Viewer: {{service: proofing, tenants: [lumen]}}}}
"""
SUMMARY, INCIDENTS, PLANNED = (f"/api/v2/{name}.json" for name in ("summary", "incidents", "scheduled-maintenances"))
DEVOPS = ["Diego Fuentes", "Noor Haddad"]


def page(status: str | None) -> Page:
    """What the provider says: nothing, or how its one incident stands."""
    updates = [{"status": status, "body": f"We are {status}."}, {"status": "investigating", "body": "We look into it."}]
    incident: dict[str, Any] = {
        "id": "4m2dbk0n8x7p",
        "name": "Proofs cannot be opened",
        "status": status,
        "impact": "critical",
        "incident_updates": updates if status != "investigating" else updates[1:],
        "components": [{"id": "b13", "name": "Viewer", "status": "major_outage"}],
    }
    return Page(json.dumps({"page": {"id": "kct"}, "incidents": [incident] if status else []}).encode())


@asynccontextmanager
async def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StatusPages]:
    """The provider's page, which the world asks from its start on."""
    monkeypatch.setenv("TOCSIN_INTAKE_POLL_HOSTS", "127.0.0.1")
    async with status_pages() as pages:
        pages.pages = {path: page(None) for path in (SUMMARY, INCIDENTS, PLANNED)}
        with (world.config / "integrations.yaml").open("a") as file:
            file.write(ENTRY.format(url=pages.url))
        yield pages


@pytest.mark.parametrize("world", ["embedded"], indirect=True)
async def test_a_providers_outage_goes_to_devops_and_its_end_resolves_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(world, monkeypatch) as pages:
        pages.pages[SUMMARY] = page("investigating")
        await world.at("08:03")
        incident = await world.incident(1)
        assert (incident["kind"], incident["category"], incident["severity"]) == (
            "provider",
            "provider_unavailable",
            "critical",
        )
        assert (incident["service"], incident["tenants"], incident["provider"]) == ("proofing", ["lumen"], "ziflow")
        assert set(DEVOPS) <= {name for name, _ in await world.pages()}
        pages.pages[SUMMARY] = page("identified")
        await world.forward(minutes=3)
        assert any("Identified: We are identified." in line for line in await world.lines(1))
        pages.pages[SUMMARY] = page(None)
        await world.forward(minutes=3)
        assert (await world.incident(1))["state"] != "resolved", "gone is not over"
        pages.pages[INCIDENTS] = page("resolved")
        await world.forward(minutes=3)
        assert (await world.incident(1))["state"] == "resolved"
        assert len((await world.request("escalator", "GET", "/v1/incidents"))["incidents"]) == 1


@pytest.mark.parametrize("world", ["embedded"], indirect=True)
@pytest.mark.parametrize("how", ["removed", "not asked"])
async def test_an_outage_whose_page_nobody_asks_any_more_stays_open_and_says_so_once(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with watched(world, monkeypatch) as pages:
        pages.pages[SUMMARY] = page("investigating")
        await world.at("08:01")
        made = {"name": "Viewer's page", "source": "statuspage", "options": {"url": pages.url, "provider": "viewer"}}
        await world.request("intake", "POST", "/v1/integrations", json={**made, "id": "viewer"})
        await world.forward(minutes=1)
        assert {(await world.incident(number))["provider"] for number in (1, 2)} == {"ziflow", "viewer"}
        number = 1 if (await world.incident(1))["provider"] == "viewer" else 2
        if how == "removed":
            await world.request("intake", "DELETE", "/v1/integrations/viewer")
        else:
            await world.request("intake", "PUT", "/v1/integrations/viewer", json={**made, "options": {}})
        await world.forward(minutes=5)
        assert (await world.incident(number))["state"] == "open"
        (line,) = [line for line in await world.lines(number) if "nothing will say here that this is over" in line]
        assert "by Operator" in line
        assert await world.messages("closing") == []


@pytest.mark.parametrize("world", ["embedded"], indirect=True)
async def test_of_a_page_that_cannot_be_read_devops_is_told_once_and_the_status_page_calls_nothing_fine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shown() -> list[tuple[str, str]]:
        status = await world.request("statuspage", "GET", "/api/v1/status")
        return [(one["name"], one["level"]) for one in status["providers"]]

    async with watched(world, monkeypatch) as pages:
        await world.at("08:03")
        assert await shown() == [("Ziflow", "ok")]
        pages.pages[SUMMARY] = Page(b"<html><body>Sign in</body></html>", "text/html")
        await world.at("08:20")
        notices = [one for one in await world.messages("notice") if "5 times in a row" in one["text"]]
        assert sorted(one["to"]["name"] for one in notices) == DEVOPS
        assert await shown() == [("Ziflow", "plain")]
        assert (await world.request("escalator", "GET", "/v1/incidents"))["incidents"] == []
        pages.pages[SUMMARY] = page(None)
        await world.forward(minutes=3)
        assert await shown() == [("Ziflow", "ok")]
        assert (await world.request("intake", "GET", "/v1/quarantine"))["quarantine"] == []
