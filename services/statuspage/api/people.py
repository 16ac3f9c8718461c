"""People: how each is reached, and codes that show that a contact reaches them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Path, Query
from starlette.responses import RedirectResponse, Response

from services.statuspage import oncall
from services.statuspage.api.console import frame
from services.statuspage.api.context import Context, Desk, html
from services.statuspage.api.on_call import otherwise
from services.statuspage.api.session import Acting, SignedIn, Visitor
from services.statuspage.domain import reach, record
from services.statuspage.oncall import Reachable, Shifts
from services.statuspage.peers import PeerRefused

router = APIRouter(prefix="/console/people", include_in_schema=False)

NOT_ALLOWED: Final = "Only operators of all tenants see how people are reached."
NO_CODE: Final = f"A code is {reach.DIGITS} digits; give it as it came."
MOMENT: Final = timedelta(minutes=1)
"""Whoever has a shift within it is on shift."""

PersonId = Annotated[str, Path(max_length=63)]
Place = Annotated[int, Path(ge=0, le=999)]
"""Which of a person's contacts, from 0."""
Channel = Annotated[str, Form(max_length=32)]
Address = Annotated[str, Form(max_length=320)]


@dataclass(frozen=True)
class At:
    """The contact that somebody is busy with, as the address holds it, and what went wrong there."""

    contact: str = ""
    problem: str = ""


@router.get("")
async def people_page(desk: Desk, who: SignedIn, at: Annotated[str, Query(max_length=70)] = "") -> Response:
    """Everybody with their contacts, those first whom nobody may reach; ``at`` is the contact that is being verified."""
    return html(await _page(desk, who, At(at)))


@router.post("/{person}/{place}/code")
async def send_code(
    person: PersonId, place: Place, desk: Desk, who: Acting, channel: Channel = "", address: Address = ""
) -> Response:
    """Send a code to a contact, and lead to the field for it."""
    contact = f"{person}.{place}"
    sending = partial(oncall.send_code, desk.peers, who.key, person, channel, address)
    return await _do(desk, who, contact, sending, f"?{urlencode({'at': contact})}")


@router.post("/{person}/{place}/confirm")
async def confirm(
    person: PersonId,
    place: Place,
    desk: Desk,
    who: Acting,
    channel: Channel = "",
    address: Address = "",
    code: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Give the code back that came to a contact."""
    contact, given = f"{person}.{place}", reach.code_of(code)
    if given is None:
        return html(await _page(desk, who, At(contact, NO_CODE)), 422)
    confirming = partial(oncall.confirm, desk.peers, who.key, person, channel, address, given)
    return await _do(desk, who, contact, confirming, f"#person-{quote(person, safe='')}")


async def _do(desk: Context, who: Visitor, contact: str, doing: Callable[[], Awaitable[None]], back: str) -> Response:
    """Do something with a contact, and lead ``back`` on the page; a refusal is told beside the contact."""
    if not _sees(who):
        return html(await _page(desk, who, At()), 403)
    try:
        await doing()
    except PeerRefused as error:
        return html(await _page(desk, who, At(contact, error.detail)), error.http_status)
    return RedirectResponse(f"/console/people{back}", 303)


def _sees(who: Visitor) -> bool:
    """Whether they see anybody's contacts: everybody's, or their own."""
    return who.may_act_for_all or who.principal.person is not None


async def _page(desk: Context, who: Visitor, at: At) -> str:
    people: tuple[Reachable, ...] = ()
    problems: list[str] = []
    on_shift: dict[str, list[str]] = {}
    if _sees(who):
        (people, trouble), on_shift = await asyncio.gather(
            otherwise(oncall.everybody(desk.peers, who.key), ()), _on_shift(desk, who)
        )
        problems = [trouble] if trouble else []
    else:
        problems = [NOT_ALLOWED]
    shown = {f"{one.id}.{place}" for one in people for place in range(len(one.contacts))}
    if at.problem and at.contact not in shown:
        problems.append(at.problem)
    unverified = [one for one in people if not all(point.verified for point in one.contacts)]
    without = [one for one in people if not one.contacts]
    values: dict[str, Any] = {
        "summary": _summary(who, people, unverified, without)
        if not problems or people
        else "How people are reached cannot be told",
        "tone": "plain" if not people else "down" if without else "degraded" if unverified else "ok",
        "groups": [
            ("without", "No contact at all", without),
            ("unverified", "Contacts to verify", unverified),
            ("verified", "Verified", [one for one in people if one not in unverified and one not in without]),
        ],
        "on_shift": on_shift,
        "at": at,
        "problems": problems,
        "chains_of": chains_of,
        "quiet": reach.quiet,
        "channel_name": record.channel,
    }
    return desk.render("console/people.html", **frame(who, "on-call"), **values)


def _summary(who: Visitor, people: tuple[Reachable, ...], unverified: list[Reachable], without: list[Reachable]) -> str:
    if not who.may_act_for_all and people:
        own = people[0].contacts
        return reach.own_summary(len(own), sum(not point.verified for point in own))
    return reach.summary(len(people), len(unverified), len(without))


def chains_of(person: Reachable) -> list[tuple[str, str]]:
    """In which order their contacts are used, by urgency; once, where it is the same."""
    channels = [point.channel for point in person.contacts]
    if not channels:
        return []
    high, low = (
        reach.chain([(step.contact, step.after) for step in steps], channels, high=urgent)
        for steps, urgent in ((person.chain.high, True), (person.chain.low, False))
    )
    return [("Order", high)] if high == low else [("To act", high), ("Other", low)]


async def _on_shift(desk: Context, who: Visitor) -> dict[str, list[str]]:
    """Who is on shift now, and where; what oncall does not say is left out."""
    now, peers, key = desk.clock.now(), desk.peers, who.key
    rotas, _ = await otherwise(oncall.schedules(peers, key), ())
    found = await asyncio.gather(
        *(
            otherwise(oncall.shifts(peers, key, rota.id, now, now + MOMENT), Shifts(schedule=rota.id, shifts=()))
            for rota in rotas
        )
    )
    told: dict[str, list[str]] = {}
    for rota, (answer, _) in zip(rotas, found, strict=True):
        for shift in answer.shifts:
            if shift.person and shift.since <= now:
                role = "" if shift.role == "primary" else f" ({shift.role})"
                told.setdefault(shift.person.id, []).append(f"{rota.name}{role}")
    return told
