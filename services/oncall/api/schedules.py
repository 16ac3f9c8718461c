"""Who is on call, now, at another time, and over a range."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from libs.common.auth import Viewer, authenticate
from libs.common.clock import Clock
from libs.common.errors import FieldProblem, Invalid
from libs.common.shortcut import Shortcut
from services.oncall.api.edge import InstantText, Now, ScheduleId, Work, instant
from services.oncall.api.views import PersonName, PlannedShift, ShiftView, person, plain, planned
from services.oncall.domain.directory import Directory
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import OnCall, laid_out, shifts, uncovered
from services.oncall.domain.shift import ROLES, Role, Shift, in_order
from services.oncall.handlers.amendments import rota_of
from services.oncall.handlers.board import Board
from services.oncall.store import directory as directory_store
from services.oncall.store.amendments import directory_during

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])

LONGEST_RANGE: Final = timedelta(days=400)
DEFAULT_RANGE: Final = timedelta(days=7)


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
    secondaries: list[ShiftView]
    """Who is on shift to stand in, before the backups."""
    managers: list[ShiftView]
    shadows: list[ShiftView]
    backups: list[PersonName]
    """Who stands in, in this order."""
    next: ShiftView | None
    """The shift that begins next."""


class LayerShifts(BaseModel):
    """One layer by itself, before higher ones hide it and changes are made."""

    layer: str
    role: Role
    priority: int
    shifts: list[PlannedShift]


class Gap(BaseModel):
    """A stretch in which nobody is primary."""

    since: datetime
    until: datetime


class Shifts(BaseModel):
    """The shifts that touch a range, whole, by their beginning: the schedule that counts, and beneath it the layers."""

    schedule: str
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    shifts: list[PlannedShift]
    gaps: list[Gap]
    layers: list[LayerShifts]


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


@router.get("/{schedule_id}/on-call", summary="Who is on call", response_model=OnCallAnswer)
async def who_is_on_call(request: Request, schedule_id: ScheduleId, _: Viewer, at: InstantText = None) -> Response:
    """Who is on call at ``at``, or now; who stands in, and who comes next."""
    # asked more often than all else: what is no parameter is taken from the application, since each dependency has its cost
    board: Board = request.app.state.board
    clock: Clock = request.app.state.clock
    moment = instant(at, "at", clock.now())
    stretch = await board.stretch(schedule_id, moment)

    def render(directory: Directory, answer: OnCall) -> bytes:
        # ``at`` comes last, and is put in anew for each question
        shown = _answer(directory, directory.rotas[schedule_id], answer, moment).model_dump_json(exclude={"at"})
        return shown[:-1].encode() + b',"at":"'

    body = stretch.answer(moment, render) + moment.isoformat().replace("+00:00", "Z").encode() + b'"}'
    return Response(body, media_type="application/json")


async def _now_on_call(request: Request) -> Response:
    return await who_is_on_call(request, request.path_params["schedule_id"], await authenticate(request, "viewer"))


NOW_ON_CALL: Final = Shortcut("/v1/schedules/{schedule_id}/on-call", _now_on_call)
"""Who is on call now: the question that is asked most, and whose answer lies ready."""


def _answer(directory: Directory, rota: Rota, answer: OnCall, moment: datetime) -> OnCallAnswer:
    present = {role: [plain(directory, shift) for shift in answer.of(role)] for role in ROLES}
    primaries = present["primary"]
    return OnCallAnswer(
        schedule=rota.id,
        at=moment,
        primary=primaries[0] if primaries else None,
        also=primaries[1:],
        secondaries=present["secondary"],
        managers=present["manager"],
        shadows=present["shadow"],
        backups=_backups(directory, rota),
        next=plain(directory, answer.next) if answer.next else None,
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
        directory = await directory_during(session, start, end)
    rota = rota_of(directory, schedule_id)
    amendments = directory.amendments_of(rota.id)
    found = shifts(rota, start, end, amendments)
    return Shifts(
        schedule=rota.id,
        since=start,
        until=end,
        shifts=[planned(directory, shift) for shift in found],
        gaps=[Gap(since=begin, until=until) for begin, until in uncovered(found, start, end)],
        layers=_layers(directory, in_order(laid_out(rota, start, end, amendments))),
    )


def _layers(directory: Directory, laid: Sequence[Shift]) -> list[LayerShifts]:
    """The layers, the most important first."""
    by_layer: dict[tuple[str, Role, int], list[PlannedShift]] = {}
    for shift in laid:
        place = (shift.layer, shift.role, shift.priority)
        by_layer.setdefault(place, []).append(planned(directory, shift))
    return [
        LayerShifts(layer=layer, role=role, priority=priority, shifts=listed)
        for (layer, role, priority), listed in sorted(by_layer.items(), key=lambda one: (-one[0][2], one[0][0]))
    ]


def _backups(directory: Directory, rota: Rota) -> list[PersonName]:
    return [person(directory, backup) for backup in rota.backups]
