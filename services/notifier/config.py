"""``channels.yaml``: who carries SMS, phone calls, e-mail, messages in Slack and comments on tickets, and with which credentials. Secrets are references, never values."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from libs.common.config import ConfigModel, ConfigTree, SecretRef
from libs.common.configuration import Form
from libs.common.errors import Misconfigured
from services.notifier.channels.base import Channel
from services.notifier.channels.book import ENGLISH, Configured
from services.notifier.channels.freshdesk import Freshdesk
from services.notifier.channels.helpdesk import Account
from services.notifier.channels.jira import Jira
from services.notifier.channels.local import LocalChannel
from services.notifier.channels.servicenow import Client, ServiceNow
from services.notifier.channels.slack import SlackChannel
from services.notifier.channels.smtp import Security, SmtpChannel, Submission
from services.notifier.channels.zendesk import Zendesk
from services.notifier.config_base import BaseChannel, Secrets, Surroundings, TicketChannel, Timeout
from services.notifier.config_twilio import TwilioConfig, TwilioSmsConfig, TwilioVoiceConfig, twilio, webhooks
from services.notifier.domain.addresses import mailbox
from services.notifier.domain.callback import Webhooks

FILE: Final = "channels.yaml"

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class LocalConfig(BaseChannel):
    """The local outbox."""

    provider: Literal["local"]


class SmtpConfig(BaseChannel):
    """A submission server (RFC 6409)."""

    id: Literal["email"]
    provider: Literal["smtp"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Security = "starttls"
    sender: str = Field(alias="from")
    sender_name: str = "Tocsin"
    username: SecretRef | None = None
    password: SecretRef | None = None
    ca_file: Path | None = None
    timeout: Timeout = 10

    @field_validator("sender")
    @classmethod
    def _address(cls, value: str) -> str:
        address = mailbox(value)
        if address is None:
            raise ValueError("must be an e-mail address")
        return address

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


class SlackConfig(BaseChannel):
    """An app in a workspace of Slack's: ``token`` is its bot's (``xoxb-…``), ``signing_secret`` signs what Slack posts back."""

    id: Literal["slack"]
    provider: Literal["slack"]
    provider_names: tuple[str, ...] = ("slack",)
    token: SecretRef
    signing_secret: SecretRef
    old_signing_secret: SecretRef | None = None
    """Also accepted on what Slack posts, while the secret is rotated."""
    timeout: Timeout = 10


class _HelpdeskConfig(BaseChannel):
    """A helpdesk's API. ``public``: whether those who filed a ticket may read what is meant for them."""

    id: TicketChannel
    url: str
    username: SecretRef | None = None
    token: SecretRef
    public: bool = True
    timeout: Timeout = 10

    @field_validator("url")
    @classmethod
    def _root(cls, value: str) -> str:
        """Secrets go to this address: over TLS, or no further than this machine."""
        parts = urlsplit(value)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not secure or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("must be the https address of the helpdesk, such as https://acme.zendesk.com")
        return value.rstrip("/")


class ZendeskConfig(_HelpdeskConfig):
    """``username`` is an agent's address and ``token`` an API token; without it ``token`` is an OAuth token."""

    provider: Literal["zendesk"]
    provider_names: tuple[str, ...] = ("zendesk",)


class JiraConfig(_HelpdeskConfig):
    """``username`` is an account's address and ``token`` its API token; without it ``token`` is a personal access token."""

    provider: Literal["jira"]
    provider_names: tuple[str, ...] = ("jira", "atlassian")


class FreshdeskConfig(_HelpdeskConfig):
    """``token`` is an agent's API key."""

    provider: Literal["freshdesk"]
    provider_names: tuple[str, ...] = ("freshdesk",)
    username: None = None


