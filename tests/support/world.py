"""A whole Tocsin in one process, on a clock that stories move: real PostgreSQL, a real bus, every service, no port.

``forward`` stops at every timer on the way, as real time would; ``sleep_through`` jumps, as an outage would.
"""

import asyncio
import importlib
import re
import shutil
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import httpx
from sqlalchemy import text

from libs.common.bus.base import BusUnavailable
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.service import Service
from tests.support.bodies import alertmanager_body

SERVICES = ("oncall", "escalator", "notifier", "statuspage", "intake")
INTEGRATIONS = ("alertmanager", "monitoring", "helpdesk", "providers", "maintenance", "tools")
START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
QUIET_SECONDS = 180.0
"""How long of the machine's time a settling world may take before the story fails."""

WAITING = """
SELECT min(due_at) FROM attempts WHERE state = 'queued' AND NOT EXISTS (
  SELECT FROM attempts before WHERE before.channel = attempts.channel AND before.address = attempts.address
    AND before.channel LIKE 'ticket:%' AND before.state IN ('queued', 'sending') AND before.id < attempts.id)
"""
"""When the next message goes out; a comment waits for those before it on its ticket."""

MAIL = ("provider-mail", "maintenance-mail", "tool-mail")
KEYS = {name: f"{name[:4]:x<4}0001".ljust(32, "k")[:32] for name in INTEGRATIONS}
KEYS |= {name: f"{name[:4]:x<4}mail".ljust(32, "k") for name in MAIL}
OPERATOR_KEY = "tocsin_" + "oper0001".ljust(32, "k")


def environment() -> dict[str, str]:
    """The keys of the default integrations and of the operator, as the environment would bring them."""
    names = {name: name.upper().replace("-", "_") for name in KEYS}
    return {f"TOCSIN_KEY_{names[name]}": key for name, key in KEYS.items()} | {"TOCSIN_KEY_OPERATOR": OPERATOR_KEY}


@runtime_checkable
class Idle(Protocol):
    """A component that can say whether it has anything to do."""

    async def idle(self) -> bool:
        """Whether it has nothing to do."""
        ...


def passed(services: Sequence[Service]) -> float:
    """How many events these services handled and published so far."""
    metrics = [service.platform.metrics for service in services]
    counters = [counter for each in metrics for counter in (each.consumed, each.outbox_published)]
    found = [sample for counter in counters for metric in counter.collect() for sample in metric.samples]
    return sum(sample.value for sample in found if sample.name.endswith("_total"))


