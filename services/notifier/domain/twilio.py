"""What Twilio's words mean: the codes of its errors, and the states of its messages and calls."""

from collections.abc import Mapping
from typing import Final

from libs.common.events.deliveries import AttemptReason
from services.notifier.domain.callback import State

FOR_GOOD: Final[Mapping[int, AttemptReason]] = {
    13223: "invalid_address",  # call: the number is not in a valid form
    13224: "invalid_address",  # call: invalid number
    13225: "rejected",  # call: the number is blocked
    13227: "rejected",  # call: no geographic permission
    21201: "invalid_address",  # call: no To
    21203: "rejected",  # call: international calls are not enabled
    21205: "rejected",  # call: invalid URL
    21210: "rejected",  # call: From is not verified
    21211: "invalid_address",  # invalid To
    21214: "invalid_address",  # To cannot be reached
    21215: "rejected",  # call: no geographic permission
    21216: "rejected",  # call: the number is blocked
    21217: "invalid_address",  # number does not appear to be valid
    21219: "rejected",  # a trial account reaches verified numbers alone
    21610: "opted_out",  # the recipient answered STOP
    21614: "invalid_address",  # no mobile number
    21408: "rejected",  # no permission to send to that region
    21612: "rejected",  # To is not reachable from this From
    30003: "undelivered",
    30005: "invalid_address",  # unknown or inactive handset
    30006: "invalid_address",  # landline or unreachable carrier
    30004: "opted_out",  # blocked by the recipient
}
"""What Twilio's error codes mean for an attempt (https://www.twilio.com/docs/api/errors). Others of the 4xx are ``rejected``."""

THROTTLED: Final = frozenset({10004, 20429, 14107, 21611, 30001, 30022, 63038})
"""Limits, such as that of calls at once (10004): they pass."""

MESSAGES: Final[Mapping[str, State]] = {
    "accepted": "taken",
    "scheduled": "taken",
    "queued": "taken",
    "sending": "taken",
    "sent": "taken",
    "delivered": "arrived",
    "read": "arrived",
    "undelivered": "lost",
    "failed": "lost",
    "canceled": "lost",
}
"""Message statuses (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values)."""

CALLS: Final[Mapping[str, State]] = {
    "queued": "taken",
    "initiated": "taken",
    "ringing": "taken",
    "in-progress": "answered",
    "completed": "arrived",
    "busy": "lost",
    "no-answer": "lost",
    "canceled": "lost",
    "failed": "lost",
}
"""Call statuses (https://www.twilio.com/docs/voice/api/call-resource#call-status-values); ``initiated`` is the event's word for ``queued``."""

LOST_CALLS: Final[Mapping[str, tuple[AttemptReason, str]]] = {
    "busy": ("no_answer", "the line was busy"),
    "no-answer": ("no_answer", "nobody picked up"),
    "canceled": ("no_answer", "the call was canceled before anybody picked up"),
    "failed": ("undelivered", "the call could not be connected"),
}
"""Why a call reached nobody, in the house's reason and in words."""


def is_machine(answered_by: str) -> bool:
    """Whether ``AnsweredBy`` names no human: ``machine_start``, ``machine_end_beep``, … or ``fax``."""
    return answered_by.startswith("machine") or answered_by == "fax"


def explained(code: int) -> str:
    """Where Twilio explains an error code."""
    return f"https://www.twilio.com/docs/errors/{code}"
