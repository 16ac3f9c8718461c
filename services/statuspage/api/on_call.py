"""On call: a timeline of shifts by layer, by role and by person; who cannot be reached; what was changed, and calendars."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.statuspage import oncall
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.session import SignedIn, Visitor
from services.statuspage.domain import changes, lanes, proven, words
from services.statuspage.domain.lanes import Doubt, Stretch, Weeks
from services.statuspage.oncall import Change, Finding, Shifts
from services.statuspage.peers import PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

T = TypeVar("T")
DEFAULT: Final = "default"
"""The rota that ``on-shift`` means."""

ZONE_COOKIE: Final = "tocsin_zone"
"""Where a page's script leaves the reader's zone, so that the next page is drawn in it."""

IN_ROTA: Final = frozenset({"gap", "empty_shift"})
"""Doubts that the schedule itself shows."""

DOUBTED: Final = 8
"""So many doubts are told beside the timeline, the most serious first; the proof has all."""

FARTHEST: Final = 90
"""Days ahead that oncall looks through."""

Id = Annotated[str, Query(max_length=63)]


@dataclass(frozen=True)
class View:
    """What is looked at, as the address holds it."""

    schedule: str
    first: date | None
    weeks: Weeks
    zone: ZoneInfo
    own: str
    """The reader's own zone; empty where it is not known."""

    def address(self, **other: object) -> str:
        """The same view, but for what is ``other``."""
        held = {
            "schedule": self.schedule,
            "from": self.first or "",
            "weeks": self.weeks,
            "zone": self.zone.key,
            **other,
        }
        return urlencode({name: value for name, value in held.items() if value})


def view(
    request: Request,
    schedule: Id = DEFAULT,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    weeks: Annotated[str, Query(max_length=1)] = "1",
    zone: Annotated[str, Query(max_length=63)] = "",
) -> View:
    """What the address asks for; what cannot be read in it counts as not said."""
    own = request.cookies.get(ZONE_COOKIE, "")
    known = lanes.zone_of(own).key
    return View(
        schedule or DEFAULT,
        day(first),
        4 if weeks == "4" else 1,
        lanes.zone_of(zone, own),
        known if known == own else "",
    )


Looked = Annotated[View, Depends(view)]


@router.get("/on-call")
async def on_call_page(desk: Desk, who: SignedIn, looked: Looked) -> Response:
    """Who is on shift when, beneath its layers; the address holds rota, time, length and zone."""
    return html(await page(desk, who, looked))


async def page(desk: Context, who: Visitor, looked: View, problem: str = "", feed: oncall.Feed | None = None) -> str:
    """The page; ``feed`` is one that was made just now, whose address is said this once."""
    values = await _values(desk, who, looked)
    values["problems"] = [one for one in (problem, *values["problems"]) if one]
    return desk.render("console/on-call.html", **frame(who, "on-call"), **values, feed=feed)


async def _values(desk: Context, who: Visitor, looked: View) -> dict[str, Any]:
    now = desk.clock.now()
    across = lanes.stretch(looked.first, looked.weeks, looked.zone, now)
    peers, key, rota = desk.peers, who.key, looked.schedule
    names = await names_of(desk)
    (rotas, trouble), (shift, _), (found, problem), (doubts, unproven), made, unread = await asyncio.gather(
        otherwise(oncall.schedules(peers, key), ()),
        otherwise(oncall.now(peers, key, rota), None),
        otherwise(oncall.shifts(peers, key, rota, across.start, across.end), Shifts(schedule=rota, shifts=())),
        _doubts(desk, who, across),
        _made(desk, who, looked, names),
        _unread(desk, who, rota),
    )
    slots = [one.slot for one in found.shifts]
    beneath = [one.slot for layer in found.layers for one in layer.shifts]
    hues = lanes.colours([*slots, *beneath])
    doubts = [one for one in doubts if _concerns(one, rota)]
    return {
        "looked": looked,
        "across": across,
        "days": across.days(now),
        "marker": across.place(now) if across.start <= now < across.end else None,
        "rotas": rotas,
        "shift": shift,
        "slots": slots,
        "lanes": [
            ("Layers", lanes.layers(beneath, across, hues)),
            ("Final schedule", lanes.final(slots, _gaps(found, doubts, rota, names), across, hues)),
            ("By person", lanes.people(slots, across, hues)),
            ("Cannot be reached", lanes.doubts(_told(doubts, names), across)),
        ],
        "unproven": unproven,
        "doubts": sorted(
            (one for one in doubts if one.starts_at < across.end and one.ends_at > across.start),
            key=lambda one: not proven.is_serious(one),
        ),
        "is_serious": proven.is_serious,
        "doubted": DOUBTED,
        "people": {ref.partition(":")[2]: name for ref, name in names.items() if ref.startswith("person:")},
        "names": names,
        "spoken": lanes.spoken,
        "local": changes.local,
        "problems": list(dict.fromkeys(one for one in (trouble, problem, *unread) if one)),
        **made,
    }


