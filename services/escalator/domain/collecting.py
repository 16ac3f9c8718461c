"""Alarms of what is in maintenance (ADR 18): while the window lasts they are collected under it and page nobody.

What still fires when the window ends, or when somebody says that the maintenance is over, opens an incident of its own and pages from then on.
Only what surely belongs to a maintenance is collected; whatever is doubtful pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.events.base import Window
from libs.common.events.incidents import Incident
from libs.common.events.triggers import TriggerReceived


@dataclass(frozen=True)
class Covering:
    """What a maintenance covers, and when."""

    incident_id: UUID
    services: frozenset[str]
    tenants: frozenset[str]
    """Empty is every tenant."""
    window: Window


def collector(trigger: TriggerReceived, maintenances: Sequence[Covering], now: datetime) -> Covering | None:
    """The maintenance under which an alarm is collected, if one covers all of it: the one that ends last."""
    found = [each for each in maintenances if covers(each, trigger, now)]
    return max(
        found,
        key=lambda each: (each.window.ends_at is None, each.window.ends_at or now, str(each.incident_id)),
        default=None,
    )


def covers(maintenance: Covering, trigger: TriggerReceived, now: datetime) -> bool:
    """Whether an alarm is of nothing but services in maintenance, for nobody but its tenants, while its window lasts.

    An alarm without a service, and a maintenance that names none, are never taken together.
    """
    services = {*trigger.services, *([trigger.service] if trigger.service else [])}
    if trigger.kind != "telemetry" or not services or not services <= maintenance.services:
        return False
    if maintenance.tenants and not (trigger.tenants and maintenance.tenants.issuperset(trigger.tenants)):
        return False
    return lasts(maintenance.window, now)


def lasts(window: Window, now: datetime) -> bool:
    """Whether the window has begun, and not ended."""
    return window.starts_at <= now and (window.ends_at is None or now < window.ends_at)


def covering(incident: Incident) -> Covering | None:
    """What an open incident covers, where it is a maintenance."""
    if incident.state == "resolved" or incident.maintenance is None or incident.window is None:
        return None
    services = frozenset(incident.services or ((incident.service,) if incident.service else ()))
    return Covering(incident.id, services, frozenset(incident.tenants), incident.window)
