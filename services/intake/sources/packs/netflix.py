"""Netflix Open Connect's maintenance of the machines that stand with its peers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Passed, Post, spans

SITE: Final = re.compile(r"maintenance (?:in|at) (.{2,60}?),? (?:at|on|from)\s", re.IGNORECASE | re.DOTALL)
DOWNTIME: Final = re.compile(r"downtime will be (?:approximately )?(\d{1,3})\s*(minutes?|hours?)", re.IGNORECASE)
DRAIN: Final = re.compile(r"approximately (\d{1,2}) hours? of draining", re.IGNORECASE)
DRY: Final = re.compile(r"\bdry[- ]run\b", re.IGNORECASE)


def read(post: Post) -> Iterator[Found]:
    """The one maintenance; of a dry run only what it would have been."""
    mail, text = post.mail, " ".join(post.mail.text.split())
    site, starts_at = SITE.search(text), post.moment(mail.subject) or post.moment(text)
    place = site[1].strip() if site else ""
    if starts_at is None or not place:
        raise refused("missing-field", "The notice of Netflix does not say where and when.")
    over = ending(mail.subject)
    length, drain = DOWNTIME.search(text), DRAIN.search(text)
    minutes = int(length[1]) * (60 if length[2].lower().startswith("hour") else 1) if length else 0
    lasts = timedelta(minutes=minutes, hours=int(drain[1]) if drain else 0)
    told = Told(
        key=hash_of_words("netflix", [place, f"{starts_at:%Y-%m-%dT%H:%MZ}"]),
        firing=not over,
        title=mail.subject,
        description=mail.text,
        severity="critical" if length else "warning",
        services=[place],
        provider="netflix",
        kind="provider",
        category="maintenance",
        window=spans(starts_at, starts_at + lasts),
        labels={
            "region": place,
            "state": over or "scheduled",
            "components": place,
            "impact": length[0] if length else "",
        },
        ended_at=mail.date,
    )
    news = News(told, (place,))
    yield Passed("test", "It is a dry run: nothing will be done.", news) if DRY.search(mail.subject) else news


def claims(mail: Mail) -> bool:
    """Whether it is about Open Connect."""
    return "netflix open connect" in mail.words.lower()


PACK = Pack(
    name="netflix",
    title="Netflix Open Connect",
    domains=("netflix.com",),
    claims=claims,
    read=read,
    docs="Site, beginning, downtime; a dry run opens nothing; key: site and beginning.",
)
