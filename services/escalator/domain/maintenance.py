"""Scheduled maintenance: one record from the announcement to the end, which its sender moves and calls off by the same id.

=========  ==========================================================
state      from when on
=========  ==========================================================
planned    it is announced, and has not begun
running    its window has begun, until somebody says that it is over
over       it was resolved after its window began
cancelled  it was resolved before, or called off
=========  ==========================================================

An announced outage of a tool has a window too, and no record. How either is moved stands in ``announcement.py``.
"""

from datetime import datetime
from uuid import UUID

from libs.common.events.base import Window
from libs.common.events.incidents import Incident, Maintenance, MaintenanceState
from libs.common.events.triggers import MaintenanceEnding


def recorded(incident: Incident, record_id: UUID, external_id: str | None, now: datetime) -> Incident:
    """A new incident with the record of its maintenance, if it is one that has a window."""
    if incident.category != "maintenance" or incident.window is None:
        return incident
    record = Maintenance(
        id=record_id,
        external_id=external_id or str(record_id),
        state=_state_at(incident.window, now),
        changed_at=now,
    )
    return incident.model_copy(update={"maintenance": record})


def revised(incident: Incident, now: datetime) -> Incident:
    """The incident once something else is announced of it; what is moved away from now is planned again."""
    if incident.maintenance is None or incident.window is None:
        return incident
    return _with(incident, incident.maintenance, _state_at(incident.window, now), now)


def begun(incident: Incident, now: datetime) -> Incident:
    """The incident once its window has begun."""
    if incident.maintenance is None:
        raise ValueError(f"incident {incident.number} is no maintenance")
    return _with(incident, incident.maintenance, "running", now)


def ended(incident: Incident, ending: MaintenanceEnding | None, now: datetime) -> Incident:
    """The incident once it is over; where nobody says how it ended, one that had not begun was called off."""
    record = incident.maintenance
    if record is None:
        return incident
    cancelled = ending == "cancelled" or (ending is None and record.state == "planned")
    return _with(incident, record, "cancelled" if cancelled else "over", now)


def _with(incident: Incident, record: Maintenance, state: MaintenanceState, now: datetime) -> Incident:
    update = {"state": state, "revision": record.revision + 1, "changed_at": now}
    return incident.model_copy(update={"maintenance": record.model_copy(update=update)})


def _state_at(window: Window, now: datetime) -> MaintenanceState:
    return "planned" if window.starts_at > now else "running"
