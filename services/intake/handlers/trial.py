"""A body is tried out: what would become of it if it came by one of the ways in. Nothing is stored, nobody is paged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import UnitOfWork
from libs.common.errors import Invalid, NotFound, TocsinError
from services.intake.domain.drop_in import ALIAS, CALL
from services.intake.domain.form import Field, NoForm, fields_of
from services.intake.domain.integration import Integration, IntegrationRecord
from services.intake.domain.mapping import LABEL_LIMIT, clean
from services.intake.domain.opsgenie import body_of
from services.intake.domain.polling import Answer
from services.intake.domain.posted_mail import mailgun_letter, sendgrid_letter, signed_part
from services.intake.domain.signatures import Signed
from services.intake.domain.trigger import Ignored, Reading
from services.intake.domain.ways import ADDRESSES, PostedMail, Way, mail_service_of, way_of
from services.intake.handlers import heartbeats, series
from services.intake.handlers.guard import Guard
from services.intake.handlers.mail import MAIL
from services.intake.handlers.senders import integration_of, source_named
from services.intake.handlers.understand import understand
from services.intake.handlers.watch import Watcher
from services.intake.sources.base import Arrival, Network
from services.intake.sources.heartbeat import SOURCE as HEARTBEAT
from services.intake.sources.native import called_off, narrowed
from services.intake.store import drop_in, integrations

FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
NO_PING: Final = "A ping: while it comes in time, all is well, and it is not missing now."


@dataclass(frozen=True, slots=True)
class Posted:
    """A request as its sender would make it. ``body`` of ``None``: it says none, and a page that is asked, is asked."""

    method: str
    address: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of it, and of which integration its triggers would be."""

    reading: Reading
    integration: Integration[Any]
    turned_away: str = ""
    """Why the body would not be let in; empty where it would."""


@dataclass(frozen=True, slots=True)
class Door:
    """What stands before the ways in."""

    guard: Guard
    network: Network
    public_url: str


async def tried(
    uow: UnitOfWork, watcher: Watcher, door: Door, integration_id: str, posted: Posted, now: datetime
) -> Tried:
    """What would become of a body at ``now``.

    Raises :class:`Invalid` where its address does not lead to the integration, and :class:`NotFound` where there is none, or this
    version does not know its source.
    """
    async with uow.read() as session:
        record = await integrations.integration(session, integration_id)
    if record is None:
        raise NotFound(f"There is no integration {integration_id}.")
    integration = integration_of(record)
    if integration is None:
        raise NotFound(f"This version does not read the source {record.source}.")
    way = way_of(record.source, record.id, posted.method, posted.address)
    if way is None:
        raise Invalid(_elsewhere(record, posted))
    if way.polled:
        answer = None if posted.body is None else Answer(posted.body, posted.headers.get("content-type", ""))
        return Tried(await watcher.rehearse(record, answer, now), integration)
    why = await _turned_away(door, integration, way, posted, now)
    if way.kind is not None:
        integration = narrowed(integration, way.kind)
    async with uow.read() as session:
        headers, body = await _as_taken(session, integration, way, posted)
        reading = understand(source_named(record.source), integration, headers.items(), body, now).reading
        if way.heartbeat:
            found = await _heard(session, integration, way.heartbeat, reading, now)
        else:
            found = Tried(await series.foresee(session, integration, reading, now), integration)
    return replace(found, turned_away=why)


async def _turned_away(door: Door, integration: Integration[Any], way: Way, posted: Posted, now: datetime) -> str:
    """Why the body would not be let in: it is not signed as the integration wants it, or is not its sender's."""
    body, source = posted.body or b"", source_named(integration.source)
    signed = body
    if source.name == MAIL:
        form = _form(way, posted.headers, body)
        if form is None:
            return ""  # what comes by SMTP or from a mailbox is signed by nobody; its proof is in the mail
        signed = signed_part(form[0], form[1], body)
    address = door.public_url.rstrip("/") + (posted.address or f"/v1/hooks/{source.name}")
    try:
        door.guard.verify(integration, Signed(posted.headers, signed, address), now)
        if source.check is not None:
            await source.check(Arrival(posted.headers, body, integration, now), door.network)
    except TocsinError as error:
        return error.detail
    return ""


def _elsewhere(record: IntegrationRecord, posted: Posted) -> str:
    others = ADDRESSES.get(record.source)
    more = f", to {others}" if others else ""
    return (
        f"{posted.method} {posted.address} does not lead to the integration {record.id} of the source {record.source}: what it sends "
        f"comes to /v1/hooks/{record.source}{more}; what its page answers, to /v1/pollers/{record.id}/poll."
    )


async def _as_taken(
    session: AsyncSession, integration: Integration[Any], way: Way, posted: Posted
) -> tuple[Mapping[str, str], bytes]:
    """The headers and the body as the way in hands them to the source."""
    headers, body = posted.headers, posted.body or b""
    if way.called_off:
        return {}, called_off(way.called_off)
    if integration.source == MAIL:
        return _letter(way, headers, body)
    if way.change:
        return {**headers, CALL: "change"}, body
    if way.place is not None and way.place.action is not None:
        alias = clean(way.place.identifier, LABEL_LIMIT)
        if way.how != "alias" and way.place.action != "create":
            row = await drop_in.alert_by(session, integration.id, way.how, alias)
            alias = "" if row is None else row.alias
        return {**headers, CALL: way.place.action, ALIAS: alias}, body if way.said is None else body_of(way.said)
    return headers, body


def _form(way: Way, headers: Mapping[str, str], body: bytes) -> tuple[PostedMail, Mapping[str, Field]] | None:
    """The form of a mail service, known by the address or by its looks; ``None``: the body is the message itself."""
    content_type = headers.get("content-type", "")
    if way.mail is None and not content_type.lower().lstrip().startswith(FORMS):
        return None
    try:
        fields = fields_of(content_type, body)
    except NoForm:
        fields = {}
    return way.mail or mail_service_of(fields), fields


def _letter(way: Way, headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
    """The message that is in the body."""
    form = _form(way, headers, body)
    if form is None:
        return headers, body
    try:
        letter = sendgrid_letter(form[1]) if form[0] == "sendgrid" else mailgun_letter(form[1])
    except NoForm:  # kept as it came, for a person to look at
        return headers, body
    return dict(letter.headers), letter.body


async def _heard(
    session: AsyncSession, integration: Integration[Any], name: str, reading: Reading, now: datetime
) -> Tried:
    """A ping, which resolves what the silence before it opened; Tocsin's own note in its place is read as such."""
    if reading.triggers:
        return Tried(reading, integration)
    note, teller = await heartbeats.note_of_ping(session, integration, name), heartbeats.teller_of(integration)
    if note is None:
        own = integration.source == HEARTBEAT.name
        return Tried(reading if own else Reading(ignored=(Ignored("no-news", NO_PING),)), integration)
    return Tried(understand(HEARTBEAT, teller, heartbeats.JSON.items(), to_json(note), now).reading, teller)
