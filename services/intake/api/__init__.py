"""Intake over HTTP: hooks for senders, integrations and quarantine for people."""

from services.intake.api import hooks, integrations, kept

ROUTERS = (hooks.router, integrations.router, kept.router)

__all__ = ["ROUTERS"]
