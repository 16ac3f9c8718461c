"""E-mail by SMTP submission: one recipient a message, and an identity that every repeat carries again."""

import contextlib
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Final, Literal

import aiosmtplib

from services.notifier.channels.base import Accepted, Found, GiveUp, Outcome, Outgoing, Retry, Unknowable

GOODBYE_SECONDS: Final = 0.5
Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class Submission:
    """Where mail is handed in, and as whom. ``security`` of ``none`` is for a relay on the same machine."""

    host: str
    port: int
    security: Security
    sender: str
    sender_name: str = "Tocsin"
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None
    timeout: timedelta = timedelta(seconds=10)


class SmtpChannel:
    """One submission server. Each message gets a connection of its own: servers drop idle ones, and pages are rare."""

    provider: Literal["smtp"] = "smtp"
    repeatable = True

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._tls = None if submission.security == "none" else ssl.create_default_context(cafile=submission.ca_file)

    async def send(self, message: Outgoing) -> Outcome:
        """Hand the message in."""
        where, handed_over = self._submission, False
        smtp = aiosmtplib.SMTP(
            hostname=where.host,
            port=where.port,
            timeout=where.timeout.total_seconds(),
            use_tls=where.security == "tls",
            start_tls=where.security == "starttls",
            tls_context=self._tls,
            username=where.username,
            password=where.password,
            local_hostname=_domain(where.sender),
        )
        try:
            await smtp.connect()
            await smtp.mail(where.sender)
            await smtp.rcpt(message.address)
            handed_over = True
            await smtp.data(compose(message, where).as_bytes(policy=SMTP_POLICY))
        except (aiosmtplib.SMTPException, OSError) as error:
            return trouble(error, handed_over=handed_over)
        finally:
            await _leave(smtp)
        return Accepted(message_id(message, where.sender))

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:  # noqa: ARG002 - SMTP cannot be asked
        """SMTP has no way to ask what was handed in."""
        return Unknowable("SMTP servers cannot be asked what they took")

    async def close(self) -> None:
        """Nothing is held."""


async def _leave(smtp: aiosmtplib.SMTP) -> None:
    """Say goodbye (RFC 5321, 4.1.1.10), though what was handed in is handed in whatever the server answers."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        if smtp.is_connected:
            await smtp.quit(timeout=GOODBYE_SECONDS)
    smtp.close()


def message_id(message: Outgoing, sender: str) -> str:
    """The message's identity, the same for each try (RFC 5322, 3.6.4)."""
    return f"<{message.key}@{_domain(sender)}>"


def compose(message: Outgoing, where: Submission) -> EmailMessage:
    """The e-mail: text and HTML, threaded with the incident's others, and marked as sent by a program.

    ``Auto-Submitted`` (RFC 3834, 5) keeps responders from answering; ``References`` names the incident, so that its messages
    stand together also where the first one was deleted.
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    root = f"<{message.thread}@{_domain(where.sender)}>"
    mail["From"] = _named(where.sender_name, where.sender)
    mail["To"] = _named(message.name, message.address)
    mail["Subject"] = " ".join(message.headline.split())
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = message_id(message, where.sender)
    mail["In-Reply-To"] = root
    mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def trouble(error: aiosmtplib.SMTPException | OSError, *, handed_over: bool) -> Outcome:
    """What a send that failed means. Once the message was ``handed_over``, no answer may be an answer that was lost."""
    detail = str(error) or type(error).__name__
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return refusal(error)
    if type(error) is aiosmtplib.SMTPException or isinstance(error, aiosmtplib.SMTPNotSupported):
        return GiveUp("rejected", detail)  # the server lacks what was asked for: STARTTLS, AUTH, SMTPUTF8
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return Retry("timed_out", detail, unsure=handed_over)
    return Retry("provider_error" if handed_over else "provider_unreachable", detail, unsure=handed_over)


def refusal(error: aiosmtplib.SMTPResponseException) -> Outcome:
    """What the server's refusal means: 4xx may pass, 5xx does not (RFC 5321, 4.2.1)."""
    detail = f"SMTP {error.code}: {error.message}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Retry("provider_error", detail) if 400 <= error.code < 500 else GiveUp("rejected", detail)
    if error.code < 500:
        throttled = error.code in {421, 450, 451, 452} and "rate" in error.message.lower()
        return Retry("provider_throttled" if throttled else "provider_error", detail)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused):
        return GiveUp("invalid_address" if error.code in {550, 551, 553} else "rejected", detail)
    return GiveUp("rejected", detail)


def _named(name: str, address: str) -> Address:
    return Address(display_name=" ".join(name.split()), addr_spec=address)


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]
