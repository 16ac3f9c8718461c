"""The notifier on a real database and bus, with providers on this machine, for the tests that drive it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from libs.common.auth import IssuedKey, issue_key
from libs.common.bus.base import BusUnavailable, Consumer
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.events.base import Event
from libs.common.events.directory import PrincipalChanged
from libs.common.events.envelope import Envelope, decode_record, encode
from libs.common.service import Service
from services.notifier.__main__ import build
from services.notifier.settings import NotifierSettings
from services.notifier.store.tables import Attempt
from tests.support import fake_slack
from tests.support.fake_slack import FakeSlack, running_slack
from tests.support.fake_twilio import ACCOUNT, TOKEN, FakeTwilio, running_twilio
from tests.support.smtp import MailServer, running_smtp
from tests.support.world import WAITING, passed
from tests.unit.notifier.requests import NOW

E = TypeVar("E", bound=Event)

PUBLIC_URL = "https://tocsin.example/notifier"
SETTLE_SECONDS = 180.0

LOCAL = """
channels:
  - {id: sms, name: Text messages, provider: local, provider_names: [twilio]}
  - {id: email, name: E-mail, provider: local}
"""
REAL = """
channels:
  - id: sms
    name: Text messages
    provider: twilio
    account_sid: {{env: SID}}
    auth_token: {{env: TOKEN}}
    shared_keys: {{webhooks_sharedkey_1: {{env: SHARED}}}}
    from: "+1 500 555 0006"
    timeout: 30
  - id: email
    name: E-mail
    provider: smtp
    host: 127.0.0.1
    port: {port}
    security: none
    from: tocsin@example.com
    timeout: 30
"""
IMPATIENT = REAL.replace("from: tocsin@example.com\n    timeout: 30", "from: tocsin@example.com\n    timeout: 3")
"""With a mail server that is waited for no longer than a test has time."""
CALLS = """
channels:
  - id: voice
    name: Phone calls
    provider: twilio
    account_sid: {{env: SID}}
    auth_token: {{env: TOKEN}}
    from: "+1 500 555 0006"
    language: en-GB
    timeout: 30
  - {{id: sms, name: Text messages, provider: local}}
  - id: email
    name: E-mail
    provider: smtp
    host: 127.0.0.1
    port: {port}
    security: none
    from: tocsin@example.com
    timeout: 30
"""
SLACK = """
channels:
  - id: slack
    name: Slack
    provider: slack
    token: {env: SLACK_TOKEN}
    signing_secret: {env: SLACK_SIGNING_SECRET}
    old_signing_secret: {env: SLACK_OLD_SECRET}
    timeout: 30
  - {id: sms, name: Text messages, provider: local}
  - {id: email, name: E-mail, provider: local}
