"""The HTTP API of oncall."""

from services.oncall.api import (
    amendments,
    calendars,
    checks,
    contacts,
    directory,
    own,
    principals,
    proof,
    resolution,
    schedules,
    swaps,
)

ROUTERS = (
    schedules.router,
    amendments.router,
    swaps.router,
    calendars.router,
    proof.router,
    resolution.router,
    directory.router,
    contacts.router,
    contacts.everybody,
    own.router,
    checks.router,
    principals.router,
)
"""Every route of oncall."""

SHORTCUTS = (schedules.NOW_ON_CALL,)
"""The ways past the framework, for what is asked most."""

__all__ = ["ROUTERS", "SHORTCUTS"]
