"""Incidents, people and requests as the notifier's tests need them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from libs.common.events.base import Contact
from libs.common.events.incidents import Incident, Purpose
from libs.common.events.notifications import NotificationRequested, Recipient

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
INCIDENT = UUID("01936000-0000-7000-8000-00000000000c")


def incident(**changes: Any) -> Incident:
    """Incident 12, opened half an hour ago."""
    fields: dict[str, Any] = {
        "id": INCIDENT,
        "number": 12,
        "version": 1,
        "title": "Checkout is down",
        "state": "open",
        "kind": "telemetry",
        "category": "system_down",
        "severity": "critical",
        "opened_at": NOW - timedelta(minutes=30),
    }
    return Incident(**(fields | changes))


def person(name: str = "Rafael", *contacts: tuple[str, str], **changes: Any) -> Recipient:
    """Somebody of the house, on shift, with these contacts in this order: by default an SMS number and an e-mail."""
    chosen = contacts or (("sms", "+15005550010"), ("email", f"{name.lower()}@example.com"))
    fields: dict[str, Any] = {
        "ref": f"person:{name.lower()}",
        "name": name,
        "role": "on-shift",
        "contacts": tuple(Contact(channel=channel, address=address) for channel, address in chosen),
    }
    return Recipient(**(fields | changes))


def client(name: str = "Clara", *contacts: tuple[str, str]) -> Recipient:
    """A client's contact: outside the house."""
    return person(
        name,
        *(contacts or (("email", f"{name.lower()}@client.example"),)),
        ref=f"contact:acme/{name.lower()}",
        role="client-contacts",
    )


def request(
    purpose: Purpose = "page", *recipients: Recipient, number: int = 1, **changes: Any
) -> NotificationRequested:
    """A request of oncall's; ``number`` tells it from others."""
    subject = changes.get("incident", incident())
    fields: dict[str, Any] = {
        "notification_id": UUID(int=number),
        "subject_id": INCIDENT,
        "incident": subject,
        "purpose": purpose,
        "slot": f"slot-{number}",
        "recipients": recipients,
        "requested_at": NOW,
    }
    if purpose == "page":
        fields |= {"rung": 1, "rung_name": "First to hear", "reason": "opened", "slot": f"rung-{number}"}
    return NotificationRequested(**(fields | changes))


def ticket(number: str = "20418", integration: str = "zendesk") -> Recipient:
    """A ticket of a helpdesk's."""
    return person(
        f"Ticket {number}",
        (f"ticket:{integration}", number),
        ref=f"ticket:{integration}/{number}",
        role="tickets",
    )
