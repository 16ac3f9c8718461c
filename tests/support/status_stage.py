"""A running statuspage with a story in it, and the other services as a real fake behind HTTP."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI, Request
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.events import incidents
from libs.common.events.base import Event
from libs.common.events.incidents import Incident
from libs.common.server import HttpServer
from libs.common.service import Service
from services.statuspage.__main__ import build
from services.statuspage.consumer import subscription
from services.statuspage.settings import StatuspageSettings
from tests.support.real_oncall import real_oncall
from tests.support.statuspage import NOW, OPERATOR_KEY, RAFAEL, SIGN_IN_TOKEN, at, incident, uid

HOLDERS = {"role:cao": ("marguerite",), "role:head-of-engineering": ("henrik",), "role:coo": ("paola",)}
KEPT = '<script>alert("kept")</script>'
DRAIN = 60
"""How many seconds a server that stops gives to what is asked of it: a page that gets no answer complains of that."""


def kept(number: int) -> dict[str, Any]:
    """A body in quarantine, as intake lists it."""
    return {
        "id": str(uid(number)), "delivery_id": str(uid(number + 1)), "integration_id": "monitoring",
        "integration_name": "Other monitoring", "source": "native", "received_at": at(9, 40).isoformat(),
        "reason": "invalid-field", "detail": "#/kind: There is no kind 'nonsense'.", "triggers": 0, "problems": [],
    }  # fmt: skip


def trigger(number: int, **more: Any) -> dict[str, Any]:
    """A trigger, as intake shows it with its body."""
    shown = {
        "id": str(uid(number)), "delivery_id": str(uid(number + 1)), "integration_id": "monitoring",
        "integration_name": "Other monitoring", "source": "native", "received_at": at(9, 40).isoformat(),
        "kind": "telemetry", "status": "firing", "severity": "critical", "dedup_key": "invoicing-5xx",
        "title": "Invoicing answers 5xx", "service": "invoicing", "tool": None, "provider": None, "tenants": [],
    } | more  # fmt: skip
    body = {"title": shown["title"], "text": KEPT}
    delivery = {
        "id": shown["delivery_id"],
        "received_at": shown["received_at"],
        "body": json.dumps(body),
        "headers": {"User-Agent": "probe/1"},
    }
    derived = {
        **shown,
        "labels": {"region": "eu-west"},
        "links": [{"href": "https://graphs.example/1", "text": "Graph"}],
    }
    return {**shown, "derived": derived, "delivery": delivery, "withheld": "", "others": [], "replays": []}


@dataclass
class FakePeers:
    """Intake, escalator, oncall and notifier as far as the console asks them: they keep what they were asked."""

    known: dict[UUID, Incident] = field(default_factory=dict)
    calls: list[tuple[str, str, Any, str]] = field(default_factory=list)
    """Method, path, body, key."""
    asked: list[Any] = field(default_factory=list)
    """What oncall was asked to resolve."""
    holders: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(HOLDERS))
    kept: list[dict[str, Any]] = field(default_factory=list)
    triggers: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    heartbeats: list[dict[str, Any]] = field(default_factory=list)
    pollers: list[dict[str, Any]] = field(default_factory=list)
    rehearsal: dict[str, Any] = field(default_factory=lambda: {"understood": True, "triggers": [], "differences": []})
    """What a replay says, dry or not."""
    looked: list[dict[str, str]] = field(default_factory=list)
    """The queries by which lists were asked for."""
    away: bool = False
    """Whether oncall does not say who would be told."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once oncall was asked who would be told."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear it, and oncall does not answer that until it is set."""
    refusal: tuple[int, str] | None = None
    """Answer every action with this status and sentence."""

    def __post_init__(self) -> None:
        self.answers.set()

    def app(self) -> FastAPI:
        """All of them on one application."""
        app = FastAPI()
        self._oncall(app)
        self._intake(app)
        self._actions(app)
        return app

    def _oncall(self, app: FastAPI) -> None:

        @app.get("/v1/schedules/default/on-call")
        async def on_call(request: Request) -> Response:
            self.calls.append(("GET", request.url.path, None, request.headers["Authorization"]))
            shift = {
                "person": {"id": "rafael", "name": "Rafael"},
                "since": at(10).isoformat(),
                "until": at(18).isoformat(),
            }
            first = {
                "person": {"id": "stefania", "name": "Stefania"},
                "since": at(2).isoformat(),
                "until": at(10).isoformat(),
            }
            backups = [{"id": "helena", "name": "Helena"}, {"id": "luciane", "name": "Luciane"}]
            return JSONResponse(
                {"schedule": "default", "primary": first, "also": [], "backups": backups, "next": shift}
            )

        @app.post("/v1/check-links")
        async def check_links(request: Request) -> Response:
            if self.away:
                return JSONResponse({"detail": "Try again later."}, 503)
            number = (await request.json())["number"]
            href = f"https://helpdesk.example.com/incidents/{number}"
            return JSONResponse({"links": [{"href": href, "text": "Helpdesk's incident workspace"}]})

        @app.post("/v1/resolve")
        async def resolve(request: Request) -> Response:
            if self.away:
                return JSONResponse({"detail": "Try again later."}, 503)
            body = await request.json()
            self.reached.set()
            await self.answers.wait()
            self.asked.append(body)
            found = [
                {"ref": f"person:{name}", "name": name.capitalize(), "role": ref, "contacts": []}
                for ref in body["refs"]
                for name in self.holders.get(ref, ())
            ]
            return JSONResponse({"at": NOW.isoformat(), "recipients": found, "skipped": []})

    def _intake(self, app: FastAPI) -> None:
        @app.get("/v1/integrations")
        async def integrations() -> Response:
            return JSONResponse([{"id": "monitoring", "name": "Other monitoring", "source": "native", "keys": []}])

        @app.get("/v1/heartbeats")
        async def heartbeats() -> Response:
            return JSONResponse(self.heartbeats)

        @app.get("/v1/pollers")
        async def pollers() -> Response:
            return JSONResponse(self.pollers)

        @app.get("/v1/quarantine")
        async def quarantine(request: Request) -> Response:
            self.looked.append(dict(request.query_params))
            return JSONResponse({"quarantine": self.kept, "next_cursor": None})

        @app.get("/v1/quarantine/{kept}")
        async def kept_body(kept: str) -> Response:
            [found] = [one for one in self.kept if kept in (one["id"], one["delivery_id"])]
            delivery = {**found, "id": found["delivery_id"], "body": KEPT, "encoding": "utf-8"}
            return JSONResponse({**found, "delivery": delivery, "title": "Proofs are stuck", "kind": "ticket"})

        @app.get("/v1/triggers")
        async def triggers(request: Request) -> Response:
            self.looked.append(dict(request.query_params))
            if request.query_params.get("kind") == "nonsense":
                return JSONResponse({"detail": "#query/kind: There is no such kind."}, 422)
            return JSONResponse({"triggers": self.triggers, "next_cursor": None})

        @app.get("/v1/triggers/{trigger_id}")
        async def one_trigger(trigger_id: str) -> Response:
            found = [one for one in self.triggers if one["id"] == trigger_id]
            return JSONResponse(found[0]) if found else JSONResponse({"detail": "There is no trigger of this id."}, 404)

        @app.get("/v1/alerts")
        async def alerts(request: Request) -> Response:
            self.looked.append(dict(request.query_params))
            return JSONResponse({"alerts": self.alerts})

    def _actions(self, app: FastAPI) -> None:
        @app.post("/v1/incidents")
        async def open_incident(request: Request) -> Response:
            body = await request.json()
            self.calls.append(("POST", request.url.path, body, request.headers["Authorization"]))
            if self.refusal:
                return JSONResponse({"detail": self.refusal[1]}, self.refusal[0])
            known = {name: body[name] for name in ("title", "kind", "severity", "service", "tenants") if name in body}
            opened = incident(40, NOW, **{"service": None, **known})
            self.known[opened.id] = opened
            return JSONResponse(opened.model_dump(mode="json"), 201)

        @app.post("/{rest:path}")
        async def act(rest: str, request: Request) -> Response:
            body = await request.json()
            self.calls.append(("POST", f"/{rest}", body, request.headers["Authorization"]))
            if self.refusal:
                status, detail = self.refusal
                return JSONResponse({"title": "No", "status": status, "detail": detail}, status)
            if rest.endswith("/reply"):
                return JSONResponse({"answer": "You have it."})
            if rest.startswith(("v1/deliveries", "v1/quarantine")):
                return JSONResponse(self.settled(rest))
            found = re.fullmatch(r"v1/incidents/([0-9a-f-]{36})/(\w+)", rest)
            assert found
            return JSONResponse(self.acted(UUID(found[1]), found[2], body).model_dump(mode="json"))

    def settled(self, path: str) -> dict[str, Any]:
        """What intake answers where a person says what becomes of a body."""
        if path.endswith("/replay"):
            return self.rehearsal
        if path.endswith("/incident"):
            return {"trigger_id": str(uid(90)), "dedup_key": "quarantine:1"}
        return {**self.kept[0], "state": "dismissed"}

    def acted(self, id_: UUID, action: str, body: Any) -> Incident:
        """The incident after an action, as the escalator would answer."""
        before = self.known[id_]
        changes: dict[str, Any] = {"version": before.version + 1}
        match action:
            case "acknowledge":
                changes |= {"state": "acknowledged", "acknowledged_at": NOW, "acknowledged_by": RAFAEL}
            case "resolve":
                changes |= {"state": "resolved", "resolved_at": NOW, "resolved_by": RAFAEL}
            case "verdict":
                changes |= {"verdict": body["verdict"]}
            case "rca":
                changes |= {"rca_url": body["url"]}
            case _:
                pass
        self.known[id_] = before.model_copy(update=changes)
        return self.known[id_]


@dataclass
class Stage:
    """A running statuspage, its clock, and the fake services behind it."""

    service: Service
    clock: ManualClock
    peers: FakePeers
    client: httpx.AsyncClient
    url: str = "http://status.test"

    async def fold(self, *events: Event) -> None:
        """Take events in, each in a transaction of its own, as the consumer does."""
        taken = subscription().handlers
        for event in events:
            async with self.service.platform.uow.begin() as tx:
                await taken[type(event)](tx, event)
            if isinstance(event, incidents.IncidentFact):
                self.peers.known[event.incident.id] = event.incident

    async def sign_in(self, key: str = OPERATOR_KEY) -> str:
        """Sign in; returns the token that forms carry."""
        answer = await self.client.post("/console/sign-in", data={"key": key})
        assert answer.status_code == 303, answer.text
        page = await self.client.get("/console")
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
        assert found
        return found[1]


@asynccontextmanager
async def statuspage(
    database_url: str,
    events: Sequence[Event] = (),
    *,
    now: datetime = NOW,
    serve: bool = False,
    oncall: Path | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """A statuspage that has folded ``events``; with ``serve`` it listens on a free port for a browser.

    With ``oncall``, a folder, the real oncall stands behind it instead of the fake one.
    """
    clock, peers = ManualClock(now), FakePeers()
    if oncall is not None:
        async with (
            real_oncall(database_url, oncall, clock) as app,
            _stage(database_url, events, clock, peers, serve, app, **settings) as stage,
        ):
            yield stage
        return
    async with _stage(database_url, events, clock, peers, serve, None, **settings) as stage:
        yield stage


@asynccontextmanager
async def _stage(
    database_url: str,
    events: Sequence[Event],
    clock: ManualClock,
    peers: FakePeers,
    serve: bool,
    oncall: FastAPI | None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    given = StatuspageSettings(
        database_url=SecretStr(database_url), title="Agency OS Status", sign_in_token=SecretStr(SIGN_IN_TOKEN),
        key_operator=SecretStr(OPERATOR_KEY), escalator_url="http://peers.test",
        oncall_url="http://oncall.test",
        notifier_url="http://peers.test", intake_url="http://peers.test", **settings,
    )  # fmt: skip
    answering = peers.app()
    outward = httpx.AsyncClient(
        transport=httpx.ASGITransport(answering),
        mounts={"http://oncall.test": httpx.ASGITransport(oncall or answering)},
    )
    service = await build(given, clock=clock, chance=Chance(7), client=outward)
    await service.start()
    server = HttpServer(service.app, "127.0.0.1", 0, drain_seconds=DRAIN, port_variable="PORT") if serve else None
    inward = httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://status.test")
    try:
        if server:
            await server.start()
        url = f"http://127.0.0.1:{server.port}" if server else "http://status.test"
        stage = Stage(service, clock, peers, inward, url)
        await stage.fold(*events)
        yield stage
    finally:
        if server:
            await server.stop()
        await inward.aclose()
        await service.stop()
