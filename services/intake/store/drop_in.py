"""Alerts and calls of the Opsgenie API, so that every replica answers for what another one took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy import cast as as_type
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.work import Tx
from services.intake.domain.drop_in import DONE, Call
from services.intake.store.tables import Base

LIST_LIMIT = 100


class DropInAlertRow(Base):
    """An alert as its sender knows it. One alias is open at most once."""

    __tablename__ = "drop_in_alerts"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        Index(
            "drop_in_alerts_open_idx",
            "integration_id",
            "alias",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index(None, "integration_id", "created_at"),
        Index(None, "updated_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tiny_id: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    integration_id: Mapped[str]
    alias: Mapped[str]
    status: Mapped[str]
    acknowledged: Mapped[bool]
    owner: Mapped[str]
    count: Mapped[int]
    message: Mapped[str]
    description: Mapped[str]
    entity: Mapped[str]
    source: Mapped[str]
    priority: Mapped[str]
    actions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    details: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str]


class DropInCallRow(Base):
    """What became of a call. It goes with the body that it came with."""

    __tablename__ = "drop_in_calls"
    __table_args__ = (Index(None, "delivery_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    integration_id: Mapped[str]
    action: Mapped[str]
    alias: Mapped[str]
    alert_id: Mapped[UUID | None]
    success: Mapped[bool]
    status: Mapped[str]
    processed_at: Mapped[datetime]


async def keep_calls(tx: Tx, calls: Sequence[tuple[UUID, Call]]) -> None:
    """Do what the calls ask for, and note what became of each.

    In the order of the aliases, so that two replicas never wait for each other; calls about one alias keep their order.
    """
    for delivery_id, call in sorted(calls, key=lambda pair: (pair[1].integration_id, pair[1].alias)):
        alert_id = await (_created(tx, call) if call.action == "create" else _changed(tx, call))
        action, done = DONE[call.action]
        await tx.session.execute(
            insert(DropInCallRow).values(
                id=call.request_id,
                delivery_id=delivery_id,
                integration_id=call.integration_id,
                action=action,
                alias=call.alias,
                alert_id=alert_id,
                success=alert_id is not None,
                status=done if alert_id else "Alert does not exist",
                processed_at=call.at,
            )
        )


async def _created(tx: Tx, call: Call) -> UUID:
    """A new alert, or one more occurrence of an open one."""
    fields = call.fields
    new = upsert(DropInAlertRow).values(
        id=call.alert_id,
        integration_id=call.integration_id,
        alias=call.alias,
        status="open",
        acknowledged=False,
        owner="",
        count=1,
        message=fields.message,
        description=fields.description,
        entity=fields.entity,
        source=fields.source,
        priority=fields.priority,
        actions=list(fields.actions),
        tags=list(call.tags),
        details=call.details,
        created_at=call.at,
        updated_at=call.at,
        last_at=call.at,
        closed_by="",
    )
    again = new.on_conflict_do_update(
        index_elements=[DropInAlertRow.integration_id, DropInAlertRow.alias],
        index_where=text("status = 'open'"),
        set_={"count": DropInAlertRow.count + 1, "updated_at": call.at, "last_at": call.at},
    )
    return (await tx.session.execute(again.returning(DropInAlertRow.id))).scalar_one()


async def _changed(tx: Tx, call: Call) -> UUID | None:
    """The alert that was changed; ``None`` where there is none."""
    row = await _meant(tx, call)
    if row is None:
        return None
    row.updated_at = call.at
    match call.action:
        case "acknowledge":
            row.acknowledged, row.owner = True, call.user
            row.acknowledged_at = row.acknowledged_at or call.at
        case "unacknowledge":
            row.acknowledged, row.owner, row.acknowledged_at = False, "", None
        case "assign":
            row.owner = call.owner
        case "close" if row.status == "open":
            row.status, row.closed_at, row.closed_by = "closed", call.at, call.user
        case "delete":
            await tx.session.delete(row)
        case _:
            _mark(row, call)
    await tx.session.flush()
    return row.id


def _mark(row: DropInAlertRow, call: Call) -> None:
    """Add tags and details, or take them away."""
    match call.action:
        case "add-tags":
            row.tags = list(dict.fromkeys([*row.tags, *call.tags]))
        case "remove-tags":
            row.tags = [tag for tag in row.tags if tag not in call.tags]
        case "add-details":
            row.details = {**row.details, **call.details}
        case "remove-details":
            row.details = {key: value for key, value in row.details.items() if key not in call.details}
        case _:
            pass


async def _meant(tx: Tx, call: Call) -> DropInAlertRow | None:
    mine = DropInAlertRow.integration_id == call.integration_id
    if call.alert_id is not None:
        which = DropInAlertRow.id == call.alert_id
    else:
        which = (DropInAlertRow.alias == call.alias) & (DropInAlertRow.status == "open")
    statement = select(DropInAlertRow).where(mine, which).with_for_update()
    return (await tx.session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def alert_by(session: AsyncSession, integration_id: str, how: str, identifier: str) -> DropInAlertRow | None:
    """The alert that ``identifier`` names as an ``id``, a ``tiny`` id or an ``alias``: of several the open one, else the newest."""
    match how:
        case "alias":
            which: ColumnElement[bool] = DropInAlertRow.alias == identifier
        case "tiny" if identifier.isascii() and identifier.isdecimal() and len(identifier) <= 18:
            which = DropInAlertRow.tiny_id == int(identifier)
        case "id" if _uuid(identifier) is not None:
            which = DropInAlertRow.id == _uuid(identifier)
        case _:
            return None
    order = ((DropInAlertRow.status == "open").desc(), DropInAlertRow.created_at.desc())
    mine = DropInAlertRow.integration_id == integration_id
    return (await session.scalars(select(DropInAlertRow).where(mine, which).order_by(*order).limit(1))).one_or_none()


def _uuid(identifier: str) -> UUID | None:
    try:
        return UUID(identifier)
    except ValueError:
        return None


async def alerts_where(
    session: AsyncSession,
    integration_id: str,
    terms: Sequence[tuple[str, str]],
    *,
    limit: int = LIST_LIMIT,
    offset: int = 0,
    sort: str = "createdAt",
    descending: bool = True,
) -> Sequence[DropInAlertRow]:
    """The alerts of one integration of which all of ``terms`` are true."""
    column = SORTED_BY[sort]
    order = column.desc() if descending else column.asc()
    query = select(DropInAlertRow).where(*_conditions(integration_id, terms))
    return (await session.scalars(query.order_by(order, DropInAlertRow.id).limit(limit).offset(offset))).all()


async def count_where(session: AsyncSession, integration_id: str, terms: Sequence[tuple[str, str]]) -> int:
    """How many there are."""
    statement = select(func.count()).select_from(DropInAlertRow).where(*_conditions(integration_id, terms))
    return await session.scalar(statement) or 0


SORTED_BY: dict[str, Any] = {
    "createdAt": DropInAlertRow.created_at,
    "updatedAt": DropInAlertRow.updated_at,
    "lastOccurredAt": DropInAlertRow.last_at,
    "tinyId": DropInAlertRow.tiny_id,
    "alias": DropInAlertRow.alias,
    "message": DropInAlertRow.message,
    "status": DropInAlertRow.status,
    "acknowledged": DropInAlertRow.acknowledged,
    "count": DropInAlertRow.count,
    "source": DropInAlertRow.source,
    "owner": DropInAlertRow.owner,
    "priority": DropInAlertRow.priority,
}
"""What lists can be sorted by, in Opsgenie's words."""

