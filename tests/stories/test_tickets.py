"""A ticket opens an incident, Helpdesk hears of it first, and what becomes of it stands on the ticket: each once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.notifier.channels.helpdesk import HelpdeskName
from tests.support.fake_helpdesks import HELPDESKS, Refusal
from tests.support.helpdesk_stage import Helpdesks, running_helpdesks, ticket_environment
from tests.support.world import World, environment

NAMES: list[HelpdeskName] = ["zendesk", "jira", "freshdesk", "servicenow"]


@pytest.fixture
async def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A Tocsin on the embedded bus; which one carries the events makes no difference to helpdesks."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    stage = World(database_url, database_url, tmp_path)
    yield stage
    await stage.stop()


@pytest.fixture
async def desks(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Helpdesks]:
    for name, value in ticket_environment().items():
        monkeypatch.setenv(name, value)
    async with running_helpdesks(world) as made:
        yield made


async def test_what_becomes_of_an_incident_stands_on_its_ticket_once_each(world: World, desks: Helpdesks) -> None:
    await world.at("11:00")
    numbers = dict(enumerate(NAMES, 1))
    for name in NAMES:
        await desks.file(name)
        await desks.file(name)  # the webhook's repeat
    assert set(await world.paged_roles()) == {"role:helpdesk"}
    for number, name in numbers.items():
        assert (await world.incident(number))["tickets"][0]["id"] == HELPDESKS[name][2]
        await world.act(number, "acknowledge")
    await desks.echo()
    await world.forward(minutes=10)
    for number in numbers:
        await world.act(number, "updates", text="We found the cause & fix it.", audiences=["client"])
        await world.act(number, "updates", text="Restarting web-3.", audiences=["team"])
    await desks.echo()
    for number in numbers:
        await world.act(number, "resolve")
    assert await desks.echo() == 4

    for number, name in numbers.items():
        fake = desks.fakes[name]
        acknowledged, update, note, over = fake.comments
        assert acknowledged.text.startswith(f"Incident {number}: acknowledged at 11:00 UTC."), name
        assert update.text.startswith(f"Incident {number}: We found the cause & fix it."), name
        assert note.text.startswith(f"Incident {number}: Restarting web-3."), name
        assert over.text.startswith(f"Incident {number}: Resolved at 11:10 UTC after 10 min."), name
        assert [one.public for one in fake.comments] == [True, True, False, True], name
    newest = (await world.request("escalator", "GET", "/v1/incidents"))["incidents"][0]
    assert newest["number"] == 4, "no comment of ours opened another incident"


async def test_a_ticket_that_its_helpdesk_solves_is_told_once_and_one_that_is_raised_again_is_heard(
    world: World, desks: Helpdesks
) -> None:
    await world.at("11:00")
    for number, name in enumerate(NAMES[1:], 1):
        await desks.file(name)
        await desks.solve(name)
        await desks.solve(name)
        assert (await world.incident(number))["state"] == "resolved"
        assert len(desks.fakes[name].comments) == 1, name
        assert "Resolved at 11:00 UTC" in desks.fakes[name].comments[0].text

    await desks.file("zendesk")
    await world.act(4, "verdict", verdict="false_positive")
    assert "This was a false alarm." in desks.fakes["zendesk"].comments[0].text
    await desks.echo()
    assert any("posted ticket 20418 again, as it was" in line for line in await world.lines(4))
    await desks.solve("zendesk")
    await desks.file("zendesk")
    assert (await world.incident(5))["state"] == "open"


async def test_a_comment_that_cannot_be_posted_delays_no_page_and_the_record_says_why_once(
    world: World, desks: Helpdesks
) -> None:
    desks.fakes["zendesk"].refusals += [Refusal(403)] * 3
    desks.fakes["jira"].refusals += [Refusal(429, 30), Refusal(502)]
    channels = world.config / "channels.yaml"
    channels.write_text(channels.read_text().replace("ticket:helpdesk", "ticket:another"))
    await world.at("11:00")
    await desks.file("zendesk")
    await desks.file("jira")
    await world.post_trigger(
        "helpdesk", {"kind": "ticket", "ticket": "HD 1", "priority": "P1", "title": "Nobody can sign in"}
    )
    await world.settle()
    assert set(await world.paged_roles()) == {"role:helpdesk"}
    for number in (1, 2, 3):
        await world.act(number, "acknowledge")
    await world.forward(minutes=1)
    for number in (1, 3):
        await world.act(number, "resolve")

    failed = "The comment on Ticket 20418 failed: the provider rejected it (zendesk 403: Zendesk says 403)."
    nothing = "No helpdesk's API is configured for ticket:helpdesk, so nothing is written on Ticket HD 1."
    refused, delayed, unknown = [await world.lines(number) for number in (1, 2, 3)]
    assert (refused.count(failed), unknown.count(nothing)) == (1, 1)
    assert len(desks.fakes["jira"].comments) == 1
    assert not any("omment on" in line for line in delayed)
    assert not any("Nobody could be reached" in line for line in (*refused, *delayed, *unknown))
