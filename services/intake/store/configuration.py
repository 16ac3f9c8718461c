"""The tables of the configuration in force, as this service's own."""

from libs.common.config_store import add_to
from services.intake.store.tables import Base

add_to(Base.metadata)
