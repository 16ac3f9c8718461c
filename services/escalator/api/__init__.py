"""The escalator over HTTP: incidents are read by viewers, and acted on by operators."""

from services.escalator.api import acting, reading

ROUTERS = (reading.router, acting.router)

__all__ = ["ROUTERS"]
