"""Reads for the pages. Nothing here locks or writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.events.base import TICKET, Actor
from libs.common.events.deliveries import Addressee
from libs.common.events.incidents import Incident, Update
from libs.common.events.notifications import Skipped
from services.statuspage.domain.climb import Told
from services.statuspage.domain.days import LENGTH
from services.statuspage.domain.fold import Line, Message, MessageState
from services.statuspage.domain.health import NO_FAULT
from services.statuspage.domain.page import PUBLIC_AUDIENCES, Component, Folded, ProviderState, Tenant
from services.statuspage.domain.sentence import Names
from services.statuspage.store.folding import message_of_row
from services.statuspage.store.tables import EntryRow, IncidentRow, LineRow, MessageRow, NotificationRow

HISTORY = timedelta(days=LENGTH + 31)
"""How far back a page looks: its bars, and the whole of its oldest month."""


@dataclass(frozen=True)
class TenantPage:
    """A tenant with what guards its page."""

    tenant: Tenant
    key_digest: str | None


async def folded(session: AsyncSession, since: datetime, until: datetime | None = None) -> Folded:
    """What a public page is made of: everything that was open at some time since, or before ``until``."""
    lasted = or_(IncidentRow.is_open, IncidentRow.opened_at >= since, IncidentRow.resolved_at >= since)
    begun: ColumnElement[bool] = IncidentRow.opened_at < until if until else IncidentRow.opened_at.is_not(None)
    rows = await session.scalars(select(IncidentRow.body).where(lasted, begun))
    incidents = tuple(Incident.model_validate(body) for body in rows)
    entries = await _entries(session)
    return Folded(
        incidents,
        await _public_updates(session, incidents),
        _components(entries),
        _names(entries),
        _provider_states(entries),
    )


async def tenant_page(session: AsyncSession, tenant_id: str) -> TenantPage | None:
    """A tenant by its id, if there is one."""
    row = await session.get(EntryRow, ("tenant", tenant_id))
    if row is None or row.removed:
        return None
    return TenantPage(Tenant(row.id, row.name, tuple(row.body["services"])), row.body["page_key_digest"])


async def names(session: AsyncSession) -> tuple[Names, Mapping[str, str]]:
    """What things are called: by noun for sentences, and by reference (``person:stefania``)."""
    entries = await _entries(session)
    return _names(entries), {f"{row.noun}:{row.id}": row.name for row in entries}


async def open_incidents(session: AsyncSession) -> list[Incident]:
    """Every incident that lasts."""
    rows = await session.scalars(select(IncidentRow.body).where(IncidentRow.is_open))
    return [Incident.model_validate(body) for body in rows]


async def recent_incidents(session: AsyncSession, limit: int) -> list[Incident]:
    """The latest incidents, whatever their state."""
    rows = await session.scalars(select(IncidentRow.body).order_by(IncidentRow.number.desc()).limit(limit))
    return [Incident.model_validate(body) for body in rows]


async def incident_by_number(session: AsyncSession, number: int) -> Incident | None:
    """One incident, if it is known."""
    body = await session.scalar(select(IncidentRow.body).where(IncidentRow.number == number))
    return Incident.model_validate(body) if body else None


async def incidents_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Incident]:
    """Those of these incidents that are known."""
    rows = await session.scalars(select(IncidentRow.body).where(IncidentRow.id.in_(ids)))
    return {incident.id: incident for incident in map(Incident.model_validate, rows)}


async def timeline(session: AsyncSession, incident_id: UUID) -> list[Line]:
    """The lines of one incident, the newest first."""
    rows = await session.scalars(
        select(LineRow)
        .where(LineRow.incident_id == incident_id, LineRow.text != "")
        .order_by(LineRow.at.desc(), LineRow.version.desc(), LineRow.id)
    )
    return [_line(row) for row in rows]


async def told(session: AsyncSession, incident_id: UUID) -> list[Told]:
    """Who the pages of one incident were for, in the order of their times."""
    rows = await session.scalars(
        select(NotificationRow)
        .where(NotificationRow.subject_id == incident_id, NotificationRow.purpose == "page")
        .order_by(NotificationRow.at)
    )
    return [_told(row) for row in rows]


async def messages(session: AsyncSession, incident_ids: Sequence[UUID]) -> list[Message]:
    """Every message about these incidents, the newest first."""
    rows = await session.scalars(
        select(MessageRow).where(MessageRow.subject_id.in_(incident_ids)).order_by(MessageRow.at.desc())
    )
    return [message_of_row(row) for row in rows]


async def paged_names(session: AsyncSession, incident_ids: Sequence[UUID]) -> Mapping[UUID, tuple[str, ...]]:
    """Who was paged about each of these incidents, the latest first, each once."""
    last = func.max(MessageRow.at)
    rows = await session.execute(
        select(MessageRow.subject_id, MessageRow.name)
        .where(
            MessageRow.subject_id.in_(incident_ids),
            MessageRow.purpose == "page",
            MessageRow.state.in_(("sent", "confirmed")),
        )
        .group_by(MessageRow.subject_id, MessageRow.recipient, MessageRow.name)
        .order_by(last.desc(), MessageRow.name)
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for subject_id, name in rows:
        found[subject_id] = (*found.get(subject_id, ()), name)
    return found


async def channel_counts(session: AsyncSession, since: datetime) -> Mapping[tuple[str, MessageState], int]:
    """How many messages there were by each channel, and how they stand; those that were held back do not count.

    Nor do comments on tickets whose helpdesk nobody configured: there is no channel that could be ill.
    """
    nobodys = and_(MessageRow.channel.like(f"{TICKET}%"), MessageRow.reason == "channel_not_configured")
    rows = await session.execute(
        select(MessageRow.channel, MessageRow.state, func.count())
        .where(MessageRow.at >= since, MessageRow.reason.not_in(NO_FAULT), ~nobodys)
        .group_by(MessageRow.channel, MessageRow.state)
    )
    return {(channel, cast("MessageState", state)): count for channel, state, count in rows}


async def nouns(session: AsyncSession, noun: str) -> Mapping[str, str]:
    """The names of everything of a kind that the directory knows, by id, in the order of the names."""
    rows = await session.execute(
        select(EntryRow.id, EntryRow.name)
        .where(EntryRow.noun == noun, EntryRow.removed.is_(False))
        .order_by(EntryRow.name)
    )
    return {id_: name for id_, name in rows}  # noqa: C416 - rows are no pairs to mypy


async def local_outbox(session: AsyncSession, limit: int) -> list[Message]:
    """What the local outbox holds instead of a provider, the newest first."""
    rows = await session.scalars(
        select(MessageRow).where(MessageRow.provider == "local").order_by(MessageRow.at.desc()).limit(limit)
    )
    return [message_of_row(row) for row in rows]


async def outbox_message(session: AsyncSession, provider_id: str) -> Message | None:
    """One message of the local outbox."""
    row = await session.scalar(
        select(MessageRow).where(MessageRow.provider == "local", MessageRow.provider_id == provider_id)
    )
    return message_of_row(row) if row else None


async def fingerprints(session: AsyncSession, limit: int = 200) -> Mapping[str, str]:
    """What each live fragment shows, in short: a fragment whose fingerprint moved must be drawn again."""
    rows = await session.execute(
        select(IncidentRow.number, IncidentRow.revision).order_by(IncidentRow.changed_at.desc()).limit(limit)
    )
    prints = {f"incident-{number}": str(revision) for number, revision in rows}
    prints["public"] = await public_print(session)
    total = await session.execute(select(func.count(), func.sum(IncidentRow.revision)).select_from(IncidentRow))
    box = await session.execute(
        select(func.count(), func.max(MessageRow.at)).select_from(MessageRow).where(MessageRow.provider == "local")
    )
    directory = await session.execute(select(func.count(), func.max(EntryRow.at)).select_from(EntryRow))
    for fragment, found in (("incidents", total), ("outbox", box), ("directory", directory)):
        prints[fragment] = "/".join(map(str, found.one()))
    return prints


async def public_print(session: AsyncSession) -> str:
    """What public pages are made of, in short: versions of incidents and the directory, no deliveries."""
    versions = await session.execute(select(func.count(), func.sum(IncidentRow.version)).select_from(IncidentRow))
    directory = await session.execute(select(func.count(), func.max(EntryRow.at)).select_from(EntryRow))
    return "/".join(map(str, (*versions.one(), *directory.one())))


async def _entries(session: AsyncSession) -> list[EntryRow]:
    return list(await session.scalars(select(EntryRow).where(EntryRow.removed.is_(False))))


async def _public_updates(session: AsyncSession, incidents: Sequence[Incident]) -> dict[UUID, tuple[Update, ...]]:
    """Each incident's updates for tenants or clients, the newest first."""
    rows = await session.scalars(
        select(LineRow)
        .where(LineRow.update.is_not(None), LineRow.incident_id.in_([incident.id for incident in incidents]))
        .order_by(LineRow.at.desc(), LineRow.version.desc())
    )
    found: dict[UUID, tuple[Update, ...]] = {}
    for row in rows:
        update = Update.model_validate(row.update)
        if PUBLIC_AUDIENCES.intersection(update.audiences):
            found[row.incident_id] = (*found.get(row.incident_id, ()), update)
    return found


