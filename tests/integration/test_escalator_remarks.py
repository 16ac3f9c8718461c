"""What a sender says of its alert beside that it fires or ends, on a real PostgreSQL."""

from libs.common.events.incidents import EscalationDue, IncidentAcknowledged, IncidentNoted
from libs.common.events.triggers import TriggerAcknowledged, TriggerNoted
from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]


def said(rig: Rig, key: str = "a", by: str = "ann", note: str = "On it.") -> dict[str, object]:
    now = rig.clock.now()
    return {
        "delivery_id": rig.service.platform.chance.uuid7(now),
        "integration_id": "alertmanager",
        "integration_name": "Alertmanager",
        "source": "pagerduty",
        "dedup_key": key,
        "by": by,
        "note": note,
        "received_at": now,
    }


async def acknowledge(rig: Rig, key: str = "a") -> None:
    await rig.handle(TriggerAcknowledged.model_validate(said(rig, key)))


async def test_an_alert_that_is_acknowledged_at_its_sender_acknowledges_its_incident(rig: Rig) -> None:
    await rig.fire()
    await acknowledge(rig)
    [fact] = await rig.events(IncidentAcknowledged)
    assert (fact.actor.kind, fact.actor.id, fact.actor.via) == ("integration", "alertmanager", "pagerduty")
    assert fact.text == "Alertmanager acknowledged; the escalation stopped. (ann) On it."
    await rig.play(60)
    assert len(await rig.events(EscalationDue)) == 1


async def test_a_second_acknowledgement_of_one_sender_changes_nothing(rig: Rig) -> None:
    await rig.fire()
    await acknowledge(rig)
    version = (await rig.incident()).version
    await acknowledge(rig)
    assert (await rig.incident()).version == version


async def test_who_has_the_incident_keeps_it_and_reads_that_somebody_took_notice_elsewhere(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/acknowledge")
    holder = (await rig.incident()).acknowledged_by
    await acknowledge(rig)
    assert (await rig.incident()).acknowledged_by == holder
    [noted] = [fact for fact in await rig.events(IncidentNoted) if fact.reason == "acknowledged_by_another"]
    assert noted.text.startswith("Alertmanager acknowledged too. ")


async def test_an_acknowledgement_of_what_nobody_knows_or_what_is_over_is_dropped(rig: Rig) -> None:
    await acknowledge(rig, "never-seen")
    await rig.fire()
    await rig.handle(rig.trigger(status="resolved"))
    await acknowledge(rig)
    assert await rig.events(IncidentAcknowledged) == []


async def test_a_note_of_the_sender_stands_on_the_timeline(rig: Rig) -> None:
    await rig.fire()
    await rig.handle(TriggerNoted.model_validate(said(rig, note="It was the disk.")))
    await rig.handle(TriggerNoted.model_validate(said(rig, "never-seen")))
    [noted] = [fact for fact in await rig.events(IncidentNoted) if fact.reason == "note_of_the_sender"]
    assert noted.text == "Alertmanager noted: (ann) It was the disk."
    assert noted.incident.state == "open"
