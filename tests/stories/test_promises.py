"""Every communication promise is kept, or seen to be late."""

import pytest

from tests.support.world import World, alertmanager_body


async def test_thirty_minutes_without_a_word_from_the_team(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.reply("Stefania", "ACK")

    await world.at("09:41")
    assert await world.told("reminder") == ["Stefania"]
    assert await world.told("missed") == []

    await world.at("09:46")
    missed = await world.told("missed")
    assert missed
    assert "Stefania" not in missed
    status = await world.messages(purpose="status")
    assert {message["obligation"] for message in status} == {"client_update"}
    assert all("10:15 UTC" in message["text"] for message in status), "the next promise stands in each message"

    await world.at("10:16")
    obligations = {message["obligation"] for message in await world.messages(purpose="status")}
    assert obligations == {"client_update", "tenant_status"}
    assert await world.told("call")


async def test_an_update_by_a_person_keeps_the_promises_and_sets_them_forward(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.reply("Stefania", "ACK")
    await world.at("09:35")
    await world.act(1, "updates", text="A disk is full; we are clearing it.", audiences=["team", "client"])
    updates = await world.messages(purpose="update")
    assert updates
    assert all("A disk is full" in message["text"] and "10:05 UTC" in message["text"] for message in updates)
    assert all("Invoicing does not work" in message["headline"] for message in updates)
    assert not any("InvoicingErrors" in message["headline"] + message["text"] for message in updates), "not for clients"
    await world.at("10:00")
    assert await world.told("missed") == []
    assert await world.messages(purpose="status") == []
    await world.at("10:06")
    status = [m for m in await world.messages(purpose="status") if m["obligation"] == "client_update"]
    assert status
    assert all("No change since 09:35 UTC" in message["text"] for message in status)


@pytest.mark.timeout(900)  # three days, with whatever is due in them
async def test_after_the_resolve_the_rca_is_owed_with_a_word_every_day_until_it_is_issued(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.reply("Stefania", "ACK")
    await world.at("09:20")
    await world.act(1, "resolve", note="Disk cleared.")
    assert await world.told("closing") == ["Stefania"]
    await world.forward(hours=24, minutes=1)
    first = len(await world.messages(purpose="rca_status"))
    assert first
    await world.forward(hours=24)
    assert len(await world.messages(purpose="rca_status")) == 2 * first
    await world.act(1, "rca", url="https://wiki.example/rca/1")
    issued = await world.messages(purpose="update")
    assert len(issued) == first
    assert all("https://wiki.example/rca/1" in message["text"] for message in issued), "they are told where it is"
    await world.forward(hours=25)
    assert len(await world.messages(purpose="rca_status")) == 2 * first
