"""Intake over HTTP: hooks for senders, integrations and quarantine for people."""

from services.intake.api import (
    heartbeats,
    hooks,
    integrations,
    kept,
    mail,
    opsgenie_alerts,
    opsgenie_heartbeats,
    pagerduty,
    pollers,
    preview,
    triggers,
)

ROUTERS = (
    heartbeats.router,  # before the hooks, whose address for every source takes bodies in
    hooks.router,
    integrations.router,
    kept.router,
    mail.router,
    triggers.router,
    pollers.router,
    preview.router,
    pagerduty.router,
    opsgenie_alerts.router,
    opsgenie_heartbeats.router,
)

__all__ = ["ROUTERS"]
