"""Oncall as it runs: events in from the bus, events out to it, over repeats, replicas and a change of the tree."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from libs.common.bus.connect import connect
from libs.common.bus.postgres import PostgresBus
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.config import ConfigWatcher
from libs.common.errors import Misconfigured
from libs.common.events.base import SYSTEM, Event
from libs.common.events.directory import PersonChanged, RotaChanged
from libs.common.events.envelope import Envelope, decode_record, encode
from libs.common.events.incidents import EscalationDue, Incident
from libs.common.events.notifications import NotificationRequested
from libs.common.events.topics import TOPICS
from libs.common.service import Service
from services.oncall.__main__ import build
from services.oncall.settings import OncallSettings
from tests.integration.oncall_support import KEY, MORNING, SHIPPED

SOON = timedelta(milliseconds=200)


class Town:
    """A database, a tree and a bus that replicas of oncall share."""

    def __init__(self, url: str, tree: Path, bus: PostgresBus) -> None:
        self.url = url
        self.tree = tree
        self.bus = bus
        self.clock = ManualClock(MORNING)
        self._chance = Chance(3)
        self._services: list[Service] = []
        self._readers = 0

    async def oncall(self) -> Service:
        """Start a replica."""
        settings = OncallSettings(database_url=SecretStr(self.url), config_dir=self.tree, drain_seconds=60)
        service = await build(settings, clock=self.clock, chance=Chance(len(self._services)))
        await service.start()
        self._services.append(service)
        return service

    async def stop(self) -> None:
        while self._services:
            await self._services.pop().stop()

    async def say(self, event: Event, event_id: int) -> None:
        """Put an event on the bus under this id."""
        envelope = Envelope(UUID(int=event_id), "/tocsin/escalator", self.clock.now(), event)
        await self.bus.producer().publish([encode(envelope)])

    async def hear(self, topic: str, count: int) -> list[Event]:
        """The first ``count`` events of a topic, and whatever else comes right after them."""
        self._readers += 1
        consumer = await self.bus.subscribe(f"ear-{self._readers}", [topic])
        heard: list[Event] = []
        try:
            async with asyncio.timeout(60):
                while len(heard) < count:
                    heard += [decode_record(record).event for record in await consumer.fetch(500, SOON)]
            heard += [decode_record(record).event for record in await consumer.fetch(500, SOON)]
        finally:
            await consumer.close()
        return heard


@pytest.fixture
async def town(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setenv("TOCSIN_KEY_OPERATOR", KEY)
    tree = tmp_path / "config"
    shutil.copytree(SHIPPED, tree)
    bus = connect(database_url)
    assert isinstance(bus, PostgresBus)
    async with AsyncExitStack() as stack:
        await bus.start()
        stack.push_async_callback(bus.stop)
        await bus.ensure_topics(TOPICS)
        made = Town(database_url, tree, bus)
        stack.push_async_callback(made.stop)
        yield made


def due(number: int) -> EscalationDue:
    incident = Incident(
        id=UUID(int=1000 + number),
        number=number,
        version=1,
        title="Down",
        state="open",
        kind="telemetry",
        category="service_down",
        severity="critical",
        first=("on-shift",),
        opened_at=MORNING,
    )
    return EscalationDue(
        incident=incident,
        at=MORNING,
        actor=SYSTEM,
        text="Rung 1 is due",
        rung=1,
        rung_name="First",
        roles=("first",),
        slot="rung-1",
    )


def told(events: list[Event]) -> list[str]:
    return [one.name for event in events if isinstance(event, NotificationRequested) for one in event.recipients]


def rotas(events: list[Event]) -> list[str]:
    return [event.name for event in events if isinstance(event, RotaChanged)]


async def test_a_due_rung_on_the_bus_becomes_one_notification_on_the_bus(town: Town) -> None:
    await town.oncall()
    await town.say(due(1), event_id=1)
    assert told(await town.hear("notifications", 1)) == ["Stefania"]


async def test_a_repeated_event_notifies_once(town: Town) -> None:
    await town.oncall()
    await town.say(due(1), event_id=1)
    await town.say(due(1), event_id=1)
    await town.say(due(2), event_id=2)
    assert len(await town.hear("notifications", 2)) == 2


async def test_what_waited_while_oncall_was_away_goes_to_who_is_on_shift_when_it_is_back(town: Town) -> None:
    await town.say(due(1), event_id=1)
    town.clock.advance(timedelta(minutes=50))
    await town.oncall()
    assert told(await town.hear("notifications", 1)) == ["Rafael"]


async def test_two_replicas_announce_the_directory_once_and_page_once(town: Town) -> None:
    await asyncio.gather(town.oncall(), town.oncall())
    for number in range(1, 13):
        await town.say(due(number), event_id=number)
    assert told(await town.hear("notifications", 12)) == ["Stefania"] * 12
    directory = await town.hear("directory", 30)
    assert len({event.key for event in directory}) == len(directory)


async def test_a_restart_announces_nothing_again(town: Town) -> None:
    await town.oncall()
    before = await town.hear("directory", 30)
    await town.stop()
    await town.oncall()
    heard = await town.hear("directory", len(before))
    assert len({event.key for event in heard}) == len(heard)


async def test_a_rota_that_is_rewritten_while_oncall_runs_is_in_force_without_a_restart(town: Town) -> None:
    await town.oncall()
    before = rotas(await town.hear("directory", 30))
    path = town.tree / "rotas.yaml"
    path.write_text(path.read_text().replace("person: stefania", "person: luciane").replace("The team", "The new team"))
    heard: list[Event] = []
    async with asyncio.timeout(60):
        while "The new team on shift" not in rotas(heard):
            heard = await town.hear("directory", 30)
    assert sorted(rotas(heard)) == sorted([*before, "The new team on shift"])
    await town.say(due(1), event_id=1)
    assert told(await town.hear("notifications", 1)) == ["Luciane"]


async def test_a_tree_that_breaks_while_oncall_runs_leaves_the_one_before_in_force(town: Town) -> None:
    service = await town.oncall()
    (town.tree / "people.yaml").write_text("people: [{id: nobody}]\n")
    watcher = next(part for part in service.components if isinstance(part, ConfigWatcher))
    async with asyncio.timeout(60):
        while not await watcher.note():  # noqa: ASYNC110 - the watcher tells nobody
            await asyncio.sleep(0.05)
    await town.say(due(1), event_id=1)
    assert told(await town.hear("notifications", 1)) == ["Stefania"]
    people = [event for event in await town.hear("directory", 30) if isinstance(event, PersonChanged)]
    assert not [event for event in people if event.removed]


async def test_a_tree_that_is_broken_from_the_start_ends_the_start_with_its_place(town: Town) -> None:
    (town.tree / "teams.yaml").write_text("teams:\n  - {id: x, name: X, members: [ghost]}\n")
    with pytest.raises(Misconfigured, match=r"teams.yaml:2: teams\[0\].members\[0\]: there is no person 'ghost'"):
        await town.oncall()
