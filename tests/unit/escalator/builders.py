"""Incidents, triggers and policies for the escalator's tests: the company of the shipped configuration."""

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from libs.common.events.base import Actor
from libs.common.events.incidents import Incident
from libs.common.events.triggers import TriggerReceived
from services.escalator.domain import incident as states
from services.escalator.domain import ladder, obligations
from services.escalator.domain.conditions import Described
from services.escalator.domain.policies import ClocksFile, LaddersFile, Plan, Policies, RoutingFile
from services.escalator.domain.routing import route

OPENED = datetime(2026, 6, 1, 9, 15, tzinfo=UTC)
INCIDENT_ID = UUID("01976f3a-0000-7000-8000-000000000001")
STEFANIA = Actor(kind="person", id="stefania", name="Stefania", via="sms")
RAFAEL = Actor(kind="person", id="rafael", name="Rafael", via="api")
MONITOR = Actor(kind="integration", id="alertmanager", name="Alertmanager", via="alertmanager")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def shipped(name: str) -> Any:
    return yaml.safe_load((Path("deploy/config") / f"{name}.yaml").read_text())


@functools.cache
def policies() -> Policies:
    return Policies(
        routing=RoutingFile.model_validate(shipped("routing")).routing,
        ladders=LaddersFile.model_validate(shipped("ladders")).ladders,
        clocks=ClocksFile.model_validate(shipped("clocks")).clocks,
    )


@functools.cache
def plan() -> Plan:
    known = policies()
    return Plan(repeat=known.ladder("standard").repeat, clocks=known.clock_set("standard"))


def an_incident(now: datetime = OPENED, *, fire: bool = True, **said: Any) -> Incident:
    """An incident right after it opened, rung 1 fired unless ``fire`` is false."""
    known = policies()
    report = states.Report(**{"kind": "telemetry", "title": "Checkout answers 5xx", "service": "checkout", **said})
    routed = route(known.routing, Described(report.kind, service=report.service), now)
    rungs = ladder.rungs_of(known.ladder(routed.ladder))
    made = states.opened(INCIDENT_ID, 42, report, routed, rungs, routed.ladder, now)
    made = made.model_copy(update={"obligations": obligations.at_opening(plan().clocks, made)})
    return ladder.fired(made, plan(), ladder.at_opening(made), now) if fire else made


def a_trigger(status: str = "firing", dedup_key: str = "a", **said: Any) -> TriggerReceived:
    return TriggerReceived.model_validate(
        {
            "trigger_id": INCIDENT_ID,
            "delivery_id": INCIDENT_ID,
            "integration_id": "alertmanager",
            "integration_name": "Alertmanager",
            "source": "alertmanager",
            "kind": "telemetry",
            "status": status,
            "dedup_key": dedup_key,
            "title": "Checkout answers 5xx",
            "service": "checkout",
            "started_at": OPENED,
            "received_at": OPENED,
            **said,
        }
    )
