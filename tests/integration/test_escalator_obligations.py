"""The promises on a real PostgreSQL: what is sent when, what is missed, what sets them forward, and who hears of the end."""

import asyncio
from datetime import timedelta
from typing import Any

from libs.common.events.incidents import CommunicationDue, Incident, ObligationMoved
from tests.integration.escalator_support import NINE_FIFTEEN, Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]


async def sent(rig: Rig, *purposes: str) -> list[tuple[int, str, str | None]]:
    """What went out: minutes since 09:15, purpose, obligation; what went out together by its purpose."""
    found = await rig.events(CommunicationDue)
    return sorted(
        (round((each.at - NINE_FIFTEEN).total_seconds() / 60), each.purpose, each.obligation)
        for each in found
        if not purposes or each.purpose in purposes
    )


async def test_an_hour_without_a_word_from_the_team(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/acknowledge")
    await rig.play(60)
    assert await sent(rig) == [
        (25, "reminder", "team_status"),
        (30, "missed", "team_status"),
        (30, "status", "client_update"),
        (55, "reminder", "team_status"),
        (60, "call", "incident_call"),
        (60, "missed", "team_status"),
        (60, "status", "client_update"),
        (60, "status", "tenant_status"),
    ]
    found = await rig.events(CommunicationDue)
    reminder, missed, client = sorted(found[:3], key=lambda each: ("reminder", "missed", "status").index(each.purpose))
    assert reminder.audience == ("person:rafael",)
    assert reminder.due_at == NINE_FIFTEEN + timedelta(minutes=30)
    assert missed.audience == ("pm", "role:helpdesk")
    assert (client.audience, client.words, client.since) == (("client-contacts",), None, NINE_FIFTEEN)
    assert client.next_by == NINE_FIFTEEN + timedelta(minutes=60)
    assert client.slot == "client_update-1"
    assert len({each.slot for each in found}) == len(found)


async def test_a_miss_is_late_until_the_team_writes(rig: Rig) -> None:
    await rig.fire()
    await rig.play(35)
    [missed] = [each for each in await rig.events(ObligationMoved) if each.obligation.owed_by == "person"]
    assert (missed.obligation.state, missed.reason, missed.obligation.count) == ("late", "missed", 0)
    answer = Incident.model_validate(await rig.post("/v1/incidents/1/updates", text="Found it."))
    [team] = [each for each in answer.obligations if each.kind == "team_status"]
    assert (team.state, team.late_by, team.due_at) == (
        "sent",
        timedelta(minutes=5),
        NINE_FIFTEEN + timedelta(minutes=65),
    )


async def test_an_update_goes_to_its_audiences_at_once_and_sets_their_promises_forward(rig: Rig) -> None:
    await rig.fire()
    await rig.play(20)
    await rig.post("/v1/incidents/1/updates", text="We are rolling back.", audiences=["client", "tenant"])
    [update] = [each for each in await rig.events(CommunicationDue) if each.purpose == "update"]
    assert update.audience == ("tenant-contacts", "client-contacts")
    assert (update.words, update.next_by) == ("We are rolling back.", NINE_FIFTEEN + timedelta(minutes=50))
    moved = {each.obligation.kind for each in await rig.events(ObligationMoved)}
    assert moved == {"team_status", "client_update", "tenant_status"}
    await rig.play(40)
    assert await sent(rig, "status", "call", "reminder", "missed") == [
        (45, "reminder", "team_status"),
        (50, "missed", "team_status"),
        (50, "status", "client_update"),
        (60, "call", "incident_call"),
    ]
    status = [each for each in await rig.events(CommunicationDue) if each.purpose == "status"][-1]
    assert (status.words, status.since) == (None, NINE_FIFTEEN + timedelta(minutes=20))


async def test_words_for_the_team_stay_inside(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/updates", text="It was Bob's deploy.")
    assert await sent(rig) == []
    await rig.play(30)
    [status] = [each for each in await rig.events(CommunicationDue) if each.purpose == "status"]
    assert (status.words, status.since) == (None, NINE_FIFTEEN)


async def test_the_same_update_sent_twice_goes_out_once(rig: Rig) -> None:
    await rig.fire()
    body: dict[str, Any] = {"text": "We are rolling back.", "audiences": ["client"]}
    first = await rig.post("/v1/incidents/1/updates", **body)
    again = await rig.post("/v1/incidents/1/updates", **body)
    assert again["version"] == first["version"]
    assert await sent(rig, "update") == [(0, "update", None)]


async def test_an_update_while_the_promise_comes_due_is_not_lost(rig: Rig) -> None:
    await rig.fire()
    await rig.play(29)
    [due] = [timer for timer in await rig.timers() if timer.key.endswith("client_update")]
    rig.clock.set(due.due_at)
    words: dict[str, Any] = {"text": "We are rolling back.", "audiences": ["client"]}
    await asyncio.gather(rig.ring(due), rig.post("/v1/incidents/1/updates", **words))
    assert (30, "update", None) in await sent(rig)
    [client] = [each for each in (await rig.incident()).obligations if each.kind == "client_update"]
    assert client.due_at == NINE_FIFTEEN + timedelta(minutes=60)
    [timer] = [timer for timer in await rig.timers() if timer.key == due.key and timer.kind == "obligation"]
    assert timer.due_at == client.due_at


async def test_after_an_outage_a_promise_is_kept_once_late_and_the_next_counts_from_then(rig: Rig) -> None:
    await rig.fire()
    await rig.outage(200)
    [client] = [each for each in await rig.events(CommunicationDue) if each.obligation == "client_update"]
    assert (client.late_by, client.next_by) == (timedelta(minutes=170), NINE_FIFTEEN + timedelta(minutes=230))
    moved = next(each for each in await rig.events(ObligationMoved) if each.obligation.kind == "client_update")
    assert (moved.obligation.state, moved.reason) == ("late", "sent_late")


async def test_after_the_resolve_the_rca_is_owed_with_a_daily_status_until_it_is_issued(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/resolve")
    await rig.play(50 * 60)
    assert await sent(rig) == [(24 * 60, "rca_status", "rca"), (48 * 60, "rca_status", "rca")]
    status = (await rig.events(CommunicationDue))[0]
    assert status.audience == ("client-contacts", "first")
    answer = await rig.post("/v1/incidents/1/rca", url="https://wiki.example.com/rca/1")
    assert answer["rca_url"] == "https://wiki.example.com/rca/1"
    issued = (await rig.events(CommunicationDue))[-1]
    assert (issued.purpose, issued.words) == (
        "update",
        "The root cause analysis is ready: https://wiki.example.com/rca/1",
    )
    assert await rig.timers() == []


async def test_the_closing_word_goes_to_everyone_who_was_reached_and_to_nobody_else(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    await rig.handle(
        rig.addressed(incident, "Stefania", "Helena"),
        rig.sent(incident, "Stefania"),
        rig.sent(incident, "Stefania", channel="email"),
        rig.failed(incident, "Helena", reason="rejected"),
        rig.sent(incident, "Ada", purpose="status", rung=None, obligation="client_update", slot="client_update-1"),
    )
    await rig.post("/v1/incidents/1/verdict", verdict="false_positive")
    [closing] = [each for each in await rig.events(CommunicationDue) if each.purpose == "closing"]
    assert set(closing.audience) == {"person:stefania", "person:ada"}
    await rig.play(72 * 60)
    assert (await rig.facts())[-1] == closing
    assert await rig.timers() == []


async def test_nobody_was_reached_so_nobody_gets_a_closing_word(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/resolve")
    assert await sent(rig, "closing") == []


async def test_who_is_reached_while_the_incident_closes_gets_the_closing_word_too(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    await rig.handle(rig.sent(incident, "Stefania"))
    await rig.post("/v1/incidents/1/resolve")
    await rig.handle(rig.sent(incident, "Stefania"), rig.sent(incident, "Helena"), rig.sent(incident, "Helena"))
    late = rig.sent(incident, "Ada", purpose="closing", rung=None, slot="closing")
    await rig.handle(late)
    closings = [each.audience for each in await rig.events(CommunicationDue) if each.purpose == "closing"]
    assert closings == [("person:stefania",), ("person:helena",)]


async def test_a_resolve_waives_what_was_promised(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/resolve")
    states = {each.kind: each.state for each in (await rig.incident()).obligations}
    assert states == {
        "team_status": "waived",
        "client_update": "waived",
        "tenant_status": "waived",
        "incident_call": "waived",
        "rca": "due",
    }
    waived = [each.obligation.kind for each in await rig.events(ObligationMoved) if each.reason == "waived"]
    assert sorted(waived) == ["client_update", "incident_call", "team_status", "tenant_status"]
