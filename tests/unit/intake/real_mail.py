"""What the manifest of real bodies derives of mail, as patterns over the mail's own words, so that few values of theirs stand here.

A pattern's first group is what a field must be; a list holds a constant that the manifest says. Every vendor's mail is read as our
own mail server would hand it over, with its finding on top; a calendar, as an attachment.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Final

from services.intake.domain.form import fields_of
from services.intake.domain.message import mail_of
from services.intake.domain.posted_mail import mailgun_letter, sendgrid_letter
from services.intake.domain.trigger import ParsedTrigger, Reading
from services.intake.handlers.understand import understand
from services.intake.sources.registry import all_sources
from tests.unit.intake.real_bodies import PAYLOADS
from tests.unit.intake.support import integration

ARRIVED: Final = datetime(2020, 1, 1, tzinfo=UTC)
MX: Final = "mx.tocsin.example"
FIRING, RESOLVED = ["firing"], ["resolved"]
Want = str | list[str]


@dataclass(frozen=True)
class Expected:
    """What a mail must become."""

    status: list[str]
    proven: str = ""
    """The domain that our server found to be the author's."""
    key: Want = ""
    title: Want = r"Subject: (.+)"
    services: Want = ""
    severity: Want = ""
    window: list[str] = field(default_factory=list)
    link: Want = ""
    opens: bool = True


DX: Final = r"(?m)^((?:dx\w+|[a-z]{5})-\d{8})$"
DX_TITLE: Final = r"Subject: (?:\[[^\]]+\] ?)*(AWS .+?) \[AWS Account"

