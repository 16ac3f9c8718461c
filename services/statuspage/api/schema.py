"""The JSON of ``/api/v1/status``: the public page as a document."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from services.statuspage.domain.page import Entry, PublicPage
from services.statuspage.domain.promise import Promise
from services.statuspage.domain.sentence import Level


class PromiseDocument(BaseModel):
    """When the next word is due."""

    by: datetime
    late: bool
    text: str


class UpdateDocument(BaseModel):
    """What was said about an incident."""

    text: str
    at: datetime


class IncidentDocument(BaseModel):
    """One incident, or one maintenance."""

    number: int
    level: Level
    text: str
    state: Literal["open", "acknowledged", "resolved"]
    started_at: datetime
    ended_at: datetime | None
    service: str | None
    services: list[str] = []
    """Every service that the public knows, where there are several."""
    until: datetime | None = None
    """When a maintenance should end."""
    promise: PromiseDocument | None
    updates: list[UpdateDocument]


class DayDocument(BaseModel):
    """One day of one component; ``level`` of null: nobody watched yet."""

    date: date
    level: Level | None
    minutes: int


class ComponentDocument(BaseModel):
    """One component. ``days`` holds only the days that were not all right."""

    id: str
    name: str
    group: str
    level: Level
    uptime: str
    days: list[DayDocument]


class ProviderDocument(BaseModel):
    """A provider that we rely on. ``plain``: nobody knows how it stands."""

    name: str
    level: Level | Literal["plain"]
    text: str


class StatusDocument(BaseModel):
    """The state of the system, or of one tenant."""

    at: datetime
    tenant: str | None
    level: Level
    text: str
    promise: PromiseDocument | None
    incidents: list[IncidentDocument]
    maintenance: list[IncidentDocument]
    components: list[ComponentDocument]
    providers: list[ProviderDocument] = []


def document(page: PublicPage) -> StatusDocument:
    """The page as JSON. ``at`` is to the minute, as the page's words are."""
    return StatusDocument(
        at=page.now.replace(second=0, microsecond=0),
        tenant=page.tenant.id if page.tenant else None,
        level=page.headline.level,
        text=page.headline.text,
        promise=_promise(page.promise),
        incidents=[_incident(entry) for entry in page.open],
        maintenance=[_incident(entry) for entry in (*page.running, *page.planned)],
        components=[
            ComponentDocument(
                id=row.component.id,
                name=row.component.name,
                group=row.component.group,
                level=row.level,
                uptime=row.uptime,
                days=[
                    DayDocument(date=day.date, level=day.level, minutes=int(day.affected.total_seconds() // 60))
                    for day in row.notable
                ],
            )
            for group in page.groups
            for row in group.rows
        ],
        providers=[ProviderDocument(name=one.name, level=one.level, text=one.text) for one in page.providers],
    )


def _promise(promise: Promise | None) -> PromiseDocument | None:
    return PromiseDocument(by=promise.by, late=promise.late, text=promise.text) if promise else None


def _incident(entry: Entry) -> IncidentDocument:
    incident = entry.incident
    return IncidentDocument(
        number=incident.number,
        level=entry.level,
        text=entry.text,
        state=incident.state,
        started_at=entry.window.starts_at if entry.window else incident.opened_at,
        ended_at=incident.resolved_at,
        service=entry.service,
        services=list(entry.services),
        until=entry.window.ends_at if entry.window else None,
        promise=_promise(entry.promise),
        updates=[UpdateDocument(text=update.text, at=update.at) for update in entry.updates],
    )
