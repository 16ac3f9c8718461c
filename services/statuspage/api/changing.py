"""Changes of a rota by form: overrides, absences, swaps and temporary spans, each shown with what it would do before it is made; and calendars."""

from collections.abc import Awaitable
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.statuspage import oncall
from services.statuspage.api import on_call
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html, wants_fragment
from services.statuspage.api.on_call import DEFAULT, View, otherwise
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain import changes, lanes
from services.statuspage.domain.changes import CHANGED, EFFECTS, TITLES, Kind, NoChange
from services.statuspage.domain.lanes import Weeks
from services.statuspage.oncall import Effect
from services.statuspage.peers import PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console/on-call", include_in_schema=False)

NOT_ALLOWED: Final = "Only operators of all tenants change who is on call."
GONE: Final = "This is over, or was taken back."
Listed = Literal["override", "span", "absence", "swap"]
Answer = Literal["take", "decline"]


@router.get("/change/{kind}")
async def change_form(kind: Kind, request: Request, desk: Desk, who: SignedIn) -> Response:
    """The form of a change; the address may fill it in, or name the one that is to be changed."""
    form = dict(request.query_params)
    if kind not in CHANGED or not form.get("change"):
        soon = changes.soon(desk.clock.now(), lanes.zone_of(form.get("zone", "")))
        return await _form(desk, who, kind, {**soon, **form} if not form.get("starts_at") else form, request)
    path = changes.path_of(kind, form.get("schedule") or DEFAULT)
    try:
        found = {str(one.id): one for one in await oncall.changes(desk.peers, who.key, path)}
    except PeerRefused as error:
        return await _form(desk, who, kind, form, request, error.detail, error.http_status)
    if form["change"] not in found:
        return await _form(desk, who, kind, form, request, GONE, 404)
    seen = found[form["change"]]
    known = changes.filled(seen.change, lanes.zone_of(form.get("zone", "")))
    return await _form(desk, who, kind, {**form, **known, "version": seen.version}, request)


@router.post("/change/{kind}")
async def change(kind: Kind, request: Request, desk: Desk, who: Acting) -> Response:
    """Show what a change would do, or make it."""
    form = _texts(await request.form())
    if not who.may_act_for_all:
        return await _form(desk, who, kind, form, request, NOT_ALLOWED, 403)
    if form.get("step") == "more":
        return await _form(desk, who, kind, form, request)
    zone = lanes.zone_of(form.get("zone", ""))
    preview = form.get("step") != "save" and kind != "swap"
    try:
        asked = changes.asked(kind, form.get("schedule") or DEFAULT, form, zone)
        effect = await oncall.make(desk.peers, who.key, asked.path, asked.body, method=asked.method, preview=preview)
    except NoChange as error:
        return await _form(desk, who, kind, form, request, str(error), 422)
    except PeerRefused as error:
        return await _form(desk, who, kind, form, request, error.detail, error.http_status)
    if preview:
        return await _form(desk, who, kind, form, request, effect=effect)
    return _back(request, form)


@router.post("/take-back/{kind}/{change_id}")
async def take_back(kind: Listed, change_id: UUID, request: Request, desk: Desk, who: Acting) -> Response:
    """Take a change back; one that is under way ends now."""
    form = _texts(await request.form())
    path = changes.path_of(kind, form.get("schedule") or DEFAULT)
    return await _do(desk, who, form, oncall.take_back(desk.peers, who.key, f"{path}/{change_id}"))


@router.post("/swap/{swap_id}/{answer}")
async def answer_swap(swap_id: UUID, answer: Answer, request: Request, desk: Desk, who: Acting) -> Response:
    """Take a swap, or decline it."""
    form = _texts(await request.form())
    path = changes.path_of("swap", form.get("schedule") or DEFAULT)
    body = {"person": form["person"]} if form.get("person") else {}
    return await _do(desk, who, form, oncall.answer(desk.peers, who.key, f"{path}/{swap_id}/{answer}", body))


@router.post("/feeds")
async def make_feed(request: Request, desk: Desk, who: Acting) -> Response:
    """Make a calendar feed of a rota or of a person; its address is shown this once."""
    form = _texts(await request.form())
    of, _, entity = form.get("of", "").partition(":")
    looked = _view(form)
    try:
        feed = await oncall.make_feed(desk.peers, who.key, of, entity)
    except PeerRefused as error:
        return html(await on_call.page(desk, who, looked, error.detail), error.http_status)
    return html(await on_call.page(desk, who, looked, feed=feed))


@router.post("/feeds/{feed_id}/revoke")
async def revoke_feed(feed_id: UUID, request: Request, desk: Desk, who: Acting) -> Response:
    """Its address opens nothing any more."""
    form = _texts(await request.form())
    return await _do(desk, who, form, oncall.take_back(desk.peers, who.key, f"feeds/{feed_id}"))


async def _do(desk: Context, who: Visitor, form: dict[str, str], doing: Awaitable[object]) -> Response:
    """Do something, and lead back to where they were; a refusal is told there."""
    try:
        await doing
    except PeerRefused as error:
        return html(await on_call.page(desk, who, _view(form), error.detail), error.http_status)
    return RedirectResponse(_address(form), 303)


def _back(request: Request, form: dict[str, str]) -> Response:
    """To where they were."""
    if wants_fragment(request):
        return Response(status_code=200, headers={"HX-Redirect": _address(form)})
    return RedirectResponse(_address(form), 303)


async def _form(
    desk: Context,
    who: Visitor,
    kind: Kind,
    form: dict[str, str],
    request: Request,
    problem: str = "",
    status: int = 200,
    effect: Effect | None = None,
) -> Response:
    zone = lanes.zone_of(form.get("zone", ""))
    async with desk.uow.read() as session:
        people = await reading.nouns(session, "person")
    schedule = form.get("schedule") or DEFAULT
    rotas, _ = await otherwise(oncall.schedules(desk.peers, who.key), ())
    values: dict[str, Any] = {
        "kind": kind,
        "title": CHANGED.get(kind, TITLES[kind]) if form.get("change") else TITLES[kind],
        "says": EFFECTS[kind],
        "form": form,
        "rows": _rows(form) if kind == "span" else [],
        "zone": zone,
        "schedule": schedule,
        "rota": next((rota.name for rota in rotas if rota.id == schedule), schedule),
        "people": people,
        "roles": lanes.ROLES,
        "effect": effect,
        "spoken": lanes.spoken,
        "problem": problem if who.may_act_for_all else NOT_ALLOWED,
        "looked": _view(form),
        "in_dialog": wants_fragment(request),
    }
    if wants_fragment(request):
        return html(desk.render("console/parts/change.html", who=who, **values))
    return html(desk.render("console/change.html", **frame(who, "on-call"), **values), status)


def _rows(form: dict[str, str]) -> list[dict[str, str]]:
    """The shifts of a temporary span to fill in: those that are there, and one more where that was asked for, or where none is."""
    found = changes.rows(form)
    more = form.get("step") == "more" or not found
    return [*found, *([{"person": "", "role": "", "starts_at": "", "ends_at": ""}] if more else [])]


def _texts(form: FormData) -> dict[str, str]:
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


def _view(form: dict[str, str]) -> View:
    """Where they were, as the form remembers it."""
    weeks: Weeks = 4 if form.get("weeks") == "4" else 1
    return View(
        form.get("schedule") or DEFAULT,
        on_call.day(form.get("from", "")),
        weeks,
        lanes.zone_of(form.get("zone", "")),
        "",
    )


def _address(form: dict[str, str]) -> str:
    return f"/console/on-call?{_view(form).address()}"