MAILS: Final[dict[str, Expected]] = {
    "aws_health/directconnect_aws1.eml": Expected(
        FIRING, "amazon.com", "", DX_TITLE, DX, ["critical"], ["2021-05-20T08:00Z", "2021-05-20T14:00Z"]
    ),
    "aws_health/directconnect_aws2.eml": Expected(
        RESOLVED, "amazon.com", "", DX_TITLE, DX, ["critical"], ["2021-09-13T19:02Z", "2021-09-14T02:02Z"]
    ),
    "aws_health/directconnect_aws3.eml": Expected(
        FIRING, "amazon.com", "", DX_TITLE, DX, ["critical"], ["2023-12-20T03:00Z", "2023-12-20T07:00Z"]
    ),
    "azure_service_health/email_incident.eml": Expected(
        FIRING,
        "microsoft.com",
        r"Tracking ID: ([0-9A-Z_]{4}-[0-9A-Z]{3})",
        r"Incident Title: (.+)",
        r"Impacted services: (.+)",
        ["warning"],
        link=r"(https://app\.azure\.com/h/\S+)",
    ),
    "statuspage/email_new.eml": Expected(
        FIRING,
        "statuspage.io",
        r"stspg\.io/(\w+)",
        r"New incident: \w+\s+(.+)",
        r"Partial Outage (.+)",
        ["error"],
        link=r"(https://stspg\.io/\w+)",
    ),
    "statuspage/email_resolved.eml": Expected(
        RESOLVED,
        "statuspage.io",
        r"stspg\.io/(\w+)",
        r"(?m)^Incident resolved\s+(.+)",
        r"Operational (.+)",
        ["info"],
        link=r"(https://stspg\.io/\w+)",
    ),
    "vendor_mail/cogent_fiber_maintenance.eml": Expected(
        FIRING,
        "cogentco.com",
        r"Work order number: (\w+)",
        services=r"impacted: (\S+)",
        severity=["critical"],
        window=["2022-11-04T03:00Z", "2022-11-04T10:00Z"],
    ),
    "vendor_mail/google_noc_planned.eml": Expected(
        FIRING,
        "google.com",
        r"Reference (PCR/\d+)",
        services=r"Google Neighbor\s+Address\(es\): (\S+)",
        severity=["warning"],
        window=["2023-12-05T20:55Z", "2023-12-06T05:05Z"],
    ),
    "vendor_mail/netflix_open_connect.eml": Expected(
        FIRING,
        "netflix.com",
        services=r"maintenance in (.+?), at",
        severity=["critical"],
        window=["2024-01-31T18:00Z", "2024-01-31T20:00Z"],
        opens=False,
    ),
    "vendor_mail/zayo10.eml": Expected(
        FIRING,
        "zayo.com",
        r"Maintenance Ticket #: (\S+)",
        services=r"(?m)^(\w+/\w+//\w+)$",
        severity=["critical"],
        window=["2022-10-19T00:00Z", "2022-10-19T06:00Z"],
    ),
    "vendor_mail/crowncastle7.eml": Expected(
        RESOLVED,
        "crowncastle.com",
        r"Notification: (CM\d+)",
        severity=["warning"],
        window=["2023-12-03T03:00Z", "2023-12-03T11:00Z"],
    ),
    "prometheus_alertmanager/email_firing.eml": Expected(
        FIRING,
        title=r"\[FIRING:1\] (.+)",
        services=r"service = (\S+)",
        severity=["critical"],
        link=r"(http://\S+?receiver\S+)",
    ),
    "prometheus_alertmanager/email_resolved.eml": Expected(
        RESOLVED,
        title=r"\[RESOLVED\] (.+)",
        services=r"service = (\S+)",
        severity=["critical"],
        link=r"(http://\S+?receiver\S+)",
    ),
    "maintenance_ics/maintnote_example.ics.txt": Expected(
        FIRING,
        key=r"MAINTENANCE-ID:(\S+)",
        title=r"SUMMARY:(.+)",
        services=r"OBJECT-ID:(\S+)",
        severity=["info"],
        window=["2015-10-10T08:00Z", "2015-10-10T10:00Z"],
    ),
    "maintenance_ics/arelion_cancelled.ics.txt": Expected(
        RESOLVED,
        key=r"MAINTENANCE-ID:(\S+)",
        title=r"SUMMARY:(.+)",
        services=r"OBJECT-ID:(\S+)",
        severity=["critical"],
        window=["2021-08-10T04:00Z", "2021-08-10T12:00Z"],
    ),
    "maintenance_ics/ntt.ics.txt": Expected(
        RESOLVED,
        key=r"MAINTENANCE-ID:(\S+)",
        title=r"SUMMARY:(.+)",
        services=r"OBJECT-IMPACT=OUTAGE:(\d+)",
        severity=["critical"],
        window=["2018-08-08T05:00Z", "2018-08-08T07:13Z"],
    ),
    "sendgrid/inbound_parse_default_data.txt": Expected(FIRING, services=["inbound"]),
    "sendgrid/inbound_parse_raw_data.txt": Expected(FIRING, services=["inbound"]),
    "sendgrid/inbound_parse_mixed_charsets.txt": Expected(FIRING),
    "mailgun/inbound_route_parsed.txt": Expected(FIRING, key=r"Message-Id: (<\S+>)", services=["test"]),
    "mailgun/inbound_route_mime.txt": Expected(FIRING, key=r"Message-ID: (<\S+>)", services=["test"]),
}


def entries() -> list[dict[str, Any]]:
    """The manifest's mails, calendars and posts of mail services."""
    manifest = PAYLOADS / "manifest.json"
    found: list[dict[str, Any]] = json.loads(manifest.read_text()) if manifest.exists() else []
    folders = ("maintenance_ics", "mailgun", "sendgrid")
    return [one for one in found if one["file"].endswith(".eml") or one["file"].partition("/")[0] in folders]


