"""Intake, asked with the operator's own key: what came in, what was derived from it, and what nobody understood."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError

from libs.common.events.base import Instant
from services.statuspage.peers import Lenient, PeerRefused, Peers

T = TypeVar("T", bound=Lenient)
L = TypeVar("L")
INTAKE: Final = "intake service"
UNKNOWN: Final = "The intake service answered with something that this version does not know."


class Integration(Lenient):
    """Whom triggers come from."""

    id: str
    name: str = ""
    source: str
    kind: str | None = None
    keys: tuple[Any, ...] = ()


class Heartbeat(Lenient):
    """Something that is expected to be heard of every so often."""

    integration_id: str
    name: str
    title: str = ""
    state: str
    every: timedelta
    last_at: Instant | None = None
    expected_by: Instant | None = None
    missing_since: Instant | None = None


class Poller(Lenient):
    """A provider's page that is asked."""

    id: str
    name: str
    source: str
    health: str
    every: str = ""
    reason: str | None = None
    detail: str = ""
    open: tuple[str, ...] = ()
    failures: int = 0
    polled_at: Instant | None = None
    last_ok_at: Instant | None = None


class Delivery(Lenient):
    """A body as it came; in base64 where it is no text."""

    id: UUID
    received_at: Instant
    headers: dict[str, str] = Field(default_factory=dict)
    triggers: int = 0
    body: str
    encoding: str = "utf-8"
    replay_of: UUID | None = None


class Trigger(Lenient):
    """One trigger, in short."""

    id: UUID
    delivery_id: UUID
    received_at: Instant
    integration_id: str
    integration_name: str = ""
    source: str
    kind: str
    status: str
    severity: str
    dedup_key: str
    title: str
    service: str | None = None
    tool: str | None = None
    provider: str | None = None
    tenants: tuple[str, ...] = ()

    @property
    def sender(self) -> str:
        """Who sent it, by name where one is known."""
        return self.integration_name or self.integration_id


class TriggerPage(Lenient):
    """Some of them, the newest first."""

    triggers: tuple[Trigger, ...]
    next_cursor: UUID | None = None


class TriggerDetail(Trigger):
    """With all that was derived, and the body that it was derived from."""

    derived: dict[str, Any]
    delivery: Delivery | None = None
    withheld: str = ""
    others: tuple[Trigger, ...] = ()
    replays: tuple[UUID, ...] = ()


class Told(Lenient):
    """A part of a body that opened nothing, and why."""

    pointer: str
    reason: str = ""
    detail: str


class Kept(Lenient):
    """A body that nobody understood."""

    id: UUID
    delivery_id: UUID
    integration_id: str
    integration_name: str = ""
    source: str
    received_at: Instant
    reason: str
    detail: str
    triggers: int = 0
    problems: tuple[Told, ...] = ()
    state: str = "waiting"
    settled_at: Instant | None = None
    settled_by: dict[str, Any] | None = None
    note: str = ""
    led_to: UUID | None = None

    @property
    def sender(self) -> str:
        """Who sent it, by name where one is known."""
        return self.integration_name or self.integration_id

    @property
    def settler(self) -> str:
        """Who settled it."""
        return str((self.settled_by or {}).get("name", "somebody"))


class KeptPage(Lenient):
    """Some of them, the newest first."""

    quarantine: tuple[Kept, ...]
    next_cursor: UUID | None = None


class KeptBody(Kept):
    """One of them with the body itself, and what an incident of it would be called."""

    delivery: Delivery
    title: str = ""
    kind: str = ""


class Difference(Lenient):
    """One thing that is read otherwise than it was."""

    dedup_key: str
    status: str
    field: str
    before: Any = None
    after: Any = None


class Replay(Lenient):
    """What bytes that were kept say today."""

    understood: bool
    delivery_id: UUID | None = None
    triggers: tuple[dict[str, Any], ...] = ()
    ignored: tuple[Told, ...] = ()
    problems: tuple[Told, ...] = ()
    differences: tuple[Difference, ...] = ()


class Opened(Lenient):
    """The trigger that a person made of a body."""

    trigger_id: UUID


class Alert(Lenient):
    """An alert of one incident, as the escalator tells of it."""

    incident_number: int
    incident_state: str
    opened_at: Instant
    resolved_at: Instant | None = None


