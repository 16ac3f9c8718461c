"""Cogent's maintenance: American dates, Central time, a work order."""

import re
from collections.abc import Iterator
from typing import Final

from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post, spans

ORDER: Final = re.compile(r"\b[VA]N\d{4,8}\b")
IMPACTED: Final = re.compile(r"\b\d-\d{6,12}\b")
PLACE: Final = re.compile(r"-\s*([A-Z][\w .'-]{2,40},\s*[A-Z]{2})\b")


def read(post: Post) -> Iterator[Found]:
    """The one piece of work."""
    mail, words = post.mail, post.words
    order = ORDER.search(words.field("work order number", "work order", "maintenance ticket")) or ORDER.search(
        mail.words
    )
    if order is None:
        raise refused("missing-field", "The notice of Cogent has no work order number.")
    over = ending(mail.subject) or ending(words.field("status"))
    starts_at = post.moment(words.field("start time", "new start time"), "MDY")
    ends_at = post.moment(words.field("end time", "new end time"), "MDY")
    if starts_at is None and not over:
        raise refused("missing-field", "The notice of Cogent says no start time.")
    circuits = list(
        dict.fromkeys(IMPACTED.findall(words.field("order id impacted", "order id(s) impacted") or mail.subject))
    )
    place = PLACE.search(mail.subject)
    region = place[1] if place else ""
    told = Told(
        key=f"cogent:{order[0]}",
        firing=not over,
        title=mail.subject,
        description=mail.text,
        severity="critical" if words.field("expected outage/downtime", "expected outage") else "warning",
        services=circuits,
        provider="cogent",
        kind="provider",
        category="maintenance",
        window=spans(starts_at, ends_at),
        labels={
            "incident_id": order[0],
            "region": region,
            "state": over or "scheduled",
            "components": ", ".join(circuits),
            "impact": words.field("expected outage/downtime", "expected outage"),
        },
        ended_at=mail.date,
    )
    yield News(told, (region,) if region else ())


def claims(mail: Mail) -> bool:
    """Whether it is Cogent's, or calls itself a notice of theirs."""
    return mail.domain.endswith("cogentco.com") or ("dear cogent customer" in mail.text.lower())


PACK = Pack(
    name="cogent",
    title="Cogent",
    domains=("cogentco.com",),
    claims=claims,
    read=read,
    docs="Window (American dates), orders, outage; key: the work order.",
)
