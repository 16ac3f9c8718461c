"""Google: planned work of its network (the NOC's mails to peers), and incidents of Google Cloud."""

import re
from collections.abc import Iterator
from typing import Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending, parts
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post, first_link, spans

REFERENCE: Final = re.compile(r"\b(?:PCR|[A-Z]{2,5})/\d{4,12}\b")
TAG: Final = re.compile(r"^\s*\[([^\]]{3,40})\]")
NEIGHBOURS: Final = re.compile(r"Google Neighbor Address\(?e?s?\)?:\s*([0-9A-Fa-f.:]+)")
INCIDENT: Final = re.compile(r"status\.cloud\.google\.com/(?:m/)?incidents?/([A-Za-z0-9]{8,40})")
IDS: Final = ("incident id", "incident number", "event id", "service health event id", "case id", "issue id")
SEVERITIES: Final = {
    "service outage": "critical",
    "outage": "critical",
    "service disruption": "error",
    "disruption": "error",
    "service information": "info",
    "emerging": "warning",
    "high": "critical",
    "medium": "error",
    "low": "warning",
}


def read(post: Post) -> Iterator[Found]:
    """The one piece of planned work, or the one incident."""
    number = REFERENCE.search(post.mail.words)
    yield _planned(post, number[0]) if number else _incident(post)


def _planned(post: Post, number: str) -> News:
    mail, words = post.mail, post.words
    tag = TAG.match(mail.subject)
    over = ending(tag[1]) if tag else ending(mail.subject)
    starts_at = post.moment(words.field("start time", "start", "begin"))
    ends_at = post.moment(words.field("end time", "end"))
    if starts_at is None and not over:
        raise refused("missing-field", "The notice of Google's network says no start time.")
    neighbours = list(dict.fromkeys(NEIGHBOURS.findall(" ".join(mail.text.split()))))
    told = Told(
        key=f"google:{number}",
        firing=not over,
        title=mail.subject,
        description=mail.text,
        severity="critical" if "outage" in mail.words.lower() else "warning",
        services=neighbours,
        provider="google",
        kind="provider",
        category="maintenance",
        window=spans(starts_at, ends_at),
        labels={"incident_id": number, "state": tag[1].lower() if tag else over, "components": ", ".join(neighbours)},
        ended_at=mail.date,
    )
    return News(told)


def _incident(post: Post) -> News:
    mail, words = post.mail, post.words
    shown = INCIDENT.search(" ".join([mail.text, *(href for href, _ in mail.links)]))
    number = words.field(*IDS) or (shown[1] if shown else "")
    title = words.field("title", "incident title", "summary", "incident summary") or mail.subject
    products = parts(
        words.field("products", "product", "impacted products", "affected products", "services", "service")
    )
    places = parts(
        words.field("locations", "location", "impacted locations", "affected locations", "regions", "region")
    )
    if not (number or products):
        raise refused("missing-field", "The mail of Google Cloud names neither an incident nor a product.")
    state = words.field("state", "status", "detailed state", "incident status")
    over = ending(state) if state else ending(mail.subject)
    planned = "maintenance" in f"{mail.subject} {words.field('category', 'type')}".lower()
    starts_at = post.moment(words.field("start time", "began", "incident began", "begin", "start", "maintenance start"))
    ends_at = post.moment(words.field("end time", "ended", "incident ended", "end", "maintenance end"))
    level = words.field("severity", "impact", "relevance", "category").lower()
    told = Told(
        key=f"google:{number}" if number else hash_of_words("google", [title, *products]),
        firing=not over,
        title=title,
        description=mail.text,
        severity=next((SEVERITIES[word] for word in SEVERITIES if word in level), "info" if planned else ""),
        services=products,
        provider="google",
        kind="provider",
        category="maintenance" if planned else None,
        window=spans(starts_at, ends_at) if planned else None,
        links=(*first_link(mail, "status.cloud.google.com"), *first_link(mail, "console.cloud.google.com")),
        labels={
            "incident_id": number,
            "region": ", ".join(places),
            "state": state or over or "open",
            "components": ", ".join(products),
        },
        started_at=None if planned or over else starts_at,
        ended_at=ends_at or mail.date,
    )
    return News(told, tuple(places))


def claims(mail: Mail) -> bool:
    """Whether it speaks of Google's network or of an incident of Google Cloud."""
    words = mail.words.lower()
    if "google" not in words:
        return False
    network = "network maintenance" in words and bool(REFERENCE.search(mail.words))
    cloud = "google cloud" in words and any(
        word in words for word in ("incident", "service health", "outage", "disruption", "maintenance")
    )
    return network or cloud


PACK = Pack(
    name="google",
    title="Google Cloud, and Google's network",
    domains=("google.com",),
    claims=claims,
    read=read,
    docs="Products, locations, state, window; key: `google:` and the incident's id or the reference (`PCR/…`).",
)