class _Alerts(Lenient):
    alerts: tuple[Alert, ...]


_INTEGRATIONS: Final = TypeAdapter(tuple[Integration, ...])
_HEARTBEATS: Final = TypeAdapter(tuple[Heartbeat, ...])
_POLLERS: Final = TypeAdapter(tuple[Poller, ...])


async def integrations(peers: Peers, key: str) -> tuple[Integration, ...]:
    """Whom triggers may come from. Raises :class:`PeerRefused`."""
    return await _listed(_INTEGRATIONS, peers, key, "integrations")


async def heartbeats(peers: Peers, key: str) -> tuple[Heartbeat, ...]:
    """What is expected to be heard of. Raises :class:`PeerRefused`."""
    return await _listed(_HEARTBEATS, peers, key, "heartbeats")


async def pollers(peers: Peers, key: str) -> tuple[Poller, ...]:
    """Providers' pages that are asked. Raises :class:`PeerRefused`."""
    return await _listed(_POLLERS, peers, key, "pollers")


async def triggers(peers: Peers, key: str, filters: Mapping[str, str], limit: int) -> TriggerPage:
    """What came in and was understood, the newest first. Raises :class:`PeerRefused`."""
    return await _asked(TriggerPage, peers, key, f"triggers?{urlencode({**filters, 'limit': limit})}")


async def trigger(peers: Peers, key: str, trigger_id: UUID) -> TriggerDetail:
    """One trigger beside its body. Raises :class:`PeerRefused`."""
    return await _asked(TriggerDetail, peers, key, f"triggers/{trigger_id}")


async def quarantine(peers: Peers, key: str, filters: Mapping[str, str], limit: int) -> KeptPage:
    """Bodies that nobody understood, the newest first. Raises :class:`PeerRefused`."""
    return await _asked(KeptPage, peers, key, f"quarantine?{urlencode({**filters, 'limit': limit})}")


async def kept_body(peers: Peers, key: str, kept: UUID) -> KeptBody:
    """One of them, by its id or its delivery's, with the body as it came. Raises :class:`PeerRefused`."""
    return await _asked(KeptBody, peers, key, f"quarantine/{kept}")


async def replay(peers: Peers, key: str, delivery: UUID, *, dry_run: bool) -> Replay:
    """Have a body read again, or only say what that would tell. Raises :class:`PeerRefused`."""
    return await _asked(Replay, peers, key, f"deliveries/{delivery}/replay", {"dry_run": dry_run})


async def dismiss(peers: Peers, key: str, kept: UUID, note: str) -> Kept:
    """Say that nothing is to be done about a body. Raises :class:`PeerRefused`."""
    return await _asked(Kept, peers, key, f"quarantine/{kept}/dismiss", {"note": note})


async def make_incident(peers: Peers, key: str, kept: UUID, said: Mapping[str, Any]) -> Opened:
    """Make an incident of a body. Raises :class:`PeerRefused`."""
    return await _asked(Opened, peers, key, f"quarantine/{kept}/incident", said)


async def alerts(peers: Peers, key: str, integration: str, dedup_key: str) -> tuple[Alert, ...]:
    """The incidents that an alert was part of, as the escalator tells, the newest first. Raises :class:`PeerRefused`."""
    query = urlencode({"integration": integration, "dedup_key": dedup_key, "limit": 100})
    answer = await peers.ask("escalator", "GET", f"{peers.at.escalator}/v1/alerts?{query}", key)
    try:
        return _Alerts.model_validate(answer).alerts
    except ValidationError as error:
        raise PeerRefused("The escalator answered with something that is no list of alerts.", 502) from error


async def _asked(shape: type[T], peers: Peers, key: str, path: str, body: Mapping[str, Any] | None = None) -> T:
    url = f"{peers.at.intake}/v1/{path}"
    answer = await peers.ask(INTAKE, "GET" if body is None else "POST", url, key, body)
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        raise PeerRefused(UNKNOWN, 502) from error


async def _listed(shape: TypeAdapter[L], peers: Peers, key: str, path: str) -> L:
    answer = await peers.ask(INTAKE, "GET", f"{peers.at.intake}/v1/{path}", key)
    try:
        return shape.validate_python(answer)
    except ValidationError as error:
        raise PeerRefused(UNKNOWN, 502) from error
