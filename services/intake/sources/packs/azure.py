"""Azure Service Health's alerts: service issues, planned maintenance, health and security advisories."""

import re
from collections.abc import Iterator
from typing import Final

from services.intake.domain.message import Mail
from services.intake.domain.wording import ending, parts
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post, first_link, spans

ID: Final = re.compile(r"\b[0-9A-Z_]{4}-[0-9A-Z]{3}\b")
PORTAL: Final = re.compile(r"app\.azure\.com/h/([0-9A-Z_]{4}-[0-9A-Z]{3})", re.IGNORECASE)
TRACKING: Final = (
    "tracking id",
    "trackingid",
    "nachverfolgungs-id",
    "id de suivi",
    "id de seguimiento",
    "id de controle",
)
SUBJECT: Final = re.compile(r"^\W*azure service health(?: alert)?\W*", re.IGNORECASE)
BEGINS: Final = (
    "maintenance start", "maintenance start time", "scheduled start", "planned start", "impact start time", "impact start",
    "incident start", "start time", "start", "started", "startzeit", "beginn", "début", "inicio",
)  # fmt: skip
ENDS: Final = (
    "maintenance end", "maintenance end time", "scheduled end", "planned end", "impact end time", "impact mitigation time",
    "incident end", "end time", "end", "mitigated", "endzeit", "ende", "fin",
)  # fmt: skip


def read(post: Post) -> Iterator[Found]:
    """The one event that the alert is about."""
    mail, words = post.mail, post.words
    found = (
        ID.search(words.field(*TRACKING).upper())
        or PORTAL.search(" ".join([mail.text, *(href for href, _ in mail.links)]))
        or ID.search(mail.subject)
        or ID.search(mail.text)
    )
    if not found:
        raise refused("missing-field", "The alert of Azure Service Health has no tracking id, such as NA0F-BJG.")
    tracking_id = found[found.lastindex or 0].upper()
    about = SUBJECT.sub("", mail.subject)
    status = words.field("status", "incident status", "stage", "zustand", "statut", "estado")
    event = words.field("event type", "incident type", "communication type", "ereignistyp", "type d'événement")
    maintenance = "maintenance" in (event or about).lower() or "wartung" in event.lower()
    over = ending(status) if status else ending(about)
    starts_at, ends_at = post.moment(words.field(*BEGINS)), post.moment(words.field(*ENDS))
    services = parts(
        words.field(
            "impacted services", "impacted service", "services", "service", "betroffene dienste", "services affectés"
        )
    )
    regions = parts(
        words.field(
            "impacted regions", "impacted region", "regions", "region", "betroffene regionen", "régions affectées"
        )
    )
    told = Told(
        key=f"azure:{tracking_id}",
        firing=not over,
        title=words.field("incident title", "title", "event title", "titel", "titre") or about,
        description=mail.text,
        severity=words.field("level", "severity", "stufe", "niveau"),
        services=services,
        provider="azure",
        kind="provider",
        category="maintenance" if maintenance else None,
        window=spans(starts_at, ends_at) if maintenance else None,
        links=(*first_link(mail, "app.azure.com/h/"), *first_link(mail, "portal.azure.com")),
        labels={
            "incident_id": tracking_id,
            "region": ", ".join(regions),
            "state": status,
            "event_type": event,
            "components": ", ".join(services),
            "subscription": words.field("subscription", "subscriptions", "abonnement", "suscripción"),
        },
        started_at=None if maintenance else starts_at,
        ended_at=ends_at or mail.date,
    )
    yield News(told, tuple(regions))


def claims(mail: Mail) -> bool:
    """Whether it calls itself an alert of Azure Service Health, or bears a tracking id and is of Azure."""
    words = mail.words.lower()
    return (
        "azure service health" in words
        or "service health alert" in words
        or ("azure" in words and any(f"{name}:" in words for name in TRACKING))
    )


PACK = Pack(
    name="azure",
    title="Azure Service Health",
    domains=("microsoft.com", "windowsazure.com", "azure.com"),
    claims=claims,
    read=read,
    docs="Title, services, regions, level, status, window of a planned maintenance; key: `azure:` and the tracking id.",
)
