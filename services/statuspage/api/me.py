"""One's own contacts, chains and quiet hours, for whoever is signed in with a key that stands for a person."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from services.statuspage import oncall
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.on_call import otherwise
from services.statuspage.api.people import NO_CODE, Address, At, Channel, Place, chains_of
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain import own, reach, record
from services.statuspage.peers import PeerRefused

router = APIRouter(prefix="/console/me", include_in_schema=False)

NOBODY: Final = (
    "Your key stands for nobody. An admin ties one to you: it is then yours alone, and changes how you are reached."
)
CHANNELS: Final = ("sms", "voice", "email", "slack")


@router.get("")
async def own_page(desk: Desk, who: SignedIn, at: Annotated[str, Query(max_length=70)] = "") -> Response:
    """How you are reached, and what you change of it; ``at`` is the contact that is being verified."""
    return html(await _page(desk, who, At(at)))


@router.post("/contacts")
async def add(desk: Desk, who: Acting, channel: Channel = "", address: Address = "") -> Response:
    """Add a contact."""
    body = {"channel": channel, "address": address.strip()}
    return await _do(desk, who, At("new"), partial(oncall.change_own, desk.peers, who.key, "POST", "/contacts", body))


@router.post("/remove")
async def remove(desk: Desk, who: Acting, channel: Channel = "", address: Address = "") -> Response:
    """Remove a contact."""
    path = oncall.own_contact(channel, address)
    return await _do(desk, who, At(), partial(oncall.change_own, desk.peers, who.key, "DELETE", path))


@router.post("/first")
async def first(desk: Desk, who: Acting, channel: Channel = "", address: Address = "") -> Response:
    """Put a contact first."""
    path = oncall.own_contact(channel, address, "/first")
    return await _do(desk, who, At(), partial(oncall.change_own, desk.peers, who.key, "POST", path))


@router.post("/arrangement")
async def arrange(request: Request, desk: Desk, who: Acting) -> Response:
    """Change chains and quiet hours."""
    form = {name: value.strip() for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        body = own.arrangement(form)
    except own.NotSaid as error:
        return html(await _page(desk, who, At("arrangement", str(error))), 422)
    changing = partial(oncall.change_own, desk.peers, who.key, "PUT", "/arrangement", body)
    return await _do(desk, who, At("arrangement"), changing)


@router.post("/forget")
async def forget(desk: Desk, who: Acting) -> Response:
    """Be reached as the configuration says again."""
    return await _do(desk, who, At(), partial(oncall.change_own, desk.peers, who.key, "DELETE"))


@router.post("/{place}/code")
async def send_code(place: Place, desk: Desk, who: Acting, channel: Channel = "", address: Address = "") -> Response:
    """Send a code to a contact, and lead to the field for it."""
    person = who.principal.person or ""
    contact = f"{person}.{place}"
    sending = partial(oncall.send_code, desk.peers, who.key, person, channel, address)
    return await _do(desk, who, At(contact), sending, f"?{urlencode({'at': contact})}")


@router.post("/{place}/confirm")
async def confirm(
    place: Place,
    desk: Desk,
    who: Acting,
    channel: Channel = "",
    address: Address = "",
    code: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Give the code back that came to a contact."""
    person = who.principal.person or ""
    contact, given = f"{person}.{place}", reach.code_of(code)
    if given is None:
        return html(await _page(desk, who, At(contact, NO_CODE)), 422)
    confirming = partial(oncall.confirm, desk.peers, who.key, person, channel, address, given)
    return await _do(desk, who, At(contact), confirming)


async def _do(desk: Context, who: Visitor, at: At, doing: Callable[[], Awaitable[object]], back: str = "") -> Response:
    """Do something, and lead back to the page; a refusal is told where it was asked for."""
    if who.principal.person is None:
        return html(await _page(desk, who, At()), 403)
    try:
        await doing()
    except PeerRefused as error:
        return html(await _page(desk, who, At(at.contact, error.detail)), error.http_status)
    return RedirectResponse(f"/console/me{back}", 303)


async def _page(desk: Context, who: Visitor, at: At) -> str:
    found, trouble = None, NOBODY
    if who.principal.person is not None:
        found, trouble = await otherwise(oncall.own(desk.peers, who.key), None)
    values: dict[str, Any] = {"person": found, "at": at, "channel_name": record.channel, "channels": CHANNELS}
    problems = [trouble] if trouble else []
    if found is not None:
        contacts = reach.contacts([point.channel for point in found.contacts])
        unverified = sum(not point.verified for point in found.contacts)
        chains = {"high": found.chain.high, "low": found.chain.low}
        values |= {
            "summary": reach.own_summary(len(found.contacts), unverified),
            "tone": "down" if not found.contacts else "degraded" if unverified else "ok",
            "names": dict(zip(contacts, found.contacts, strict=True)),
            "chains": {
                urgency: own.step_rows([(one.contact, one.after) for one in steps], len(contacts))
                for urgency, steps in chains.items()
            },
            "told_chains": chains_of(found),
            "quiet": own.quiet_rows([(one.days, one.hours) for one in found.quiet_hours]),
            "days": dict(zip(reach.DAYS, reach.NAMES, strict=True)),
        }
        places = {"new", "arrangement", *(f"{found.id}.{place}" for place in range(len(contacts)))}
        problems += [at.problem] if at.problem and at.contact not in places else []
    return desk.render("console/me.html", **frame(who, "me"), **values, problems=problems)
