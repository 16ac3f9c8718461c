"""The HTTP API of oncall."""

from services.oncall.api import directory, principals, resolution, schedules

ROUTERS = (schedules.router, resolution.router, directory.router, principals.router)
"""Every route of oncall."""

__all__ = ["ROUTERS"]
