"""The notifier's tables and queries."""

from services.notifier.store import configuration
from services.notifier.store.tables import Base

__all__ = ["Base", "configuration"]
