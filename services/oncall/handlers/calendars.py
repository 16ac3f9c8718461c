"""Calendars: feeds of our shifts, and calendars of somebody else's that are read."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from libs.common.db.session import ReadSession
from libs.common.db.work import Tx
from libs.common.errors import FieldProblem, Invalid, NotFound
from services.oncall.domain.directory import Directory
from services.oncall.domain.ical import Entry, etag_of, occurrences, parsed, rendered, whose
from services.oncall.domain.schedule import shifts
from services.oncall.domain.shift import Role
from services.oncall.handlers.amendments import rota_of
from services.oncall.store import amendments as amendments_store
from services.oncall.store import audit
from services.oncall.store import calendars as store
from services.oncall.store import directory as directory_store
from services.oncall.store.amendments import EVERY_ROTA
from services.oncall.store.tables import CalendarRow, FeedRow

Subject = Literal["person", "rota", "team"]
"""Whose shifts a feed has."""

BACK: Final = timedelta(weeks=8)
AHEAD: Final = timedelta(weeks=26)
"""How far a feed goes, from the Monday of this week."""


@dataclass(frozen=True)
class Rendering:
    """A feed as it is sent."""

    body: bytes
    etag: str
    changed_at: datetime


@dataclass(frozen=True)
class Wish:
    """A calendar that is to be read."""

    rota: str
    name: str
    role: Role = "primary"
    priority: int = 0
    person: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Reading:
    """A calendar that was read, and what of it nobody here is meant by."""

    row: CalendarRow
    found: int
    unknown: tuple[str, ...]


async def make_feed(
    tx: Tx, subject: Subject, entity: str, alarm_minutes: int | None, actor: str
) -> tuple[FeedRow, str]:
    """A new feed, and its secret, which is kept nowhere."""
    directory = await directory_store.directory(tx.session)
    if entity not in directory.shelf(subject):
        raise Invalid(
            f"There is no {subject} {entity!r}.", problems=(FieldProblem("#/id", f"there is no {subject} {entity!r}"),)
        )
    secret = tx.chance.token()
    row = FeedRow(
        id=tx.chance.uuid7(tx.now),
        noun=subject,
        entity=entity,
        alarm_minutes=alarm_minutes,
        digest=_digest(secret),
        made_at=tx.now,
        made_by=actor,
    )
    await store.add_feed(tx.session, row)
    await audit.record(tx, actor, "feed_added", (subject, entity), after={"id": str(row.id)})
    return row, secret


async def revoke_feed(tx: Tx, feed_id: UUID, actor: str) -> None:
    """End a feed: its address opens nothing any more. Raises :class:`NotFound`."""
    row = await store.drop_feed(tx.session, feed_id)
    if row is None:
        raise NotFound(f"There is no feed {str(feed_id)!r}.")
    await audit.record(tx, actor, "feed_revoked", (row.noun, row.entity), before={"id": str(feed_id)})


async def render(session: ReadSession, secret: str, now: datetime) -> Rendering:
    """The feed behind ``secret``. Raises :class:`NotFound`."""
    row = await store.feed_of(session, _digest(secret))
    if row is None:
        raise NotFound("There is no such feed; it may have been revoked.")
    monday = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=now.weekday())
    start, end = monday - BACK, monday + AHEAD
    directory = await amendments_store.directory_during(session, start, end)
    entries = entries_of(directory, row.noun, row.entity, start, end)
    named = directory.shelf(row.noun).get(row.entity)
    name = f"On call: {named.name if named else row.entity}"
    stamp = (await store.changed_at(session) or row.made_at).replace(microsecond=0)
    alarm = None if row.alarm_minutes is None else timedelta(minutes=row.alarm_minutes)
    return Rendering(rendered(name, entries, stamp, alarm), etag_of(name, entries), stamp)


def entries_of(directory: Directory, noun: str, entity: str, start: datetime, end: datetime) -> list[Entry]:
    """The shifts of a person, of a rota, or of everybody in a team."""
    people = {entity} if noun == "person" else _members(directory, entity) if noun == "team" else None
    return [
        Entry(rota.id, rota.name, directory.name_of_person(shift.person), shift)
        for rota in directory.rotas.values()
        if noun != "rota" or rota.id == entity
        for shift in shifts(rota, start, end, directory.amendments_of(rota.id))
        if shift.person is not None and (people is None or shift.person in people)
    ]


async def read_in(tx: Tx, wish: Wish, text: str, actor: str) -> Reading:
    """Read a calendar from now on: as a layer of a rota, or as absences. Raises :class:`Invalid`."""
    await directory_store.lock(tx.session)
    directory = await directory_store.directory(tx.session)
    zone = "UTC" if wish.rota == EVERY_ROTA else rota_of(directory, wish.rota).zone
    if wish.person is not None and wish.person not in directory.people:
        problem = FieldProblem("#/person", f"there is no person {wish.person!r}")
        raise Invalid(f"There is no person {wish.person!r}.", problems=(problem,))
    found, unknown = understood(directory, text, wish.person, zone, tx.now)
    row = CalendarRow(
        id=tx.chance.uuid7(tx.now),
        rota=wish.rota,
        name=wish.name,
        role=wish.role,
        priority=wish.priority,
        person=wish.person,
        url=wish.url,
        text=text,
        read_at=tx.now,
        problem=None,
        made_at=tx.now,
        made_by=actor,
    )
    await store.add_calendar(tx.session, row)
    shown = {"id": str(row.id), "name": wish.name, "url": bool(wish.url)}
    await audit.record(tx, actor, "calendar_added", _place(wish.rota, wish.person), after=shown)
    return Reading(row, found, unknown)


def understood(
    directory: Directory, text: str, person: str | None, zone: str, now: datetime
) -> tuple[int, tuple[str, ...]]:
    """How many events of the coming half year a calendar has, and the names in it that nobody here has. Raises :class:`Invalid`."""
    try:
        parsed(text, new=True)
        found = occurrences(text, now, now + AHEAD, zone)
    except ValueError as error:
        raise Invalid(str(error), problems=(FieldProblem("#/text", str(error)),)) from error
    unknown = {one.names[0] for one in found if person is None and whose(one.names, directory.known_as) is None}
    return len(found), tuple(sorted(unknown))


async def renew(tx: Tx, calendar_id: UUID, text: str | None, problem: str | None) -> None:
    """Take what a calendar's address gave just now; with a problem the text from before stays."""
    row = await store.calendar(tx.session, calendar_id)
    if row is None:
        return
    directory = await directory_store.directory(tx.session)
    rota = directory.rotas.get(row.rota)
    if text is not None and text != row.text:
        try:
            understood(directory, text, row.person, rota.zone if rota else "UTC", tx.now)
        except Invalid as error:
            problem = error.detail
        else:
            row.text, row.read_at = text, tx.now
            shown = {"id": str(row.id), "name": row.name}
            await audit.record(tx, "clock", "calendar_read", _place(row.rota, row.person), after=shown)
    row.problem = problem
    await tx.session.flush()


async def forget(tx: Tx, rota: str, calendar_id: UUID, actor: str) -> None:
    """Read a calendar no more. Raises :class:`NotFound`."""
    row = await store.calendar(tx.session, calendar_id)
    if row is None or row.rota != rota:
        raise NotFound(f"There is no calendar {str(calendar_id)!r} here.")
    await store.drop_calendar(tx.session, calendar_id)
    shown = {"id": str(calendar_id), "name": row.name}
    await audit.record(tx, actor, "calendar_removed", _place(rota, row.person), before=shown)


def _place(rota: str, person: str | None) -> tuple[str, str]:
    return ("rota", rota) if rota != EVERY_ROTA else ("person", person or "all")


def _members(directory: Directory, team_id: str) -> set[str]:
    """The people of a team, those of teams and roles within it too."""
    found: set[str] = set()
    ahead, seen = [f"team:{team_id}"], set[str]()
    while ahead:
        ref = ahead.pop()
        kind, _, entity = ref.partition(":")
        if ref in seen:
            continue
        seen.add(ref)
        if kind == "person":
            found.add(entity)
        group = directory.teams.get(entity) if kind == "team" else directory.roles.get(entity)
        ahead += group.members if kind in {"team", "role"} and group else ()
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
