"""Triggers on a real PostgreSQL: what opens an incident, what joins one, and what ends it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from libs.common.db.migrate import check_models
from libs.common.db.tables import COMMON
from libs.common.events.incidents import (
    AlertAttached,
    AlertResolved,
    CommunicationDue,
    EscalationDue,
    IncidentOpened,
    IncidentResolved,
    NoticeDue,
)
from libs.common.events.triggers import TriggerQuarantined
from services.escalator.store.tables import Base
from tests.integration.escalator_support import NINE_FIFTEEN, Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]

GROUP: dict[str, Any] = {"key": "g", "siblings": ["a", "b"]}


async def test_the_models_are_what_the_migrations_make(rig: Rig) -> None:
    assert await check_models(rig.service.platform.database.url, "escalator", [COMMON, Base.metadata]) == []


async def test_an_alarm_opens_an_incident_and_pages_who_is_on_shift_at_once(rig: Rig) -> None:
    await rig.fire()
    [opened] = await rig.events(IncidentOpened)
    [page] = await rig.events(EscalationDue)
    assert (opened.incident.number, opened.incident.version, opened.incident.first) == (1, 1, ("on-shift",))
    assert (opened.reason, opened.incident.route) == ("rule_matched", "telemetry")
    assert (page.rung, page.roles, page.slot, page.incident.version) == (1, ("first",), "rung-1", 2)
    assert page.at == NINE_FIFTEEN


async def test_the_same_alarm_again_is_attached_and_pages_nobody(rig: Rig) -> None:
    await rig.fire()
    await rig.handle(rig.trigger())
    [attached] = await rig.events(AlertAttached)
    assert (attached.new_alert, attached.reason) == (False, "repeat")
    assert (attached.incident.alerts, attached.incident.firing, attached.incident.triggers) == (1, 1, 2)
    assert len(await rig.events(EscalationDue)) == 1


async def test_another_alarm_opens_another_incident(rig: Rig) -> None:
    await rig.fire()
    await rig.handle(rig.trigger("b"))
    assert [each.incident.number for each in await rig.events(IncidentOpened)] == [1, 2]


async def test_alerts_of_one_message_and_one_service_are_one_incident(rig: Rig) -> None:
    await rig.handle(rig.trigger("a", group=GROUP), rig.trigger("b", group=GROUP, title="Checkout is slow"))
    assert len(await rig.events(IncidentOpened)) == 1
    [attached] = await rig.events(AlertAttached)
    assert (attached.new_alert, attached.reason, attached.incident.alerts) == (True, "same_group", 2)
    assert len(await rig.events(EscalationDue)) == 1


async def test_alerts_of_one_message_for_two_services_are_two_incidents(rig: Rig) -> None:
    await rig.handle(rig.trigger("a", group=GROUP), rig.trigger("b", group=GROUP, service="search"))
    assert len(await rig.events(IncidentOpened)) == 2


async def test_two_replicas_that_take_alerts_of_one_group_open_one_incident(rig: Rig) -> None:
    await asyncio.gather(*(rig.handle(rig.trigger(key, group=GROUP)) for key in ("a", "b")))
    assert len(await rig.events(IncidentOpened)) == 1


async def test_two_deliveries_of_one_alert_in_two_groups_open_one_incident(rig: Rig) -> None:
    groups = [{"key": key, "siblings": ["a"]} for key in ("g1", "g2", "g3", "g4")]
    await asyncio.gather(*(rig.handle(rig.trigger("a", group=group)) for group in groups))
    assert len(await rig.events(IncidentOpened)) == 1
    assert (await rig.incident()).triggers == 4


async def test_an_attach_to_an_acknowledged_incident_pages_nobody(rig: Rig) -> None:
    await rig.handle(rig.trigger("a", group=GROUP))
    await rig.post("/v1/incidents/1/acknowledge")
    await rig.handle(rig.trigger("b", group=GROUP))
    await rig.play(60)
    assert len(await rig.events(EscalationDue)) == 1


async def test_the_source_resolves_with_the_last_alert(rig: Rig) -> None:
    await rig.handle(rig.trigger("a", group=GROUP), rig.trigger("b", group=GROUP))
    await rig.handle(rig.trigger("a", "resolved"))
    assert (await rig.incident()).state == "open"
    await rig.handle(rig.trigger("b", "resolved"))
    assert [each.reason for each in await rig.events(AlertResolved)] == ["alerts_remain", "last_alert_resolved"]
    [resolved] = await rig.events(IncidentResolved)
    assert (resolved.reason, resolved.actor.kind, resolved.incident.firing) == ("source_resolved", "integration", 0)
    assert [timer.kind for timer in await rig.timers()] == ["obligation"]


async def test_an_alert_that_fires_again_in_an_open_incident_pages_nobody_anew(rig: Rig) -> None:
    await rig.handle(rig.trigger("a", group=GROUP), rig.trigger("b", group=GROUP))
    await rig.handle(rig.trigger("a", "resolved"), rig.trigger("a"))
    refired = (await rig.events(AlertAttached))[-1]
    assert (refired.reason, refired.new_alert, refired.incident.firing) == ("refired", False, 2)
    assert len(await rig.events(EscalationDue)) == 1


@pytest.mark.parametrize("by_hand", [False, True], ids=["by its source", "by a person"])
async def test_an_alarm_after_the_resolve_opens_a_new_incident(rig: Rig, by_hand: bool) -> None:
    await rig.fire()
    if by_hand:
        await rig.post("/v1/incidents/1/resolve")
    else:
        await rig.handle(rig.trigger("a", "resolved"))
    await rig.handle(rig.trigger("a"))
    assert [each.incident.number for each in await rig.events(IncidentOpened)] == [1, 2]


async def test_the_end_of_something_unknown_is_dropped(rig: Rig) -> None:
    await rig.handle(rig.trigger("never-seen", "resolved"))
    assert await rig.facts() == []


async def test_what_could_not_be_understood_is_told_to_the_default_team(rig: Rig) -> None:
    delivery = rig.trigger().delivery_id
    await rig.handle(
        TriggerQuarantined(
            delivery_id=delivery,
            integration_id="alertmanager",
            integration_name="Alertmanager",
            source="alertmanager",
            reason="missing-field",
            detail="#/alerts is missing.",
            received_at=NINE_FIFTEEN,
        )
    )
    [notice] = await rig.events(NoticeDue)
    assert (notice.notice_id, notice.audience, notice.reason) == (delivery, ("on-shift",), "missing-field")
    assert "Alertmanager" in notice.title
    assert f"https://status.example/console/quarantine/{delivery}." in notice.text


async def test_a_providers_page_that_cannot_be_read_is_told_as_a_state_that_nobody_knows(rig: Rig) -> None:
    event = TriggerQuarantined(
        delivery_id=rig.trigger().delivery_id,
        integration_id="azure-status",
        integration_name="Azure's status page",
        source="azure_status",
        reason="unknown-state",
        detail="How the provider stands is not known since 09:05 UTC, 5 times in a row: It answered 502.",
        received_at=NINE_FIFTEEN,
    )
    await rig.handle(event)
    [notice] = await rig.events(NoticeDue)
    assert notice.title == "Nobody knows how things stand: Azure's status page cannot be read"
    assert notice.text.startswith(event.detail)
    assert "What is open stays open." in notice.text
    assert await rig.events(IncidentOpened) == []


async def test_an_announced_maintenance_tells_its_team_and_presses_nobody_until_its_end(rig: Rig) -> None:
    window = {"starts_at": "2026-06-01T20:00:00Z", "ends_at": "2026-06-01T22:00:00Z"}
    await rig.fire(kind="maintenance", window=window, assigned_team="platform", title="Database upgrade")
    [page] = await rig.events(EscalationDue)
    assert (page.roles, page.incident.first, page.incident.category) == (
        ("first",),
        ("maintenance-team",),
        "maintenance",
    )
    await rig.play(12 * 60 + 44)
    assert await rig.rungs() == [(1, 0, "opened")]
    [status] = await rig.events(CommunicationDue)
    assert (status.obligation, status.purpose, f"{status.at:%H:%M}") == ("maintenance_status", "status", "21:00")
    await rig.play(1)
    [reminder] = [each for each in await rig.events(CommunicationDue) if each.purpose == "reminder"]
    assert (reminder.audience, reminder.reason, f"{reminder.at:%H:%M}") == (("first",), "window_over", "22:00")
    await rig.play(5)
    assert (await rig.rungs())[1] == (2, 770, "unacknowledged")


async def test_every_fact_is_one_version_and_one_line_of_the_timeline(rig: Rig) -> None:
    await rig.handle(rig.trigger("a", group=GROUP), rig.trigger("b", group=GROUP))
    await rig.play(65)
    await rig.post("/v1/incidents/1/resolve")
    facts = await rig.facts()
    assert [fact.incident.version for fact in facts] == list(range(1, len(facts) + 1))
    assert [fact.text for fact in facts] == await rig.lines()
    assert facts[-1].incident == await rig.incident()


async def test_obligations_stand_in_their_own_rows(rig: Rig) -> None:
    await rig.fire()
    async with rig.uow.read() as session:
        rows = (await session.execute(text("SELECT kind, state, due_at FROM obligations ORDER BY due_at, kind"))).all()
    assert [(row.kind, row.state) for row in rows] == [
        ("client_update", "due"),
        ("team_status", "due"),
        ("incident_call", "due"),
        ("tenant_status", "due"),
    ]
