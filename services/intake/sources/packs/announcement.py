"""What people write by hand: a tool will be down on Saturday, the maintenance moves to Sunday, it is up again."""

import re
from collections.abc import Iterator
from typing import Final

from libs.common.events.base import Window
from services.intake.domain.dedup import hash_of_words
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post, spans
from services.intake.sources.packs.plain import REPLY, conversation

AHEAD: Final = re.compile(
    r"\b(?:maintenance|scheduled|planned|will be (?:down|unavailable|offline)|upgrade[ds]?|wartung|geplant|maintenance planifiée"
    r"|mantenimiento|manutenção|manutenzione|onderhoud)\b",
    re.IGNORECASE,
)
BEGINS: Final = (
    "start",
    "starts",
    "start time",
    "begin",
    "begins",
    "from",
    "beginn",
    "von",
    "début",
    "inicio",
    "inizio",
    "aanvang",
)
ENDS: Final = ("end", "ends", "end time", "until", "to", "ende", "bis", "fin", "fim", "fine", "einde")
WINDOWS: Final = (
    "window",
    "maintenance window",
    "when",
    "date",
    "time",
    "wartungsfenster",
    "zeitraum",
    "wann",
    "quand",
    "cuándo",
)
MOVED: Final = re.compile(r"\b(?:moved|rescheduled|postponed|verschoben|reporté|reprogramad[oa])\b", re.IGNORECASE)
ID: Final = re.compile(r"\b(?:CHG|CHANGE|MAINT|MNT|CM|RFC|PWIC|WO|TTN)[-# ]?\d{3,12}\b")


def read(post: Post) -> Iterator[Found]:
    """The one tool's outage or maintenance that the mail announces, ends or moves."""
    mail = post.mail
    title = REPLY.sub("", mail.subject).strip() or next((line for line in post.words.lines if line), "")
    if not title:
        raise refused("missing-field", "The mail has neither a subject nor a text.")
    over = _ending(post, title)
    window = _window(post)
    ahead = bool(AHEAD.search(f"{title}\n{mail.text[:2000]}"))
    number = ID.search(f"{title}\n{mail.text[:2000]}")
    if window is None and not over and ahead:
        sentence = "The mail announces something, and says not when: no beginning with date and time was found."
        raise refused("missing-field", sentence)
    told = Told(
        key=number[0] if number else conversation(mail, title) if ahead or over else hash_of_words("mail", [title]),
        firing=not over,
        title=title,
        description=mail.text,
        window=window if ahead else None,
        reporter=mail.author,
        links=mail.links[:5],
        labels={"incident_id": number[0] if number else "", "state": over or ("scheduled" if ahead else "down")},
        started_at=window.starts_at if window and not ahead and window.starts_at <= post.now else None,
        ended_at=mail.date,
    )
    yield News(told)


def _ending(post: Post, title: str) -> str:
    """The subject, a status, or the first sentence of the text say that it is over."""
    first = next((line for line in post.words.lines if len(line.split()) > 3), "")
    return "" if MOVED.search(title) else ending(post.words.field("status", "state")) or ending(title) or ending(first)


def _window(post: Post) -> Window | None:
    words = post.words
    starts_at, ends_at = post.moment(words.field(*BEGINS)), post.moment(words.field(*ENDS))
    if starts_at is not None:
        return spans(starts_at, ends_at)
    return (
        post.window(words.field(*WINDOWS))
        or post.window("\n".join(line for line in words.lines if not line.startswith(">")))
        or post.window(post.mail.subject)
    )


def claims(mail: Mail) -> bool:
    """Whether there are words in it."""
    return bool(mail.subject or mail.text)


PACK = Pack(
    name="announcement",
    title="words of people",
    domains=(),
    claims=claims,
    read=read,
    docs="For integrations of the kinds `tool` and `maintenance`: the window in the text, and whether it is over; "
    "key: a number such as CHG-7731, else the conversation, for tools the tool.",
    order=2,
    kinds=("tool", "maintenance"),
)
