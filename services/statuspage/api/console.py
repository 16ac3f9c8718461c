"""The operators' console: what burns now, one incident, all incidents, the local outbox."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from libs.common.errors import NotFound
from libs.common.events.incidents import Incident, Rung
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.live import stream
from services.statuspage.api.session import SignedIn, Visitor
from services.statuspage.domain import climb, health, record
from services.statuspage.domain import desk as views
from services.statuspage.domain.climb import Prospect
from services.statuspage.domain.fold import Line, visible_to
from services.statuspage.domain.sentence import is_planned, sentence
from services.statuspage.peers import PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

OUTBOX_LENGTH = 100
LIST_LENGTH = 200
State = Literal["all", "open", "resolved"]


@router.get("")
async def home(desk: Desk, who: SignedIn) -> Response:
    """Now: what burns, who is on call, what was sent last."""
    return html(desk.render("console/now.html", **frame(who, "now"), **await now_values(desk, who)))


@router.get("/parts/now")
async def now_part(desk: Desk, who: SignedIn) -> Response:
    """What burns, drawn again."""
    return html(desk.render("console/parts/now.html", who=who, **await now_values(desk, who)))


@router.get("/parts/on-call")
async def on_call_part(desk: Desk, who: SignedIn) -> Response:
    """Who is on call, as the oncall service says at this moment."""
    try:
        shift, problem = await desk.peers.on_call(who.key), ""
    except PeerRefused as error:
        shift, problem = None, error.detail
    return html(desk.render("console/parts/on-call.html", shift=shift, problem=problem))


@router.get("/live")
async def changes(request: Request, desk: Desk, _who: SignedIn) -> EventSourceResponse:
    """The names of the fragments that have changed."""
    return stream(desk.live, request)


@router.get("/incidents")
async def incidents(
    desk: Desk, who: SignedIn, q: Annotated[str, Query(max_length=100)] = "", state: State = "all"
) -> Response:
    """All incidents, the latest first; the address holds the filter."""
    now = desk.clock.now()
    async with desk.uow.read() as session:
        found = await reading.recent_incidents(session, LIST_LENGTH)
        names, _ = await reading.names(session)
    told = [(incident, sentence(incident, names, now, named=True)) for incident in found if seen(who, incident)]
    rows = [(incident, text) for incident, text in told if views.matches(incident, text, q, state)]
    return html(desk.render("console/incidents.html", **frame(who, "incidents"), rows=rows, q=q, state=state))


@router.get("/incidents/{number}")
async def incident_page(number: int, desk: Desk, who: SignedIn) -> Response:
    """One incident."""
    values = await incident_values(desk, who, number)
    return html(desk.render("console/incident.html", **frame(who, "incidents"), **values, problem=""))


@router.get("/incidents/{number}/live")
async def incident_part(number: int, desk: Desk, who: SignedIn) -> Response:
    """One incident, drawn again."""
    return html(await incident_fragment(desk, who, number))


@router.get("/outbox")
async def outbox_page(desk: Desk, who: SignedIn) -> Response:
    """What would have been sent while no provider is configured."""
    values = await outbox_values(desk, who)
    return html(desk.render("console/outbox.html", **frame(who, "outbox"), **values, problem=""))


@router.get("/outbox/live")
async def outbox_part(desk: Desk, who: SignedIn) -> Response:
    """The local outbox, drawn again."""
    return html(await outbox_fragment(desk, who))


def frame(who: Visitor, here: str) -> dict[str, Any]:
    """What every page of the console has around it."""
    return {"who": who, "here": here}


def seen(who: Visitor, incident: Incident) -> bool:
    """Whether they may see an incident."""
    return visible_to(incident, who.principal.tenants)


async def now_values(desk: Context, who: Visitor) -> dict[str, Any]:
    """What burns, the worst first, how the channels do, and the latest messages of the local outbox."""
    now = desk.clock.now()
    async with desk.uow.read() as session:
        alive = [incident for incident in await reading.open_incidents(session) if seen(who, incident)]
        paged = await reading.paged_names(session, [incident.id for incident in alive])
        counts = await reading.channel_counts(session, now - health.WINDOW)
        names, _ = await reading.names(session)
    box = await outbox_values(desk, who, 4)
    burning = [
        views.burning(incident, sentence(incident, names, now, named=True), paged.get(incident.id, ()), now)
        for incident in views.worst_first(alive)
        if not is_planned(incident, now)
    ]
    planned = [(one, sentence(one, names, now, named=True)) for one in alive if is_planned(one, now)]
    return {
        "burning": burning,
        "planned": planned,
        "summary": views.summary(burning),
        "channels": health.channels(counts),
        **box,
    }


async def incident_values(desk: Context, who: Visitor, number: int, *, ask: bool = True) -> dict[str, Any]:
    """Everything that is known of one incident; with ``ask`` also whom the next rung would page. Raises :class:`NotFound`."""
    now = desk.clock.now()
    async with desk.uow.read() as session:
        incident = await reading.incident_by_number(session, number)
        if incident is None or not seen(who, incident):
            raise NotFound(f"There is no incident {number}, or none that you may see.")
        lines: list[Line] = await reading.timeline(session, incident.id)
        told = await reading.told(session, incident.id)
        sent = await reading.messages(session, [incident.id])
        names, refs = await reading.names(session)
    following = climb.next_by_itself(incident)
    prospect = await prospect_of(desk, who, incident, following) if ask and following else None
    checks = await desk.peers.check_links(who.key, incident) if ask else ()
    return {
        "incident": incident,
        "text": sentence(incident, names, now, named=True),
        "entries": record.entries(lines, told, sent),
        "clocks": views.clocks(incident, now),
        "steps": climb.ladder(incident, told, refs, prospect),
        "prospect": prospect,
        "links": list({link.href: link for link in (*checks, *incident.links)}.values()),
        "reached": views.reached(incident, sent, refs),
        "failed": [one for one in sent if one.state in {"failed", "retrying"} and one.reason != "withdrawn"],
        "actions": views.actions(incident, may_act=who.may_act),
        "names": names,
        "refs": refs,
    }


async def prospect_of(desk: Context, who: Visitor, incident: Incident, rung: Rung) -> Prospect:
    """Whom a rung would page at this moment, as far as they may ask."""
    if not who.may_act:
        return Prospect(problem="only operators are told.")
    return await desk.peers.who(who.key, incident, rung.roles)


async def incident_fragment(desk: Context, who: Visitor, number: int, problem: str = "") -> str:
    """The part of an incident's page that lives."""
    values = await incident_values(desk, who, number)
    return desk.render("console/parts/incident.html", who=who, **values, problem=problem)


async def outbox_values(desk: Context, who: Visitor, limit: int = OUTBOX_LENGTH) -> dict[str, Any]:
    """The local outbox, as far as they may see it, each message with its incident."""
    async with desk.uow.read() as session:
        found = await reading.local_outbox(session, limit)
        about: Mapping[Any, Incident] = await reading.incidents_by_id(
            session, [message.subject_id for message in found]
        )
    if who.principal.tenants is not None:
        found = [m for m in found if m.subject_id in about and seen(who, about[m.subject_id])]
    return {"outbox": [(message, about.get(message.subject_id)) for message in found]}


async def outbox_fragment(desk: Context, who: Visitor, problem: str = "") -> str:
    """The part of the outbox's page that lives."""
    return desk.render("console/parts/outbox.html", who=who, **await outbox_values(desk, who), problem=problem)
