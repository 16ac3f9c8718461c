"""Opening an incident by hand: somebody on the phone knows what no alarm says."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.statuspage import handlers
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain.desk import SEVERITIES
from services.statuspage.peers import PeerRefused
from services.statuspage.store import reading

router = APIRouter(prefix="/console", include_in_schema=False)

KINDS: Final = {
    "ticket": "A user told us",
    "telemetry": "We see it in the monitoring",
    "provider": "A provider announced it",
    "tool": "A tool's owner told us",
}
CATEGORIES: Final = {
    "": "As usual for how it became known",
    "system_down": "The system is down",
    "service_down": "A service does not work",
    "process_blocked": "Users cannot complete their work",
}
KEY_BITS: Final = 96


async def _form(request: Request) -> FormData:
    return await request.form()


@router.get("/incidents/new")
async def new_incident(desk: Desk, who: SignedIn) -> Response:
    """The form, which says first what it will do."""
    return await _page(desk, who, FormData({"dedup_key": f"console-{desk.chance.token(KEY_BITS)}"}), "")


@router.post("/incidents/new")
async def open_incident(desk: Desk, who: Acting, form: Annotated[FormData, Depends(_form)]) -> Response:
    """Open it through the escalator. The form's own key makes a second press of the button harmless."""
    if not who.may_act:
        return await _page(desk, who, form, f"{who.principal.name} may look, but not act.", 403)
    body, problem = _body(form)
    if problem:
        return await _page(desk, who, form, problem, 422)
    try:
        incident = await desk.peers.open(who.key, body)
    except PeerRefused as error:
        return await _page(desk, who, form, error.detail, error.http_status)
    async with desk.uow.begin() as tx:
        await handlers.take_answer(tx, incident)
    return RedirectResponse(f"/console/incidents/{incident.number}", 303)


def _body(form: FormData) -> tuple[dict[str, Any], str]:
    """What the escalator is sent, or what is missing in the form."""
    title = _said(form, "title")
    if not title:
        return {}, "Say in a few words what is wrong; nothing was opened."
    if _said(form, "kind") not in KINDS or _said(form, "severity") not in SEVERITIES:
        return {}, "Choose how it became known and how bad it is; nothing was opened."
    given = {name: _said(form, name) for name in ("title", "description", "kind", "severity", "category", "service")}
    body: dict[str, Any] = {name: value for name, value in given.items() if value}
    return {**body, "tenants": form.getlist("tenants"), "dedup_key": _said(form, "dedup_key") or None}, ""


def _said(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()


async def _page(desk: Context, who: Visitor, form: FormData, problem: str, status: int = 200) -> Response:
    async with desk.uow.read() as session:
        services = await reading.nouns(session, "service")
        tenants = await reading.nouns(session, "tenant")
    if who.principal.tenants is not None:
        tenants = {id_: name for id_, name in tenants.items() if id_ in who.principal.tenants}
    values = {
        "form": form,
        "problem": problem,
        "services": services,
        "tenants": tenants,
        "kinds": KINDS,
        "categories": CATEGORIES,
        "severities": SEVERITIES,
    }
    return html(desk.render("console/new.html", **frame(who, "incidents"), **values), status)
