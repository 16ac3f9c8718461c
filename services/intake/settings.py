"""What intake can be told, from the environment."""

from pathlib import Path

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
    mail_limit: int = Field(
        10 * 1024 * 1024, ge=16 * 1024, le=64 * 1024 * 1024, description="Bytes that a message may have."
    )
    mailbox_hosts: str = Field(
        "",
        description="Hosts of mailboxes that may be read, such as `imap.example,*.mail.example`; empty: any in the tree.",
    )
    poll_hosts: str = Field(
        "",
        description="Hosts whose pages may be asked although they are inside our own network or speak plain HTTP, such as `status.internal,*.lan`.",
    )
    smtp_port: int | None = Field(
        None, ge=0, le=65535, description="The port of the mail server; 0 takes a free one, without one there is none."
    )
    smtp_certificate: Path | None = Field(
        None, description="The mail server's certificate, a PEM file; without one it makes its own at each start."
    )
    smtp_key: Path | None = Field(None, description="The private key of that certificate, a PEM file.")
    smtp_require_tls: bool = Field(default=False, description="Whether mail is taken over STARTTLS alone.")
