"""Calendars: feeds to subscribe to, and calendars of others that are read."""

from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.common.auth import Operator, Principal, Viewer
from libs.common.errors import FieldProblem, Forbidden, Invalid
from libs.common.events.base import Slug
from services.oncall.api.edge import Now, ScheduleId, Work, refuse_bound
from services.oncall.calendars import Fetcher
from services.oncall.domain.ical import LARGEST, MEDIA_TYPE, doubt_of
from services.oncall.domain.shift import Role
from services.oncall.handlers import calendars as handlers
from services.oncall.handlers.calendars import Reading, Wish
from services.oncall.store import calendars as store
from services.oncall.store.amendments import EVERY_ROTA
from services.oncall.store.tables import CalendarRow, FeedRow

router = APIRouter(prefix="/v1", tags=["calendars"])


class FeedWish(BaseModel):
    """Whose shifts a feed is to have."""

    model_config = ConfigDict(extra="forbid")

    of: Literal["person", "rota", "team"]
    id: Slug
    alarm_minutes: int | None = Field(None, ge=0, le=10080, description="Remind so many minutes before each shift.")


class FeedView(BaseModel):
    """A feed, without its secret."""

    id: UUID
    of: str
    entity: str
    alarm_minutes: int | None
    made_at: datetime
    made_by: str


class NewFeed(FeedView):
    """A new feed. ``url`` holds the secret and is shown this once: whoever has it sees the shifts."""

    url: str


class Feeds(BaseModel):
    """Every feed."""

    feeds: list[FeedView]


