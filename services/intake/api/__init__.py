"""Intake over HTTP: hooks for senders, integrations and quarantine for people."""

from services.intake.api import hooks, integrations, kept, preview

ROUTERS = (hooks.router, integrations.router, kept.router, preview.router)

__all__ = ["ROUTERS"]
