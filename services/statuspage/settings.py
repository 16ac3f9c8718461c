"""Settings of the statuspage: ``TOCSIN_STATUSPAGE_<NAME>``, else the shared ``TOCSIN_<NAME>``."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.common.settings import HttpUrl, ServiceSettings


class StatuspageSettings(ServiceSettings):
    """What the statuspage can be told."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_STATUSPAGE_")

    title: str = Field("Status", min_length=1, max_length=60, description="The name at the top of the public page.")
    intake_url: HttpUrl = Field("http://127.0.0.1:8701", description="Where the console asks what is in quarantine.")
    escalator_url: HttpUrl = Field("http://127.0.0.1:8702", description="Where the console acts on incidents.")
    oncall_url: HttpUrl = Field("http://127.0.0.1:8703", description="Where the console asks who is on call.")
    notifier_url: HttpUrl = Field("http://127.0.0.1:8704", description="Where replies from the local outbox go.")
    administration: bool = Field(
        default=True,
        description="Whether the `tocsin` command reaches the other services through here; each still asks for its own key.",
    )
    sign_in_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Makes /console/sign-in?token=… sign in exactly once; needs TOCSIN_KEY_OPERATOR.",
    )
    key_operator: SecretStr | None = Field(None, description="The key that the sign-in link signs in with.")
    session_hours: float = Field(
        12.0, gt=0, le=720, description="How long a sign-in lasts, in the machine's hours however fast the clock runs."
    )