class CalendarWish(BaseModel):
    """A calendar to read: its text, or where it is."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=120)
    text: str | None = Field(None, max_length=LARGEST)
    url: str | None = Field(None, max_length=2000, pattern=r"^https?://")
    person: Slug | None = Field(
        None, description="Whose all of its events are; else their summary or attendee says it."
    )


class LayerCalendarWish(CalendarWish):
    """A calendar whose events are shifts."""

    role: Role = "primary"
    priority: int = Field(0, ge=-1000, le=1000)


class CalendarView(BaseModel):
    """A calendar that is read."""

    id: UUID
    name: str
    role: str
    priority: int
    person: str | None
    url: str | None
    read_at: datetime
    problem: str | None
    """Why it could not be read anew, or what is doubtful of what was read."""


class ReadCalendar(CalendarView):
    """A calendar that was read just now."""

    events: int
    """How many it has in the coming half year."""
    unknown: list[str]
    """Names in it that nobody here has: their shifts are vacant, and the backups stand in."""


class Calendars(BaseModel):
    """Every calendar that is read here."""

    calendars: list[CalendarView]


@router.post("/feeds", status_code=201, summary="Make a calendar feed")
async def make_feed(wish: FeedWish, principal: Viewer, work: Work, request: Request) -> NewFeed:
    """An address that calendar programs subscribe to, without a key. Viewers make feeds of the person whom they stand for."""
    refuse_bound(principal)
    if not principal.may("operator") and (wish.of, wish.id) != ("person", principal.person):
        raise Forbidden(f"{principal.name} may make feeds of their own shifts alone.")
    async with work.begin() as tx:
        row, secret = await handlers.make_feed(tx, wish.of, wish.id, wish.alarm_minutes, principal.id)
    public: str | None = request.app.state.public_url
    path = request.app.url_path_for("feed", secret=secret)
    url = f"{public.rstrip('/')}{path}" if public else str(request.url_for("feed", secret=secret))
    return NewFeed(**_feed(row).model_dump(), url=url)


@router.get("/feeds", summary="List the calendar feeds")
async def list_feeds(principal: Viewer, work: Work) -> Feeds:
    """Those of everybody for operators; else your own."""
    refuse_bound(principal)
    async with work.read() as session:
        rows = await store.feeds(session)
    return Feeds(feeds=[_feed(row) for row in rows if _own(principal, row)])


@router.delete("/feeds/{feed_id}", status_code=204, summary="Revoke a calendar feed")
async def revoke_feed(feed_id: UUID, principal: Viewer, work: Work) -> None:
    """Its address opens nothing any more."""
    refuse_bound(principal)
    async with work.begin() as tx:
        rows = [row for row in await store.feeds(tx.session) if row.id == feed_id]
        if rows and not _own(principal, rows[0]):
            raise Forbidden(f"{principal.name} may revoke feeds of their own shifts alone.")
        await handlers.revoke_feed(tx, feed_id, principal.id)


@router.head("/feeds/{secret}.ics", name="feed_head", include_in_schema=False)
@router.get("/feeds/{secret}.ics", name="feed", summary="A calendar feed", response_class=Response)
async def feed(
    secret: Annotated[str, Path(max_length=200)],
    work: Work,
    now: Now,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The shifts from eight weeks back to half a year ahead, as iCalendar. The secret in the address is the key."""
    async with work.read() as session:
        rendering = await handlers.render(session, secret, now)
    headers = {
        "ETag": rendering.etag,
        "Last-Modified": format_datetime(rendering.changed_at, usegmt=True),
        "Cache-Control": "private, max-age=300",
    }
    if if_none_match is not None and _is_known(rendering.etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(rendering.body, media_type=MEDIA_TYPE, headers=headers)


def _is_known(etag: str, if_none_match: str) -> bool:
    """Whether one of the tags is this one, be it weak or strong: so `If-None-Match` compares (RFC 9110, 13.1.2)."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known


@router.post("/schedules/{schedule_id}/calendars", status_code=201, summary="Read shifts from a calendar")
async def read_shifts(
    schedule_id: ScheduleId, wish: LayerCalendarWish, principal: Operator, work: Work, request: Request
) -> ReadCalendar:
    """Its events are shifts of a layer of their own, from now on; from an address they are read anew every hour."""
    refuse_bound(principal)
    wanted = Wish(schedule_id, wish.name, wish.role, wish.priority, wish.person, wish.url)
    return await _read(request, work, wish, wanted, principal)


@router.get("/schedules/{schedule_id}/calendars", summary="List the calendars of a schedule")
async def list_shift_calendars(schedule_id: ScheduleId, principal: Operator, work: Work) -> Calendars:
    """Those that its shifts are read from."""
    refuse_bound(principal)
    return await _listed(work, schedule_id)


@router.delete("/schedules/{schedule_id}/calendars/{calendar_id}", status_code=204, summary="Read a calendar no more")
async def forget_shifts(schedule_id: ScheduleId, calendar_id: UUID, principal: Operator, work: Work) -> None:
    """Its shifts are gone at once."""
    refuse_bound(principal)
    async with work.begin() as tx:
        await handlers.forget(tx, schedule_id, calendar_id, principal.id)


@router.post("/absence-calendars", status_code=201, summary="Read absences from a calendar")
async def read_absences(wish: CalendarWish, principal: Operator, work: Work, request: Request) -> ReadCalendar:
    """Its events are absences, from now on."""
    refuse_bound(principal)
    return await _read(request, work, wish, Wish(EVERY_ROTA, wish.name, person=wish.person, url=wish.url), principal)


@router.get("/absence-calendars", summary="List the calendars of absences")
async def list_absence_calendars(principal: Operator, work: Work) -> Calendars:
    """Those that absences are read from."""
    refuse_bound(principal)
    return await _listed(work, EVERY_ROTA)


@router.delete("/absence-calendars/{calendar_id}", status_code=204, summary="Read a calendar of absences no more")
async def forget_absences(calendar_id: UUID, principal: Operator, work: Work) -> None:
    """Its absences are gone at once."""
    refuse_bound(principal)
    async with work.begin() as tx:
        await handlers.forget(tx, EVERY_ROTA, calendar_id, principal.id)


async def _read(request: Request, work: Work, wish: CalendarWish, wanted: Wish, principal: Principal) -> ReadCalendar:
    if (wish.text is None) == (wish.url is None):
        detail = "give either text or url"
        raise Invalid(detail, problems=(FieldProblem("#/text", detail),))
    fetcher: Fetcher = request.app.state.calendars
    text = wish.text if wish.text is not None else await fetcher.fetched(wish.url or "")
    async with work.begin() as tx:
        reading = await handlers.read_in(tx, wanted, text, principal.id)
        return _reading(reading)


async def _listed(work: Work, rota: str) -> Calendars:
    async with work.read() as session:
        return Calendars(calendars=[_calendar(row) for row in await store.calendars(session, rota)])


def _own(principal: Principal, row: FeedRow) -> bool:
    return principal.may("operator") or (row.noun, row.entity) == ("person", principal.person)


def _feed(row: FeedRow) -> FeedView:
    return FeedView(
        id=row.id,
        of=row.noun,
        entity=row.entity,
        alarm_minutes=row.alarm_minutes,
        made_at=row.made_at,
        made_by=row.made_by,
    )


def _calendar(row: CalendarRow) -> CalendarView:
    return CalendarView(
        id=row.id,
        name=row.name,
        role=row.role,
        priority=row.priority,
        person=row.person,
        url=row.url,
        read_at=row.read_at,
        problem=row.problem or doubt_of(row.text),
    )


def _reading(reading: Reading) -> ReadCalendar:
    shown = _calendar(reading.row).model_dump()
    return ReadCalendar(**shown, events=reading.found, unknown=list(reading.unknown))
