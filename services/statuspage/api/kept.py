"""What intake could not understand: each of these bodies may be an alarm that nobody heard. A person says what becomes of it."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.statuspage import intake
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html, wants_fragment
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain import raw
from services.statuspage.domain.desk import SEVERITIES
from services.statuspage.domain.search import KINDS
from services.statuspage.intake import Kept, KeptBody
from services.statuspage.peers import PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

COUNTED: Final = 100
"""So many are counted on the home page; what is more is told as more."""

LISTED: Final = 10
"""Bodies on one page of the list."""

SHOWN_IN_LIST: Final = 3_000
"""Characters of each body in the list; its own page shows more."""

STATES: Final[Mapping[str, str]] = {
    "waiting": "Waiting",
    "opened": "Incident",
    "replayed": "Replayed",
    "dismissed": "Dismissed",
    "all": "All",
}
NOT_ALLOWED: Final = "Only operators of all tenants see what is in quarantine."

State = Literal["waiting", "opened", "replayed", "dismissed", "all"]
What = Literal["incident", "dismiss"]
PARTS: Final[Mapping[What, str]] = {"incident": "incident-of", "dismiss": "dismiss"}


@router.get("/parts/quarantine")
async def quarantine_part(desk: Desk, who: SignedIn) -> Response:
    """How many bodies wait, and since when."""
    kept: tuple[Kept, ...] = ()
    problem = NOT_ALLOWED
    if who.may_act_for_all:
        try:
            kept, problem = (await intake.quarantine(desk.peers, who.key, {}, COUNTED)).quarantine, ""
        except PeerRefused as error:
            problem = error.detail
    return html(desk.render("console/parts/quarantine.html", kept=kept, most=COUNTED, problem=problem))


@router.get("/quarantine")
async def quarantine_page(
    desk: Desk,
    who: SignedIn,
    q: Annotated[str, Query(max_length=200)] = "",
    state: State = "waiting",
    cursor: UUID | None = None,
) -> Response:
    """The bodies with why each could not be understood, the newest first; the address holds the filter."""
    bodies: list[KeptBody] = []
    following, problem = None, "" if who.may_act_for_all else NOT_ALLOWED
    if not problem:
        wanted = {"q": q.strip(), "state": state, "cursor": str(cursor or "")}
        asked = {name: value for name, value in wanted.items() if value}
        try:
            page = await intake.quarantine(desk.peers, who.key, asked, LISTED)
            following = page.next_cursor
            bodies = await asyncio.gather(*(intake.kept_body(desk.peers, who.key, one.id) for one in page.quarantine))
        except PeerRefused as error:
            problem = error.detail
    values = {
        "bodies": [(one, raw.readable(one.delivery.body, one.delivery.encoding, SHOWN_IN_LIST)) for one in bodies],
        "following": following,
        "problem": problem,
        "first": cursor is None,
        "q": q,
        "state": state,
        "states": STATES,
    }
    return html(desk.render("console/quarantine.html", **frame(who, "quarantine"), **values))


@router.get("/quarantine/{kept_id}")
async def kept_page(kept_id: UUID, desk: Desk, who: SignedIn) -> Response:
    """One body, by its id or by its delivery's, which is what the message about it names."""
    return await _page(desk, who, kept_id, FormData(), "")


@router.get("/quarantine/{kept_id}/{what}")
async def settle_form(kept_id: UUID, what: What, request: Request, desk: Desk, who: SignedIn) -> Response:
    """The form that says what becomes of a body: in the dialog, or as a page."""
    if not who.may_act_for_all:
        return await _page(desk, who, kept_id, FormData(), NOT_ALLOWED, 403)
    try:
        kept = await intake.kept_body(desk.peers, who.key, kept_id)
    except PeerRefused as error:
        return await _page(desk, who, kept_id, FormData(), error.detail, error.http_status)
    values = {"kept": kept, "form": FormData(), "problem": "", **await _choices(desk)}
    if wants_fragment(request):
        return html(desk.render(f"console/parts/{PARTS[what]}.html", who=who, in_dialog=True, **values))
    return html(
        desk.render("console/form.html", **frame(who, "quarantine"), form_part=PARTS[what], in_dialog=False, **values)
    )


@router.post("/quarantine/{kept_id}/incident")
async def make_incident(kept_id: UUID, request: Request, desk: Desk, who: Acting) -> Response:
    """Make an incident of a body, as the form says; what it leaves empty is taken from the body. A second time opens nothing."""
    form = await request.form()
    if not who.may_act_for_all:
        return await _page(desk, who, kept_id, form, NOT_ALLOWED, 403)
    given = {name: str(form.get(name, "")).strip() for name in ("title", "kind", "severity", "service")}
    told: dict[str, Any] = {name: value for name, value in given.items() if value}
    told["tenants"] = form.getlist("tenants")
    try:
        opened = await intake.make_incident(desk.peers, who.key, kept_id, told)
    except PeerRefused as error:
        return await _page(desk, who, kept_id, form, error.detail, error.http_status)
    return RedirectResponse(f"/console/triggers/{opened.trigger_id}", 303)


@router.post("/quarantine/{kept_id}/dismiss")
async def dismiss(kept_id: UUID, request: Request, desk: Desk, who: Acting) -> Response:
    """Say that nothing is to be done about a body, and why."""
    form = await request.form()
    if not who.may_act_for_all:
        return await _page(desk, who, kept_id, form, NOT_ALLOWED, 403)
    note = str(form.get("note", "")).strip()
    try:
        kept = await intake.dismiss(desk.peers, who.key, kept_id, note)
    except PeerRefused as error:
        return await _page(desk, who, kept_id, form, error.detail, error.http_status)
    return RedirectResponse(f"/console/quarantine/{kept.id}", 303)


async def _page(
    desk: Context, who: Visitor, kept_id: UUID, form: FormData, problem: str, status: int = 200
) -> Response:
    kept: KeptBody | None = None
    if not who.may_act_for_all:
        problem, status = NOT_ALLOWED, 403
    else:
        try:
            kept = await intake.kept_body(desk.peers, who.key, kept_id)
        except PeerRefused as error:
            problem, status = problem or error.detail, error.http_status
    values = {
        "kept": kept,
        "body": raw.readable(kept.delivery.body, kept.delivery.encoding) if kept else None,
        "form": form,
        "problem": problem,
        "in_dialog": False,
        **await _choices(desk),
    }
    return html(desk.render("console/kept.html", **frame(who, "quarantine"), **values), status)


async def _choices(desk: Context) -> dict[str, Any]:
    """What the form of an incident lets choose from."""
    async with desk.uow.read() as session:
        services = await reading.nouns(session, "service")
        tenants = await reading.nouns(session, "tenant")
    return {"services": services, "tenants": tenants, "kinds": KINDS, "severities": SEVERITIES}