async def _unread(desk: Context, who: Visitor, rota: str) -> list[str]:
    """What is wrong with calendars that shifts and absences are read from, each in a sentence."""
    if not who.may_act_for_all:
        return []
    found, _ = await otherwise(oncall.read_calendars(desk.peers, who.key, rota), ())
    return [f"The calendar {one.name!r}: {one.problem}" for one in found if one.problem]


def _concerns(one: Finding, rota: str) -> bool:
    """Whether a doubt belongs to the page of a rota: it is of no other one, and is not to wait."""
    return (one.subject == f"rota:{rota}" or not one.subject.startswith("rota:")) and not proven.is_patient(one)


async def _made(desk: Context, who: Visitor, looked: View, names: Mapping[str, str]) -> dict[str, Any]:
    """What was changed for a while and is not over, each in a sentence; swaps and feeds apart, since they are answered."""
    peers, key, rota = desk.peers, who.key, looked.schedule
    people = {ref.partition(":")[2]: name for ref, name in names.items() if ref.startswith("person:")}
    kinds: tuple[Any, ...] = ("override", "span", "absence", "swap")
    (feeds, _), found = await asyncio.gather(
        otherwise(oncall.feeds(peers, key), ()),
        asyncio.gather(*(otherwise(oncall.changes(peers, key, changes.path_of(kind, rota)), ()) for kind in kinds)),
    )
    listed: dict[str, Sequence[Change]] = {kind: one for kind, (one, _) in zip(kinds, found, strict=True)}
    return {
        "made": [
            (kind, one, changes.told(one.change, people, looked.zone))
            for kind in ("override", "span", "absence")
            for one in listed[kind]
        ],
        "swaps": [(one, changes.told(one.change, people, looked.zone)) for one in listed["swap"]],
        "feeds": feeds,
    }


async def _doubts(desk: Context, who: Visitor, across: Stretch) -> tuple[Sequence[Finding], str]:
    """What oncall doubts of this stretch, or why it is not told."""
    if not who.may_act_for_all:
        return (), "Who cannot be reached is told to operators of all tenants."
    days = (across.end - desk.clock.now()) / timedelta(days=1)
    if days <= 0:
        return (), ""
    found, problem = await otherwise(oncall.proof(desk.peers, who.key, min(int(days) + 1, FARTHEST)), None)
    return (found.findings if found else ()), problem


async def names_of(desk: Context) -> Mapping[str, str]:
    """What everything in the directory is called, by reference."""
    async with desk.uow.read() as session:
        _, refs = await reading.names(session)
    return refs


def _gaps(
    found: Shifts, doubts: Sequence[Finding], rota: str, names: Mapping[str, str]
) -> list[tuple[datetime, datetime, str]]:
    """The gaps of a schedule, each with who could take it, where oncall suggests somebody."""
    could = {
        (one.starts_at, one.ends_at): words.reference(f"person:{one.suggestion}", names)
        for one in doubts
        if one.doubt == "gap" and one.subject == f"rota:{rota}" and one.suggestion
    }
    return [(gap.since, gap.until, could.get((gap.since, gap.until), "")) for gap in found.gaps]


def _told(doubts: Sequence[Finding], names: Mapping[str, str]) -> list[Doubt]:
    """Who is reached by nothing, but for gaps of the schedule, which shows these itself."""
    return [
        Doubt(words.reference(one.subject, names), one.starts_at, one.ends_at, words.capital(one.text))
        for one in doubts
        if one.doubt not in IN_ROTA and proven.is_serious(one)
    ]


async def otherwise(asked: Awaitable[T], instead: T) -> tuple[T, str]:
    """What another service says, or ``instead`` and why."""
    try:
        return await asked, ""
    except PeerRefused as error:
        return instead, error.detail


def day(text: str) -> date | None:
    """A day of an address; ``None`` for what is none, and for one that oncall does not answer for."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 2200 else None
