"""Calendars in mails: maintenance notices of NANOG's MAINTNOTE, and plain invitations (RFC 5545)."""

from collections.abc import Iterator

from libs.common.events.base import Severity
from services.intake.domain.message import Mail
from services.intake.domain.notices_ics import HORIZON, Notice, read_calendar
from services.intake.domain.recurrence import NoCalendar
from services.intake.domain.trigger import Refusal
from services.intake.sources.base import CannotRead
from services.intake.sources.common import Told
from services.intake.sources.packs.base import Found, News, Pack, Passed, Post, spans

SEVERITIES: dict[str, Severity] = {
    "NO-IMPACT": "info",
    "REDUCED-REDUNDANCY": "warning",
    "DEGRADED": "error",
    "OUTAGE": "critical",
}
"""``X-MAINTNOTE-IMPACT``; a word that is not of the standard counts as an outage, as the standard says."""


def read(post: Post) -> Iterator[Found]:
    """One maintenance for each event of each calendar; the same calendar often comes as a part and as a file."""
    told: set[str] = set()
    refusal: Refusal | None = None
    for calendar in dict.fromkeys(post.mail.calendars):
        try:
            announced = read_calendar(calendar.encode(), post.now, post.zone.key)
        except NoCalendar as error:
            refusal = Refusal("invalid-field", str(error))
            continue
        yield from announced.series
        if any(series.recurs for series in announced.series) and not announced.notices:
            yield Passed("no-news", f"No occurrence of it comes within {HORIZON.days} days.")
        elif not announced.notices:
            yield Passed("no-news", f"A calendar with METHOD:{announced.method or 'PUBLISH'} changes nothing here.")
        for notice in announced.notices:
            if notice.key not in told:
                told.add(notice.key)
                yield _news(post, notice)
    if refusal and not told:
        raise CannotRead(refusal)


def _news(post: Post, notice: Notice) -> News:
    touched = [one.id for one in notice.affected if one.impact != "NO-IMPACT"] or [one.id for one in notice.affected]
    labels = {
        "incident_id": notice.maintenance_id or notice.uid,
        "state": notice.state,
        "sequence": str(notice.sequence),
        "impact": notice.impact,
        "account": notice.account,
        "uid": notice.uid,
        "components": ", ".join(touched),
    }
    told = Told(
        key=notice.key,
        firing=notice.ended is None,
        title=notice.title,
        description=notice.description or post.mail.text,
        severity=SEVERITIES.get(notice.impact, "critical") if notice.impact else "",
        services=touched,
        tenants=notice.tenants,
        provider=notice.provider,
        # without a provider it is a maintenance of ours
        kind="provider" if notice.provider else "maintenance",
        category="maintenance",
        window=spans(notice.starts_at, notice.ends_at),
        sequence=notice.sequence,
        ending=notice.ended,
        reporter=notice.organizer or post.mail.author,
        links=[(notice.url, "The announcement")],
        labels=labels,
        ended_at=post.mail.date,
    )
    return News(told, team=notice.team, sequence=notice.sequence, series=notice.series)


def claims(mail: Mail) -> bool:
    """Whether a calendar with an event is in it."""
    return any("BEGIN:VEVENT" in calendar.upper() for calendar in mail.calendars)


PACK = Pack(
    name="calendar",
    title="Calendars: MAINTNOTE, invitations",
    domains=(),
    claims=claims,
    read=read,
    docs="Every event: window, `X-MAINTNOTE-…`, `X-TOCSIN-TEAM`, `X-TOCSIN-TENANT`; key: provider and maintenance id, else the UID.",
    order=0,
)
