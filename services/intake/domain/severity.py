"""The severity words of other tools in Tocsin's own four."""

from typing import Final

from libs.common.events.base import Severity

WORDS: Final[dict[str, Severity]] = {
    **dict.fromkeys(
        (
            "critical",
            "crit",
            "page",
            "fatal",
            "emergency",
            "emerg",
            "alert",
            "disaster",
            "blocker",
            "p0",
            "p1",
            "sev0",
            "sev1",
            "s1",
        ),
        "critical",
    ),
    **dict.fromkeys(("error", "err", "major", "high", "p2", "sev2", "s2"), "error"),
    **dict.fromkeys(("warning", "warn", "minor", "medium", "moderate", "average", "p3", "sev3", "s3"), "warning"),
    **dict.fromkeys(
        (
            "info",
            "information",
            "informational",
            "notice",
            "low",
            "none",
            "ok",
            "debug",
            "p4",
            "p5",
            "sev4",
            "sev5",
            "s4",
        ),
        "info",
    ),
}
"""Every word that is known, in lower case: syslog's, PagerDuty's, Opsgenie's, Zabbix's and Prometheus' habits."""


def severity_of(word: str | None, default: Severity = "critical") -> Severity:
    """The severity that ``word`` means; ``default`` where the sender said none, or one that nobody knows.

    Tocsin takes an unknown word for the worst: who is woken in vain complains, who is not woken cannot.
    """
    return WORDS.get((word or "").strip().lower(), default)
