"""The escalator over HTTP: incidents and policies are read by viewers, and incidents acted on by operators."""

from services.escalator.api import acting, alerts, maintenances, policies, reading, rehearsal

ROUTERS = (reading.router, acting.router, alerts.router, maintenances.router, policies.router, rehearsal.router)

__all__ = ["ROUTERS"]
