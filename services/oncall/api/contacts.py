"""The contacts of a person, and codes that verify them: for whoever sees contacts, and for the person themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from libs.common.auth import Principal, Viewer
from libs.common.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from services.oncall.api.edge import Measures, Work, sees_contacts
from services.oncall.domain.people import Chains, ContactPoint, Person, QuietHours
from services.oncall.domain.verification import DIGITS, GivenReason, Verification
from services.oncall.handlers import contacts as handlers
from services.oncall.store import directory as directory_store
from services.oncall.store import verifications
from services.oncall.store.verifications import Place

router = APIRouter(prefix="/v1/people/{person_id}/contacts", tags=["directory"])
everybody = APIRouter(prefix="/v1/contacts", tags=["directory"])

PersonId = Annotated[str, Path(max_length=63, examples=["stefania"])]
Channel = Annotated[str, Path(max_length=32, examples=["sms"])]

_REFUSED: Final[dict[GivenReason, str]] = {
    "expired": "The code has expired; ask for a new one.",
    "spent": "Too many wrong codes were given; ask for a new one.",
    "never_asked": "No code waits to be confirmed for this contact; ask for one.",
}


class Shown(BaseModel):
    """A contact, and why it counts as verified: somebody ``vouched`` for it in the configuration, or a ``code`` proved it."""

    channel: str
    address: str
    verified: Literal["code", "vouched"] | None
    verified_at: datetime | None = None
    verified_by: str | None = None
    """The principal that gave the code. Who vouched stands in the audit."""
    code_expires_at: datetime | None = None
    """Until when the code that was sent last is good."""


class Contacts(BaseModel):
    """The contacts of a person, in the order in which they are tried."""

    contacts: list[Shown]


class Reached(Contacts):
    """Somebody, and how they are reached: by which contacts, in which chain, and when what can wait waits."""

    id: str
    name: str
    title: str
    zone: str
    chain: Chains
    quiet_hours: tuple[QuietHours, ...]


class Everybody(BaseModel):
    """People in the order of the configuration."""

    people: list[Reached]


class Wish(BaseModel):
    """Which contact is meant, where the person has several of the channel."""

    address: Annotated[str | None, Field(max_length=320)] = None


class Given(Wish):
    """The code that came."""

    code: Annotated[str, Field(pattern=rf"^\s*\d{{{DIGITS}}}\s*$", examples=["042917"])]


class Sent(BaseModel):
    """A code is on its way."""

    channel: str
    expires_at: datetime


class Confirmed(BaseModel):
    """The contact is verified."""

    channel: str
    verified: Literal["code"] = "code"


@router.get("", summary="The contacts of a person")
async def list_contacts(person_id: PersonId, principal: Viewer, work: Work) -> Contacts:
    """Each with whether it is verified, how, since when and by whom."""
    _refuse_others(principal, person_id)
    async with work.read() as session:
        directory = await directory_store.directory(session)
        known = await verifications.of_person(session, person_id)
    person = directory.people.get(person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id!r}.")
    return Contacts(contacts=_contacts(person, known))


@everybody.get("", summary="How everybody is reached")
async def list_everybody(principal: Viewer, work: Work) -> Everybody:
    """Everybody with contacts, chain and quiet hours; a key that stands for a person and sees nobody else's is told its own."""
    if not sees_contacts(principal) and principal.person is None:
        raise Forbidden(f"{principal.name} may not see anybody's contacts.")
    async with work.read() as session:
        directory = await directory_store.directory(session)
        known = await verifications.of_everybody(session)
    told = [one for one in directory.people.values() if sees_contacts(principal) or one.id == principal.person]
    return Everybody(people=[Reached(**reached(one, one.id, known)) for one in told])


@router.post("/{channel}/verification", status_code=202, summary="Send a code to a contact")
async def send_code(
    person_id: PersonId,
    channel: Channel,
    principal: Viewer,
    work: Work,
    measures: Measures,
    wish: Wish | None = None,
) -> Sent:
    """Six digits, good for ten minutes. At most one a minute and five an hour for one contact."""
    _refuse_others(principal, person_id)
    address = wish.address if wish else None
    async with work.begin() as tx:
        until = await handlers.ask(tx, person_id, channel, address, principal.id, measures)
    return Sent(channel=channel, expires_at=until)


@router.post("/{channel}/verification/confirm", summary="Give the code back")
async def confirm_code(
    person_id: PersonId, channel: Channel, given: Given, principal: Viewer, work: Work, measures: Measures
) -> Confirmed:
    """The code proves that the contact reaches the person. After five wrong ones it is void."""
    _refuse_others(principal, person_id)
    async with work.begin() as tx:
        reason, left = await handlers.give(
            tx, person_id, channel, given.address, given.code.strip(), principal.id, measures
        )
    if reason == "wrong":
        detail = f"is not the code that was sent; {left} more {'try' if left == 1 else 'tries'}"
        raise Invalid(f"This {detail}.", problems=(FieldProblem("#/code", detail),))
    if reason != "verified":
        raise Conflict(_REFUSED[reason])
    return Confirmed(channel=channel)


def reached(person: Person | None, person_id: str, known: Mapping[Place, Verification]) -> dict[str, Any]:
    """The fields of :class:`Reached`. Raises :class:`NotFound` where there is nobody."""
    if person is None:
        raise NotFound(f"There is no person {person_id!r}.")
    fields = {"id", "name", "title", "zone", "chain", "quiet_hours"}
    return {**person.model_dump(include=fields), "contacts": _contacts(person, known)}


def _contacts(person: Person, known: Mapping[Place, Verification]) -> list[Shown]:
    return [
        _shown(point, known.get((person.id, point.channel, point.address), Verification())) for point in person.contacts
    ]


def _shown(point: ContactPoint, known: Verification) -> Shown:
    how: Literal["code", "vouched"] | None = "vouched" if point.verified else None
    return Shown(
        channel=point.channel,
        address=point.address,
        verified="code" if known.verified_at else how,
        verified_at=known.verified_at,
        verified_by=known.verified_by,
        code_expires_at=known.expires_at(),
    )


def _refuse_others(principal: Principal, person_id: str) -> None:
    """Contacts are for whoever acts on incidents of every tenant, and one's own for oneself."""
    if principal.person != person_id and not sees_contacts(principal):
        raise Forbidden(f"{principal.name} may not see the contacts of {person_id}.")