def problems(entry: dict[str, Any]) -> list[str]:
    """What differs between the mail of ``entry`` and what is expected of it, in words."""
    raw = (PAYLOADS / entry["file"]).read_bytes()
    if not raw:
        return [] if _read([], raw, []).refusals else ["nothing was refused"]
    if entry["file"] not in MAILS:
        return ["nothing is expected of it"]
    want = MAILS[entry["file"]]
    headers, message = _message(entry, raw)
    stamp = f"Authentication-Results: {MX}; dmarc=pass header.from={want.proven}\r\n".encode() if want.proven else b""
    reading = _read(headers, stamp + message, [MX] if want.proven else [])
    if reading.refusals:
        return [refusal.detail for refusal in reading.refusals]
    would = [ignored.trigger for ignored in reading.ignored if ignored.trigger]
    triggers = reading.triggers if want.opens else tuple(would)
    if len(triggers) != 1 or bool(reading.triggers) != want.opens:
        return [f"{len(reading.triggers)} triggers, {[ignored.reason for ignored in reading.ignored]}"]
    return _compared(triggers[0], want, _words(message))


def believed_without_proof() -> list[str]:
    """The vendors' mails that are believed although no server of ours found anything."""
    files = [entry["file"] for entry in entries() if entry["file"] in MAILS and MAILS[entry["file"]].proven]
    return [
        file
        for file in files
        if [one.reason for one in _read([], (PAYLOADS / file).read_bytes(), [MX]).refusals] != ["not-authenticated"]
    ]


def _read(headers: list[tuple[str, str]], message: bytes, ids: list[str]) -> Reading:
    sender = integration("mail", None, {"authserv_ids": ids, "plain": True})
    return understand(all_sources()["mail"], sender, headers, message, ARRIVED).reading


def _message(entry: dict[str, Any], raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """The message of a file, and what its transport knows of it."""
    folder = entry["file"].partition("/")[0]
    if folder == "maintenance_ics":
        mail = EmailMessage()
        mail["From"], mail["Subject"] = "noc@carrier.example", "Maintenance"
        mail.set_content("See the calendar.")
        mail.add_attachment(raw, maintype="text", subtype="calendar", filename="maintenance.ics")
        return [], mail.as_bytes()
    if folder in ("sendgrid", "mailgun"):
        fields = fields_of(entry["content_type"].partition(" (")[0], raw)
        letter = sendgrid_letter(fields) if folder == "sendgrid" else mailgun_letter(fields)
        return letter.headers, letter.body
    return [], raw


def _words(message: bytes) -> str:
    """The mail as its reader sees it."""
    mail = mail_of(message)[0]
    ids = "\n".join(f"{name.title()}: {mail.header(name)}" for name in ("message-id",))
    links = "\n".join(href for href, _ in mail.links)
    return "\n".join(
        [f"Subject: {mail.subject}", ids.replace("Message-Id", "Message-ID"), ids, *mail.texts, *mail.calendars, links]
    )


def _compared(trigger: ParsedTrigger, want: Expected, words: str) -> list[str]:
    wrong = [] if trigger.status == want.status[0] else [f"status: {trigger.status}"]
    link = trigger.links[0].href if trigger.links else ""
    got = {"title": trigger.title, "severity": trigger.severity, "link": link}
    for name, value in got.items():
        wanted = _wanted(getattr(want, name), words)
        if wanted and value != wanted[0]:
            wrong.append(f"{name}: {value!r} is not {wanted[0]!r}")
    services = _wanted(want.services, words)
    if services and set(trigger.services) != set(services):
        wrong.append(f"services: {trigger.services} are not {services}")
    key = _wanted(want.key, words)
    if key and not trigger.dedup_key.endswith(key[0]):
        wrong.append(f"key: {trigger.dedup_key!r} has no {key[0]!r}")
    bounds = [trigger.window.starts_at, trigger.window.ends_at] if trigger.window else []
    window = [f"{moment:%Y-%m-%dT%H:%MZ}" for moment in bounds if moment]
    return wrong + ([] if window == want.window else [f"window: {window}"])


def _wanted(want: Want, words: str) -> list[str]:
    if not isinstance(want, str) or not want:
        return list(want)
    found = list(dict.fromkeys(re.findall(want, words)))
    assert found, f"{want} is not in the mail"
    return [one.strip() for one in found]
