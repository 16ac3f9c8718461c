"""What goes over HTTP. An incident is as the events carry it (:class:`~libs.common.events.incidents.Incident`)."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from libs.common.events.base import Actor, Category, Instant, Link, Severity, Slug, TriggerKind, Verdict, Window
from libs.common.events.incidents import Incident
from services.escalator.domain.obligations import Audience
from services.escalator.store.tables import TimelineRow

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Labels = Annotated[dict[Annotated[str, StringConstraints(max_length=200)], Words | Literal[""]], Field(max_length=100)]


class Body(BaseModel):
    """A request's body: a field that nobody knows is an error, lest a slip of the pen is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _in_order(window: Window) -> Window:
    if window.ends_at and window.ends_at <= window.starts_at:
        raise ValueError("the window must end after it starts")
    return window


Span = Annotated[Window, AfterValidator(_in_order)]
"""A window that ends after it starts."""


class NewIncident(Body):
    """What a person, or a program, says has happened."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Invoices cannot be approved",
                    "kind": "ticket",
                    "service": "invoicing",
                    "tenants": ["acme"],
                    "dedup_key": "ticket-4711",
                }
            ]
        }
    )

    title: Line
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    kind: TriggerKind = Field("ticket", description="How it became known; decides who hears first.")
    category: Category | None = Field(None, description="What it is; without it the category of its kind.")
    severity: Severity = "critical"
    service: Slug | None = None
    tool: Slug | None = None
    provider: Slug | None = None
    tenants: tuple[Slug, ...] = Field((), description="The tenants concerned; none means all that you may act for.")
    assigned_team: Slug | None = Field(None, description="The team assigned to a scheduled maintenance.")
    window: Span | None = Field(None, description="When a maintenance, or an announced outage, takes place.")
    links: tuple[Link, ...] = Field((), max_length=20)
    labels: Labels = Field(default={}, description="What else there is to say; the routing rules can ask for it.")
    dedup_key: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        None, description="Makes a repeat of this request harmless: while its incident is open, it is the answer."
    )


class Remark(Body):
    """What to add to the line on the timeline."""

    note: Note | None = Field(None, examples=["Looking at the database."])


class Judgement(Remark):
    """Whether the incident is real."""

    verdict: Verdict


class NewUpdate(Body):
    """What a person has to say, and to whom; the team always hears it."""

    text: Words = Field(examples=["We found the cause and are rolling back; we expect to be done in 20 minutes."])
    audiences: tuple[Audience, ...] = Field(("team",), examples=[["team", "tenant", "client"]])


class Escalation(Body):
    """Which rung is meant."""

    rung: int | None = Field(
        None, ge=1, le=1000, description="The rung that you see as the next; if it fired meanwhile, nothing happens."
    )


class Rca(Remark):
    """Where the root cause analysis is."""

    url: HttpUrl = Field(examples=["https://wiki.example.com/rca/42"])


class TimelineLine(BaseModel):
    """A line of the timeline: what happened, and why."""

    version: int = Field(description="The incident's version right after it; lines are in this order.")
    at: Instant
    type: str = Field(description="The type of the event.", examples=["tocsin.incident.acknowledged.v1"])
    actor: Actor
    text: str
    reason: str | None = None
    details: dict[str, Any] = Field(description="What else the event says, such as `rung` and `slot`.")


class Timeline(BaseModel):
    """Lines of the timeline, oldest first."""

    timeline: list[TimelineLine]
    next: str | None = Field(None, description="The cursor of the next page; absent on the last one.")


class IncidentInFull(Incident):
    """An incident with its timeline."""

    timeline: tuple[TimelineLine, ...]


class Incidents(BaseModel):
    """Incidents, newest first."""

    incidents: list[Incident]
    next: str | None = Field(None, description="The cursor of the next page; absent on the last one.")


State = Literal["open", "acknowledged", "resolved"]


def line(row: TimelineRow) -> TimelineLine:
    """A line of the timeline as it goes out."""
    return TimelineLine(
        version=row.version,
        at=row.at,
        type=row.type,
        actor=Actor.model_validate(row.actor),
        text=row.text,
        reason=row.reason,
        details=row.details,
    )
