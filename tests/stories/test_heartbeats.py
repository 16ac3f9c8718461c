"""Something that was heard of every so often falls silent."""

from pathlib import Path

import httpx
import pytest

from tests.support.world import World

KEY = "nightlyinvoi" + "7" * 20
ENTRY = """
  - id: nightly
    name: Nightly invoices
    source: heartbeat
    key: {{file: {file}}}
    options: {{every: 10m, grace: 1m, service: invoicing}}
"""


@pytest.mark.parametrize("world", ["embedded"], indirect=True)
async def test_who_deletes_a_heartbeat_that_is_missing_ends_its_incident_and_calls_nothing_well(world: World) -> None:
    await world.at("08:01")
    made = {"id": "nightly", "name": "Nightly invoices", "source": "heartbeat", "options": {"every": "10m"}}
    await world.request("intake", "POST", "/v1/integrations", json=made)
    await world.forward(minutes=12)
    assert (await world.incident(1))["state"] == "open"
    await world.request("intake", "DELETE", "/v1/integrations/nightly")
    await world.forward(minutes=2)
    assert (await world.incident(1))["state"] == "resolved"
    lines = await world.lines(1)
    assert (
        lines.count(
            "No heartbeat of Nightly invoices is withdrawn: its heartbeat was deleted by Operator; none fires any more."
        )
        == 1
    )
    assert not any("all is well" in line for line in lines)
    closing = await world.messages("closing")
    assert closing
    assert all("It is no longer watched; that is no word of it being well again." in one["text"] for one in closing)


@pytest.mark.parametrize("world", ["embedded"], indirect=True)
async def test_a_heartbeat_that_is_missing_opens_one_incident_and_the_next_ping_resolves_it(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "nightly.key").write_text(KEY)
    with (world.config / "integrations.yaml").open("a") as file:
        file.write(ENTRY.format(file=tmp_path / "nightly.key"))
    await world.at("09:10")
    incident = await world.incident(1)
    assert (incident["state"], incident["kind"]) == ("open", "telemetry")
    assert incident["title"] == "No heartbeat of Nightly invoices"
    assert ("Stefania", "sms") in await world.pages()
    await world.forward(minutes=20)
    assert len((await world.request("escalator", "GET", "/v1/incidents"))["incidents"]) == 1
    transport = httpx.ASGITransport(app=world.of("intake").app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as job:
        answer = await job.get(f"/v1/hooks/heartbeat/{KEY}")
    assert answer.json()["state"] == "beating"
    await world.settle()
    assert (await world.incident(1))["state"] == "resolved"
