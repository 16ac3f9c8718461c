"""What an operator does: each action is a form that posts here, and is done by the escalator in the operator's name.

What the escalator refuses comes back in place, as a sentence. Without JavaScript the same forms are pages of their own.
"""

import json
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from libs.common.errors import Forbidden, NotFound
from libs.common.events.incidents import Incident
from services.statuspage import handlers
from services.statuspage.api.console import (
    frame,
    incident_fragment,
    incident_values,
    outbox_fragment,
    outbox_values,
    prospect_of,
    seen,
)
from services.statuspage.api.context import Context, Desk, html, wants_fragment
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain import climb
from services.statuspage.domain import desk as views
from services.statuspage.peers import Action, PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

Sheet = Literal["verdict", "update", "escalate", "resolve", "rca"]
AUDIENCES: Final = ("team", "tenant", "client")
CALLS: Final[dict[str, Action]] = {
    "acknowledge": "acknowledge",
    "verdict": "verdict",
    "update": "updates",
    "escalate": "escalate",
    "resolve": "resolve",
    "rca": "rca",
}
DONE: Final[dict[str, str]] = {
    "acknowledge": "Acknowledged. Nobody else is paged.",
    "verdict": "Your verdict is on the record.",
    "update": "Your update is on its way.",
    "escalate": "The next rung is being paged.",
    "resolve": "Resolved. Everyone who was reached gets the closing word.",
    "rca": "The root cause analysis is on the record.",
}


@router.get("/incidents/{number}/{sheet}")
async def sheet_page(number: int, sheet: Sheet, request: Request, desk: Desk, who: SignedIn) -> Response:
    """The form of an action, which says first what it will do: in the dialog, or as a page."""
    return await _sheet(desk, who, number, sheet, FormData(), "", request)


@router.post("/incidents/{number}/acknowledge")
async def acknowledge(number: int, request: Request, desk: Desk, who: Acting) -> Response:
    """Take the incident: quiet, so that it is done at once."""
    try:
        await _act(desk, who, number, "acknowledge", {})
    except PeerRefused as error:
        return await _refused(desk, who, number, error, request)
    return await _done(desk, who, number, "acknowledge", request)


@router.post("/incidents/{number}/{sheet}")
async def act(number: int, sheet: Sheet, request: Request, desk: Desk, who: Acting) -> Response:
    """Do what a form asks for."""
    form = await request.form()
    body, problem = _body(sheet, form)
    if problem:
        return await _sheet(desk, who, number, sheet, form, problem, request, status=422)
    try:
        await _act(desk, who, number, sheet, body)
    except PeerRefused as error:
        return await _sheet(desk, who, number, sheet, form, error.detail, request, status=error.http_status)
    return await _done(desk, who, number, sheet, request)


@router.post("/outbox/{message_id}/reply")
async def reply(message_id: str, request: Request, desk: Desk, who: Acting) -> Response:
    """Answer a message as its recipient would by SMS or phone call."""
    form = await request.form()
    command: Literal["ACK", "RESOLVE"] = "RESOLVE" if form.get("command") == "RESOLVE" else "ACK"
    async with desk.uow.read() as session:
        message = await reading.outbox_message(session, message_id)
        about = await reading.incidents_by_id(session, [message.subject_id]) if message else {}
    incident = about.get(message.subject_id) if message else None
    if message is None or incident is None or not seen(who, incident):
        raise NotFound("There is no such message, or none that you may see.")
    problem, status, said = "", 200, ""
    try:
        _demand_operator(who)
        said = await desk.peers.reply(who.key, message_id, command)
    except (PeerRefused, Forbidden) as error:
        problem = error.detail
        status = error.http_status if isinstance(error, PeerRefused) else error.status
    said = f"{message.name} answered {command}. {said}".strip()
    if wants_fragment(request):
        return html(await outbox_fragment(desk, who, problem), status, None if problem else _say(said))
    if problem:
        values = await outbox_values(desk, who)
        return html(desk.render("console/outbox.html", **frame(who, "outbox"), **values, problem=problem), status)
    return RedirectResponse("/console/outbox", 303)


