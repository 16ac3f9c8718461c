"""Writes of the read models. Each statement may run twice and leaves the same."""

from dataclasses import asdict, fields
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.work import Tx
from libs.common.events.deliveries import DeliveryAddressed, DeliveryExhausted
from libs.common.events.directory import DirectoryEntry
from libs.common.events.incidents import Incident
from services.statuspage.domain.fold import Line, Message, is_open
from services.statuspage.store.tables import EntryRow, IncidentRow, LineRow, MessageRow, NotificationRow


async def keep_incident(tx: Tx, incident: Incident) -> None:
    """Keep an incident unless a newer version is here. Its revision grows either way: something was said about it."""
    fresh = {
        "version": incident.version,
        "state": incident.state,
        "is_open": is_open(incident),
        "opened_at": incident.opened_at,
        "resolved_at": incident.resolved_at,
        "body": incident.model_dump(mode="json"),
    }
    statement = insert(IncidentRow).values(
        id=incident.id, number=incident.number, revision=1, changed_at=tx.now, **fresh
    )
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[IncidentRow.id],
            set_={name: statement.excluded[name] for name in fresh},
            where=IncidentRow.version < incident.version,
        )
    )
    await touch_incident(tx, incident.id)


async def touch_incident(tx: Tx, incident_id: UUID) -> None:
    """Note that something new is to be shown of an incident; one that is not known yet is passed over."""
    await tx.session.execute(
        update(IncidentRow)
        .where(IncidentRow.id == incident_id)
        .values(revision=IncidentRow.revision + 1, changed_at=func.greatest(IncidentRow.changed_at, tx.now))
    )


async def keep_line(tx: Tx, line: Line) -> None:
    """Add a line to a timeline; the same fact again is a no-op."""
    values = {
        "id": line.id,
        "incident_id": line.incident_id,
        "version": line.version,
        "at": line.at,
        "kind": line.kind,
        "actor": line.actor.model_dump(mode="json"),
        "text": line.text,
        "reason": line.reason,
        "update": line.update.model_dump(mode="json") if line.update else None,
        "rung": line.rung,
    }
    await tx.session.execute(insert(LineRow).values(values).on_conflict_do_nothing())


async def keep_addressed(tx: Tx, fact: DeliveryAddressed) -> None:
    """Keep who a notification was for."""
    told = {
        "addressees": [one.model_dump(mode="json") for one in fact.addressees],
        "skipped": [one.model_dump(mode="json") for one in fact.skipped],
    }
    statement = insert(NotificationRow).values(
        id=fact.notification_id,
        subject_id=fact.subject_id,
        purpose=fact.purpose,
        rung=fact.rung,
        at=fact.at,
        exhausted="",
        **told,
    )
    await tx.session.execute(statement.on_conflict_do_update(index_elements=[NotificationRow.id], set_=told))


async def keep_exhausted(tx: Tx, fact: DeliveryExhausted) -> None:
    """Keep that nobody of a notification could be reached."""
    statement = insert(NotificationRow).values(
        id=fact.notification_id,
        subject_id=fact.subject_id,
        purpose=fact.purpose,
        rung=fact.rung,
        at=fact.at,
        exhausted=fact.reason,
        addressees=[],
        skipped=[],
    )
    exhausted = {"exhausted": fact.reason}
    await tx.session.execute(statement.on_conflict_do_update(index_elements=[NotificationRow.id], set_=exhausted))


async def known_message(tx: Tx, message: Message) -> Message | None:
    """What is known of the same message so far; its row is locked."""
    row = await tx.session.scalar(
        select(MessageRow)
        .where(
            MessageRow.notification_id == message.notification_id,
            MessageRow.recipient == message.recipient,
            MessageRow.channel == message.channel,
        )
        .with_for_update()
    )
    return message_of_row(row) if row else None


async def keep_message(tx: Tx, message: Message) -> None:
    """Write a message, in place of what was known of it. A confirmation leaves the words that were sent."""
    values = asdict(message)
    if message.state == "confirmed" and not message.attempt:
        changed = {"state": "confirmed", "at": message.at}
    else:
        keys = {"notification_id", "recipient", "channel"}
        changed = {name: value for name, value in values.items() if name not in keys}
    statement = insert(MessageRow).values(values)
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[MessageRow.notification_id, MessageRow.recipient, MessageRow.channel], set_=changed
        )
    )


async def keep_entry(tx: Tx, entry: DirectoryEntry) -> None:
    """Keep what the directory says of a person or thing, unless something newer is here."""
    fresh = {
        "name": entry.name,
        "removed": entry.removed,
        "at": entry.at,
        "body": entry.data(),
    }
    statement = insert(EntryRow).values(noun=entry.noun, id=entry.id, first_at=entry.at, **fresh)
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[EntryRow.noun, EntryRow.id],
            set_={name: statement.excluded[name] for name in fresh},
            where=EntryRow.at <= entry.at,
        )
    )


def message_of_row(row: MessageRow) -> Message:
    """The row as the domain knows it."""
    return Message(**{one.name: getattr(row, one.name) for one in fields(Message)})
