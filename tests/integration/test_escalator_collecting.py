"""Alarms during a maintenance, on a real PostgreSQL: collected while it lasts, paged once it covers them no more."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from libs.common.events.incidents import (
    AlertAttached,
    AlertResolved,
    EscalationDue,
    IncidentNoted,
    IncidentOpened,
    IncidentResolved,
)
from libs.common.events.triggers import TriggerAcknowledged
from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]

WINDOW = {"starts_at": "2026-06-01T10:00:00Z", "ends_at": "2026-06-01T12:00:00Z"}
UPGRADE: dict[str, Any] = {
    "dedup_key": "CHG-1",
    "kind": "maintenance",
    "integration_id": "changes",
    "source": "native",
    "title": "Database upgrade",
    "service": "documents",
    "services": ["documents", "search"],
    "assigned_team": "platform",
    "window": WINDOW,
}


@pytest.fixture
async def running(rig: Rig) -> Rig:
    """It is 10:15, and documents and search are in maintenance until 12:00."""
    await rig.handle(rig.trigger(**UPGRADE))
    await rig.play(60)
    return rig


async def alarm(rig: Rig, key: str = "a", minutes: float = 0, **said: Any) -> None:
    await rig.fire(minutes, key, **{"service": "documents", "title": f"Alarm {key}", **said})


async def opened(rig: Rig) -> list[str]:
    """The titles of the incidents that opened after the maintenance."""
    return [each.incident.title for each in await rig.events(IncidentOpened)][1:]


async def paged(rig: Rig) -> list[str]:
    """What was paged after the maintenance was announced."""
    return [each.incident.title for each in await rig.events(EscalationDue)][1:]


async def test_an_alarm_of_what_is_in_maintenance_pages_nobody(running: Rig) -> None:
    await alarm(running)
    assert await opened(running) == []
    assert await paged(running) == []
    [attached] = await running.events(AlertAttached)
    assert (attached.reason, attached.new_alert, attached.incident.number) == ("in_maintenance", True, 1)
    assert attached.text.endswith("Alarm a; that is in maintenance, so nobody is paged while the window lasts.")
    incident = await running.incident()
    assert (incident.alerts, incident.firing, incident.severity) == (2, 2, "critical")
    assert incident.services == ("documents", "search")


async def test_an_alarm_of_something_else_pages_as_always(running: Rig) -> None:
    await alarm(running, service="checkout")
    assert await paged(running) == ["Alarm a"]


async def test_before_and_after_the_window_alarms_page(rig: Rig) -> None:
    await rig.handle(rig.trigger(**UPGRADE))
    await alarm(rig, "before", minutes=44)
    await alarm(rig, "after", minutes=122)
    assert await opened(rig) == ["Alarm before", "Alarm after"]


async def test_an_incident_that_was_open_before_goes_on(rig: Rig) -> None:
    await rig.handle(rig.trigger(**UPGRADE))
    await alarm(rig)
    await rig.play(60)
    await alarm(rig)
    assert [each.reason for each in await rig.events(AlertAttached)] == ["repeat"]
    assert len([title for title in await paged(rig) if title == "Alarm a"]) > 1


async def test_what_ended_meanwhile_is_forgotten_and_holds_nothing_open(running: Rig) -> None:
    await alarm(running)
    await alarm(running, minutes=5, status="resolved")
    [over] = await running.events(AlertResolved)
    assert over.reason == "alerts_remain"
    assert (await running.incident()).state == "open"
    await running.play(120)
    assert await opened(running) == []


async def test_what_still_fires_at_the_planned_end_opens_an_incident_and_pages(running: Rig) -> None:
    await alarm(running)
    await running.play(104)
    assert await paged(running) == []
    await running.play(1)
    assert await opened(running) == ["Alarm a"]
    assert await paged(running) == ["Alarm a"]
    notes = [each.text for each in await running.events(IncidentNoted) if each.reason == "released"]
    assert notes == [
        "1 alert still fires and pages from now on: it came in during the maintenance, and it covers them no more.",
        "It fires since 10:15 UTC; nobody was paged while the maintenance, incident 1, lasted.",
    ]
    assert (await running.incident()).firing == 1
    await alarm(running, minutes=1, status="resolved")
    assert [each.incident.number for each in await running.events(IncidentResolved)] == [2]


async def test_what_still_fires_when_it_is_over_early_pages_at_once(running: Rig) -> None:
    await alarm(running)
    await running.handle(running.trigger(**{**UPGRADE, "status": "resolved", "ending": "completed"}))
    assert (await running.incident()).state == "resolved"
    assert await paged(running) == ["Alarm a"]
    await alarm(running)
    assert len(await running.events(IncidentOpened)) == 2


async def test_the_end_of_a_collected_alarm_does_not_end_the_maintenance_nor_keeps_one_it_open(running: Rig) -> None:
    await alarm(running, "a")
    await alarm(running, "b")
    await alarm(running, "a", status="resolved")
    assert (await running.incident()).state == "open"
    await running.handle(running.trigger(**{**UPGRADE, "status": "resolved"}))
    assert (await running.incident()).state == "resolved"
    assert await opened(running) == ["Alarm b"]


async def test_a_maintenance_that_is_moved_away_covers_nothing_any_more(running: Rig) -> None:
    await alarm(running)
    later = {"starts_at": "2026-06-02T10:00:00Z", "ends_at": "2026-06-02T12:00:00Z"}
    await running.handle(running.trigger(**{**UPGRADE, "window": later}))
    assert await paged(running) == ["Alarm a"]


async def test_a_maintenance_that_is_prolonged_covers_on(running: Rig) -> None:
    await alarm(running)
    longer = {**WINDOW, "ends_at": "2026-06-01T14:00:00Z"}
    await running.handle(running.trigger(**{**UPGRADE, "window": longer}))
    await running.play(120)
    assert await paged(running) == []
    await alarm(running, "b")
    assert await paged(running) == []


async def test_alarms_of_one_message_become_one_incident_when_they_are_released(running: Rig) -> None:
    group = {"key": "g", "siblings": ["a", "b"]}
    await alarm(running, "a", group=group)
    await alarm(running, "b", group=group, severity="warning")
    await alarm(running, "c", service="search")
    await running.post("/v1/incidents/1/resolve")
    assert await opened(running) == ["Alarm a", "Alarm c"]
    incident = await running.incident(2)
    assert (incident.alerts, incident.firing) == (2, 2)


async def test_a_person_who_opens_an_incident_during_a_maintenance_is_heard(running: Rig) -> None:
    body = {"title": "Documents are gone", "service": "documents", "kind": "telemetry", "dedup_key": "x"}
    assert (await running.post("/v1/incidents", status=201, **body))["number"] == 2


async def test_a_sender_that_takes_notice_of_a_collected_alarm_does_not_take_the_maintenance(running: Rig) -> None:
    await alarm(running)
    now = running.clock.now()
    noticed = TriggerAcknowledged(
        delivery_id=running.service.platform.chance.uuid7(now),
        integration_id="alertmanager",
        source="alertmanager",
        dedup_key="a",
        received_at=now,
    )
    await running.handle(noticed)
    assert (await running.incident()).state == "open"


async def test_an_alarm_and_the_end_of_the_maintenance_at_once_lose_nothing(running: Rig) -> None:
    end = running.trigger(**{**UPGRADE, "status": "resolved"})
    alarms = [running.trigger(key, service="documents", title=f"Alarm {key}") for key in ("a", "b", "c")]
    await asyncio.gather(running.handle(end), *(running.handle(each) for each in alarms))
    assert sorted(await opened(running)) == ["Alarm a", "Alarm b", "Alarm c"]


async def test_the_routing_may_want_every_alarm_paged(running: Rig) -> None:
    async with running.uow.begin() as tx:
        await tx.session.execute(
            text(
                "UPDATE policies SET body = jsonb_set(body, '{routing,alerts_in_maintenance}', '\"page\"') WHERE name = 'routing'"
            )
        )
    await alarm(running)
    assert await paged(running) == ["Alarm a"]
