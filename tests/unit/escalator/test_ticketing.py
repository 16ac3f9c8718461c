"""What goes back to tickets, and which posts of a ticket are no more than our own words."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.events.base import Ticket
from libs.common.events.incidents import CommunicationDue, Incident
from services.escalator.domain import acting, ticketing, timeline
from services.escalator.domain import incident as states
from services.escalator.domain.correlation import ECHO_WITHIN, Ended, is_echo
from services.escalator.domain.course import Course
from services.escalator.domain.obligations import Audience
from tests.unit.escalator.builders import INCIDENT_ID, OPENED, RAFAEL, a_trigger, an_incident, minutes, plan

CLIENT: tuple[Audience, ...] = ("client",)


def a_ticket(ticket_id: str = "20418", **said: Any) -> Ticket:
    fields = {"integration_id": "zendesk", "source": "zendesk", "id": ticket_id, "name": ticket_id}
    return Ticket.model_validate({**fields, "status": "Open", "priority": "Urgent", "raised": False, **said})


def course(**said: Any) -> Course:
    return Course(an_incident(kind="ticket", ticket=a_ticket(), **said), plan(), OPENED + minutes(5))


def told(of: Course) -> list[CommunicationDue]:
    """What goes to tickets."""
    due = [fact for fact in of.told if isinstance(fact, CommunicationDue)]
    return [fact for fact in due if any(ref.startswith("ticket:") for ref in fact.audience)]


def test_an_acknowledgement_is_told_without_saying_who() -> None:
    here = course()
    acting.acknowledge(here, RAFAEL)
    [fact] = told(here)
    assert (fact.slot, fact.purpose, fact.internal) == ("acknowledged", "update", False)
    assert fact.audience == ("ticket:zendesk/20418",)
    assert fact.words == "acknowledged at 09:20 UTC. The team is working on it."


@pytest.mark.parametrize(
    ("audiences", "internal"), [(("client",), False), (("tenant",), False), (("team",), True), ((), True)]
)
def test_an_update_goes_to_the_ticket_and_one_for_the_team_to_its_agents(audiences: Any, internal: bool) -> None:
    here = course()
    acting.post_update(here, RAFAEL, "We found it.", audiences)
    [fact] = told(here)
    assert (fact.words, fact.internal, fact.next_by) == ("We found it.", internal, None)
    assert fact.slot.startswith("update-")


def test_two_updates_are_two_facts_and_a_repeat_is_none() -> None:
    here = course()
    for words in ("We found it.", "We fix it.", "We fix it."):
        acting.post_update(here, RAFAEL, words, CLIENT)
    assert len({fact.slot for fact in told(here)}) == 2


@pytest.mark.parametrize("verdict", [None, "false_positive"])
def test_the_end_is_told_whether_or_not_anybody_else_was_reached(verdict: Any) -> None:
    here = course()
    if verdict:
        acting.judge(here, RAFAEL, verdict)
    else:
        acting.resolve(here, RAFAEL)
    [fact] = told(here)
    assert (fact.purpose, fact.slot) == ("closing", "closing")


def test_an_incident_without_tickets_tells_none() -> None:
    here = Course(an_incident(), plan(), OPENED)
    acting.acknowledge(here, RAFAEL)
    acting.post_update(here, RAFAEL, "We found it.", CLIENT)
    acting.resolve(here, RAFAEL)
    assert told(here) == []


def test_a_ticket_that_joins_is_told_what_the_others_know_already_and_they_are_not_told_again() -> None:
    here = course()
    acting.acknowledge(here, RAFAEL)
    before = here.incident
    here.incident = states.with_ticket(before, a_ticket("2"))
    ticketing.joined(here, before)
    assert [fact.audience for fact in told(here)] == [("ticket:zendesk/20418",), ("ticket:zendesk/2",)]
    assert {fact.slot for fact in told(here)} == {"acknowledged"}


def test_a_ticket_that_joins_an_open_incident_is_told_nothing_yet() -> None:
    here = course()
    before = here.incident
    here.incident = states.with_ticket(before, a_ticket("2"))
    ticketing.joined(here, before)
    assert told(here) == []


def test_a_ticket_is_known_once_and_as_its_helpdesk_told_it_last() -> None:
    known: Incident = an_incident(ticket=a_ticket())
    changed = states.with_ticket(states.with_ticket(known, a_ticket(status="Pending")), a_ticket("2"))
    assert [(one.id, one.status) for one in changed.tickets] == [("20418", "Pending"), ("2", "Open")]


@pytest.mark.parametrize(("ticket_id", "plain"), [("HELP-418", True), ("HD 1", False), ("ä" * 300, False)])
def test_every_ticket_has_a_reference_whatever_its_id_is(ticket_id: str, plain: bool) -> None:
    ref = a_ticket(ticket_id).ref
    assert (ref == f"ticket:zendesk/{ticket_id}") is plain
    due = CommunicationDue.model_validate(
        {"incident": an_incident(), "at": OPENED, "actor": RAFAEL, "text": "", "purpose": "update", "slot": "x"}
        | {"audience": (ref,)}
    )
    assert due.audience == (ref,)


AGO = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("now", "before", "ago", "echo"),
    [
        (a_ticket(), a_ticket(), AGO, True),
        (a_ticket(), a_ticket(), ECHO_WITHIN + minutes(1), False),
        (a_ticket(status="Waiting for customer"), a_ticket(), AGO, True),
        (a_ticket(), a_ticket(priority="High"), AGO, False),
        (a_ticket(raised=True), a_ticket(), AGO, False),
        (None, a_ticket(), AGO, False),
        (a_ticket(), None, AGO, False),
    ],
)
def test_only_a_ticket_that_is_shown_as_it_was_is_an_echo(
    now: Ticket | None, before: Ticket | None, ago: timedelta, echo: bool
) -> None:
    trigger = a_trigger(ticket=now)
    ended = Ended(UUID(str(INCIDENT_ID)), OPENED - ago, before)
    assert is_echo(trigger, ended, OPENED) is echo
    assert not is_echo(trigger, None, OPENED)


def test_the_timeline_says_which_tickets_are_told() -> None:
    assert (
        timeline.tickets_told("the update", [a_ticket(), a_ticket("2")]) == "Tickets 20418 and 2 are told the update."
    )
