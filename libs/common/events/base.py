"""What every event is made of: a frozen model with a literal type, a topic, and a key that orders it.

Versions only grow: a field may be added with a default; whatever else changes makes a ``.v2`` beside the ``.v1``.
Unknown fields are ignored when reading, so that an older reader survives a newer writer.
"""

import hashlib
import re
from datetime import UTC, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

SLUG: Final = r"^[a-z0-9][a-z0-9_.-]{0,62}$"
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
"""The id of a configured thing: a person, a service, a tenant."""

Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
"""An aware instant, in UTC once read."""

RoleRef = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*(:[A-Za-z0-9][A-Za-z0-9_./@+-]*)?$")]
"""Whom to reach, without saying who that is now. Only oncall resolves it, at the moment at which it is due.

``on-shift`` (the default rota's shift) · ``rota:ID`` · ``team:ID`` · ``role:ID`` (devops, helpdesk, pm, cao, …) · ``person:ID`` ·
``service-responsible`` · ``pm`` (of the incident's tool, else of its service, else the role) · ``tool-pm`` · ``maintenance-team`` · ``tenant-contacts`` ·
``client-contacts`` · ``contact:TENANT/ID`` · ``first`` (the incident's own first recipients) · ``tickets`` (of the incident) · ``ticket:INTEGRATION/ID``.
"""

TriggerKind = Literal["telemetry", "maintenance", "ticket", "provider", "tool"]
"""The five ways in which an incident is triggered (process.md, "How one is triggered")."""

Category = Literal[
    "system_down", "service_down", "maintenance", "process_blocked", "provider_unavailable", "tool_unavailable"
]
"""What counts as an incident (process.md)."""

Severity = Literal["critical", "error", "warning", "info"]
"""From the worst to the mildest; the words are those of PagerDuty's Common Event Format."""

IncidentState = Literal["open", "acknowledged", "resolved"]
Verdict = Literal["confirmed", "false_positive"]
ObligationKind = Literal["team_status", "client_update", "tenant_status", "maintenance_status", "incident_call", "rca"]
ObligationState = Literal["due", "sent", "late", "waived"]


TICKET: Final = "ticket:"
"""How the reference of a ticket begins (``ticket:INTEGRATION/ID``), and the channel that comments on those of an integration."""

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")


class Model(BaseModel):
    """A frozen value inside an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Model):
    """A fact that was committed. ``type`` is ``tocsin.<noun>.<fact>.v<N>``; the docstring says when it is sent."""

    topic: ClassVar[str]
    type: str

    @property
    def key(self) -> str:
        """What orders this event among the others of its topic."""
        raise TypeError(f"{type(self).__name__} has no key")

    def data(self) -> dict[str, Any]:
        """The JSON value of the event, without its type, which travels in the envelope."""
        return self.model_dump(mode="json", exclude={"type"})


class Link(Model):
    """Something to look at: a dashboard, a runbook, a ticket, a status page."""

    href: str
    text: str = ""


class Ticket(Model):
    """A ticket of a helpdesk: what its API calls it, and what people do."""

    integration_id: str
    """The integration that it came through, whose helpdesk has it."""
    source: str
    """The wire format: ``zendesk``, ``jira``, …"""
    id: str
    """The id by which the helpdesk's API finds it."""
    name: str
    """What people call it: its key or number."""
    url: str = ""
    status: str = ""
    priority: str = ""
    """Both in the helpdesk's own words, as it told them last."""
    raised: bool = True
    """Whether it was filed, raised or opened again just now; not where its helpdesk says less: a comment, perhaps, or a step of its handling."""

    @property
    def ref(self) -> str:
        """Its reference: ``ticket:INTEGRATION/ID``, with a digest for an id that no reference can have."""
        plain = _PLAIN_ID.fullmatch(self.id)
        digest = f"sha256-{hashlib.sha256(self.id.encode()).hexdigest()[:32]}"
        return f"{TICKET}{self.integration_id}/{self.id if plain else digest}"

    @property
    def channel(self) -> str:
        """The channel that comments on it."""
        return f"{TICKET}{self.integration_id}"


class Window(Model):
    """From ``starts_at`` until, exclusively, ``ends_at``; ``None`` is an end that nobody knows yet."""

    starts_at: Instant
    ends_at: Instant | None = None


class Actor(Model):
    """Who did something: a person or a program by its principal, an integration, or Tocsin itself."""

    kind: Literal["person", "principal", "integration", "system"]
    id: str
    name: str
    via: str = ""
    """How: ``sms``, ``console``, ``api``, ``timer``, the source of an integration."""


SYSTEM = Actor(kind="system", id="tocsin", name="Tocsin", via="timer")
"""Tocsin itself, acting on a clock."""


class Contact(Model):
    """One way to reach somebody: ``channel`` is ``sms``, ``email``, ``voice``…, ``address`` is in that channel's form."""

    channel: str
    address: str
    after: timedelta | None = None
    """How long after the message began it is used even where those before it got through; ``None`` is only where they did not."""


def subject_key(subject_id: UUID) -> str:
    """The key of everything that belongs to one incident (or to one notice)."""
    return str(subject_id)
