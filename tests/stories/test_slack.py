"""A page in Slack: somebody presses its button, nobody else is paged, and the message says who has it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support import fake_slack
from tests.support.fake_slack import OPS, STRANGER, FakeSlack, command, press, running_slack, signed
from tests.support.world import World, alertmanager_body, environment

STEFANIA, HELENA = "U0STEFANIA", "U000HELENA"
DIRECT = f"D{STEFANIA[1:]}"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with running_slack() as fake:
        fake.members |= {STEFANIA}
        yield fake


@pytest.fixture
async def world(
    slack: FakeSlack, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """Stefania, who is on shift, is reached in Slack; Helena, who backs her up, is known there."""
    secrets = {"TOCSIN_SLACK_TOKEN": fake_slack.TOKEN, "TOCSIN_SLACK_SIGNING_SECRET": fake_slack.SIGNING_SECRET}
    for name, value in (environment() | secrets).items():
        monkeypatch.setenv(name, value)
    stage = World(database_url, database_url, tmp_path, extra={"slack_base_url": slack.url})
    real = {
        "id": "slack",
        "name": "Slack",
        "provider": "slack",
        "token": {"env": "TOCSIN_SLACK_TOKEN"},
        "signing_secret": {"env": "TOCSIN_SLACK_SIGNING_SECRET"},
    }
    channels = stage.config / "channels.yaml"
    shipped = yaml.safe_load(channels.read_text())["channels"]
    channels.write_text(yaml.safe_dump({"channels": [real if one["id"] == "slack" else one for one in shipped]}))
    people = stage.config / "people.yaml"
    changed = people.read_text().replace(
        "contacts: [{sms: +15550100", f"contacts: [{{slack: {STEFANIA}}}, {{sms: +15550100", 1
    )
    changed = changed.replace(
        "contacts: [{sms: +15550103", f"contacts: [{{slack: {OPS}}}, {{slack: <@{HELENA}>}}, {{sms: +15550103", 1
    )
    people.write_text(changed)
    yield stage
    await stage.stop()


async def post(world: World, path: str, body: str) -> httpx.Response:
    """Post as Slack does, by the story's clock."""
    transport = httpx.ASGITransport(app=world.of("notifier").app)
    async with httpx.AsyncClient(transport=transport, base_url="http://notifier.test") as client:
        answer = await client.post(f"/v1/callbacks/slack/{path}", content=body, headers=signed(body, world.clock.now()))
    await world.settle()
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_press_takes_the_incident_and_nobody_else_is_paged(world: World, slack: FakeSlack) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    [page] = slack.in_conversation(DIRECT)
    assert "Stefania was paged by Slack." in await world.lines(1)
    body = press(page, "tocsin:acknowledge", STEFANIA, f"{slack.url}/actions/1")
    await post(world, "interactions", body)
    await post(world, "interactions", body)
    incident = await world.incident(1)
    assert (incident["state"], incident["acknowledged_by"]["name"]) == ("acknowledged", "Stefania")
    assert (incident["acknowledged_by"]["id"], incident["acknowledged_by"]["via"]) == ("stefania", "slack")
    assert sum("cknowledged" in line for line in await world.lines(1)) == 1
    before = (await world.pages(), len(slack.in_conversation(OPS)))
    await world.forward(hours=1)
    assert (await world.pages(), len(slack.in_conversation(OPS))) == before
    shown = str(slack.in_conversation(DIRECT)[0]["blocks"])
    assert "Acknowledged by Stefania, 09:15 UTC" in shown
    assert "tocsin:acknowledge" not in shown


async def test_a_stranger_s_press_leaves_the_ladder_climbing_and_a_command_of_somebody_known_ends_it(
    world: World, slack: FakeSlack
) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    [page] = slack.in_conversation(DIRECT)
    await post(world, "interactions", press(page, "tocsin:acknowledge", STRANGER, f"{slack.url}/actions/1"))
    assert (await world.incident(1))["state"] == "open"
    await world.forward(minutes=6)
    assert (await world.incident(1))["rung"] == 2
    refused = await post(world, "commands", command("resolve 1", HELENA, channel="C0ELSEWHERE"))
    assert "neither you nor this channel of #1" in refused.json()["text"]
    answer = await post(world, "commands", command("resolve 1", STEFANIA, channel=DIRECT, trigger_id="2"))
    assert answer.json()["text"].startswith("#1 (")
    incident = await world.incident(1)
    assert incident["state"] == "resolved"
    assert "Resolved by Stefania" in str(slack.in_conversation(DIRECT)[0]["blocks"])
    assert "Resolved at 09:21 UTC" in str(slack.in_conversation(DIRECT)[-1]["blocks"])
