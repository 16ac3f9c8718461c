"""The ladder on a real PostgreSQL: rungs at their delays, what stops them, and what makes them hurry."""

import asyncio
from datetime import timedelta

from libs.common.events.deliveries import DeliveryAddressed
from libs.common.events.incidents import CommunicationDue, EscalationDue, IncidentAcknowledged, IncidentNoted
from libs.common.events.notifications import Skipped
from tests.integration.escalator_support import Rig, escalator_template, person, rig

__all__ = ["escalator_template", "rig"]

WHOLE_LADDER = [
    (1, 0, "opened"),
    (2, 5, "unacknowledged"),
    (3, 15, "unacknowledged"),
    (4, 25, "unacknowledged"),
    (5, 40, "unacknowledged"),
    (6, 55, "unacknowledged"),
]


async def test_nobody_acknowledges_and_six_rungs_fire_in_order(rig: Rig) -> None:
    await rig.fire()
    await rig.play(84)
    assert await rig.rungs() == WHOLE_LADDER
    assert (await rig.events(EscalationDue))[3].roles == ("role:devops", "role:helpdesk")


async def test_an_incident_that_opens_between_two_seconds_rings_all_the_same(rig: Rig) -> None:
    rig.clock.advance(timedelta(microseconds=123_457))
    await rig.fire()
    await rig.play(84)
    assert await rig.rungs() == WHOLE_LADDER


async def test_the_ladder_starts_over_three_times_and_then_says_that_nobody_acknowledged(rig: Rig) -> None:
    await rig.fire()
    await rig.play(24 * 60)
    rungs = await rig.events(EscalationDue)
    assert len(rungs) == 24
    assert len({each.slot for each in rungs}) == 24
    assert (rungs[6].rung, rungs[6].reason, rungs[6].slot) == (1, "repeated", "rung-1.2")
    [note] = [each for each in await rig.events(IncidentNoted) if each.reason == "ladder_exhausted"]
    assert note.text.startswith("Nobody acknowledged: the whole ladder was climbed 4 times")


async def test_an_acknowledgement_by_sms_stops_the_ladder_at_once(rig: Rig) -> None:
    await rig.fire()
    await rig.play(7)
    incident = await rig.incident()
    await rig.handle(rig.reply(incident.id, "Stefania", "acknowledge"))
    await rig.play(600)
    assert await rig.rungs() == WHOLE_LADDER[:2]
    [taken] = await rig.events(IncidentAcknowledged)
    assert (taken.actor.kind, taken.actor.id, taken.actor.via) == ("person", "stefania", "sms")
    assert taken.text == "Stefania acknowledged by SMS; the escalation stopped."


async def test_a_rung_that_rings_while_somebody_acknowledges_fires_before_or_not_at_all(rig: Rig) -> None:
    await rig.fire()
    [due] = [timer for timer in await rig.timers() if timer.kind == "rung"]
    rig.clock.set(due.due_at)
    await asyncio.gather(rig.ring(due), rig.post("/v1/incidents/1/acknowledge"))
    facts = await rig.facts()
    acknowledged = next(fact.incident.version for fact in facts if isinstance(fact, IncidentAcknowledged))
    assert all(fact.incident.version < acknowledged for fact in facts if isinstance(fact, EscalationDue))
    assert [fact.incident.version for fact in facts] == list(range(1, len(facts) + 1))
    assert "rung" not in {timer.kind for timer in await rig.timers()}


async def test_a_rung_claimed_before_the_acknowledgement_does_nothing_after_it(rig: Rig) -> None:
    await rig.fire()
    [due] = [timer for timer in await rig.timers() if timer.kind == "rung"]
    await rig.post("/v1/incidents/1/acknowledge")
    rig.clock.set(due.due_at)
    await rig.ring(due)
    assert await rig.rungs() == WHOLE_LADDER[:1]


async def test_two_acknowledgements_at_once_are_one(rig: Rig) -> None:
    await rig.fire()
    answers = await asyncio.gather(*(rig.post("/v1/incidents/1/acknowledge") for _ in range(4)))
    assert {answer["version"] for answer in answers} == {3}
    assert len(await rig.events(IncidentAcknowledged)) == 1


