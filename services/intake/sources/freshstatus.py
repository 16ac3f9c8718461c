"""Freshstatus: the webhook of its status pages. Nothing and no are texts there: ``"None"``, ``"False"``."""

from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.domain.mapping import several
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import needed, plain, refused, value_of
from services.intake.sources.watched import WATCHED, Notice, WatchedOptions, reading_of, window_of

OVER: Final = ("CLOSED", "RESOLVED", "COMPLETED", "CANCELLED", "CANCELED", "DELETED")
"""How the names of events end that tell the end."""


def _read(arrival: Arrival[WatchedOptions]) -> Reading:
    try:
        look = value_of(arrival)
        if not look.is_object():
            raise refused("wrong-shape", "The body should be a JSON object.")
        return reading_of([_notice(look)], arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))


def _notice(look: Look) -> Notice:
    event = needed(look, "event_data.event_type").upper()
    account = needed(look, "event_data.account_id")
    maintenance = event.startswith("MAINTENANCE")
    note = "_NOTE_" in event  # has an id of its own, and names what it belongs to
    status = look.text("incident_status") if note else look.text("status")
    said = plain(look.text("message", "description"))
    over = event.endswith(OVER) or (note and status.upper() in OVER)
    starts_at = look.moment("scheduled_start_time", "start_time")
    ends_at = look.moment("scheduled_end_time", "end_time")
    return Notice(
        key=f"{account}/{needed(look, 'incident_id' if note else 'id')}",
        firing=not over,
        title=look.text("title"),
        description=said,
        severity="info" if maintenance else None,
        provider=look.text("event_data.account_name").lower(),
        parts=several(look.text("affected_services")),
        maintenance=maintenance,
        window=window_of(starts_at, ends_at) if maintenance else None,
        ending="cancelled" if event.endswith(("CANCELLED", "CANCELED", "DELETED")) else "completed",
        follow_up=": ".join(filter(None, [status, said])) if note or event.endswith("UPDATED") else "",
        labels={"event": event, "status": status},
        partless=note,
        started_at=starts_at,
        ended_at=look.moment("end_time", "event_data.event_created_on") if over else None,
    )


DOCS: Final = f"""
Status pages that Freshstatus hosts tell subscribers by webhook of incidents and of maintenance.

## Set it up

*Subscribe → Webhook* on the page, or *Settings → Webhooks* in your own account, with the address
`https://intake.example.org/v1/hooks/freshstatus/YOUR-KEY`. Its webhooks are not signed, so the key stands in the address.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `event_data.account_id` and `id`; of a note `incident_id` |
| status | `event_data.event_type`: what ends in CLOSED, RESOLVED, COMPLETED or CANCELLED resolves, and so does a note whose `incident_status` is Closed |
| title, description | `title`, `description`; of a note `message`, which stands on the timeline |
| severity | none is told: `default_severity`; maintenance is info |
| components | `affected_services`, through the mapping |
| window | of MAINTENANCE events `scheduled_start_time` to `scheduled_end_time` |

## Options

{WATCHED}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "id": "53481",
    "title": "Proofs cannot be opened",
    "end_time": "None",
    "is_private": "False",
    "start_time": "2026-03-02 09:10:00+00:00",
    "description": "We are looking for the cause.",
    "affected_services": "Viewer, API",
    "status": "Open",
    "event_data": {"account_id": 2300, "account_name": "proofs", "event_id": 1361, "event_type": "INCIDENT_OPEN"},
}

SOURCE: Final = Source(
    name="freshstatus",
    title="Freshstatus",
    kind="provider",
    docs=DOCS,
    options=WatchedOptions,
    example=EXAMPLE,
    read=_read,
)
