"""What the tickets of an incident are told: that somebody has it, each update, and its end.

A ticket is told each of these once: the slot names the fact, and with incident and ticket it is the key of the effect.
What is meant for the team alone becomes a note for the helpdesk's agents. Statuses without news stay away from tickets, and so do
promises: whoever filed it is told what happened, and is not told again that nothing did.
"""

from collections.abc import Sequence

from libs.common.events.base import Ticket
from libs.common.events.incidents import CommunicationDue, Incident, Update
from services.escalator.domain import timeline
from services.escalator.domain.course import Course


def acknowledged(course: Course, tickets: Sequence[Ticket]) -> None:
    """Somebody has the incident. Who that is stays in the house."""
    since = course.incident.acknowledged_at
    if not tickets or since is None:
        return
    course.tell(
        CommunicationDue,
        text=timeline.tickets_told("that somebody has the incident", tickets),
        reason="acknowledged",
        purpose="update",
        audience=tuple(ticket.ref for ticket in tickets),
        slot="acknowledged",
        words=f"acknowledged at {timeline.clock_time(since, course.now)}. The team is working on it.",
    )


def joined(course: Course, before: Incident) -> None:
    """A ticket that came to an incident which somebody has already is told so."""
    if course.incident.state == "acknowledged":
        known = {ticket.ref for ticket in before.tickets}
        acknowledged(course, [ticket for ticket in course.incident.tickets if ticket.ref not in known])


def updated(course: Course, update: Update, version: int) -> None:
    """A person's words, as they are. ``version`` is the incident's, right after they were written."""
    tickets = course.incident.tickets
    if not tickets:
        return
    internal = update.audiences == ("team",)
    what = "the update, as a note for agents" if internal else "the update"
    course.tell(
        CommunicationDue,
        text=timeline.tickets_told(what, tickets),
        reason="update_posted",
        purpose="update",
        audience=tuple(ticket.ref for ticket in tickets),
        slot=f"update-{version}",
        words=update.text,
        since=update.at,
        internal=internal,
    )


def ended(course: Course) -> None:
    """The incident is over, and how."""
    tickets = course.incident.tickets
    if not tickets:
        return
    course.tell(
        CommunicationDue,
        text=timeline.tickets_told("that the incident is over", tickets),
        reason="resolved",
        purpose="closing",
        audience=tuple(ticket.ref for ticket in tickets),
        slot="closing",
    )
