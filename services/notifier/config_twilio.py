"""Twilio in ``channels.yaml``: an account that sends SMS, and one that calls."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from libs.common.config import SecretRef
from services.notifier.channels.book import ENGLISH
from services.notifier.channels.twilio import Account
from services.notifier.channels.twilio_sms import TwilioSms
from services.notifier.channels.twilio_voice import Calling, TwilioVoice
from services.notifier.config_base import BaseChannel, Secrets, Surroundings, Timeout
from services.notifier.domain.addresses import phone
from services.notifier.domain.callback import Webhooks

STATUS_PATH: Final = "/v1/callbacks/twilio/status"
VOICE_PATH: Final = "/v1/callbacks/twilio/voice"


class _TwilioChannel(BaseChannel):
    """An account of Twilio's with an auth token, or with an API key beside it for sending."""

    provider: Literal["twilio"]
    provider_names: tuple[str, ...] = ("twilio",)
    account_sid: SecretRef
    auth_token: SecretRef
    """Signs Twilio's callbacks; also sends, where no API key is given."""
    old_auth_token: SecretRef | None = None
    """Also accepted on callbacks, while tokens are rotated."""
    api_key_sid: SecretRef | None = None
    api_key_secret: SecretRef | None = None
    shared_keys: Mapping[str, SecretRef] = Field(default_factory=dict)
    """Shared keys that may sign callbacks, by their id."""
    status_callbacks: bool = True
    timeout: Timeout = 10

    @model_validator(mode="after")
    def _whole_key(self) -> Self:
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            raise ValueError("api_key_sid and api_key_secret belong together")
        return self


class TwilioSmsConfig(_TwilioChannel):
    """SMS, from a number, an alphanumeric sender id, or a messaging service."""

    id: Literal["sms"]
    sender: str | None = Field(None, alias="from")
    messaging_service_sid: SecretRef | None = None

    @field_validator("sender")
    @classmethod
    def _normal_sender(cls, value: str | None) -> str | None:
        if value is None or (value.isalnum() and not value.isdigit()):  # an alphanumeric sender id
            return value
        return _number(value)

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        if (self.sender is None) == (self.messaging_service_sid is None):
            raise ValueError("give either from or messaging_service_sid")
        return self


class TwilioVoiceConfig(_TwilioChannel):
    """Phone calls from a number."""

    id: Literal["voice"]
    sender: str = Field(alias="from")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$")] = ENGLISH
    """The language that Twilio speaks (BCP 47)."""
    ring: Annotated[int, Field(ge=5, le=120)] = 25
    """Seconds until nobody has answered."""
    machine_detection: bool = True
    """Whether Twilio finds out that a machine answers, which then counts as not reached."""

    @field_validator("sender")
    @classmethod
    def _normal_sender(cls, value: str) -> str:
        return _number(value)


TwilioConfig = Annotated[TwilioSmsConfig | TwilioVoiceConfig, Field(discriminator="id")]


def twilio(one: TwilioSmsConfig | TwilioVoiceConfig, secret: Secrets, around: Surroundings) -> TwilioSms | TwilioVoice:
    """The channel."""
    account = _account(one, secret, around)
    base = around.public_url
    states = f"{base}{STATUS_PATH}" if base and one.status_callbacks else None
    if isinstance(one, TwilioVoiceConfig):
        keys = f"{base}{VOICE_PATH}" if base else None
        return TwilioVoice(account, Calling(one.sender, one.language, one.ring, keys, states, one.machine_detection))
    service = one.messaging_service_sid
    return TwilioSms(
        account,
        from_=one.sender,
        messaging_service_sid=secret("messaging_service_sid", service) if service else None,
        status_callback=states,
    )


def webhooks(one: TwilioSmsConfig | TwilioVoiceConfig, secret: Secrets) -> Webhooks:
    """What signs the account's callbacks."""
    tokens = [secret("auth_token", one.auth_token)]
    if one.old_auth_token is not None:
        tokens.append(secret("old_auth_token", one.old_auth_token))
    return Webhooks(tuple(tokens), {key: secret("shared_keys", ref) for key, ref in one.shared_keys.items()})


def _account(one: TwilioSmsConfig | TwilioVoiceConfig, secret: Secrets, around: Surroundings) -> Account:
    account = secret("account_sid", one.account_sid)
    username, password = account, secret("auth_token", one.auth_token)
    if one.api_key_sid is not None:
        username, password = secret("api_key_sid", one.api_key_sid), secret("api_key_secret", one.api_key_secret)
    return Account(account, username, password, around.twilio_base_url, timedelta(seconds=one.timeout))


def _number(value: str) -> str:
    number = phone(value)
    if number is None:
        raise ValueError("must be a number in international form, such as +15005550006")
    return number