class ServiceNowConfig(_HelpdeskConfig):
    """``username`` and ``token`` are a user and its password; without it ``token`` is an API key. ``table`` has the tickets.

    With a ``client_id`` it is an OAuth client, whose secret ``token`` is; with ``username`` and ``password`` it acts for that user.
    """

    provider: Literal["servicenow"]
    provider_names: tuple[str, ...] = ("servicenow",)
    table: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,80}$")] = "incident"
    client_id: SecretRef | None = None
    password: SecretRef | None = None

    @model_validator(mode="after")
    def _client(self) -> Self:
        if self.client_id is None and self.password is not None:
            raise ValueError("password is for an OAuth client (client_id); without one token is the user's password")
        if self.client_id is not None and (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together where there is a client_id")
        return self


HelpdeskConfig = ZendeskConfig | JiraConfig | FreshdeskConfig | ServiceNowConfig
ChannelConfig = LocalConfig | TwilioConfig | SmtpConfig | SlackConfig | HelpdeskConfig


class ChannelsFile(ConfigModel):
    """The whole file."""

    channels: tuple[Annotated[ChannelConfig, Field(discriminator="provider")], ...]


FORM: Final = Form({FILE: ChannelsFile})


def check(tree: ConfigTree) -> None:
    """Raise :class:`Misconfigured` for what is wrong with the file, wherever its secrets are."""
    tree.load(FILE, ChannelsFile)


def build(tree: ConfigTree, around: Surroundings) -> dict[str, Configured]:
    """The channels of the file. Raises :class:`Misconfigured` for a secret that is not there."""
    built: dict[str, Configured] = {}
    for index, one in enumerate(tree.load(FILE, ChannelsFile).channels):

        def secret(field: str, ref: SecretRef | None, place: int = index) -> str:
            found = tree.secret(ref)
            if found is None:
                where = f"{ref.env} is not set" if ref and ref.env else "the file is empty"
                raise tree.error(FILE, ("channels", place, field), where)
            return found

        built[one.id] = _configured(one, secret, around)
    return built


def _configured(
    one: ChannelConfig,
    secret: Secrets,
    around: Surroundings,
) -> Configured:
    names = frozenset(name.lower() for name in one.provider_names)
    if isinstance(one, TwilioSmsConfig | TwilioVoiceConfig):
        speaks = one.language if isinstance(one, TwilioVoiceConfig) else ENGLISH
        return Configured(twilio(one, secret, around), names, webhooks(one, secret), speaks)
    if isinstance(one, SlackConfig):
        return Configured(_slack(one, secret, around), names, _signing(one, secret))
    channel: Channel
    match one:
        case LocalConfig():
            channel = LocalChannel(one.id, around.shelf)
        case SmtpConfig():
            channel = _smtp(one, secret)
        case _:
            channel = _helpdesk(one, secret)
    return Configured(channel, names)


def _helpdesk(one: HelpdeskConfig, secret: Secrets) -> Channel:
    account = Account(
        url=one.url,
        token=secret("token", one.token),
        username=secret("username", one.username) if one.username else None,
        public=one.public,
        timeout=timedelta(seconds=one.timeout),
    )
    match one:
        case ZendeskConfig():
            return Zendesk(account)
        case JiraConfig():
            return Jira(account)
        case FreshdeskConfig():
            return Freshdesk(account)
        case ServiceNowConfig():
            return ServiceNow(account, one.table, _client(one, account, secret))


def _client(one: ServiceNowConfig, account: Account, secret: Secrets) -> Client | None:
    if one.client_id is None:
        return None
    password = secret("password", one.password) if one.password else None
    return Client(secret("client_id", one.client_id), account.token, account.username, password)


def _slack(one: SlackConfig, secret: Secrets, around: Surroundings) -> SlackChannel:
    return SlackChannel(
        token=secret("token", one.token),
        api_url=f"{around.slack_base_url}/api/" if around.slack_base_url else None,
        timeout=timedelta(seconds=one.timeout),
    )


def _signing(one: SlackConfig, secret: Secrets) -> Webhooks:
    secrets = [secret("signing_secret", one.signing_secret)]
    if one.old_signing_secret is not None:
        secrets.append(secret("old_signing_secret", one.old_signing_secret))
    return Webhooks(tuple(secrets))


def _smtp(one: SmtpConfig, secret: Secrets) -> SmtpChannel:
    if one.ca_file is not None and not one.ca_file.is_file():
        raise Misconfigured(f"{FILE}: channel {one.id}: ca_file {one.ca_file} does not exist")
    submission = Submission(
        host=one.host,
        port=one.port,
        security=one.security,
        sender=one.sender,
        sender_name=one.sender_name,
        username=secret("username", one.username) if one.username else None,
        password=secret("password", one.password) if one.password else None,
        ca_file=str(one.ca_file) if one.ca_file else None,
        timeout=timedelta(seconds=one.timeout),
    )
    return SmtpChannel(submission)
