"""Zayo's maintenance: the window stands there twice, and the one in GMT counts."""

import re
from collections.abc import Iterator
from typing import Final

from libs.common.events.base import Window
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post

TICKET: Final = re.compile(r"\bTTN-\d{6,14}\b", re.IGNORECASE)
CIRCUIT: Final = re.compile(
    r"[A-Z0-9]{2,6}/[A-Z0-9]{3,10}/[A-Z0-9]*/[A-Z0-9]{2,6}\b|/[A-Z]{3,6}/\d{4,10}/[A-Z ]{0,4}/[A-Z]{2,4} /"
)
"""``CIR1/999999/ABC/ZYO``, and ``/OGYX/123456/ /ZYO /`` where some of its parts have no value."""
HARD: Final = re.compile(r"hard down|expected to go down|service affecting|outage", re.IGNORECASE)


def read(post: Post) -> Iterator[Found]:
    """The one maintenance, over all its nights."""
    mail, words = post.mail, post.words
    ticket = TICKET.search(words.field("maintenance ticket", "maintenance ticket #")) or TICKET.search(mail.words)
    if ticket is None:
        raise refused("missing-field", "The notice of Zayo has no maintenance ticket (TTN-…).")
    over = ending(mail.subject)
    window = _window(post)
    if window is None and not over:
        raise refused("missing-field", "The notice of Zayo says no window.")
    circuits = list(dict.fromkeys(CIRCUIT.findall(mail.text)))
    urgency = words.field("urgency")
    told = Told(
        key=f"zayo:{ticket[0].upper()}",
        firing=not over,
        title=mail.subject,
        description=mail.text,
        severity="critical" if HARD.search(mail.text) or urgency.lower() == "emergency" else "warning",
        services=circuits,
        provider="zayo",
        kind="provider",
        category="maintenance",
        window=window,
        labels={
            "incident_id": ticket[0].upper(),
            "region": words.field("location of maintenance"),
            "state": over or "scheduled",
            "urgency": urgency,
            "impact": words.field("expected impact"),
            "components": ", ".join(circuits),
        },
        ended_at=mail.date,
    )
    region = words.field("location of maintenance")
    yield News(told, (region,) if region else ())


def _window(post: Post) -> Window | None:
    """From the first beginning to the last end; lines in GMT where there are some."""
    lines = [line for line in post.words.lines if re.search(r"\d to \d", line)]
    found = [window for line in lines if re.search(r"\b(?:GMT|UTC)\b", line) and (window := post.window(line, "DMY"))]
    found = found or [window for line in lines if (window := post.window(line, "DMY"))]
    if not found:
        return None
    ends = [window.ends_at for window in found if window.ends_at]
    return Window(starts_at=min(window.starts_at for window in found), ends_at=max(ends) if ends else None)


def claims(mail: Mail) -> bool:
    """Whether it is Zayo's, or bears one of their tickets."""
    return mail.domain.endswith("zayo.com") or ("zayo" in mail.words.lower() and bool(TICKET.search(mail.words)))


PACK = Pack(
    name="zayo",
    title="Zayo",
    domains=("zayo.com",),
    claims=claims,
    read=read,
    docs="Window, urgency, circuits; key: the ticket (`TTN-…`).",
)
