"""Who is on call, now, at another time, and over a range."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from libs.common.auth import Viewer
from libs.common.db.session import ReadSession
from libs.common.errors import FieldProblem, Invalid, NotFound
from services.oncall.api.edge import InstantText, Now, Work, instant
from services.oncall.domain.directory import Directory
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_call, shifts
from services.oncall.domain.shift import Shift
from services.oncall.store import directory as directory_store

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])

LONGEST_RANGE: Final = timedelta(days=400)
DEFAULT_RANGE: Final = timedelta(days=7)

ScheduleId = Annotated[str, Path(max_length=63, examples=["default"])]


class PersonName(BaseModel):
    """Somebody, by id and name."""

    id: str
    name: str


class ShiftView(BaseModel):
    """A shift: from ``since`` until, exclusively, ``until``."""

    person: PersonName | None
    """Nobody, where the turn is known to be vacant."""
    since: datetime
    until: datetime


class Schedule(BaseModel):
    """A rota, as a list of schedules names it."""

    id: str
    name: str
    zone: str
    backups: list[PersonName]


class Schedules(BaseModel):
    """Every rota."""

    schedules: list[Schedule]


class OnCallAnswer(BaseModel):
    """Who is on call at ``at``."""

    schedule: str
    at: datetime
    primary: ShiftView | None
    """``null`` where nobody is on shift: then the backups are told."""
    also: list[ShiftView]
    """Who is on shift beside the primary, where turns overlap."""
    backups: list[PersonName]
    """Who stands in, in this order."""
    next: ShiftView | None
    """The shift that begins next."""


class Shifts(BaseModel):
    """The shifts that touch a range, whole, by their beginning."""

    schedule: str
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    shifts: list[ShiftView]


@router.get("", summary="List the rotas")
async def list_schedules(_: Viewer, work: Work) -> Schedules:
    """Every rota, with who stands in."""
    async with work.read() as session:
        directory = await directory_store.directory(session)
    return Schedules(
        schedules=[
            Schedule(id=rota.id, name=rota.name, zone=rota.zone, backups=_backups(directory, rota))
            for rota in directory.rotas.values()
        ]
    )


@router.get("/{schedule_id}/on-call", summary="Who is on call")
async def who_is_on_call(
    schedule_id: ScheduleId, _: Viewer, work: Work, now: Now, at: InstantText = None
) -> OnCallAnswer:
    """Who is on call at ``at``, or now; who stands in, and who comes next."""
    moment = instant(at, "at", now)
    async with work.read() as session:
        directory, rota = await _rota(session, schedule_id)
    answer = on_call(rota, moment)
    present = [_view(directory, shift) for shift in answer.now]
    return OnCallAnswer(
        schedule=rota.id,
        at=moment,
        primary=present[0] if present else None,
        also=present[1:],
        backups=_backups(directory, rota),
        next=_view(directory, answer.next) if answer.next else None,
    )


@router.get("/{schedule_id}/shifts", summary="The shifts of a range", response_model_by_alias=True)
async def list_shifts(
    schedule_id: ScheduleId,
    _: Viewer,
    work: Work,
    now: Now,
    since: Annotated[InstantText, Query(alias="from")] = None,
    until: Annotated[InstantText, Query(alias="to")] = None,
) -> Shifts:
    """The shifts between ``from`` (now) and ``to`` (seven days later)."""
    start = instant(since, "from", now)
    end = instant(until, "to", start + DEFAULT_RANGE)
    if not timedelta(0) < end - start <= LONGEST_RANGE:
        detail = f"must lie after from, by at most {LONGEST_RANGE.days} days"
        raise Invalid(f"to {detail}", problems=(FieldProblem("#query/to", detail),))
    async with work.read() as session:
        directory, rota = await _rota(session, schedule_id)
    found = [_view(directory, shift) for shift in shifts(rota, start, end)]
    return Shifts(schedule=rota.id, since=start, until=end, shifts=found)


async def _rota(session: ReadSession, schedule_id: str) -> tuple[Directory, Rota]:
    directory = await directory_store.directory(session)
    rota = directory.rotas.get(schedule_id)
    if rota is None:
        known = ", ".join(directory.rotas) or "none"
        raise NotFound(f"There is no schedule {schedule_id!r}; there is {known}.")
    return directory, rota


def _backups(directory: Directory, rota: Rota) -> list[PersonName]:
    return [_person(directory, backup) for backup in rota.backups]


def _view(directory: Directory, shift: Shift) -> ShiftView:
    person = None if shift.person is None else _person(directory, shift.person)
    return ShiftView(person=person, since=shift.starts_at, until=shift.ends_at)


def _person(directory: Directory, person_id: str) -> PersonName:
    return PersonName(id=person_id, name=directory.name_of_person(person_id))
