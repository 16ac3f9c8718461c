"""Tables and queries of the escalator."""

from services.escalator.store import configuration
from services.escalator.store.tables import Base

__all__ = ["Base", "configuration"]
