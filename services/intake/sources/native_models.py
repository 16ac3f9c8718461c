"""Tocsin's own shape of a trigger, one model for each of the five kinds. Field descriptions are the documentation."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from libs.common.events.base import Category, Severity
from libs.common.events.triggers import MaintenanceEnding
from services.intake.domain.severity import WORDS

Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

ENDINGS: Final[dict[str, MaintenanceEnding]] = {
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "completed": "completed",
    "done": "completed",
}
ANNOUNCED: Final = frozenset({"planned", "scheduled", "tentative", "confirmed", "moved", "re_scheduled", "in_progress"})
"""Words for the state of a maintenance, beside ``firing`` and ``resolved``."""

EARLIEST: Final = 1970
LATEST: Final = 2999


def _known_severity(value: Any) -> Any:
    return WORDS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _in_utc(value: datetime) -> datetime:
    try:
        moment = value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time lies outside of the calendar") from error
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(f"this time lies outside of the years {EARLIEST} to {LATEST}")
    return moment


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
SeverityWord = Annotated[Severity, BeforeValidator(_known_severity)]
Names = Annotated[list[Words], BeforeValidator(_as_list)]


class Shape(BaseModel):
    """What every value of the native shape has in common: unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, use_attribute_docstrings=True)


class NativeLink(Shape):
    """Something to look at."""

    href: Words
    """An http or https address."""
    text: Text = ""


class NativeWindow(Shape):
    """From when until when."""

    starts_at: Moment
    """ISO 8601 with a zone: ``2026-03-07T22:00:00Z``."""
    ends_at: Moment | None = None
    """Left away where nobody knows it yet."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "NativeWindow":
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("the window must end after it starts")
        return self


class NativeTrigger(Shape):
    """What the five kinds share."""

    status: Literal["firing", "resolved"] = "firing"
    """``resolved`` ends what an earlier trigger with the same dedup key began."""
    dedup_key: Text = ""
    """What makes two triggers of this integration the same thing. Where it is left away the kind's own id counts (a ticket's,
    a provider's incident's, a tool's), else a hash of kind, service and title."""
    title: Text = ""
    """One line that a person understands at night. Required while firing."""
    description: Text = ""
    severity: SeverityWord = "critical"
    """critical, error, warning or info; the usual other words are understood."""
    category: Category | None = None
    """What is wrong; left away, the kind decides."""
    service: Text = ""
    """The id of the service that it concerns."""
    services: Names = Field(default_factory=list)
    """The ids of the services, where there are several."""
    tenants: Names = Field(default_factory=list)
    """The ids of the tenants that it concerns; none means all."""
    reporter: Text = ""
    links: list[NativeLink] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    """Anything else, as texts."""
    group: Text = ""
    """Triggers of one body with the same group belong to one incident."""
    started_at: Moment | None = None
    """ISO 8601 with a zone; left away, the time of arrival counts."""
    ended_at: Moment | None = None

    @model_validator(mode="after")
    def _firing_has_a_title(self) -> "NativeTrigger":
        if self.status == "firing" and not self.title:
            raise ValueError("a firing trigger needs a title")
        return self


class TelemetryTrigger(NativeTrigger):
    """An alarm of a monitoring system: the team on shift hears of it first."""

    kind: Literal["telemetry"]
    tool: Text = ""
    """The id of the tool that it concerns, if it does."""


def _own_id(value: Any, field: str) -> Any:
    """``value`` with its ``id`` as ``field``, where it has no such field: ``id`` is what most callers write."""
    if isinstance(value, dict) and not value.get(field) and value.get("id"):
        return {**value, field: value["id"]}
    return value


class MaintenanceTrigger(NativeTrigger):
    """A scheduled maintenance: the team assigned to it hears of it first. The same id again moves it; ``cancelled`` calls it off."""

    kind: Literal["maintenance"]
    window: NativeWindow | None = None
    """When it takes place; required unless it ended."""
    assigned_team: Text = ""
    """The id of the team that does it; required unless it ended."""
    maintenance_id: Text = ""
    """Your id of it (``id`` is taken for it too), by which it is moved and cancelled; the dedup key."""
    sequence: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Where you count the announcements of one maintenance: what comes with a lower number than the last is passed over."""
    ending: MaintenanceEnding | None = None
    """Left away, ``status`` says it."""

    @model_validator(mode="before")
    @classmethod
    def _status_says_how_it_ended(cls, value: Any) -> Any:
        """``cancelled`` and ``completed`` are endings; the words for a maintenance that is to come, or goes on, are all ``firing``."""
        value = _own_id(value, "maintenance_id")
        word = value.get("status") if isinstance(value, dict) else None
        if not isinstance(word, str):
            return value
        state = word.strip().lower().replace("-", "_").replace(" ", "_")
        if state in ENDINGS:
            return {**value, "status": "resolved", "ending": value.get("ending") or ENDINGS[state]}
        return {**value, "status": "firing"} if state in ANNOUNCED else value

    @model_validator(mode="after")
    def _announcement_is_whole(self) -> "MaintenanceTrigger":
        if self.status == "firing" and self.window is None:
            raise ValueError("a maintenance needs a window: when it begins, and when it ends")
        if self.status == "firing" and not self.assigned_team:
            raise ValueError("a maintenance needs assigned_team, the team that does it")
        if not (self.maintenance_id or self.dedup_key or self.title):
            raise ValueError("say which maintenance it is: maintenance_id")
        return self


class TicketTrigger(NativeTrigger):
    """A ticket that a user filed: Helpdesk hears of it first. Only a P1 opens an incident."""

    kind: Literal["ticket"]
    ticket: Words
    """The ticket's id at the helpdesk (``id`` is taken for it too); the dedup key."""
    priority: Words
    """``P1`` opens an incident; anything else is understood and opens none."""
    url: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _id_is_the_ticket(cls, value: Any) -> Any:
        return _own_id(value, "ticket")


class ProviderTrigger(NativeTrigger):
    """News of an external provider: DevOps hears of it first."""

    kind: Literal["provider"]
    provider: Words
    """The provider's id: ``azure``, ``twilio``."""
    incident_id: Text = ""
    """The provider's own id of it; the dedup key, with the provider's."""
    region: Text = ""
    url: Text = ""
    """The provider's page about it."""


class ToolTrigger(NativeTrigger):
    """News of an integrated tool's owner: the PM who is responsible for the tool hears of it first."""

    kind: Literal["tool"]
    tool: Words
    """The tool's id; the dedup key where none is given."""
    state: Literal["down", "will_be_down", "up"]
    """``up`` resolves what ``down`` or ``will_be_down`` began."""
    window: NativeWindow | None = None
    """When it will be down; required with ``will_be_down``."""

    @model_validator(mode="before")
    @classmethod
    def _up_is_resolved(cls, value: Any) -> Any:
        return {**value, "status": "resolved"} if isinstance(value, dict) and value.get("state") == "up" else value

    @model_validator(mode="after")
    def _announcement_has_a_window(self) -> "ToolTrigger":
        if self.state == "will_be_down" and self.window is None:
            raise ValueError("a tool that will be down needs a window")
        return self


AnyTrigger = Annotated[
    TelemetryTrigger | MaintenanceTrigger | TicketTrigger | ProviderTrigger | ToolTrigger, Field(discriminator="kind")
]
"""One of the five, told apart by ``kind``."""
