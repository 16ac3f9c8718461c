"""Shapes of intake's API: what people send and see, and what OpenAPI says of bodies that sources read themselves."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from libs.common.events.base import Slug, TriggerKind
from services.intake.domain.integration import IntegrationRecord, KeyRecord, Origin
from services.intake.sources.native_models import AnyTrigger, MaintenanceTrigger
from services.intake.sources.native_page import EXAMPLES


class Accepted(BaseModel):
    """What a sender is told of one trigger."""

    trigger_id: UUID
    dedup_key: str
    status: str


class Told(BaseModel):
    """A part of the body that opened nothing, and why."""

    pointer: str
    reason: str
    detail: str


class Remarked(BaseModel):
    """What the sender said of an alert beside that it fires or ends."""

    kind: str
    dedup_key: str


class Receipt(BaseModel):
    """Everything in it is committed."""

    delivery_id: UUID
    triggers: list[Accepted]
    remarks: list[Remarked] = []
    ignored: list[Told] = []
    problems: list[Told] = []
    quarantine_id: UUID | None = None


class IntegrationChange(BaseModel):
    """What can be changed of an integration."""

    name: str = Field(min_length=1, max_length=200)
    source: str
    kind: TriggerKind | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class NewIntegration(IntegrationChange):
    """An integration that is not there yet."""

    id: Slug


class KeyShown(BaseModel):
    """A key as everybody may see it."""

    id: str
    origin: Origin
    created_at: datetime
    expires_at: datetime | None


class IntegrationShown(BaseModel):
    """An integration with its keys."""

    id: str
    name: str
    source: str
    kind: TriggerKind | None
    options: dict[str, Any]
    origin: Origin
    keys: list[KeyShown]


class NewKey(BaseModel):
    """How long a key is to be good; without an end for ever."""

    expires_at: AwareDatetime | None = None


class KeyIssued(BaseModel):
    """A new key. It is shown this once and kept nowhere."""

    id: str
    key: str
    expires_at: datetime | None
    hook_url: str


class SourceShown(BaseModel):
    """A wire format, with the page that explains it."""

    name: str
    title: str
    kind: TriggerKind | None
    docs: str
    example: Any
    options: dict[str, Any]


class QuarantineShown(BaseModel):
    """A body that could not be understood, and why."""

    id: UUID
    delivery_id: UUID
    integration_id: str
    integration_name: str
    source: str
    received_at: datetime
    reason: str
    detail: str
    triggers: int
    problems: list[Told]
    state: str = "waiting"
    """``waiting`` for a person, or what became of it: ``dismissed``, ``replayed``, ``opened``."""
    settled_at: datetime | None = None
    settled_by: dict[str, Any] | None = None
    note: str = ""
    led_to: UUID | None = None
    """The delivery of the replay, or the trigger that a person made of it."""


class QuarantinePage(BaseModel):
    """The newest first; ``next_cursor`` leads to older ones."""

    quarantine: list[QuarantineShown]
    next_cursor: UUID | None


class DeliveryShown(BaseModel):
    """A body as it came."""

    id: UUID
    integration_id: str
    source: str
    received_at: datetime
    headers: dict[str, str]
    triggers: int
    body: str
    """The text, or base64 where it is no UTF-8."""
    encoding: str
    """``utf-8`` or ``base64``."""
    replay_of: UUID | None = None
    """The delivery whose bytes were read again."""


class QuarantineDetail(QuarantineShown):
    """With the body itself."""

    delivery: DeliveryShown
    title: str
    """What an incident of it is called where nobody says otherwise."""
    kind: str
    """And of which kind it is."""


class Change(BaseModel):
    """A change of an integration or of its keys: who, when, what."""

    at: datetime
    actor: dict[str, Any]
    action: str
    subject: str
    detail: dict[str, Any]


def shown(record: IntegrationRecord, keys: list[KeyRecord]) -> IntegrationShown:
    """An integration as it is shown."""
    return IntegrationShown(
        id=record.id,
        name=record.name,
        source=record.source,
        kind=record.kind,
        options=dict(record.options),
        origin=record.origin,
        keys=[
            KeyShown(id=key.key.id, origin=key.origin, created_at=key.created_at, expires_at=key.key.expires_at)
            for key in keys
        ],
    )


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that carries its definitions itself, with references into them where OpenAPI looks: at their own place."""
    definitions = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                return resolve(definitions[reference.rpartition("/")[2]])
            return {name: resolve(inner) for name, inner in value.items() if name != "discriminator"}
        return [resolve(inner) for inner in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _receipt() -> dict[str, Any]:
    schema = _inlined(TypeAdapter(Receipt).json_schema(mode="serialization"))
    return {"description": "Committed.", "content": {"application/json": {"schema": schema}}}


def _body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    named = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": named}}}


_NATIVE = _inlined(TypeAdapter(AnyTrigger | list[AnyTrigger]).json_schema())
_REFUSED = {
    "400": {"description": "The body cannot be read. It is kept in quarantine."},
    "401": {"description": "No key, or one that nobody knows."},
    "403": {"description": "The key is of an integration of another source."},
    "413": {"description": "The body is over the limit."},
    "422": {"description": "The body cannot be understood. It is kept in quarantine."},
    "503": {"description": "Nothing was accepted; post it again after `Retry-After` seconds."},
}

HOOK_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": _body({}, {}),
    "responses": {"202": _receipt(), "404": {"description": "There is no such source."}, **_REFUSED},
}
NATIVE_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": _body(_NATIVE, EXAMPLES),
    "responses": {"202": _receipt(), **_REFUSED},
}
MAINTENANCE_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": _inlined(TypeAdapter(MaintenanceTrigger | list[MaintenanceTrigger]).json_schema()),
                "examples": {"maintenance": {"value": EXAMPLES["maintenance"]}},
            },
            "text/calendar": {"schema": {"type": "string"}},
        },
    },
    "responses": {"202": _receipt(), **_REFUSED},
}
CANCEL_OPENAPI: Final[dict[str, Any]] = {"responses": {"202": _receipt(), **_REFUSED}}
