"""What status pages of Statuspage send to their subscribers: Twilio's, GitHub's, Zoom's and many others'."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from libs.common.events.base import Window
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post, first_link

SHORT: Final = re.compile(r"https?://stspg\.io/([A-Za-z0-9]{4,32})", re.IGNORECASE)
MARKER: Final = re.compile(r"(?:(?:new|updated?|scheduled)\s+)*(?:incident|maintenance)\b[^\n]{0,60}", re.IGNORECASE)
"""``New incident: Investigating``, ``Incident resolved``, ``Scheduled maintenance: In progress``: a line of its own."""

STATES: Final = re.compile(
    r"\b(investigating|identified|monitoring|resolved|postmortem|scheduled|in progress|verifying|completed|cancell?ed)\b",
    re.IGNORECASE,
)
HEADINGS: Final = ("time posted", "components affected", "affected components", "scheduled for", "previous updates")
LEVELS: Final = {
    "major outage": "critical",
    "partial outage": "error",
    "degraded performance": "warning",
    "under maintenance": "info",
    "operational": "info",
}
"""The states of components as severities, from the worst."""

SUBJECT: Final = re.compile(
    r"(?:\[([^\]]{1,80})\]|([^:\[\]]{1,80}?)\s*[:-])\s*"
    r"((?:new |updated? |scheduled )*(?:incident|maintenance)[\w ]{0,40}?"
    r"|investigating|identified|monitoring|update|resolved|postmortem|scheduled|in progress|verifying|completed|cancell?ed)"
    r"\s*[-:\u2013]\s*(.+)",
    re.IGNORECASE,
)
"""``Vendor Status: Incident resolved - Elevated error rates``, ``[Vendor Status] Incident - …``, ``[Vendor status] Resolved: …``."""

PLANNED: Final = frozenset({"scheduled", "in progress", "verifying", "completed"})
"""States that only a maintenance has."""

TAIL: Final = re.compile(r"[\s-]*\b(?:status(?:page)?(?: update)?|support|notifications?)\s*$", re.IGNORECASE)


def read(post: Post) -> Iterator[Found]:
    """The one incident or maintenance that the mail is about."""
    mail, words = post.mail, post.words
    subject = SUBJECT.match(mail.subject)
    number = next((at for at, line in enumerate(words.lines) if MARKER.fullmatch(line)), -1)
    marker = words.lines[number] if number >= 0 else (subject[3] if subject else "")
    title = _title(words.lines[number + 1 :] if number >= 0 else ()) or (subject[4] if subject else "")
    if not title:
        raise refused("missing-field", "The mail of the status page names no incident.")
    page = TAIL.sub("", (subject and (subject[1] or subject[2])) or mail.author_name or mail.domain).strip().lower()
    short = SHORT.search(mail.text) or SHORT.search(" ".join(href for href, _ in mail.links))
    state = STATES.search(marker) or (STATES.search(subject[3]) if subject else None)
    over = ending(marker) or (ending(subject[3]) if subject else "")
    components, severity = _components(words.below("components affected", "affected components", stops=HEADINGS))
    maintenance = "maintenance" in marker.lower() or (state is not None and state[1].lower() in PLANNED)
    posted = post.moment(" ".join(words.below("time posted", stops=HEADINGS)))
    told = Told(
        key=f"{page}:{short[1] if short else title.lower()}",
        firing=not over,
        title=title,
        description=mail.text,
        severity=severity or ("info" if maintenance else ""),
        services=components,
        provider=page,
        kind="provider",
        category="maintenance" if maintenance else None,
        window=_window(post) if maintenance else None,
        links=(*first_link(mail, "stspg.io"), *first_link(mail, "/incidents/")),
        labels={
            "incident_id": short[1] if short else "",
            "state": state[1].lower() if state else over or "investigating",
            "components": ", ".join(components),
        },
        started_at=None if maintenance or over else posted,
        ended_at=posted or mail.date,
    )
    yield News(told)


def _title(lines: Sequence[str]) -> str:
    """The first line that says something and is no heading."""
    first = next((line for line in lines if line), "")
    return "" if first.lower().partition(":")[0].strip() in HEADINGS else first


def _components(lines: Sequence[str]) -> tuple[list[str], str]:
    """The names of the components, each behind its state, and the severity of the worst state."""
    names: list[str] = []
    found: set[str] = set()
    for line in lines:
        level = next((word for word in LEVELS if line.lower().startswith(word)), "")
        if level:
            found.add(level)
        names += [name.strip() for name in line[len(level) :].strip(" :-\t").split(",") if name.strip()]
    worst = next((LEVELS[word] for word in LEVELS if word in found), "")
    return list(dict.fromkeys(names)), worst


def _window(post: Post) -> Window | None:
    """When it is scheduled; not when the mail was written."""
    words = post.words
    told = words.field("scheduled for", "when", "maintenance window", "scheduled time")
    lines = words.below("scheduled for", "when", "maintenance window", stops=HEADINGS)
    posted = set(words.below("time posted", stops=HEADINGS))
    return (
        post.window(told)
        or post.window(" ".join(lines))
        or post.window("\n".join(line for line in words.lines if line not in posted))
    )


def claims(mail: Mail) -> bool:
    """Whether it is of the service itself, or bears one of its short links."""
    own = mail.domain == "statuspage.io" or mail.domain.endswith(".statuspage.io")
    return own or any(SHORT.search(text) for text in (mail.text, *(href for href, _ in mail.links)))


PACK = Pack(
    name="statuspage",
    title="Status pages of Statuspage (Twilio, GitHub, Zoom, …)",
    domains=("statuspage.io",),
    claims=claims,
    read=read,
    docs="State, components and their levels, window of a maintenance; key: page and short link, else page and title. "
    "Pages that write from a domain of their own need it under `senders`.",
)
