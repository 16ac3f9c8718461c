"""Crown Castle's maintenance: HTML alone, the id and the state in the subject, a grid of the window in every zone."""

import re
from collections.abc import Iterator
from typing import Final

from libs.common.events.base import Window
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told, refused
from services.intake.sources.packs.base import Found, News, Pack, Post

TICKET: Final = re.compile(r"\bCM\d{8,14}\b", re.IGNORECASE)
CIRCUIT: Final = re.compile(r"\b(?:[A-Z0-9]{2,8}[-/.]){2,5}[A-Z0-9]{2,12}\b")
GRID: Final = ("circuit id", "circuit", "circuits", "service id")


def read(post: Post) -> Iterator[Found]:
    """The one maintenance."""
    mail, words = post.mail, post.words
    ticket = TICKET.search(mail.subject) or TICKET.search(mail.text)
    if ticket is None:
        raise refused("missing-field", "The notice of Crown Castle has no ticket number (CM…).")
    over = ending(mail.subject.rpartition(ticket[0])[2])
    window = _window(post)
    if window is None and not over:
        raise refused("missing-field", "The notice of Crown Castle says no window.")
    rows = [line for line in words.lines if "\t" in line and CIRCUIT.match(line)]
    circuits = list(dict.fromkeys(row.partition("\t")[0] for row in rows))
    impact = words.field("expected customer impact")
    region = words.field("location of work")
    told = Told(
        key=f"crowncastle:{ticket[0].upper()}",
        firing=not over,
        title=mail.subject,
        description=mail.text,
        severity="critical" if re.search(r"outage|down|loss", f"{impact} {rows}", re.IGNORECASE) else "warning",
        services=circuits,
        provider="crowncastle",
        kind="provider",
        category="maintenance",
        window=window,
        labels={
            "incident_id": ticket[0].upper(),
            "region": region,
            "state": over or "scheduled",
            "impact": impact,
            "components": ", ".join(circuits),
        },
        ended_at=mail.date,
    )
    yield News(told, (region,) if region else ())


def _window(post: Post) -> Window | None:
    """The row of the grid that is in GMT, else any row, else the start in the subject."""
    rows = [line for line in post.words.lines if line.count("\t") >= 4]
    rows.sort(key=lambda line: not re.search(r"\b(?:GMT|UTC)\b", line))
    for row in [*rows, post.mail.subject]:
        window = post.window(row, "MDY")
        if window is not None:
            return window
    return None


def claims(mail: Mail) -> bool:
    """Whether it is Crown Castle's, or calls itself a notice of theirs."""
    return mail.domain.endswith("crowncastle.com") or "crown castle fiber" in mail.subject.lower()


PACK = Pack(
    name="crown_castle",
    title="Crown Castle",
    domains=("crowncastle.com",),
    claims=claims,
    read=read,
    docs="Window, state of the subject, circuits; key: the ticket (`CM…`).",
)
