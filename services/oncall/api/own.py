"""One's own record, for whoever has a key that stands for a person: contacts, chains and quiet hours. Nobody else's is reached from here."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.common.auth import Principal, Viewer
from libs.common.errors import FieldProblem, Forbidden, Invalid
from services.oncall.api.contacts import Reached, reached
from services.oncall.api.edge import Work
from services.oncall.domain import own as domain
from services.oncall.domain.people import Chains, ContactPoint, QuietHours
from services.oncall.handlers import own as handlers
from services.oncall.handlers.own import Doing
from services.oncall.store import directory as directory_store
from services.oncall.store import own as own_store
from services.oncall.store import verifications

router = APIRouter(prefix="/v1/own", tags=["own record"])

ChannelName = Literal["sms", "voice", "email", "slack"]


class OwnRecord(Reached):
    """How you are reached."""

    changed_at: datetime | None
    """When you changed it last; ``null`` where the configuration counts."""


class NewContact(BaseModel):
    """A contact of yours."""

    model_config = ConfigDict(extra="forbid")

    channel: ChannelName
    address: Annotated[str, Field(min_length=1, max_length=320, examples=["+15550100"])]


class Arrangement(BaseModel):
    """In which order you are tried, and when what can wait waits."""

    model_config = ConfigDict(extra="forbid")

    chain: Chains = Chains()
    quiet_hours: Annotated[tuple[QuietHours, ...], Field(max_length=20)] = ()


@router.get("", summary="How you are reached")
async def get_own(principal: Viewer, work: Work) -> OwnRecord:
    """Your contacts, each with whether it is verified; chains and quiet hours."""
    return await _shown(_person(principal), work)


@router.post("/contacts", status_code=201, summary="Add a contact")
async def add_contact(contact: NewContact, principal: Viewer, work: Work) -> OwnRecord:
    """Add one, the last of the order. It is not verified until its code is confirmed."""
    try:
        point = ContactPoint(channel=contact.channel, address=contact.address.strip())
    except ValidationError as error:
        detail = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise Invalid(f"{detail[:1].upper()}{detail[1:]}.", problems=(FieldProblem("#/address", detail),)) from error
    return await _changed(principal, work, lambda own, _: domain.added(own, point))


@router.delete("/contacts/{channel}", summary="Remove a contact")
async def remove_contact(
    channel: ChannelName, address: Annotated[str, Query(max_length=320)], principal: Viewer, work: Work
) -> OwnRecord:
    """Remove one, and the steps that use it. Neither the only one is removed, nor the only one that is verified."""
    return await _changed(principal, work, lambda own, proved: domain.removed(own, (channel, address), proved))


@router.post("/contacts/{channel}/first", summary="Put a contact first")
async def put_first(
    channel: ChannelName, address: Annotated[str, Query(max_length=320)], principal: Viewer, work: Work
) -> OwnRecord:
    """Try it before the others, where a chain says nothing else."""
    return await _changed(principal, work, lambda own, _: domain.first(own, (channel, address)))


@router.put("/arrangement", summary="Change your chains and quiet hours")
async def arrange(wanted: Arrangement, principal: Viewer, work: Work) -> OwnRecord:
    """Both chains and all quiet hours as they are to be. Quiet hours hold what can wait, never a page."""
    return await _changed(principal, work, lambda own, _: domain.arranged(own, wanted.chain, wanted.quiet_hours))


@router.delete("", summary="Forget what you changed")
async def forget(principal: Viewer, work: Work) -> OwnRecord:
    """You are reached as the configuration says again."""
    person = _person(principal)
    async with work.begin() as tx:
        await handlers.forget(tx, person, principal.id)
    return await _shown(person, work)


async def _changed(principal: Principal, work: Work, doing: Doing) -> OwnRecord:
    person = _person(principal)
    async with work.begin() as tx:
        await handlers.change(tx, person, doing, principal.id)
    return await _shown(person, work)


async def _shown(person_id: str, work: Work) -> OwnRecord:
    async with work.read() as session:
        person = (await directory_store.directory(session)).people.get(person_id)
        known = await verifications.of_person(session, person_id)
        own = await own_store.of_person(session, person_id)
    return OwnRecord(**reached(person, person_id, known), changed_at=own[1] if own else None)


def _person(principal: Principal) -> str:
    """Whom the key stands for. Raises :class:`Forbidden`."""
    if principal.person is None:
        raise Forbidden(
            f"{principal.name} stands for nobody: an admin ties a key to a person, with `person` of its principal."
        )
    return principal.person