async def _act(desk: Context, who: Visitor, number: int, action: str, body: dict[str, Any]) -> None:
    """Ask the escalator, outside any transaction, and show its answer at once. Raises :class:`PeerRefused`."""
    incident = await _incident(desk, who, number)
    try:
        _demand_operator(who)
    except Forbidden as error:
        raise PeerRefused(error.detail, error.status) from error
    answer = await desk.peers.act(who.key, incident.id, CALLS[action], body)
    async with desk.uow.begin() as tx:
        await handlers.take_answer(tx, answer)


async def _incident(desk: Context, who: Visitor, number: int) -> Incident:
    async with desk.uow.read() as session:
        incident = await reading.incident_by_number(session, number)
    if incident is None or not seen(who, incident):
        raise NotFound(f"There is no incident {number}, or none that you may see.")
    return incident


def _demand_operator(who: Visitor) -> None:
    if not who.may_act:
        raise Forbidden(f"{who.principal.name} may look, but not act.")


Asked = tuple[dict[str, Any], str]
"""What the escalator is sent, or what is missing in the form."""


def _body(sheet: Sheet, form: FormData) -> Asked:
    match sheet:
        case "verdict":
            return _verdict(form)
        case "update":
            return _update(form)
        case "escalate":
            rung = str(form.get("rung", ""))
            return {"rung": int(rung)} if rung.isdecimal() else {}, ""
        case "rca":
            return _rca(form)
        case "resolve":
            return _note(form), ""


def _note(form: FormData) -> dict[str, Any]:
    note = str(form.get("note", "")).strip()
    return {"note": note} if note else {}


def _verdict(form: FormData) -> Asked:
    verdict = form.get("verdict")
    if verdict not in {"confirmed", "false_positive"}:
        return {}, "Choose whether it is confirmed or a false positive."
    return {**_note(form), "verdict": verdict}, ""


def _update(form: FormData) -> Asked:
    text = str(form.get("text", "")).strip()
    if not text:
        return {}, "Write what you know; nothing was sent."
    chosen = form.getlist("audiences")
    return {"text": text, "audiences": [one for one in AUDIENCES if one == "team" or one in chosen]}, ""


def _rca(form: FormData) -> Asked:
    url = str(form.get("url", "")).strip()
    if not url.startswith(("https://", "http://")):
        return {}, "Give the address of the root cause analysis, with https:// at its beginning."
    return {**_note(form), "url": url}, ""


async def _sheet(
    desk: Context,
    who: Visitor,
    number: int,
    sheet: Sheet,
    form: FormData,
    problem: str,
    request: Request,
    *,
    status: int = 200,
) -> Response:
    values = await incident_values(desk, who, number, ask=False)
    incident: Incident = values["incident"]
    now, rung, escalation = desk.clock.now(), climb.by_hand(incident), ""
    if sheet == "escalate" and rung:
        escalation = climb.escalation(incident, await prospect_of(desk, who, incident, rung), values["refs"])
    values |= {
        "sheet": sheet,
        "form": form,
        "problem": problem,
        "effect": views.effect(sheet, incident, len(values["reached"]), escalation, now),
        "promises": views.update_promises(incident, now),
        "rung": rung.number if rung and rung.number > incident.rung else None,
    }
    if wants_fragment(request):
        return html(desk.render("console/parts/sheet.html", who=who, **values), status)
    return html(desk.render("console/sheet.html", **frame(who, "incidents"), **values), status)


async def _refused(desk: Context, who: Visitor, number: int, error: PeerRefused, request: Request) -> Response:
    if wants_fragment(request):
        return html(await incident_fragment(desk, who, number, error.detail), error.http_status)
    values = await incident_values(desk, who, number)
    page = desk.render("console/incident.html", **frame(who, "incidents"), **values, problem=error.detail)
    return html(page, error.http_status)


async def _done(desk: Context, who: Visitor, number: int, action: str, request: Request) -> Response:
    """The incident as it is now; the dialog is closed by the event that goes with it."""
    if not wants_fragment(request):
        return RedirectResponse(f"/console/incidents/{number}", 303)
    headers = {"HX-Retarget": "#incident", "HX-Reswap": "outerMorph", **_say(DONE[action])}
    return html(await incident_fragment(desk, who, number), 200, headers)


def _say(text: str) -> dict[str, str]:
    """Have the page say that it was done."""
    return {"HX-Trigger": json.dumps({"said": {"text": text}})}
