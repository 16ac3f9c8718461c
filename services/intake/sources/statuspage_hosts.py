"""Pages of other hosts than Statuspage, in Statuspage's words: Instatus, incident.io and Better Stack say the same by other names.

Instatus: https://instatus.com/help/webhooks, and ``/summary.json`` of a page. incident.io: the widget API of a page. Better Stack: the webhooks of a
page. What is Statuspage's own, or nobody's, stays as it is.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from services.intake.domain.look import Look

STATES: Final[Mapping[str, str]] = {
    "notstartedyet": "scheduled",
    "inprogress": "in_progress",
    "maintenance_scheduled": "scheduled",
    "maintenance_in_progress": "in_progress",
    "maintenance_complete": "completed",
}
"""States of incidents and maintenances; the others are called alike."""

IMPACTS: Final[Mapping[str, str]] = {
    "operational": "none",
    "undermaintenance": "maintenance",
    "degradedperformance": "minor",
    "degraded_performance": "minor",
    "minoroutage": "minor",
    "partialoutage": "major",
    "partial_outage": "major",
    "majoroutage": "critical",
    "full_outage": "critical",
}

COMPONENTS: Final[Mapping[str, str]] = {
    "undermaintenance": "under_maintenance",
    "degradedperformance": "degraded_performance",
    "partialoutage": "partial_outage",
    "majoroutage": "major_outage",
    "full_outage": "major_outage",
    "maintenance": "under_maintenance",
    "degraded": "degraded_performance",
    "downtime": "major_outage",
}

LAST_YEAR: Final = 9_990
"""Until which a date may be reckoned with: there is none after 9999."""

ACTIVE: Final = ("activeIncidents", "activeMaintenances")
ONGOING: Final = ("ongoing_incidents", "in_progress_maintenances", "scheduled_maintenances")


def in_statuspages_words(look: Look) -> Look:
    """The body as Statuspage would have written it."""
    widget = look.at("summary") if look.at("summary.ongoing_incidents").value is not None else look
    if isinstance(widget.at(ONGOING[0]).value, list):
        return _incident_io(widget)
    if not look.at("page").is_object():
        return look
    if look.text("page.status") and look.at("status").value is None and look.at("incidents").value is None:
        return _instatus_summary(look)
    changed = dict(look.value)
    for name in ("incident", "maintenance"):
        if look.at(name).is_object():
            changed["incident"] = _event(look, look.at(name), name)
    if look.at("component_update").is_object():
        update, component = look.at("component_update"), look.at("component")
        changed["component_update"] = {**update.value, "new_status": _word(COMPONENTS, update.text("new_status"))}
        changed["component"] = component.value if component.is_object() else {}
    return Look(changed, look.path)


def _event(look: Look, event: Look, name: str) -> dict[str, Any]:
    """An incident, or a maintenance, of a webhook."""
    found: dict[str, Any] = {**event.value, **_planned(event)}
    status = _word(STATES, event.text("status"))
    if not status and look.text("event_type"):  # Better Stack says how the page is, and not how the incident
        well = look.text("page.status_indicator").lower() == "operational"
        status = "" if name == "maintenance" else "resolved" if well else "investigating"
        status = status or _by_time(look, event)
    if status:
        found["status"] = status
    if event.text("impact"):
        found["impact"] = _word(IMPACTS, event.text("impact"))
    if name == "maintenance":
        found["impact"] = "maintenance"
        found["incident_updates"] = event.at("maintenance_updates").value
    if not event.text("shortlink"):
        found["shortlink"] = event.text("url")
    return found


def _by_time(look: Look, event: Look) -> str:
    """How a maintenance stands that does not say so: by what the page says of itself, and by when it was changed last."""
    ends_at, changed_at = event.moment("ends_at"), event.moment("updated_at")
    if ends_at is not None and changed_at is not None and changed_at >= ends_at:
        return "completed"
    return "in_progress" if look.text("page.status_indicator").lower() == "maintenance" else "scheduled"


def _planned(event: Look) -> dict[str, Any]:
    """When it is planned, where the sender says it otherwise than Statuspage: a beginning, and an end or so many minutes."""
    starts_at = event.moment("start", "starts_at", "started_at")
    if starts_at is None or event.text("scheduled_for") or not event.text("duration", "ends_at", "scheduled_end_at"):
        return {}
    ends_at = event.moment("ends_at", "scheduled_end_at")
    minutes = event.text("duration")
    if ends_at is None and minutes.isdecimal() and len(minutes) < 7 and starts_at.year < LAST_YEAR:
        ends_at = starts_at + timedelta(minutes=int(minutes))
    return {"scheduled_for": starts_at.isoformat(), "scheduled_until": None if ends_at is None else ends_at.isoformat()}


def _instatus_summary(look: Look) -> Look:
    """What Instatus lists as active; it is left away where there is nothing."""

    def listed(name: str, kind: str) -> Iterator[Any]:
        for one in look.each(name):
            if not one.is_object():  # it is refused by its place
                yield one.value
                continue
            found = _event(look, one, kind)
            known = one.text("id") or one.text("url").rstrip("/").rpartition("/")[2] or one.text("name")
            yield {**found, "id": known, "created_at": one.text("started", "start")}

    described = {"indicator": look.text("page.status"), "description": look.text("page.status")}
    lists: dict[str, Any] = {
        "incidents": look.at(ACTIVE[0]).value,
        "scheduled_maintenances": look.at(ACTIVE[1]).value,
    }
    for name, there, kind in zip(lists, ACTIVE, ("incident", "maintenance"), strict=True):
        if lists[name] is None or isinstance(lists[name], list):
            lists[name] = list(listed(there, kind))
    return Look({"page": look.at("page").value, "status": described, **lists}, look.path)


def _incident_io(look: Look) -> Look:
    """What the widget of incident.io lists: what is going on, and what is planned."""

    def listed(name: str) -> Iterator[dict[str, Any]]:
        for one in look.each(name):
            parts = [
                {"id": part.text("id"), "name": part.text("name"), "status": part.text("current_status")}
                for part in one.each("affected_components")
            ]
            message = one.text("last_update_message")
            yield {
                "id": one.text("id"),
                "name": one.text("name"),
                "status": _word(STATES, one.text("status")),
                "impact": _word(IMPACTS, one.text("current_worst_impact")) if name == ONGOING[0] else "maintenance",
                "shortlink": one.text("url"),
                "created_at": one.text("created_at", "started_at"),
                "scheduled_for": one.text("starts_at", "started_at") if name != ONGOING[0] else None,
                "scheduled_until": one.text("ends_at", "scheduled_end_at") if name != ONGOING[0] else None,
                "incident_updates": [{"body": message}] if message else [],
                "components": parts,
            }

    page = {"name": look.text("page_title", "name"), "url": look.text("page_url", "public_url")}
    ongoing = list(listed(ONGOING[0]))
    return Look(
        {
            "page": page,
            "status": {"indicator": "major" if ongoing else "none", "description": "" if ongoing else "All is well"},
            "incidents": ongoing,
            "scheduled_maintenances": [*listed(ONGOING[1]), *listed(ONGOING[2])],
        },
        look.path,
    )


def _word(words: Mapping[str, str], said: str) -> str:
    word = said.strip().lower()
    return words.get(word, word)
