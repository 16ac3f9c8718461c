"""Calendars posted to Tocsin's own addresses: each event is the trigger of one maintenance."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.common.events.base import Severity, Window
from services.intake.domain.dedup import bounded
from services.intake.domain.mapping import NAME_LIMIT, TITLE_LIMIT, clean, clean_labels, web_links
from services.intake.domain.notices_ics import MEDIA_TYPE, Notice, read_calendar
from services.intake.domain.recurrence import NoCalendar
from services.intake.domain.trigger import ParsedTrigger, Reading, refuse

SEVERITIES: Final[dict[str, Severity]] = {
    "NO-IMPACT": "info",
    "REDUCED-REDUNDANCY": "warning",
    "DEGRADED": "error",
}
"""What ``X-MAINTNOTE-IMPACT`` means; by its standard a word that nobody knows is an outage."""


class CalendarOptions(BaseModel):
    """What an integration may say of the calendars that it posts: what they leave away, and what their words mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    assigned_team: str = ""
    """The team of every maintenance that names none (``X-TOCSIN-TEAM``)."""
    services: dict[str, str] = Field(default_factory=dict)
    """From an object (``X-MAINTNOTE-OBJECT-ID``) or a category to the id of our service. Objects that are not listed are taken as they are."""
    tenants: tuple[str, ...] = ()
    """The tenants of every maintenance that names none (``X-TOCSIN-TENANT``); none means all."""
    zone: str = "UTC"
    """The zone of times that name none."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, KeyError, OSError) as error:
            raise ValueError(f"there is no time zone {value!r}; name one as Europe/Berlin does") from error
        return value


def is_calendar(content_type: str, body: bytes) -> bool:
    """Whether a body is a calendar, by its media type or by how it begins."""
    named = content_type.partition(";")[0].strip().lower() == MEDIA_TYPE
    return named or body[:64].lstrip(b"\xef\xbb\xbf \r\n\t").upper().startswith(b"BEGIN:VCALENDAR")


def read_maintenances(body: bytes, options: CalendarOptions, now: datetime) -> Reading:
    """The maintenances of a calendar, each a trigger; a calendar of answers to invitations has none."""
    try:
        found = read_calendar(body, now, options.zone)
    except NoCalendar as error:
        return refuse("wrong-shape", clean(str(error), TITLE_LIMIT))
    return Reading(tuple(trigger_of(notice, options) for notice in found.notices), series=found.series)


def trigger_of(notice: Notice, options: CalendarOptions) -> ParsedTrigger:
    """The trigger of one maintenance that a calendar announces, moves, or says to have ended."""
    services = _services(notice, options)
    labels = {
        "provider": notice.provider,
        "account": notice.account,
        "impact": notice.impact,
        "status": notice.state,
        "objects": ", ".join(each.id for each in notice.affected),
    }
    return ParsedTrigger(
        kind="maintenance",
        status="resolved" if notice.ended else "firing",
        ending=notice.ended,
        dedup_key=bounded(clean(notice.key)),
        title=clean(notice.title, TITLE_LIMIT),
        description=clean(notice.description),
        severity=SEVERITIES.get(notice.impact, "critical"),
        service=services[0] if services else None,
        services=services,
        tenants=tuple(dict.fromkeys(_names(notice.tenants or options.tenants))),
        assigned_team=clean(notice.team or options.assigned_team, NAME_LIMIT) or None,
        window=Window(starts_at=notice.starts_at, ends_at=notice.ends_at),
        sequence=notice.sequence,
        series=notice.series,
        reporter=clean(notice.organizer, NAME_LIMIT) or None,
        links=web_links([(notice.url, "The notice")]),
        labels=clean_labels({name: value for name, value in labels.items() if value}),
    )


def _services(notice: Notice, options: CalendarOptions) -> tuple[str, ...]:
    """The objects in our words, and those of the categories that are services of ours."""
    mapped = [options.services.get(each.id, each.id) for each in notice.affected]
    mapped += [options.services[each] for each in notice.categories if each in options.services]
    return tuple(dict.fromkeys(_names(mapped)))


def _names(texts: Sequence[str]) -> list[str]:
    return [name for text in texts if (name := clean(text, NAME_LIMIT))]
