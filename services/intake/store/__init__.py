"""Tables and queries of intake."""

from services.intake.store import configuration, drop_in, heartbeats, mail, pollers, series, signed, triggers
from services.intake.store.tables import Base

__all__ = ["Base", "configuration", "drop_in", "heartbeats", "mail", "pollers", "series", "signed", "triggers"]
