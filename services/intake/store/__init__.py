"""Tables and queries of intake."""

from services.intake.store.tables import Base

__all__ = ["Base"]
