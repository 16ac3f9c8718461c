"""An intake that takes mail, and messages to send to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib

from services.intake.mail.smtp import SmtpServer
from tests.integration.intake_support import CONFIG, House, intake

PROVIDERS = "providermail1234567secretsecrets"
OTHERS = "othersmail123456789secretsecrets"

MAIL_CONFIG = (
    CONFIG
    + """
  - {id: provider-mail, name: Providers' mail, source: mail, kind: provider, key: {file: FOLDER/providers.key}}
  - {id: other-mail, name: Other mail, source: mail, kind: provider, key: {file: FOLDER/others.key}}
"""
)

OUTAGE = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//example//EN\r
BEGIN:VEVENT\r
UID:maintenance-4711@carrier.example\r
DTSTAMP:20260301T090000Z\r
DTSTART:20260305T220000Z\r
DTEND:20260306T020000Z\r
SUMMARY:Planned work on circuit 4711\r
END:VEVENT\r
END:VCALENDAR\r
"""


def calendar_mail(subject: str = "Planned work on circuit 4711", message_id: str = "<4711@carrier.example>") -> bytes:
    """A carrier's notice with a calendar attached, to nobody in particular."""
    mail = EmailMessage()
    mail["From"] = "noc@carrier.example"
    mail["To"] = "ops@tocsin.example"
    mail["Subject"] = subject
    mail["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    if message_id:
        mail["Message-ID"] = message_id
    mail.set_content("Dear customer, see the attached calendar.\n")
    mail.add_attachment(OUTAGE.encode(), maintype="text", subtype="calendar", filename="notice.ics")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def address(key: str = PROVIDERS, name: str = "ops") -> str:
    """The address by which mail reaches the integration of ``key``."""
    return f"{name}+{key}@tocsin.example"


def server_of(house: House) -> SmtpServer:
    """The mail server of an intake."""
    (server,) = (part for part in house.service.components if isinstance(part, SmtpServer))
    return server


async def send(house: House, raw: bytes, *recipients: str, **options: Any) -> Any:
    """Hand a message over, as a mail server does; raises what aiosmtplib raises where it is not taken."""
    return await aiosmtplib.send(
        raw,
        sender="noc@carrier.example",
        recipients=list(recipients) or [address()],
        hostname="127.0.0.1",
        port=server_of(house).port,
        **{"start_tls": False, "timeout": 120, **options},
    )


@asynccontextmanager
async def mail_intake(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[House]:
    """A started intake with a mail server on a free port."""
    (folder / "providers.key").write_text(PROVIDERS)
    (folder / "others.key").write_text(OTHERS)
    if not (folder / "integrations.yaml").exists():
        (folder / "integrations.yaml").write_text(MAIL_CONFIG.replace("FOLDER", str(folder)))
    async with intake(database_url, folder, **{"smtp_port": 0, **settings}) as house:
        yield house
