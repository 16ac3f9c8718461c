"""CloudEvents 1.0 in Kafka's binary mode: attributes as ``ce_`` headers, the JSON data as the value.

Source: the CloudEvents Kafka protocol binding. ``partitionkey`` and ``traceparent`` are the extensions of the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from libs.common.bus.base import Message, Record
from libs.common.errors import Malformed
from libs.common.events.base import Event
from libs.common.events.registry import BY_TYPE


class Undecodable(Malformed):
    """A record on the bus is no event that this version knows, or breaks its schema."""

    slug = "undecodable-event"
    title = "Undecodable event"


@dataclass(frozen=True)
class Envelope:
    """An event with the attributes that it travels under. ``id`` makes repeats recognisable."""

    id: UUID
    source: str
    """``/tocsin/<service>``."""
    time: datetime
    event: Event
    traceparent: str | None = None


def encode(envelope: Envelope) -> Message:
    """The message for the bus."""
    event = envelope.event
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(envelope.id),
        "ce_source": envelope.source,
        "ce_type": event.type,
        "ce_time": envelope.time.isoformat().replace("+00:00", "Z"),
        "ce_subject": event.key,
        "ce_partitionkey": event.key,
        "content-type": "application/json",
    }
    if envelope.traceparent:
        headers["ce_traceparent"] = envelope.traceparent
    value = event.model_dump_json(exclude={"type"}).encode()
    return Message(topic=event.topic, key=event.key, value=value, headers=headers)


def decode(headers: Mapping[str, str], value: bytes | None) -> Envelope:
    """The event of a record. Raises :class:`Undecodable`, which names what is wrong."""
    try:
        kind = BY_TYPE[headers["ce_type"]]
        event = kind.model_validate_json(value or b"null")
        return Envelope(
            id=UUID(headers["ce_id"]),
            source=headers["ce_source"],
            time=datetime.fromisoformat(headers["ce_time"]),
            event=event,
            traceparent=headers.get("ce_traceparent"),
        )
    except KeyError as error:
        raise Undecodable(f"no such header or event type: {error}") from error
    except (ValidationError, ValueError) as error:
        raise Undecodable(f"{headers.get('ce_type', 'a record')}: {error}") from error


def decode_record(record: Record) -> Envelope:
    """The event of a record from the bus. Raises :class:`Undecodable`."""
    return decode(record.headers, record.value)
