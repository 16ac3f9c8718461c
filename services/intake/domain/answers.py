"""Mails that machines write in answer to others: somebody is away, something could not be delivered. Nobody is woken by these.

A list or a pager that is answered so would otherwise answer itself for ever (RFC 3834).
"""

import re
from typing import Final

from services.intake.domain.message import Mail

AWAY: Final = re.compile(
    r"\s*(?:auto(?:matic)? ?reply|auto-?response|out of (?:the )?office|automatische antwort|abwesenheits\w*|réponse automatique"
    r"|respuesta automática|resposta automática|risposta automatica|automatisch antwoord)\s*(?:[:(]|re:|aw:|$)",
    re.IGNORECASE,
)
"""How subjects of those begin that their programs call ``auto-generated``, as Exchange does, and not ``auto-replied``."""

REPORT: Final = re.compile(
    r"multipart/report\b.*\breport-type\s*=\s*\"?(?:delivery-status|disposition-notification)\b", re.IGNORECASE
)


def is_report(mail: Mail) -> bool:
    """Whether a mail server says what became of a mail (RFC 3464), or a reader that it was read (RFC 8098)."""
    return bool(REPORT.match(mail.header("content-type").strip()))


def is_answer(mail: Mail) -> bool:
    """Whether a program answered in place of a person."""
    kind = mail.header("auto-submitted").partition(";")[0].strip().lower()
    if kind == "auto-replied" or mail.header("precedence").strip().lower() == "auto_reply":
        return True
    if mail.header("x-autoreply") or mail.header("x-autorespond"):
        return True
    answers = bool(mail.header("in-reply-to") or kind == "auto-generated")
    return answers and bool(AWAY.match(mail.subject))