"""
SLACK_SECRETS = {
    "SLACK_TOKEN": fake_slack.TOKEN,
    "SLACK_SIGNING_SECRET": fake_slack.SIGNING_SECRET,
    "SLACK_OLD_SECRET": "the-secret-before",
}
SECRETS = {"SID": ACCOUNT, "TOKEN": TOKEN, "SHARED": "a-shared-secret"}


@dataclass
class Desk:
    """One notifier (or several replicas), what it publishes, and the providers that it speaks to."""

    clock: ManualClock
    twilio: FakeTwilio
    mail: MailServer
    slack: FakeSlack
    services: list[Service] = field(default_factory=list)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    chance: Chance = field(default_factory=lambda: Chance(99))
    consumer: Consumer | None = None

    @property
    def service(self) -> Service:
        """The first replica."""
        return self.services[0]

    @property
    def http(self) -> httpx.AsyncClient:
        """The first replica's API."""
        return self.clients[0]

    async def publish(self, *events: Event) -> None:
        """Have the bus carry events to the notifier, and wait until all is quiet."""
        await self.hand_in(*events)
        await self.settle()

    async def hand_in(self, *events: Event) -> None:
        """Have the bus carry events to the notifier: as the relay does, again until it takes them."""
        now = self.clock.now()
        messages = [encode(Envelope(self.chance.uuid7(now), "/tocsin/oncall", now, event)) for event in events]
        while True:
            try:
                await self.service.platform.bus.producer().publish(messages)
            except BusUnavailable:
                await asyncio.sleep(0.1)
            else:
                return

    async def forward(self, **duration: float) -> None:
        """Move the clock, stopping at each due attempt and timer on the way."""
        target = self.clock.now() + timedelta(**duration)
        while (due := await self._next_due()) is not None and due <= target:
            self.clock.set(max(due, self.clock.now()))
            await self.settle()
        self.clock.set(target)
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything handed in is handled, everything due is sent, and everything told is read.

        As in a world, nothing may have been handled or published from one look to the next.
        """
        quiet, before = 0, passed(self.services)
        async with asyncio.timeout(SETTLE_SECONDS):
            while quiet < 3:
                await asyncio.sleep(0.01)
                idle, done = await self._quiet(), passed(self.services)
                quiet = quiet + 1 if idle and done == before else 0
                before = done
        await self._read()

    async def _quiet(self) -> bool:
        for service in self.services:
            for component in service.components:
                idle = getattr(component, "idle", None)
                if idle is not None and not await idle():
                    return False
        return True

    async def _next_due(self) -> Any:
        from sqlalchemy import text

        async with self.service.platform.uow.read() as session:
            query = f"SELECT least(min(run_at), ({WAITING})) FROM timers"  # noqa: S608 - a constant
            return await session.scalar(text(query))

    async def _read(self) -> None:
        bus = self.service.platform.bus
        if self.consumer is None:
            self.consumer = await bus.subscribe("desk", ["deliveries"])
        while await bus.lag("desk", ["deliveries"]):
            records = await self.consumer.fetch(500, timedelta(seconds=0.2))
            self.events += [decode_record(record).event for record in records]
            await self.consumer.commit({record.place: record.offset + 1 for record in records})

    def told(self, kind: type[E]) -> list[E]:
        """The events of this kind that the notifier published so far, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def key(self, role: str = "operator", tenants: tuple[str, ...] | None = None) -> dict[str, str]:
        """The headers of a new principal with this role."""
        issued: IssuedKey = issue_key(self.chance)
        fields: dict[str, Any] = {"id": f"p-{issued.hashed.id}", "name": "Olga", "roles": (role,), "tenants": tenants}
        await self.publish(PrincipalChanged(**fields, keys=(issued.hashed,), at=self.clock.now()))
        return {"Authorization": f"Bearer {issued.plain}"}

    async def attempts(self) -> list[Attempt]:
        """The ledger, oldest first."""
        from sqlalchemy import select

        async with self.service.platform.uow.read() as session:
            return list(await session.scalars(select(Attempt).order_by(Attempt.id)))


@asynccontextmanager
async def running_desk(
    database_url: str,
    folder: Path,
    channels: str = LOCAL,
    *,
    replicas: int = 1,
    before: Callable[[Service], None] | None = None,
) -> AsyncIterator[Desk]:
    """A notifier on this database, with ``channels`` as its ``channels.yaml`` (``{port}`` is the mail server's)."""
    async with AsyncExitStack() as stack:
        twilio = await stack.enter_async_context(running_twilio())
        mail = await stack.enter_async_context(running_smtp())
        slack = await stack.enter_async_context(running_slack())
        desk = Desk(ManualClock(NOW), twilio, mail, slack)
        (folder / "channels.yaml").write_text(channels.format(port=mail.port) if "{port}" in channels else channels)
        for number in range(replicas):
            service = await new_service(desk, database_url, folder, number)
            if before is not None:
                before(service)
            await service.start()
            stack.push_async_callback(service.stop)
            desk.services.append(service)
            transport = httpx.ASGITransport(app=service.app)
            client = httpx.AsyncClient(transport=transport, base_url="http://internal:8704")
            desk.clients.append(await stack.enter_async_context(client))
        yield desk
        if desk.consumer is not None:
            await desk.consumer.close()


async def new_service(desk: Desk, database_url: str, folder: Path, seed: int) -> Service:
    """A notifier for this desk, not started."""
    settings = NotifierSettings(
        database_url=SecretStr(database_url),
        config_dir=folder,
        public_url=PUBLIC_URL,
        statuspage_url="https://status.example",
        twilio_base_url=desk.twilio.url,
        slack_base_url=desk.slack.url,
        port=0,
    )
    return await build(settings, clock=desk.clock, chance=Chance(seed))
