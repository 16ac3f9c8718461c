"""What is foreseen is what happens: the same incident is simulated, and then lived through, and both tell the same people the same at the same times."""

from typing import Any

import httpx
import pytest

from services.statuspage.peers import Addresses, Peers
from services.statuspage.rehearsal import Foresight, foresee
from tests.support.world import OPERATOR_KEY, START, World, alertmanager_body

pytestmark = pytest.mark.parametrize("world", ["embedded"], indirect=True)
"""What the two services answer does not hang on the bus."""

Line = tuple[str, str, int | None, str | None, str, str]
"""When, what for, which rung, which promise, to whom, by which channel first."""


async def foreseen(world: World, **wanted: Any) -> Foresight:
    """What the status page would put together of this world's escalator and oncall."""
    mounts = {f"http://{name}.test": httpx.ASGITransport(world.of(name).app) for name in ("escalator", "oncall")}
    async with httpx.AsyncClient(mounts=mounts) as client:
        addresses = Addresses(*(f"http://{name}.test" for name in ("intake", "escalator", "oncall", "notifier")))
        return await foresee(Peers(client, addresses), OPERATOR_KEY, wanted)


def expected(found: Foresight) -> list[Line]:
    return sorted(
        (
            f"{each.step.at:%d %H:%M:%S}", str(each.step.purpose), each.step.rung, each.step.obligation, person.name,
            person.contacts[0].channel,
        )
        for each in found.steps
        for person in each.people
    )  # fmt: skip


async def happened(world: World) -> list[Line]:
    return sorted(
        (
            f"{message['at'][8:10]} {message['at'][11:19]}", message["purpose"], message["rung"], message["obligation"],
            message["to"]["name"], message["channel"],
        )
        for message in await world.messages()
        if message["purpose"] != "notice"
    )  # fmt: skip


CHECKOUT = {"kind": "telemetry", "source": "alertmanager", "service": "invoicing", "title": "InvoicingErrors"}


async def test_nobody_answers_while_a_hand_off_and_missing_contacts_lie_in_between(world: World) -> None:
    for person in ("stefania", "marguerite", "henrik"):
        await world.forget_contacts(person)
    world.clock.set(START.replace(hour=9, minute=50))
    await world.start()
    found = await foreseen(world, situation=CHECKOUT, lasting="72m")
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.forward(minutes=72)
    assert expected(found) == await happened(world)
    pages = [
        (each.step.rung, each.step.after.seconds // 60, each.step.reason) for each in found.steps if each.step.rung
    ]
    assert pages[:7] == [
        (1, 0, "opened"),
        (2, 5, "unacknowledged"),
        (3, 15, "unacknowledged"),
        (4, 25, "unacknowledged"),
        (5, 40, "unacknowledged"),
        (6, 40, "nobody_found"),
        (1, 70, "repeated"),
    ]
    first, fifth = (next(each for each in found.steps if each.step.rung == number) for number in (1, 5))
    assert [(one.name, one.backup_for) for one in first.people] == [("Helena", "Stefania")]
    assert [(one.name, one.reason) for one in first.skipped] == [("Stefania", "no_contact")]
    assert (fifth.nobody, [one.name for one in fifth.skipped]) == (True, ["Marguerite Blanc", "Henrik Aas"])
    assert [person.name for each in found.steps if each.step.slot == "rung-1.2" for person in each.people] == ["Rafael"]


async def test_whoever_is_paged_takes_it_writes_updates_and_resolves_it(world: World) -> None:
    await world.start()
    acts = {"acknowledge_after": "7m", "resolve_after": "65m", "update_every": "18m"}
    found = await foreseen(world, situation=CHECKOUT, lasting="66m", **acts)
    assert found.person == "ines"
    await world.post_alarm(alertmanager_body("InvoicingErrors", service="invoicing"))
    await world.settle()
    await world.forward(minutes=7)
    await world.reply("Inês Duarte", "ACK")
    for number in range(1, 4):
        await world.forward(minutes=11 if number == 1 else 18)
        await world.act(1, "updates", text=f"Step {number}.")
    await world.forward(minutes=11)
    await world.act(1, "resolve")
    await world.forward(minutes=1)
    assert expected(found) == await happened(world)
    (closing,) = [each for each in found.steps if each.step.purpose == "closing"]
    assert {"Stefania", "Inês Duarte"} <= {person.name for person in closing.people}
