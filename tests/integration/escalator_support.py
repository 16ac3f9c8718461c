"""The escalator on a database of its own, without a bus: triggers, deliveries and time are handed to it, events are read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select

from libs.common.auth import hash_key
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.config import ConfigWatcher
from libs.common.db.tables import OUTBOX, TIMERS
from libs.common.db.timers import DueTimer
from libs.common.db.work import UnitOfWork
from libs.common.events.base import Event
from libs.common.events.deliveries import (
    Addressee,
    DeliveryAddressed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
    ReplyReceived,
)
from libs.common.events.directory import KeyRole, PrincipalChanged
from libs.common.events.envelope import decode
from libs.common.events.incidents import EscalationDue, Incident, IncidentFact
from libs.common.events.triggers import TriggerReceived
from libs.common.service import Service
from services.escalator.__main__ import build
from services.escalator.consumer import subscription
from services.escalator.settings import EscalatorSettings
from services.escalator.timers import timer_handlers
from tests.support.postgres import PostgresServer

NINE_FIFTEEN = datetime(2026, 6, 1, 9, 15, tzinfo=UTC)
E = TypeVar("E", bound=Event)


def key_of(name: str) -> str:
    """The key of a principal of the tests."""
    return "tocsin_" + f"{name:x<8}"[:8].lower() + "s" * 24


@dataclass
class Rig:
    """A service whose database is ready, and whose bus is not there."""

    service: Service
    clock: ManualClock
    http: httpx.AsyncClient
    seen: list[Event] = field(default_factory=list)

    @property
    def uow(self) -> UnitOfWork:
        return self.service.platform.uow

    async def handle(self, *events: Event) -> None:
        """Hand events over, each in a transaction of its own, as the consumer does."""
        handlers = subscription(self.service.platform.metrics, "https://status.example").handlers
        for event in events:
            async with self.uow.begin() as tx:
                await handlers[type(event)](tx, event)

    async def fire(self, minutes: float = 0, dedup_key: str = "a", **said: Any) -> None:
        """An alarm fires, ``minutes`` later."""
        await self.play(minutes)
        await self.handle(self.trigger(dedup_key, **said))

    def trigger(self, dedup_key: str = "a", status: str = "firing", **said: Any) -> TriggerReceived:
        now = self.clock.now()
        trigger_id = self.service.platform.chance.uuid7(now)
        return TriggerReceived.model_validate(
            {
                "trigger_id": trigger_id,
                "delivery_id": trigger_id,
                "integration_id": "alertmanager",
                "integration_name": "Alertmanager",
                "source": "alertmanager",
                "kind": "telemetry",
                "status": status,
                "dedup_key": dedup_key,
                "title": "Checkout answers 5xx",
                "service": "checkout",
                "started_at": now,
                "received_at": now,
                **said,
            }
        )

    async def play(self, minutes: float) -> None:
        """Let ``minutes`` pass; each timer rings on time."""
        end = self.clock.now() + timedelta(minutes=minutes)
        while (due := await self._next()) and due.due_at <= end:
            self.clock.set(max(self.clock.now(), due.due_at))
            await self.ring(due)
        self.clock.set(end)

    async def outage(self, minutes: float) -> None:
        """Be away for ``minutes``; then whatever is due rings, late."""
        self.clock.advance(timedelta(minutes=minutes))
        while (due := await self._next()) and due.due_at <= self.clock.now():
            await self.ring(due)

    async def ring(self, due: DueTimer) -> None:
        """One timer rings, as in the timer loop: its row goes unless it was set anew."""
        row = (TIMERS.c.kind == due.kind) & (TIMERS.c.key == due.key)
        async with self.uow.begin() as tx:
            version = await tx.session.scalar(select(TIMERS.c.id).where(row))
            await timer_handlers(self.service.platform.metrics)[due.kind](tx, due)
            await tx.session.execute(delete(TIMERS).where(row, TIMERS.c.id == version))

    async def _next(self) -> DueTimer | None:
        return next(iter(await self.timers()), None)

    async def timers(self) -> list[DueTimer]:
        """What is waited for, the next first."""
        async with self.uow.read() as session:
            rows = (await session.execute(select(TIMERS).order_by(TIMERS.c.due_at, TIMERS.c.id))).all()
        return [DueTimer(row.kind, row.key, row.due_at, row.payload) for row in rows]

    async def events(self, kind: type[E]) -> list[E]:
        """Every event of this kind so far."""
        async with self.uow.begin() as tx:
            rows = (await tx.session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).all()
            await tx.session.execute(delete(OUTBOX))
        self.seen += [decode(row.headers, row.value).event for row in rows]
        return [event for event in self.seen if isinstance(event, kind)]

    async def facts(self) -> Sequence[IncidentFact]:
        return await self.events(IncidentFact)

    async def rungs(self) -> list[tuple[int, int, str]]:
        """Rungs that fired: number, minutes since 09:15, reason."""
        fired = await self.events(EscalationDue)
        return [(each.rung, round((each.at - NINE_FIFTEEN).total_seconds() / 60), str(each.reason)) for each in fired]

    async def incident(self, number: int = 1) -> Incident:
        """The incident as the API shows it."""
        return Incident.model_validate(await self.get(f"/v1/incidents/{number}"))

    async def lines(self, number: int = 1) -> list[str]:
        """The sentences of the timeline."""
        answer = await self.get(f"/v1/incidents/{number}/timeline")
        return [line["text"] for line in answer["timeline"]]

    async def get(self, path: str, principal: str = "rafael", status: int = 200) -> Any:
        """What the API answers to a principal."""
        return await self.ask("GET", path, principal=principal, status=status)

    async def post(self, path: str, principal: str = "rafael", status: int = 200, **body: Any) -> Any:
        """What the API answers to a principal who acts."""
        return await self.ask("POST", path, body, principal, status)

    async def ask(self, method: str, path: str, body: Any = None, principal: str = "rafael", status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {key_of(principal)}"}
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    # -- what notifier says ------------------------------------------------------------------------------------------

    def _of(self, incident: Incident, **said: Any) -> dict[str, Any]:
        shared = {"subject_id": incident.id, "notification_id": incident.id, "at": self.clock.now()}
        return {**shared, "purpose": "page", "rung": incident.rung, "slot": f"rung-{incident.rung}", **said}

    def addressed(self, incident: Incident, *people: str, **said: Any) -> DeliveryAddressed:
        return DeliveryAddressed(**self._of(incident, addressees=tuple(person(name) for name in people), **said))

    def sent(self, incident: Incident, name: str, **said: Any) -> DeliverySent:
        fields = {
            "recipient": person(name),
            "channel": "sms",
            "provider": "twilio",
            "address": "+4912345",
            "attempt": 1,
        }
        return DeliverySent(**self._of(incident, **{**fields, "text": "x", **said}))

    def failed(self, incident: Incident, name: str, **said: Any) -> DeliveryFailed:
        fields = {"recipient": person(name), "channel": "sms", "provider": "twilio", "attempt": 1}
        return DeliveryFailed(**self._of(incident, **{**fields, **said}))

    def exhausted(self, incident: Incident, **said: Any) -> DeliveryExhausted:
        return DeliveryExhausted(**self._of(incident, **said))

    def reply(self, incident_id: UUID, name: str, action: str) -> ReplyReceived:
        return ReplyReceived.model_validate(
            {
                "subject_id": incident_id,
                "sender": person(name),
                "channel": "sms",
                "action": action,
                "text": action,
                "at": self.clock.now(),
            }
        )


def person(name: str) -> Addressee:
    """Somebody who is told."""
    return Addressee(ref=f"person:{name.lower()}", name=name, role="on-shift")


async def _principal(
    rig: Rig, name: str, role: KeyRole, tenants: tuple[str, ...] | None = None, *, human: bool = False
) -> None:
    await rig.handle(
        PrincipalChanged(
            id=name,
            name=name.capitalize(),
            roles=(role,),
            tenants=tenants,
            keys=(hash_key(key_of(name)),),
            person=name if human else None,
            at=rig.clock.now(),
        )
    )


def _settings(database_url: str) -> EscalatorSettings:
    return EscalatorSettings(database_url=SecretStr(database_url), config_dir=Path("deploy/config"))


async def _prepare(server: PostgresServer, name: str) -> None:
    await server.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY = FILE_COPY")
    service = await build(_settings(server.address(name)), clock=ManualClock(NINE_FIFTEEN), chance=Chance(7))
    await service.migrate()
    await next(part for part in service.components if isinstance(part, ConfigWatcher)).take()
    await service.platform.database.dispose()


@pytest.fixture(scope="session")
def escalator_template(postgres_server: PostgresServer) -> str:
    """A database with the escalator's schema and the shipped configuration in it, to copy."""
    name = "escalator_template"
    with suppress(asyncpg.DuplicateDatabaseError):  # each module that imports this fixture has it made, and one does
        asyncio.run(_prepare(postgres_server, name))
    return name


@pytest.fixture
async def rig(postgres_server: PostgresServer, escalator_template: str) -> AsyncIterator[Rig]:
    """The escalator with the shipped configuration; Rafael and Stefania are operators, Root an administrator, Acme sees its own."""
    clock = ManualClock(NINE_FIFTEEN)
    async with postgres_server.database(escalator_template) as database_url:
        service = await build(_settings(database_url), clock=clock, chance=Chance(7))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://escalator") as http:
            made = Rig(service, clock, http)
            await _principal(made, "rafael", "operator", human=True)
            await _principal(made, "stefania", "operator", human=True)
            await _principal(made, "watcher", "viewer")
            await _principal(made, "root", "admin")
            await _principal(made, "acme", "operator", ("acme",))
            yield made
        await service.platform.database.dispose()
