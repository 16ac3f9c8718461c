"""Tickets at the escalator: who joins is told, what failed stands on the timeline once, and our own echo opens nothing."""

from typing import Any

from libs.common.events.deliveries import Addressee
from libs.common.events.incidents import CommunicationDue, IncidentOpened
from libs.common.events.triggers import TriggerReceived
from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]


def filed(rig: Rig, number: str = "1", status: str = "firing", **said: Any) -> TriggerReceived:
    """What Zendesk posts of a ticket."""
    shown = {"status": "Open", "priority": "Urgent", "raised": False, **said.pop("shown", {})}
    ticket = {"integration_id": "zendesk", "source": "zendesk", "id": number, "name": number, **shown}
    fields = {"integration_id": "zendesk", "integration_name": "Zendesk", "source": "zendesk", "kind": "ticket"}
    return rig.trigger(number, status, ticket=ticket, **fields, **said)


async def told(rig: Rig) -> list[tuple[str, tuple[str, ...]]]:
    """What went to which tickets."""
    due = await rig.events(CommunicationDue)
    return [(fact.slot, fact.audience) for fact in due if fact.audience[0].startswith("ticket:")]


def addressee(number: str) -> Addressee:
    return Addressee(ref=f"ticket:zendesk/{number}", name=f"Ticket {number}", role="tickets")


async def test_a_ticket_that_joins_an_acknowledged_incident_is_told_so_once(rig: Rig) -> None:
    group = {"key": "g", "siblings": ["1", "2"]}
    await rig.handle(filed(rig, "1"))
    await rig.post("/v1/incidents/1/acknowledge")
    await rig.handle(filed(rig, "2", group=group), filed(rig, "2", group=group))
    assert await told(rig) == [
        ("acknowledged", ("ticket:zendesk/1",)),
        ("acknowledged", ("ticket:zendesk/2",)),
    ]
    await rig.post("/v1/incidents/1/resolve")
    assert (await told(rig))[2:] == [("closing", ("ticket:zendesk/1", "ticket:zendesk/2"))]


async def test_a_ticket_that_was_told_is_nobody_who_was_reached(rig: Rig) -> None:
    await rig.handle(filed(rig))
    incident = await rig.incident()
    await rig.handle(rig.sent(incident, "x", recipient=addressee("1"), channel="ticket:zendesk", purpose="update"))
    await rig.post("/v1/incidents/1/resolve")
    closing = [fact.audience for fact in await rig.events(CommunicationDue) if fact.purpose == "closing"]
    assert closing == [("ticket:zendesk/1",)]


async def test_the_same_trouble_with_a_ticket_is_one_line(rig: Rig) -> None:
    await rig.handle(filed(rig))
    incident = await rig.incident()
    failed = rig.failed(
        incident,
        "x",
        recipient=addressee("1"),
        channel="ticket:zendesk",
        provider="zendesk",
        purpose="update",
        reason="rejected",
        detail="zendesk 403: Forbidden",
    )
    other = failed.model_copy(update={"reason": "invalid_address", "detail": ""})
    await rig.handle(failed, failed, other)
    assert [line for line in await rig.lines() if "comment" in line] == [
        "The comment on Ticket 1 failed: the provider rejected it (zendesk 403: Forbidden).",
        "The comment on Ticket 1 failed: the address is not valid.",
    ]


async def test_a_ticket_that_is_posted_again_for_our_own_comment_opens_nothing(rig: Rig) -> None:
    await rig.handle(filed(rig))
    await rig.post("/v1/incidents/1/resolve")
    await rig.handle(filed(rig), filed(rig, shown={"status": "Waiting for customer"}))
    assert len(await rig.events(IncidentOpened)) == 1
    line = "Zendesk posted ticket 1 again, as it was; it opens nothing."
    assert sum(line in one for one in await rig.lines()) == 1


async def test_a_ticket_whose_priority_changed_after_the_end_opens_another_incident(rig: Rig) -> None:
    await rig.handle(filed(rig))
    await rig.post("/v1/incidents/1/resolve")
    await rig.handle(filed(rig, shown={"priority": "Blocker"}))
    assert len(await rig.events(IncidentOpened)) == 2


async def test_a_ticket_that_the_helpdesk_says_was_raised_opens_another_incident(rig: Rig) -> None:
    await rig.handle(filed(rig))
    await rig.post("/v1/incidents/1/resolve")
    await rig.handle(filed(rig, shown={"raised": True}))
    assert len(await rig.events(IncidentOpened)) == 2


async def test_a_ticket_that_was_solved_and_opened_again_is_heard(rig: Rig) -> None:
    await rig.handle(filed(rig))
    await rig.post("/v1/incidents/1/resolve")
    await rig.handle(filed(rig, status="resolved"), filed(rig))
    assert len(await rig.events(IncidentOpened)) == 2


async def test_an_alarm_that_fires_on_after_a_resolve_opens_another_incident(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/resolve")
    await rig.fire()
    assert len(await rig.events(IncidentOpened)) == 2
