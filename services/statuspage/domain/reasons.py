"""Why something is so, in words. Every reason that the escalator or the notifier gives has a phrase here.

On the timeline most sentences say themselves why; their phrase is empty, and nothing is added.
"""

from collections.abc import Mapping
from typing import Final

LINES: Final[Mapping[str, str]] = {
    # opening and correlation
    "rule_matched": "",
    "no_rule_matched": "",
    "first_seen": "",
    "repeat": "the alert fires already",
    "refired": "the alert belongs to this incident",
    "same_group": "one message told of both, for the same service",
    "in_maintenance": "",
    "released": "",
    "alerts_remain": "",
    "last_alert_resolved": "it was the last alert that fired",
    # the ladder
    "opened": "",
    "unacknowledged": "",
    "nobody_found": "",
    "unreachable": "",
    "escalated_by_hand": "",
    "repeated": "",
    "ladder_exhausted": "",
    # what people do
    "acknowledged": "",
    "acknowledged_by_another": "",
    "note_of_the_sender": "",
    "resolved_by_hand": "",
    "source_resolved": "every alert of it is over",
    "alert_withdrawn": "",
    "maintenance_over": "",
    "maintenance_cancelled": "",
    "false_positive": "",
    "confirmed": "",
    "update_posted": "",
    "rca_issued": "",
    "reply_changed_nothing": "",
    "nothing_new": "it is no more urgent than when the incident ended",
    # promises
    "news": "",
    "no_news": "nobody wrote an update meanwhile",
    "sent_on_time": "",
    "sent_late": "",
    "missed": "",
    "due_soon": "",
    "waived": "the incident is over",
    "resolved": "the incident is over",
    "reached_meanwhile": "",
    # what is announced beforehand
    "window_moved": "",
    "details_changed": "",
    "window_begun": "",
    "window_over": "",
    # messages
    "paging": "",
    "paged": "",
    "nobody_on_shift": "",
    "no_contact": "",
    "unknown_reference": "",
    "role_vacant": "",
    "absent": "",
    "removed": "",
    "accepted": "",
    "channel_is_the_incident": "",
    "channel_not_configured": "",
    "invalid_address": "",
    "opted_out": "",
    "rejected": "",
    "provider_error": "",
    "provider_unreachable": "",
    "provider_throttled": "",
    "timed_out": "",
    "withdrawn": "",
    "undelivered": "",
    "no_answer": "",
    "voicemail": "",
    "uncertain": "",
    "quiet_hours": "",
}
"""What follows a line of the timeline after "because"."""

RUNGS: Final[Mapping[str, str]] = {
    "opened": "",
    "unacknowledged": "",
    "nobody_found": "nobody was found for the rung before",
    "unreachable": "nobody of the rung before could be reached",
    "escalated_by_hand": "a person escalated",
    "repeated": "the ladder started over",
}
"""Why a rung fired, where that is not the ordinary course."""

SKIPPED: Final[Mapping[str, str]] = {
    "nobody_on_shift": "nobody is on shift",
    "no_contact": "no contact of theirs is known",
    "unknown_reference": "the configuration does not know them",
    "role_vacant": "nobody holds the role",
    "absent": "they are absent",
    "removed": "they were removed",
}
"""Why somebody was left out."""

ATTEMPTS: Final[Mapping[str, str]] = {
    "accepted": "it was accepted",
    "channel_is_the_incident": "the channel's own provider is the incident",
    "channel_not_configured": "the channel is not configured",
    "invalid_address": "the address is not valid",
    "opted_out": "they opted out",
    "rejected": "the provider rejected it",
    "provider_error": "the provider reported an error",
    "provider_unreachable": "the provider could not be reached",
    "provider_throttled": "the provider takes no more for now",
    "timed_out": "the provider did not answer in time",
    "withdrawn": "it was no longer needed",
    "undelivered": "it was not delivered",
    "no_answer": "nobody took the call",
    "voicemail": "a machine took the call",
    "uncertain": "it may not have gone out",
    "quiet_hours": "it waits for the end of their quiet hours",
}
"""Why a message did not go out."""


def of_line(reason: str | None) -> str:
    """What a line of the timeline adds after "because"; a reason of a newer escalator is made readable."""
    return _said(LINES, reason)


def of_rung(reason: str | None) -> str:
    """Why a rung fired out of the ordinary."""
    return _said(RUNGS, reason)


def of_skip(reason: str | None) -> str:
    """Why somebody was left out."""
    return _said(SKIPPED, reason)


def of_attempt(reason: str | None) -> str:
    """Why a message did not go out."""
    return _said(ATTEMPTS, reason)


def _said(phrases: Mapping[str, str], reason: str | None) -> str:
    if not reason:
        return ""
    phrase = phrases.get(reason)
    return reason.replace("_", " ") if phrase is None else phrase
