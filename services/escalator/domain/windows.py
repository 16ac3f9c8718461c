"""What an announced window (of a maintenance, of a tool's outage) holds back.

A scheduled maintenance is announced before it begins: the team hears of it at once (rung 1), and then nothing presses until it should be over.

==================  ==========================  ====================================================
incident            further rungs not before    obligations run from
==================  ==========================  ====================================================
without a window    its opening                 its opening
maintenance         the window's end            maintenance status: the window's begin · others: its end
any other category  the window's begin          the window's begin
==================  ==========================  ====================================================

Where nobody knows the end, the begin counts in its place.
"""

from datetime import datetime

from libs.common.events.base import ObligationKind
from libs.common.events.incidents import Incident


def held_until(incident: Incident) -> datetime:
    """Until when no further rung comes by itself. Rung 1, and a rung that nobody was found for, never wait."""
    return _released(incident) if incident.category == "maintenance" else _begins(incident)


def runs_from(incident: Incident, kind: ObligationKind) -> datetime:
    """From when an obligation's time is counted."""
    if incident.category == "maintenance" and kind != "maintenance_status":
        return _released(incident)
    return _begins(incident)


def planned_end(incident: Incident) -> datetime | None:
    """When a maintenance should be over and its team is asked whether it is; ``None`` where nobody said, or for what is no maintenance."""
    if incident.category != "maintenance" or incident.window is None or incident.window.ends_at is None:
        return None
    return incident.window.ends_at if incident.window.ends_at > incident.opened_at else None


def planned_begin(incident: Incident) -> datetime | None:
    """When a maintenance that is planned begins; ``None`` for what is no maintenance, and for one that has begun or ended."""
    if incident.maintenance is None or incident.maintenance.state != "planned" or incident.window is None:
        return None
    return incident.window.starts_at


def _begins(incident: Incident) -> datetime:
    if incident.window is None:
        return incident.opened_at
    return max(incident.opened_at, incident.window.starts_at)


def _released(incident: Incident) -> datetime:
    if incident.window is None or incident.window.ends_at is None:
        return _begins(incident)
    return max(incident.opened_at, incident.window.ends_at)
