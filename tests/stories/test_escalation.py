"""Nobody answers: the six rungs fire in order at their delays, each to who is responsible then; an answer stops them all."""

from datetime import timedelta

from tests.support.world import World, alertmanager_body

DELAYS = (0, 5, 10, 10, 15, 15)
"""Minutes from one rung to the next, as ladders.yaml ships them."""


async def test_six_rungs_fire_in_order_at_their_delays(world: World) -> None:
    await world.at("09:50")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    for number, delay in enumerate(DELAYS, 1):
        if delay:
            await world.forward(minutes=delay, seconds=-1)
            assert (await world.incident(1))["rung"] == number - 1
            await world.forward(seconds=1)
        assert (await world.incident(1))["rung"] == number
    roles = await world.paged_roles()
    assert roles[0] == "on-shift"
    assert {"role:devops", "role:helpdesk", "role:cao", "role:head-of-engineering", "role:coo", "role:cto"} <= set(
        roles
    )
    order = [roles.index(role) for role in ("on-shift", "role:devops", "role:cao", "role:coo")]
    assert order == sorted(order)
    rungs = (await world.incident(1))["rungs"]
    assert [rung["reason"] for rung in rungs] == ["opened"] + ["unacknowledged"] * 5


async def test_an_acknowledgement_by_reply_stops_the_ladder_for_everyone(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.forward(minutes=6)
    before = await world.pages()
    assert len(before) >= 2
    await world.reply("Stefania", "ack 1")
    incident = await world.incident(1)
    assert incident["state"] == "acknowledged"
    assert incident["acknowledged_by"]["name"] == "Stefania"
    assert incident["acknowledged_by"]["via"] == "sms"
    await world.forward(hours=2)
    assert await world.pages() == before


async def test_a_late_timer_fires_once_and_says_how_late_it_was(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.sleep_through(timedelta(hours=3))
    assert (await world.incident(1))["rung"] == 2, "one rung, not a burst of them"
    assert any("late" in line for line in await world.lines(1))
    clients = [message for message in await world.messages() if message["purpose"] == "status"]
    assert len({(message["to"]["ref"], message["obligation"]) for message in clients}) == len(clients), (
        "each promise once"
    )


async def test_a_false_positive_ends_it_and_tells_those_who_were_reached_and_nobody_else(world: World) -> None:
    await world.at("09:15")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.forward(minutes=2)
    await world.act(1, "verdict", verdict="false_positive")
    assert await world.told("closing") == ["Stefania"]
    count = len(await world.messages())
    await world.forward(hours=26)
    assert len(await world.messages()) == count