async def test_after_an_outage_each_timer_rings_once_and_says_how_late_it_is(rig: Rig) -> None:
    await rig.fire()
    await rig.outage(180)
    [_, late] = await rig.events(EscalationDue)
    assert (late.rung, late.late_by and late.late_by.total_seconds()) == (2, 175 * 60)
    purposes = sorted(each.purpose for each in await rig.events(CommunicationDue))
    assert purposes == ["call", "missed", "reminder", "status", "status"]
    await rig.play(10)
    assert (await rig.rungs())[2] == (3, 190, "unacknowledged")


async def test_the_next_rung_comes_at_once_where_nobody_was_found(rig: Rig) -> None:
    await rig.fire()
    await rig.play(1)
    incident = await rig.incident()
    await rig.handle(rig.exhausted(incident, reason="nobody_found", detail="nobody is on shift"))
    assert await rig.rungs() == [(1, 0, "opened"), (2, 1, "nobody_found")]
    assert "Nobody was found to tell: nobody is on shift." in await rig.lines()
    await rig.play(10)
    assert (await rig.rungs())[2] == (3, 11, "unacknowledged")


async def test_the_same_word_of_an_older_rung_moves_nothing(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    await rig.play(6)
    await rig.handle(rig.exhausted(incident, reason="unreachable"))
    assert await rig.rungs() == WHOLE_LADDER[:2]


async def test_a_whole_ladder_of_nobody_is_climbed_at_once_and_tried_again_later(rig: Rig) -> None:
    await rig.fire()
    for _ in range(6):
        await rig.handle(rig.exhausted(await rig.incident(), reason="nobody_found"))
    assert [number for number, _, _ in await rig.rungs()] == [1, 2, 3, 4, 5, 6]
    assert "Nobody of the last rung could be reached; there is no rung above it." in await rig.lines()
    await rig.play(30)
    assert (await rig.rungs())[-1] == (1, 30, "repeated")


async def test_nobody_reached_after_the_resolve_pages_nobody(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    await rig.post("/v1/incidents/1/resolve")
    await rig.handle(rig.exhausted(incident, reason="unreachable"))
    assert await rig.rungs() == WHOLE_LADDER[:1]


async def test_the_timeline_says_who_is_paged_in_whose_place(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    helena = person("Helena").model_copy(update={"backup_for": "Abdul"})
    skipped = (Skipped(ref="person:abdul", name="Abdul", reason="no_contact"),)
    fact = rig.addressed(incident, skipped=skipped).model_copy(update={"addressees": (helena,)})
    assert isinstance(fact, DeliveryAddressed)
    await rig.handle(fact, rig.sent(incident, "Helena"))
    [instead, paged] = await rig.events(IncidentNoted)
    assert instead.text == "Abdul has no contact; Helena, the backup, is paged instead."
    assert (instead.reason, paged.text) == ("no_contact", "Helena was paged by SMS.")


async def test_only_a_failure_for_good_is_worth_a_line(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    again = rig.failed(incident, "Stefania", reason="provider_error", retry_at=rig.clock.now())
    await rig.handle(again, rig.failed(incident, "Stefania", reason="withdrawn"))
    assert await rig.events(IncidentNoted) == []
    await rig.handle(rig.failed(incident, "Stefania", reason="channel_is_the_incident"))
    [note] = await rig.events(IncidentNoted)
    assert note.text == "SMS to Stefania is not used, since this incident is about its own provider."


async def test_escalating_by_hand_pages_the_next_rung_once(rig: Rig) -> None:
    await rig.fire()
    first = await rig.post("/v1/incidents/1/escalate")
    again = await rig.post("/v1/incidents/1/escalate")
    assert (first["rung"], again["version"]) == (2, first["version"])
    assert await rig.rungs() == [(1, 0, "opened"), (2, 0, "escalated_by_hand")]
    await rig.play(1)
    seen = await rig.post("/v1/incidents/1/escalate", rung=2)
    assert seen["rung"] == 2
    await rig.play(9)
    assert (await rig.rungs())[2] == (3, 10, "unacknowledged")


async def test_an_acknowledged_incident_can_be_escalated_for_help_and_stays_acknowledged(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/acknowledge")
    answer = await rig.post("/v1/incidents/1/escalate")
    assert (answer["state"], answer["rung"]) == ("acknowledged", 2)
    await rig.play(120)
    assert len(await rig.rungs()) == 2
