"""What was changed of rotas for a while, in the database, and the directory with what concerns a stretch of time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from services.oncall.domain.amendments import Absence, Amendments, Made, Override, Swap, TemporarySpan
from services.oncall.domain.directory import Directory
from services.oncall.domain.ical import Imported, occurrences, whose
from services.oncall.domain.shift import Role
from services.oncall.store import calendars as calendars_store
from services.oncall.store import directory as directory_store
from services.oncall.store import verifications
from services.oncall.store.tables import AmendmentRow, CalendarRow

Change = Override | TemporarySpan | Swap | Absence
C = TypeVar("C", Override, TemporarySpan, Swap, Absence)

KINDS: Final[Mapping[str, type[Change]]] = {
    "override": Override,
    "span": TemporarySpan,
    "swap": Swap,
    "absence": Absence,
}
EVERY_ROTA: Final = ""
"""In the place of a rota's id: an absence is of every rota."""

_ROLE: Final[TypeAdapter[Role]] = TypeAdapter(Role)
_BESIDE: Final = timedelta(days=400)
"""A shift that touches a range may be cut by a change that does not; no shift is longer."""


@dataclass(frozen=True)
class Stored:
    """A change as it is kept."""

    id: UUID
    kind: str
    rota: str
    change: Change
    made_at: datetime
    made_by: str

    @property
    def version(self) -> str:
        """Another one as soon as the change says something else."""
        document = json.dumps(self.change.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(document.encode()).hexdigest()


async def directory_during(session: ReadSession | WriteSession, start: datetime, end: datetime) -> Directory:
    """The directory, with every change that may have to do with a shift of ``[start, end)``."""
    known = await _with(session, await near(session, start, end), start - _BESIDE, end + _BESIDE)
    return replace(known, verified=await verifications.verified(session))


async def near(session: ReadSession | WriteSession, start: datetime, end: datetime) -> list[Stored]:
    """Every change that may have to do with a shift of ``[start, end)``."""
    return await listed(session, start=start - _BESIDE, end=end + _BESIDE)


async def directory_at(session: ReadSession | WriteSession, at: datetime) -> Directory:
    """The directory, with the changes that count at ``at``: enough to know who is on shift then, not until when."""
    end = at + timedelta(microseconds=1)
    return await _with(session, await listed(session, start=at, end=end), at, end)


async def _with(
    session: ReadSession | WriteSession, found: Sequence[Stored], start: datetime, end: datetime
) -> Directory:
    directory = await directory_store.directory(session)
    rows = await calendars_store.calendars(session)
    read = {
        rota: tuple(_imported(row, directory) for row in rows if row.rota == rota)
        for rota in {row.rota for row in rows if row.rota != EVERY_ROTA}
    }
    away = [one for row in rows if row.rota == EVERY_ROTA for one in _absences(row, directory, start, end)]
    known = replace(directory, read_absences=tuple(away), amendments=_sorted_out((), away, read))
    return amended(known, found)


def amended(directory: Directory, found: Sequence[Stored]) -> Directory:
    """``directory`` with these changes, and the calendars that it has."""
    read = {rota: one.calendars for rota, one in directory.amendments.items() if one.calendars}
    return replace(directory, amendments=_sorted_out(found, directory.read_absences, read))


def _sorted_out(
    found: Sequence[Stored], read_absences: Sequence[Absence], read: Mapping[str, tuple[Imported, ...]]
) -> dict[str, Amendments]:
    absences = [*read_absences, *(one.change for one in found if isinstance(one.change, Absence))]
    made: dict[str, list[Made]] = {EVERY_ROTA: [], **{rota: [] for rota in read}}
    for one in found:
        if not isinstance(one.change, Absence):
            made.setdefault(one.rota, []).append(Made(str(one.id), one.change))
    return {rota: Amendments.of(changes, absences, read.get(rota, ())) for rota, changes in made.items()}


def _imported(row: CalendarRow, directory: Directory) -> Imported:
    return Imported(
        str(row.id), row.text, _ROLE.validate_python(row.role), row.priority, directory.known_as, row.person
    )


def _absences(row: CalendarRow, directory: Directory, start: datetime, end: datetime) -> list[Absence]:
    """Who is away as a calendar says, on their own clocks where it names no zone; what is nobody's is passed over."""

    def person_of(names: Sequence[str]) -> str | None:
        return row.person or whose(names, directory.known_as)

    def clock_of(names: Sequence[str]) -> str | None:
        known = directory.people.get(person_of(names) or "")
        return known.zone if known else None

    found = []
    for one in occurrences(row.text, start, end, "UTC", clock_of):
        person = person_of(one.names)
        if person is not None and one.starts_at < one.ends_at:
            found.append(Absence(person=person, starts_at=one.starts_at, ends_at=one.ends_at, reason=row.name))
    return found


async def listed(
    session: ReadSession | WriteSession,
    *,
    kind: str | None = None,
    rota: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[Stored]:
    """The changes, in the order in which they were made; only those that touch ``[start, end)``, where these are given."""
    query = select(AmendmentRow).order_by(AmendmentRow.made_at, AmendmentRow.id)
    if kind is not None:
        query = query.where(AmendmentRow.kind == kind)
    if rota is not None:
        query = query.where(AmendmentRow.rota == rota)
    if start is not None:
        query = query.where(AmendmentRow.ends_at > start)
    if end is not None:
        query = query.where(AmendmentRow.starts_at < end)
    return [_stored(row) for row in await session.scalars(query)]


async def one(session: ReadSession | WriteSession, change_id: UUID, kind: str, rota: str) -> Stored | None:
    """One change of a rota."""
    row = await session.get(AmendmentRow, change_id)
    return None if row is None or (row.kind, row.rota) != (kind, rota) else _stored(row)


async def put(session: WriteSession, stored: Stored) -> bool:
    """Store a change; one with the same id is replaced. Returns whether it was: not where the very same is there already."""
    document = stored.change.model_dump(mode="json")
    kept = {
        "starts_at": stored.change.starts_at,
        "ends_at": stored.change.ends_at,
        "document": document,
        "digest": stored.version,
    }
    same = select(AmendmentRow.id).where(
        AmendmentRow.rota == stored.rota,
        AmendmentRow.kind == stored.kind,
        AmendmentRow.digest == kept["digest"],
        AmendmentRow.id != stored.id,
    )
    if await session.scalar(same) is not None:
        return False
    statement = insert(AmendmentRow).values(
        id=stored.id, kind=stored.kind, rota=stored.rota, made_at=stored.made_at, made_by=stored.made_by, **kept
    )
    await session.execute(statement.on_conflict_do_update(index_elements=[AmendmentRow.id], set_=kept))
    return True


async def drop(session: WriteSession, change_id: UUID) -> None:
    """Forget a change."""
    await session.execute(delete(AmendmentRow).where(AmendmentRow.id == change_id))


def _stored(row: AmendmentRow) -> Stored:
    change = KINDS[row.kind].model_validate(row.document, extra="ignore")
    return Stored(row.id, row.kind, row.rota, change, row.made_at, row.made_by)
