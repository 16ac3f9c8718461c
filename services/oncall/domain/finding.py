"""A finding: one thing that will leave somebody unreached, from when until when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.oncall.domain.spans import Span

Doubt = Literal[
    "gap",
    "empty_shift",
    "no_contact",
    "unverified_contact",
    "unknown_person",
    "absent",
    "no_backup",
    "same_person",
    "nobody_reachable",
]
"""Nobody is primary; a shift of nobody; of somebody without a contact; somebody who may be paged has a contact that nobody verified;
a shift of nobody's id; of somebody away; nobody stands in; the only one who stands in, or who hears on the next rung, is the same
person; a rung's reference that reaches nobody at all."""


@dataclass(frozen=True)
class Finding:
    """One doubt: from when until when, about whom, and a sentence."""

    doubt: Doubt
    subject: str
    """``rota:ID``, ``role:ID``, ``team:ID``, ``service:ID``, ``tool:ID``, ``tenant:ID``, or another reference of a rung."""
    starts_at: datetime
    ends_at: datetime
    person: str | None
    text: str
    suggestion: str | None = None
    """Who could take it: the one of the rota farthest from their own shifts."""

    @property
    def span(self) -> Span:
        """From, and until, exclusively."""
        return self.starts_at, self.ends_at
