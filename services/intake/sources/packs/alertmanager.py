"""Alertmanager's e-mail receiver, and others that write ``[FIRING:2]`` and ``[RESOLVED]`` into the subject."""

import re
from collections.abc import Iterator
from typing import Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.message import Mail
from services.intake.domain.wording import Words
from services.intake.sources.common import Told
from services.intake.sources.packs.base import Found, News, Pack, Post

SUBJECT: Final = re.compile(r"^\W*\[(?P<state>FIRING|RESOLVED|OK|ALERTING)(?::\d+)?\]\s*(?P<title>.+)$", re.IGNORECASE)
PAIR: Final = re.compile(r"^([A-Za-z_][A-Za-z0-9_]{0,60})\s*=\s*(.{1,300})$")
RUNNING: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,60})=(\S+)")


def read(post: Post) -> Iterator[Found]:
    """One alert for the group: its mail has no ids of the alerts in it."""
    subject = SUBJECT.match(post.mail.subject)
    if subject is None:
        return
    title = subject["title"].strip()
    labels = _labels(post.words)
    told = Told(
        key=hash_of_words("mail", [title]),
        firing=subject["state"].upper() in ("FIRING", "ALERTING"),
        title=title,
        description=post.mail.text,
        severity=labels.get("severity", ""),
        services=[name for name in (labels.get("service") or labels.get("job"),) if name],
        kind="telemetry",
        links=post.mail.links[:2],
        labels=labels,
        ended_at=post.mail.date,
    )
    yield News(told)


def _labels(words: Words) -> dict[str, str]:
    """The labels and annotations that the mail lists, ``name = value`` on a line each."""
    found: dict[str, str] = {}
    for line in words.lines:
        match = PAIR.match(line)
        if match:
            found.setdefault(match[1], match[2].strip())
        else:
            for name, value in RUNNING.findall(line) if len(line) < 500 else ():
                found.setdefault(name, value)
    return dict(list(found.items())[:50])


def claims(mail: Mail) -> bool:
    """Whether the subject says that something fires or is resolved, and the text that it is Alertmanager's or Grafana's."""
    text = mail.text.lower()
    return bool(SUBJECT.match(mail.subject)) and any(word in text for word in ("alertname", "alertmanager", "grafana"))


PACK = Pack(
    name="alertmanager",
    title="Alertmanager's mails",
    domains=(),
    claims=claims,
    read=read,
    docs="State from the subject, labels from the body; key: a hash of the subject without its state. The webhook says more.",
)