SOUGHT: dict[str, Any] = {
    "alias": DropInAlertRow.alias,
    "entity": DropInAlertRow.entity,
    "source": DropInAlertRow.source,
    "priority": DropInAlertRow.priority,
    "owner": DropInAlertRow.owner,
    "status": DropInAlertRow.status,
    "tinyId": as_type(DropInAlertRow.tiny_id, Text),
    "alertId": as_type(DropInAlertRow.id, Text),
    "acknowledged": as_type(DropInAlertRow.acknowledged, Text),
    "count": as_type(DropInAlertRow.count, Text),
}
"""Fields whose whole value a query names. ``tag``, ``message`` and words without a field are sought as parts."""


def _conditions(integration_id: str, terms: Sequence[tuple[str, str]]) -> list[ColumnElement[bool]]:
    found = [DropInAlertRow.integration_id == integration_id]
    for name, value in terms:
        if name == "tag":
            found.append(DropInAlertRow.tags.contains([value]))
        elif name in SOUGHT:
            found.append(func.lower(SOUGHT[name]) == value.lower())
        else:
            found.append(DropInAlertRow.message.icontains(value, autoescape=True))
    return found


async def call_by_id(session: AsyncSession, integration_id: str, request_id: UUID) -> DropInCallRow | None:
    """What became of a call of this integration."""
    row = await session.get(DropInCallRow, request_id)
    return row if row is not None and row.integration_id == integration_id else None


async def prune_alerts(tx: Tx, before: datetime, at_once: int) -> int:
    """Delete alerts that are closed and were not touched since ``before``; how many there were."""
    over = (
        select(DropInAlertRow.id)
        .where(DropInAlertRow.updated_at < before, DropInAlertRow.status == "closed")
        .limit(at_once)
    )
    result = await tx.session.execute(delete(DropInAlertRow).where(DropInAlertRow.id.in_(over)))
    return result.rowcount if isinstance(result, CursorResult) else 0
