"""What the drop-in APIs share: how a call is told to its source, and what an alert of such an API is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

CALL: Final = "x-tocsin-call"
"""The header in which a source reads what was asked for, where the address said it and not the body."""

ALIAS: Final = "x-tocsin-alias"
"""The header in which a source reads which alert is meant, where the address said it or the sender left it to us."""

Action = Literal[
    "create",
    "acknowledge",
    "unacknowledge",
    "close",
    "snooze",
    "escalate",
    "assign",
    "note",
    "add-tags",
    "remove-tags",
    "add-details",
    "remove-details",
    "delete",
]
"""What can be done to an alert of the Opsgenie API."""

DONE: Final[dict[Action, tuple[str, str]]] = {
    "create": ("Create", "Created alert"),
    "acknowledge": ("Acknowledge", "Acknowledged alert"),
    "unacknowledge": ("UnAcknowledge", "Unacknowledged alert"),
    "close": ("Close", "Closed alert"),
    "snooze": ("Snooze", "Noted on the incident"),
    "escalate": ("EscalateToNext", "Noted on the incident"),
    "assign": ("AssignOwnership", "Assigned alert"),
    "note": ("AddNote", "Added note"),
    "add-tags": ("AddTags", "Added tags"),
    "remove-tags": ("RemoveTags", "Removed tags"),
    "add-details": ("AddDetails", "Added details"),
    "remove-details": ("RemoveDetails", "Removed details"),
    "delete": ("Delete", "Deleted alert"),
}
"""What Opsgenie calls each action, and what it says once that is done. What only people can do is said to be noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFields:
    """What the creator of an alert says of it."""

    message: str = ""
    description: str = ""
    entity: str = ""
    source: str = ""
    priority: str = "P3"
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the Opsgenie API that changes an alert."""

    request_id: UUID
    integration_id: str
    action: Action
    at: datetime
    alias: str
    """Empty where the caller named an alert by an id that there is not."""
    alert_id: UUID | None = None
    """``create``: the id of an alert that is not there yet; otherwise the alert, where the caller named it by an id."""
    user: str = ""
    fields: AlertFields = field(default_factory=AlertFields)
    tags: tuple[str, ...] = ()
    owner: str = ""
    """``assign``: to whom."""
    details: dict[str, str] = field(default_factory=dict)
    """``remove-details``: by their keys, the values are empty."""
