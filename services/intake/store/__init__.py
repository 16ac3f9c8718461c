"""Tables and queries of intake."""

from services.intake.store import configuration, mail
from services.intake.store.tables import Base

__all__ = ["Base", "configuration", "mail"]
