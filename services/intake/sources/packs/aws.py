"""Mails of Amazon Web Services: Direct Connect's maintenance, AWS Health's events, and what SNS mails of the latter."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.message import Mail
from services.intake.domain.wording import CANCELLED, Words, ending, parts
from services.intake.sources.aws_health import CONSOLE
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post, first_link, spans

ARN: Final = re.compile(r"arn:aws(?:-[a-z-]+)?:health:([a-z0-9-]*):[^:\s]*:event(?:/[\w-]+){3}")
PREFIX: Final = re.compile(r"^(?:\s*\[(?!action|resolved|update)[^\]]{1,80}\])+\s*", re.IGNORECASE)
ACCOUNT: Final = re.compile(r"\[?AWS Account:? ?(\d{12,13})\]?", re.IGNORECASE)
CIRCUIT: Final = re.compile(r"^(?:dx[a-z]{2,6}-[a-z0-9]{4,20}|[a-z0-9]{5,12}-[a-z0-9]{6,12})$")
PLACE: Final = re.compile(
    r"\b(?:router|endpoint|device|location|facility)s? (?:in|at) (.{2,120}?) (?:from|on|between)\b", re.DOTALL
)
RESOURCE: Final = re.compile(r"\b(?:i|vol|db|eni|nat|vpn|vgw|tgw|rtb|lb|eipalloc)-[0-9a-f]{8,17}\b")
REGION: Final = re.compile(r"\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?-[a-z]{4,9}-\d\b", re.IGNORECASE)
CODE: Final = re.compile(r"\bAWS_[A-Z0-9]+(?:_[A-Z0-9]+)+\b")
REGIONS: Final = ("region", "event region", "aws region")
PLANNED_CODE: Final = re.compile(r"_(?:SCHEDULED|PLANNED|MAINTENANCE|RETIREMENT)(?:_|$)")
BEGINS: Final = ("start time", "starttime", "event start time", "start", "scheduled start time", "maintenance start")
ENDS: Final = ("end time", "endtime", "event end time", "end", "scheduled end time", "maintenance end")
PLANNED: Final = re.compile(
    r"\b(?:maintenance|scheduled change|scheduledChange|retirement|scheduled for)\b", re.IGNORECASE
)


def read(post: Post) -> Iterator[Found]:
    """The one event or maintenance that the mail is about."""
    arn = ARN.search(post.mail.words)
    if arn is None and not _is_direct_connect(post.mail):
        arn = next(filter(None, (ARN.search(unquote(href)) for href, _ in post.mail.links)), None)
    subject = ACCOUNT.sub("", PREFIX.sub("", post.mail.subject)).strip()
    yield _event(post, arn, subject) if arn or not _is_direct_connect(post.mail) else _direct_connect(post, subject)


def _is_direct_connect(mail: Mail) -> bool:
    return "direct connect" in mail.words.lower() or "DIRECTCONNECT" in mail.header("x-sm-communication-type")


def _direct_connect(post: Post, subject: str) -> News:
    """Maintenance without an id: the same circuits in the same hours are the same maintenance."""
    text = " ".join(post.mail.text.split())
    window = post.window(text)
    if window is None:
        raise refused("missing-field", "The mail about Direct Connect does not say when: no beginning was found.")
    circuits = sorted({line for line in post.words.lines if CIRCUIT.match(line)})
    place = PLACE.search(text)
    places = dict.fromkeys(filter(None, [place[1].strip() if place else "", _said(post.words, *REGIONS).lower()]))
    told = Told(
        key=hash_of_words("aws-directconnect", [*circuits, f"{window.starts_at:%Y-%m-%dT%H:%MZ}"]),
        firing=not ending(text),
        title=subject or "AWS Direct Connect maintenance",
        description=post.mail.text,
        severity="warning" if "redundan" in text and "no impact" in text.lower() else "critical",
        services=circuits,
        provider="aws",
        kind="provider",
        category="maintenance",
        window=window,
        labels=_labels(post, ", ".join(places), circuits) | {"state": _state(text)},
        ended_at=post.mail.date,
    )
    return News(told, tuple(places))


def _state(text: str) -> str:
    return "cancelled" if CANCELLED.search(text) else ending(text) or "scheduled"


def _said(words: Words, *names: str) -> str:
    """The value behind a label, or in the line below it: so the mails that *User Notifications* sends are laid out."""
    return words.field(*names) or next((line for name in names for line in words.below(name)[:1]), "")


def _event(post: Post, arn: re.Match[str] | None, subject: str) -> News:
    """An event of AWS Health, told in labels or in words."""
    mail, words = post.mail, post.words
    found = REGION.search(_said(words, *REGIONS)) or REGION.search(mail.words)
    region = arn[1] if arn and arn[1] else found[0].lower() if found else ""
    service = _said(words, "service", "affected service", "aws service") or (arn[0].split("/")[1] if arn else "")
    code = CODE.search(_said(words, "event type code", "event type", "type")) or CODE.search(mail.words)
    category = _said(words, "event type category", "event category", "category")
    planned = bool(PLANNED.search(f"{category} {subject}") or (code and PLANNED_CODE.search(code[0])))
    starts_at, ends_at = post.moment(_said(words, *BEGINS)), post.moment(_said(words, *ENDS))
    status = words.field("status", "event status", "status code")
    over = ending(status) or ending(subject)
    if not over and not planned and ends_at is not None and ends_at <= post.now:
        over = "completed"
    if not (arn or code or service or region):
        raise refused("missing-field", "The mail of AWS names no event, no service and no region.")
    services = parts(service)
    told = Told(
        key=arn[0] if arn else hash_of_words("aws", [code[0] if code else service or subject, region]),
        firing=not over,
        title=subject or (code[0] if code else service),
        description=mail.text,
        severity="warning" if planned else "error",
        services=services,
        provider="aws",
        kind="provider",
        category="maintenance" if planned else None,
        window=spans(starts_at, ends_at) if planned else None,
        links=_links(mail, arn),
        labels=_labels(post, region, services)
        | {
            "incident_id": arn[0] if arn else "",
            "event_type": code[0] if code else "",
            "state": status or over or ("scheduled" if planned else "open"),
            "resources": ", ".join(dict.fromkeys(RESOURCE.findall(mail.text)[:20])),
        },
        started_at=None if planned or over else starts_at,
        ended_at=ends_at or mail.date,
    )
    return News(told, tuple(part for part in (region,) if part))


def _links(mail: Mail, arn: re.Match[str] | None) -> Iterable[tuple[str, str]]:
    """The event's page. Addresses that only lead on to it, and count who opens them, are not handed on."""
    if arn:
        return first_link(mail, "://health.aws.amazon.com", "://phd.aws.amazon.com") or [
            (CONSOLE + arn[0], "AWS Health")
        ]
    return first_link(mail, "health.aws.amazon.com", "console.aws.amazon.com", "phd.aws.amazon.com")


def _labels(post: Post, region: str, components: list[str]) -> dict[str, str]:
    account = ACCOUNT.search(post.mail.words)
    return {"region": region, "account": account[1] if account else "", "components": ", ".join(components)}


def claims(mail: Mail) -> bool:
    """Whether it is AWS's own, or speaks of Direct Connect's maintenance or of an event of AWS Health."""
    if mail.header("x-sm-communication") or mail.header("x-sm-communication-type"):
        return True
    words = mail.words.lower()
    return (
        bool(ARN.search(words)) or "aws health" in words or ("aws direct connect" in words and "maintenance" in words)
    )


PACK = Pack(
    name="aws",
    title="Amazon Web Services: AWS Health, Direct Connect",
    domains=("amazon.com", "amazonaws.com", "aws.com"),
    claims=claims,
    read=read,
    docs="Service, region, window, status; key: the event's ARN; of Direct Connect, which names none, circuits and beginning.",
)
