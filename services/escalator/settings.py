"""Settings of the escalator: ``TOCSIN_ESCALATOR_…``, then what all services share."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import HttpUrl, ServiceSettings


class EscalatorSettings(ServiceSettings):
    """What the escalator can be told beside what every service can."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_ESCALATOR_")

    port: int = Field(8702, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    statuspage_url: HttpUrl | None = Field(
        None,
        description="Where people reach the console, for the links of notices; without it they carry none.",
    )
