"""Settings of the notifier: ``TOCSIN_NOTIFIER_<NAME>``, else the shared ``TOCSIN_<NAME>``."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import HttpUrl, ServiceSettings


class NotifierSettings(ServiceSettings):
    """What the notifier can be told beside what every service can. Channels are configured in ``channels.yaml``."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_NOTIFIER_")

    port: int = Field(8704, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    statuspage_url: HttpUrl = Field(
        "http://127.0.0.1:8700",
        description="Where people reach the status page and the console: links in messages lead there.",
    )
    twilio_base_url: HttpUrl | None = Field(
        None, description="Takes the place of https://api.twilio.com: an egress proxy, or a double for tests."
    )
    slack_base_url: HttpUrl | None = Field(
        None,
        description="Takes the place of https://slack.com and https://hooks.slack.com: an egress proxy, or a double for tests.",
    )