class World:
    """The services, ``replicas`` of each, the clock and what a story says about them."""

    def __init__(
        self,
        database_url: str,
        bus_url: str,
        folder: Path,
        *,
        replicas: int = 1,
        extra: Mapping[str, Any] | None = None,
        names: Sequence[str] = SERVICES,
    ) -> None:
        self.names = tuple(names)
        self.clock = ManualClock(START)
        self.config = folder / "config"
        shutil.copytree("deploy/config", self.config)
        people = self.config / "people.yaml"  # vouched for: else their owner hears of contacts that nobody verified
        people.write_text(re.sub(r"\{(sms|voice|email): ([^},]+)\}", r"{\1: \2, verified: true}", people.read_text()))
        self._database_url = database_url
        self._bus_url = bus_url
        self._replicas = replicas
        self._extra = dict(extra or {})
        self.services: list[Service] = []
        self._clients: dict[str, httpx.AsyncClient] = {}

    # -- the stage ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Build and start every service."""
        for replica in range(self._replicas):
            for name in self.names:
                await self.start_service(name, seed=replica)
        await self.settle()

    async def start_service(self, name: str, seed: int | None = None) -> Service:
        """Start one more replica of a service."""
        service = await self.build(name, seed)
        await service.start()
        self.services.append(service)
        if name not in self._clients:
            self._clients[name] = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=service.app), base_url=f"http://{name}.test"
            )
        return service

    async def build(self, name: str, seed: int | None = None) -> Service:
        """A service on this world's database, bus and clock, not started."""
        root = importlib.import_module(f"services.{name}.__main__")
        settings = importlib.import_module(f"services.{name}.settings")
        kind = next(
            value
            for key, value in vars(settings).items()
            if key.endswith("Settings") and key.lower() == f"{name}settings"
        )
        given = kind(
            database_url=self._database_url, bus_url=self._bus_url, config_dir=self.config, port=0, **self._extra
        )
        chance = Chance() if seed is None else Chance(zlib.crc32(f"{name}:{seed}".encode()))
        build = cast("Callable[..., Awaitable[Service]]", root.build)
        return await build(given, clock=self.clock, chance=chance)

    async def stop(self) -> None:
        """Stop every service, the ways in first."""
        for client in self._clients.values():
            await client.aclose()
        for service in reversed(self.services):
            await service.stop()

    def of(self, name: str) -> Service:
        """The first replica of a service."""
        return next(service for service in self.services if service.name == name)

    # -- time --------------------------------------------------------------------------------------------------------

    async def at(self, clock: str) -> None:
        """Go to the next ``HH:MM`` UTC, stopping at every timer on the way."""
        await self._ensure_started()
        hour, minute = (int(part) for part in clock.split(":"))
        target = self.clock.now().replace(hour=hour, minute=minute, second=0, microsecond=0)
        if target < self.clock.now():
            target += timedelta(days=1)
        await self._go(target)

    async def forward(self, **duration: float) -> None:
        """Go on by so much time, stopping at every timer on the way."""
        await self._ensure_started()
        await self._go(self.clock.now() + timedelta(**duration))

    async def sleep_through(self, duration: timedelta) -> None:
        """Let so much time pass in which nothing runs, as in an outage; then everything wakes up."""
        self.clock.advance(duration)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is under way and nothing is due.

        The parts are asked one after the other, and an event may pass from one that is asked late to one that was asked
        early: they are quiet where nothing was handled or published meanwhile.
        """
        await self._ensure_started()
        quiet, before = 0, passed(self.services)
        async with asyncio.timeout(QUIET_SECONDS):
            while quiet < 2:
                idle, done = await self._is_quiet(), passed(self.services)
                quiet = quiet + 1 if idle and done == before else 0
                before = done
                await asyncio.sleep(0.005)

    async def _is_quiet(self) -> bool:
        try:
            return all(await asyncio.gather(*(component.idle() for component in self._components())))
        except BusUnavailable:
            return False  # a broker that is asked for offsets while it makes topics

    def _components(self) -> Iterator[Idle]:
        for service in self.services:
            for component in service.components:
                if isinstance(component, Idle):
                    yield component

    async def _go(self, target: datetime) -> None:
        await self.settle()
        while True:
            due = await self._next_due()
            if due is None or due > target:
                break
            self.clock.set(max(due, self.clock.now()))
            await self.settle()
        self.clock.set(target)
        await self.settle()

    async def _next_due(self) -> datetime | None:
        dues: list[datetime] = []
        for name in self.names:
            async with self.of(name).platform.uow.read() as session:
                query = "SELECT min(run_at) FROM timers"
                if name == "intake":
                    query = "SELECT least(min(run_at), (SELECT min(due_at) FROM pollers)) FROM timers"
                if name == "notifier":
                    query = f"SELECT least(min(run_at), ({WAITING})) FROM timers"  # noqa: S608 - a constant
                due = await session.scalar(text(query))
            if due is not None:
                dues.append(due)
        return min(dues, default=None)

    async def _ensure_started(self) -> None:
        if not self.services:
            await self.start()

    # -- what comes in -----------------------------------------------------------------------------------------------

    async def forget_contacts(self, person: str) -> None:
        """Configure ``person`` without any contact. Before anything has started."""
        path = self.config / "people.yaml"
        lines = path.read_text().splitlines()
        changed = [
            line.split(", contacts:")[0] + ", contacts: []}" if f"id: {person}," in line else line for line in lines
        ]
        assert changed != lines, person
        path.write_text("\n".join(changed) + "\n")

    async def post_alarm(self, body: Mapping[str, Any] | bytes) -> httpx.Response:
        """Post a body as Alertmanager does."""
        await self._ensure_started()
        path = f"/v1/hooks/alertmanager/{KEYS['alertmanager']}"
        if isinstance(body, bytes):
            return await self._clients["intake"].post(path, content=body)
        return await self._clients["intake"].post(path, json=body)

    async def send(self, service: str, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """Post a body to any route of a service, whatever it answers."""
        await self._ensure_started()
        return await self._clients[service].post(path, json=body)

    async def post_trigger(self, integration: str, body: Mapping[str, Any]) -> httpx.Response:
        """Post a body of the native shape; it must be accepted."""
        await self._ensure_started()
        answer = await self._clients["intake"].post(
            "/v1/triggers", json=body, headers={"Authorization": f"Bearer {KEYS[integration]}"}
        )
        assert answer.status_code == 202, answer.text
        return answer

    async def mail(self, integration: str, raw: bytes) -> httpx.Response:
        """Post a message as it came to an integration of mail."""
        await self._ensure_started()
        return await self._clients["intake"].post(f"/v1/hooks/mail/{KEYS[integration]}", content=raw)

    async def call(self, integration: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Call any route of intake with the key of an integration; what is sent must be accepted, and is settled."""
        await self._ensure_started()
        headers = {"Authorization": f"Bearer {KEYS[integration]}", **options.pop("headers", {})}
        answer = await self._clients["intake"].request(method, path, headers=headers, **options)
        assert answer.status_code == 202, answer.text
        await self.settle()
        return answer

    async def public(self, path: str) -> str:
        """A page of the status page as anybody reads it."""
        answer = await self._clients["statuspage"].get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def act(self, number: int, action: str, **body: object) -> dict[str, Any]:
        """Do something to an incident as the operator; it must be accepted."""
        answer = await self.request("escalator", "POST", f"/v1/incidents/{number}/{action}", json=body)
        await self.settle()
        return cast("dict[str, Any]", answer)

    async def reply(self, name: str, words: str) -> str:
        """Answer the newest message to ``name`` that takes an answer, as if by SMS; what they get back."""
        newest = next(m for m in reversed(await self.messages()) if m["to"]["name"] == name and m["repliable"])
        answer = await self.request("notifier", "POST", f"/v1/outbox/{newest['id']}/reply", json={"text": words})
        await self.settle()
        return str(answer["answer"])

    async def request(self, service: str, method: str, path: str, **options: Any) -> Any:
        """An answer of a service's API to the operator; it must be good."""
        headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
        answer = await self._clients[service].request(method, path, headers=headers, **options)
        assert answer.is_success, f"{answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    # -- what came of it ---------------------------------------------------------------------------------------------

    async def messages(self, purpose: str | None = None) -> list[dict[str, Any]]:
        """What the local outbox took, oldest first."""
        answer = await self.request("notifier", "GET", "/v1/outbox?limit=500")
        found = list(reversed(answer["messages"]))
        return [message for message in found if purpose in {None, message["purpose"]}]

    async def pages(self) -> list[tuple[str, str]]:
        """Whom a page went to, by which channel, oldest first."""
        return [(message["to"]["name"], message["channel"]) for message in await self.messages("page")]

    async def told(self, purpose: str) -> list[str]:
        """Whom a message of ``purpose`` went to, oldest first."""
        return [message["to"]["name"] for message in await self.messages(purpose)]

    async def paged_roles(self) -> list[str]:
        """The references that led to those who were paged, oldest first."""
        return [message["to"]["role"] for message in await self.messages("page")]

    async def incident(self, number: int) -> dict[str, Any]:
        """An incident as the escalator shows it."""
        return cast("dict[str, Any]", await self.request("escalator", "GET", f"/v1/incidents/{number}"))

    async def timeline(self, number: int) -> Sequence[Mapping[str, Any]]:
        """The incident's timeline, oldest first."""
        answer = await self.request("escalator", "GET", f"/v1/incidents/{number}/timeline")
        lines = answer["timeline"] if isinstance(answer, dict) else answer
        return cast("Sequence[Mapping[str, Any]]", lines)

    async def facts(self, number: int) -> list[str]:
        """The types of the events of the timeline, oldest first."""
        return [str(line["type"]) for line in await self.timeline(number)]

    async def lines(self, number: int) -> list[str]:
        """The sentences of the timeline."""
        return [str(line["text"]) for line in await self.timeline(number)]


__all__ = ["KEYS", "OPERATOR_KEY", "World", "alertmanager_body", "environment"]
