"""An integration: one sender that Tocsin listens to, with the wire format that it speaks and the keys that it may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from libs.common.events.base import TriggerKind
from libs.common.events.directory import HashedKey
from services.intake.domain.verify import Verify

Origin = Literal["config", "api"]
"""Who owns a record: the configuration tree, or whoever made it through the API."""


class SourceOptions(BaseModel):
    """The options that every integration has; each source that has more derives its own from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verify: Verify | None = None
    """How the sender signs its bodies; without it the key alone counts."""
    rate_limit: int | None = Field(None, ge=1)
    """Bodies a minute with one key, in place of ``TOCSIN_INTAKE_RATE_LIMIT``."""


OptionsT = TypeVar("OptionsT", bound=SourceOptions)


@dataclass(frozen=True, slots=True)
class Integration(Generic[OptionsT]):
    """What a source needs to know of the sender. ``kind`` of ``None`` leaves the kind to the source or the body."""

    id: str
    name: str
    source: str
    kind: TriggerKind | None
    options: OptionsT


@dataclass(frozen=True, slots=True)
class IntegrationRecord:
    """An integration as it is stored, its options not yet read by its source."""

    id: str
    name: str
    source: str
    kind: TriggerKind | None
    options: Mapping[str, Any]
    origin: Origin


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key of an integration. Several may be good at the same time, so that a sender's can be changed without a gap."""

    integration_id: str
    key: HashedKey
    origin: Origin
    created_at: datetime


def key_is_good(key: HashedKey, now: datetime) -> bool:
    """Whether the key has not run out."""
    return key.expires_at is None or now < key.expires_at
