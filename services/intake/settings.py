"""What intake can be told, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """``TOCSIN_INTAKE_…``, else ``TOCSIN_…``."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_INTAKE_", extra="ignore", frozen=True)

    port: int = Field(8701, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    body_limit: int = Field(1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="Bytes that a body may have.")
    keep_days: float = Field(30, gt=0, description="How long bodies are kept as they came.")
    rate_limit: int = Field(
        120_000, ge=1, description="Bodies a minute that are taken with one key; integrations may say less."
    )
