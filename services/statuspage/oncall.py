"""Oncall, asked with the operator's own key: who is on shift when, what was changed, and who cannot be reached."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import Field, ValidationError

from libs.common.events.base import Instant
from services.statuspage.domain.lanes import Slot
from services.statuspage.peers import Lenient, OnCall, PeerRefused, Peers

T = TypeVar("T", bound=Lenient)
ONCALL: Final = "oncall service"
UNKNOWN: Final = "The oncall service answered with something that this version does not know."


class Named(Lenient):
    """Somebody by id and name."""

    id: str
    name: str


class Schedule(Lenient):
    """A rota by name."""

    id: str
    name: str
    zone: str
    backups: tuple[Named, ...] = ()


class Schedules(Lenient):
    """Every rota."""

    schedules: tuple[Schedule, ...]


class Shift(Lenient):
    """A shift, and why this person has it."""

    person: Named | None
    since: Instant
    until: Instant
    role: str = "primary"
    layer: str = ""
    origin: str = "turn"
    instead_of: Named | None = None
    cause: str | None = None
    schedule: str = ""

    @property
    def slot(self) -> Slot:
        """For the timeline."""
        return Slot(
            person=self.person.id if self.person else None,
            name=self.person.name if self.person else "",
            since=self.since,
            until=self.until,
            role=self.role,
            layer=self.layer,
            origin=self.origin,
            instead_of=self.instead_of.name if self.instead_of else "",
            cause=self.cause or "",
        )


class Layer(Lenient):
    """One layer by itself."""

    layer: str
    role: str = "primary"
    shifts: tuple[Shift, ...] = ()


class Gap(Lenient):
    """A stretch in which nobody is primary."""

    since: Instant
    until: Instant


class Shifts(Lenient):
    """The schedule that counts in a range, and beneath it the layers."""

    schedule: str
    shifts: tuple[Shift, ...]
    gaps: tuple[Gap, ...] = ()
    layers: tuple[Layer, ...] = ()


class Finding(Lenient):
    """Something that will leave somebody unreached."""

    doubt: str
    subject: str
    starts_at: Instant
    ends_at: Instant
    person: str | None = None
    text: str
    suggestion: str | None = None


class Proof(Lenient):
    """Everything doubtful of the coming days."""

    since: Instant
    until: Instant
    sound: bool
    findings: tuple[Finding, ...]


class Load(Lenient):
    """What somebody carries of a rota."""

    person: str
    shifts: int
    hours: float
    night_hours: float = 0.0
    weekend_hours: float = 0.0
    share: float = 0.0
    balance: float | None = None


class Fairness(Lenient):
    """How evenly each is shared: 1 where all carry the same."""

    hours: float
    night_hours: float
    weekend_hours: float


class Loads(Lenient):
    """How a rota's load is shared."""

    schedule: str
    since: Instant
    until: Instant
    loads: tuple[Load, ...]
    fairness: Fairness | None = None


class Change(Lenient):
    """A change for a while, and who made it."""

    id: UUID
    made_at: Instant
    made_by: str
    change: dict[str, Any]
    version: str = ""
    """Which one of it this is: whoever changes it says so."""

    def begun(self, now: datetime) -> bool:
        """Whether it is under way."""
        return datetime.fromisoformat(self.change["starts_at"]) <= now


class Changes(Lenient):
    """Those that are not over."""

    changes: tuple[Change, ...]


class Effect(Change):
    """A change, and the shifts that it takes away and brings."""

    before: tuple[Shift, ...] = ()
    after: tuple[Shift, ...] = ()


class ReadCalendar(Lenient):
    """A calendar of somebody else's from which shifts or absences are read, and what is wrong with it."""

    name: str
    read_at: Instant
    problem: str | None = None


class ReadCalendars(Lenient):
    """Every calendar that is read at one place."""

    calendars: tuple[ReadCalendar, ...]


class Feed(Lenient):
    """A calendar that programs subscribe to. Only a new one says its address."""

    id: UUID
    of: str
    entity: str
    made_at: Instant
    made_by: str
    url: str = ""


class Feeds(Lenient):
    """Every feed that one may see."""

    feeds: tuple[Feed, ...] = Field(default=())


class ContactPoint(Lenient):
    """A contact, and why it counts as verified: by a ``code``, ``vouched`` for, or not at all."""

    channel: str
    address: str
    verified: str | None = None
    verified_at: Instant | None = None
    verified_by: str | None = None
    code_expires_at: Instant | None = None


class Step(Lenient):
    """A step of a chain; without ``after`` it is taken where the one before it failed."""

    contact: str
    after: timedelta | None = None


class Chains(Lenient):
    """In which order contacts are used, by urgency."""

    high: tuple[Step, ...] = ()
    low: tuple[Step, ...] = ()


class QuietHours(Lenient):
    """Hours of their own clock in which what can wait waits."""

    days: tuple[str, ...]
    hours: str


class Reachable(Named):
    """Somebody, and how they are reached."""

    title: str = ""
    zone: str = "UTC"
    contacts: tuple[ContactPoint, ...] = ()
    chain: Chains = Chains()
    quiet_hours: tuple[QuietHours, ...] = ()


class OwnRecord(Reachable):
    """How somebody is reached, and when they changed it themselves."""

    changed_at: Instant | None = None


class Everybody(Lenient):
    """Everybody whose contacts one may see."""

    people: tuple[Reachable, ...]


