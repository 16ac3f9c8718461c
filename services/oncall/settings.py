"""Settings of oncall: ``TOCSIN_ONCALL_…``, then what all services share."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import HttpUrl, ServiceSettings


class OncallSettings(ServiceSettings):
    """What oncall can be told beside what every service can."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_ONCALL_")

    port: int = Field(8703, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    statuspage_url: HttpUrl | None = Field(
        None,
        description="Where the status page is reached, for the links that incidents carry; without it they carry none to it.",
    )
    private_calendars: bool = Field(
        default=False, description="Whether calendars may be read from addresses of the own network."
    )