def _components(entries: Sequence[EntryRow]) -> tuple[Component, ...]:
    return tuple(
        Component(
            id=row.id,
            name=row.name,
            group=row.body["group"],
            description=row.body["description"],
            position=row.body["position"],
            since=row.first_at,
        )
        for row in entries
        if row.noun == "service" and row.body["public"]
    )


def _provider_states(entries: Sequence[EntryRow]) -> tuple[ProviderState, ...]:
    return tuple(
        ProviderState(
            slug=row.body["provider"] or row.id,
            name=row.name,
            health=row.body["health"],
            since=datetime.fromisoformat(row.body["since"]),
        )
        for row in entries
        if row.noun == "provider"
    )


def _names(entries: Sequence[EntryRow]) -> Names:
    def of(noun: str) -> dict[str, str]:
        return {row.id: row.name for row in entries if row.noun == noun}

    internal = frozenset(row.id for row in entries if row.noun == "service" and not row.body["public"])
    return Names(services=of("service"), tools=of("tool"), tenants=of("tenant"), internal=internal)


def _line(row: LineRow) -> Line:
    update: Any = row.update
    return Line(
        id=row.id,
        incident_id=row.incident_id,
        version=row.version,
        at=row.at,
        kind=row.kind,
        actor=Actor.model_validate(row.actor),
        text=row.text,
        reason=row.reason,
        update=Update.model_validate(update) if update else None,
        rung=row.rung,
    )


def _told(row: NotificationRow) -> Told:
    return Told(
        notification_id=row.id,
        rung=row.rung,
        at=row.at,
        addressees=tuple(Addressee.model_validate(one) for one in row.addressees),
        skipped=tuple(Skipped.model_validate(one) for one in row.skipped),
        exhausted=row.exhausted,
    )
