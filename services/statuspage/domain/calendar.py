"""Maintenance as iCalendar (RFC 5545) with the properties of NANOG's MAINTNOTE, for calendars and for programs of network operators.

One event is one maintenance: its UID never changes, and its SEQUENCE grows with each change, so that subscribers see it move.
Only what the page says is in it: names of the directory that are for the public, and never an announcement's own wording.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import Calendar, Event, vText, vUri

from libs.common.events.base import Severity
from libs.common.events.incidents import Incident, MaintenanceState
from services.statuspage.domain import words
from services.statuspage.domain.page import Folded, Tenant, concerning
from services.statuspage.domain.sentence import maintained

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
WHOLE: Final = "system"
"""The object of a maintenance that names no service which the public knows."""

_REFRESH: Final = timedelta(hours=1)
_STATES: Final[Mapping[MaintenanceState, str]] = {
    "planned": "CONFIRMED",
    "running": "IN-PROCESS",
    "over": "COMPLETED",
    "cancelled": "CANCELLED",
}
_IMPACTS: Final[Mapping[Severity, str]] = {
    "critical": "OUTAGE",
    "error": "DEGRADED",
    "warning": "REDUCED-REDUNDANCY",
    "info": "NO-IMPACT",
}


@dataclass(frozen=True)
class Place:
    """Where the page is, and what it is called."""

    title: str
    base: str
    """``https://status.example.org``."""
    root: str
    """The path of a tenant's page; empty for that of the system."""
    keyed: bool = False
    """Whether a key opens the page: its address is no help then, and who forwards an event must not forward the key."""

    @property
    def host(self) -> str:
        """Who announces, as MAINTNOTE wants it."""
        return self.base.partition("://")[2].partition("/")[0] or self.base


def maintenance_calendar(folded: Folded, tenant: Tenant | None, place: Place) -> bytes:
    """The calendar of a page: what is planned, what runs, and what is over since the page's history begins."""
    calendar = Calendar()
    name = f"{place.title}: maintenance{f' for {tenant.name}' if tenant else ''}"
    calendar.add("prodid", "-//Tocsin//Status page//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for incident in _scheduled(concerning(folded.incidents, tenant)):
        calendar.add_component(_event(incident, folded, tenant, place))
    return bytes(calendar.to_ical())


def _scheduled(incidents: Iterable[Incident]) -> list[Incident]:
    found = [incident for incident in incidents if incident.maintenance is not None and incident.window is not None]
    return sorted(found, key=lambda incident: (_begins(incident), incident.number))


def _begins(incident: Incident) -> datetime:
    return incident.window.starts_at if incident.window else incident.opened_at


def _event(incident: Incident, folded: Folded, tenant: Tenant | None, place: Place) -> Event:
    record, window = incident.maintenance, incident.window
    if record is None or window is None:
        raise ValueError(f"incident {incident.number} is no scheduled maintenance")
    event = Event()
    event.add("uid", str(record.id))
    event.add("dtstamp", record.changed_at.astimezone(UTC))
    event.add("last-modified", record.changed_at.astimezone(UTC))
    event.add("sequence", record.revision)
    event.add("dtstart", window.starts_at.astimezone(UTC))
    if window.ends_at is not None:
        event.add("dtend", window.ends_at.astimezone(UTC))
    event.add("summary", f"Maintenance: {words.listed(maintained(incident, folded.names))}")
    updates = folded.updates.get(incident.id, ())
    if updates:
        event.add("description", updates[0].text)
    if not place.keyed:
        event.add("url", vUri(f"{place.base}{place.root or '/'}#incident-{incident.number}"))
    event.add("organizer", vUri(f"{place.base}{place.root}"))
    event.add("status", "CANCELLED" if record.state == "cancelled" else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("x-maintnote-provider", vText(place.host))
    event.add("x-maintnote-account", vText(tenant.id if tenant else "public"))
    event.add("x-maintnote-maintenance-id", vText(str(record.id)))
    for each in _objects(incident, folded):
        event.add("x-maintnote-object-id", vText(each))
    event.add("x-maintnote-impact", _IMPACTS[incident.severity])
    event.add("x-maintnote-status", _STATES[record.state])
    return event


def _objects(incident: Incident, folded: Folded) -> list[str]:
    known = [service for service in incident.services if folded.names.public_service(service)]
    return known or [WHOLE]
