"""Tables and queries of oncall."""

from services.oncall.store import configuration
from services.oncall.store.tables import Base

__all__ = ["Base", "configuration"]