async def schedules(peers: Peers, key: str) -> tuple[Schedule, ...]:
    """Every rota. Raises :class:`PeerRefused`."""
    return (await _asked(Schedules, peers, key, "schedules")).schedules


async def now(peers: Peers, key: str, schedule: str) -> OnCall:
    """Who is on call at this moment. Raises :class:`PeerRefused`."""
    return await _asked(OnCall, peers, key, f"schedules/{quote(schedule, safe='')}/on-call")


async def shifts(peers: Peers, key: str, schedule: str, since: Instant, until: Instant) -> Shifts:
    """The shifts of a range. Raises :class:`PeerRefused`."""
    query = urlencode({"from": since.isoformat(), "to": until.isoformat()})
    return await _asked(Shifts, peers, key, f"schedules/{quote(schedule, safe='')}/shifts?{query}")


async def proof(peers: Peers, key: str, days: int) -> Proof:
    """What is doubtful of the coming days. Raises :class:`PeerRefused`."""
    return await _asked(Proof, peers, key, f"proof?days={days}")


async def load(peers: Peers, key: str, schedule: str, since: Instant, until: Instant) -> Loads:
    """How a rota's load is shared. Raises :class:`PeerRefused`."""
    query = urlencode({"from": since.isoformat(), "to": until.isoformat()})
    return await _asked(Loads, peers, key, f"schedules/{quote(schedule, safe='')}/load?{query}")


async def changes(peers: Peers, key: str, path: str) -> tuple[Change, ...]:
    """The changes at ``path`` that are not over. Raises :class:`PeerRefused`."""
    return (await _asked(Changes, peers, key, path)).changes


async def make(
    peers: Peers, key: str, path: str, body: Mapping[str, Any], *, method: str = "POST", preview: bool = False
) -> Effect:
    """Make a change, or only say what it would do. Raises :class:`PeerRefused`."""
    further = "&" if "?" in path else "?"
    return await _asked(Effect, peers, key, f"{path}{further}preview=true" if preview else path, method, body)


async def answer(peers: Peers, key: str, path: str, body: Mapping[str, Any]) -> Change:
    """Take or decline a swap. Raises :class:`PeerRefused`."""
    return await _asked(Change, peers, key, path, "POST", body)


async def take_back(peers: Peers, key: str, path: str) -> None:
    """Take something back. Raises :class:`PeerRefused`."""
    await peers.ask(ONCALL, "DELETE", f"{peers.at.oncall}/v1/{path}", key)


async def read_calendars(peers: Peers, key: str, schedule: str) -> tuple[ReadCalendar, ...]:
    """The calendars that a rota's shifts are read from, and those of absences. Raises :class:`PeerRefused`."""
    paths = (f"schedules/{quote(schedule, safe='')}/calendars", "absence-calendars")
    return tuple([one for path in paths for one in (await _asked(ReadCalendars, peers, key, path)).calendars])


async def feeds(peers: Peers, key: str) -> tuple[Feed, ...]:
    """The calendar feeds, without their secrets. Raises :class:`PeerRefused`."""
    return (await _asked(Feeds, peers, key, "feeds")).feeds


async def make_feed(peers: Peers, key: str, of: str, entity: str) -> Feed:
    """A new calendar feed, with its address, which is said this once. Raises :class:`PeerRefused`."""
    return await _asked(Feed, peers, key, "feeds", "POST", {"of": of, "id": entity})


async def everybody(peers: Peers, key: str) -> tuple[Reachable, ...]:
    """How everybody is reached whose contacts one may see. Raises :class:`PeerRefused`."""
    return (await _asked(Everybody, peers, key, "contacts")).people


async def send_code(peers: Peers, key: str, person: str, channel: str, address: str) -> None:
    """Send a code to a contact. Raises :class:`PeerRefused`."""
    await peers.ask(ONCALL, "POST", _verification(peers, person, channel), key, {"address": address})


async def confirm(peers: Peers, key: str, person: str, channel: str, address: str, code: str) -> None:
    """Give the code back that came to a contact. Raises :class:`PeerRefused`."""
    where = f"{_verification(peers, person, channel)}/confirm"
    await peers.ask(ONCALL, "POST", where, key, {"address": address, "code": code})


async def own(peers: Peers, key: str) -> OwnRecord:
    """How whoever the key stands for is reached. Raises :class:`PeerRefused`."""
    return await _asked(OwnRecord, peers, key, "own")


async def change_own(
    peers: Peers, key: str, method: str, path: str = "", body: Mapping[str, Any] | None = None
) -> OwnRecord:
    """Change how whoever the key stands for is reached. Raises :class:`PeerRefused`."""
    return await _asked(OwnRecord, peers, key, f"own{path}", method, body)


def own_contact(channel: str, address: str, doing: str = "") -> str:
    """The path of one's own contact."""
    return f"/contacts/{quote(channel, safe='')}{doing}?{urlencode({'address': address})}"


def _verification(peers: Peers, person: str, channel: str) -> str:
    return f"{peers.at.oncall}/v1/people/{quote(person, safe='')}/contacts/{quote(channel, safe='')}/verification"


async def _asked(
    shape: type[T], peers: Peers, key: str, path: str, method: str = "GET", body: Mapping[str, Any] | None = None
) -> T:
    found = await peers.ask(ONCALL, method, f"{peers.at.oncall}/v1/{path}", key, body)
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        raise PeerRefused(UNKNOWN, 502) from error
