"""The phone rings where a page was not answered: a key takes the incident, and nobody else hears of it."""

import re

from tests.support.world import World, alertmanager_body

CALLED = "contacts: [{sms: +15550100, verified: true}, {voice: +15550100, verified: true}], chain: {high: [sms, {voice: 3m}]}}"


async def test_the_phone_rings_after_three_minutes_and_the_key_1_stops_the_ladder(world: World) -> None:
    people = world.config / "people.yaml"
    text, changed = re.subn(r"(id: stefania, .*?)contacts: .*", rf"\g<1>{CALLED}", people.read_text(), count=1)
    assert changed
    people.write_text(text)
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    assert await world.pages() == [("Stefania", "sms")]
    await world.forward(minutes=3)
    assert await world.pages() == [("Stefania", "sms"), ("Stefania", "voice")]
    call = (await world.messages("page"))[-1]
    assert call["text"].startswith("This is Tocsin, calling Stefania. Incident 1: ")
    assert await world.reply("Stefania", "1") == "You have incident 1 now. Nobody else is paged. Goodbye."
    incident = await world.incident(1)
    assert incident["state"] == "acknowledged"
    assert (incident["acknowledged_by"]["name"], incident["acknowledged_by"]["via"]) == ("Stefania", "voice")
    assert "Stefania was paged by phone call (kept in the local outbox)." in await world.lines(1)
    assert "Stefania acknowledged by phone call; the escalation stopped." in await world.lines(1)
    await world.forward(hours=1)
    assert len(await world.pages()) == 2
