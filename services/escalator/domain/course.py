"""The course of an incident: what one moment brings it, as the facts that are told and the times that are waited for.

What happens, and what would happen, go through the same functions (:mod:`climbing`, :mod:`promising`, :mod:`acting`): each is handed a
course and adds to it. Handlers keep a course in the database; a simulation keeps it in memory.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from libs.common.events.base import SYSTEM, Actor, ObligationKind
from libs.common.events.incidents import Incident, IncidentFact, Obligation
from services.escalator.domain.policies import Plan


class Wait(NamedTuple):
    """Something that an incident waits for: its next rung, an obligation, the reminder of one, the begin or the end of its window."""

    kind: Literal["rung", "obligation", "reminder", "window_begin", "window"]
    obligation: ObligationKind | None = None


RUNG = Wait("rung")
WINDOW_BEGIN = Wait("window_begin")
WINDOW = Wait("window")


@dataclass
class Course:
    """One incident at one moment. ``incident`` is as it is right after the last fact that was told."""

    incident: Incident
    plan: Plan
    now: datetime
    told: list[IncidentFact] = field(default_factory=list)
    waits: dict[Wait, datetime | None] = field(default_factory=dict)
    """What is waited for from now on, and until when; ``None`` is no longer. What is not in it stays as it was."""

    def tell(
        self,
        fact: type[IncidentFact],
        incident: Incident | None = None,
        *,
        text: str,
        actor: Actor = SYSTEM,
        reason: str | None = None,
        **more: Any,
    ) -> None:
        """Tell a fact; ``incident`` (``None``: unchanged) as the next version is in it."""
        changed = incident or self.incident
        self.incident = changed.model_copy(update={"version": self.incident.version + 1})
        shared = {"incident": self.incident, "at": self.now, "actor": actor, "text": text, "reason": reason}
        self.told.append(fact.model_validate({**shared, **more}))

    def obligation(self, kind: str | None) -> Obligation | None:
        """The obligation of this kind, if the incident has it."""
        return next((each for each in self.incident.obligations if each.kind == kind), None)
