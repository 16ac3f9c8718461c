"""What mail leaves behind besides its bodies: which messages were taken, and how far each mailbox is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.work import Tx
from services.intake.store.once import Once, Taken
from services.intake.store.tables import Base


class MailMessageRow(Base):
    """A message that was taken from an integration, so that it is not taken again when its sender has not heard our answer."""

    __tablename__ = "mail_messages"
    __table_args__ = (Index(None, "received_at"),)

    integration_id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID]
    received_at: Mapped[datetime]


class MailboxRow(Base):
    """How far the mailbox of an integration is read. Another account, or another validity of its UIDs, begins anew."""

    __tablename__ = "mailboxes"

    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    account: Mapped[str]
    validity: Mapped[int] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Mark:
    """What makes two arrivals the same message: its own id, and the SHA-256 of all that stands below its header."""

    message_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A delivery that is to be stored only if its message was not taken before."""

    delivery_id: UUID
    integration_id: str
    mark: Mark


_ONCE: Final = Once("mail_messages", ("message_id", "digest"))


async def take_marks(tx: Tx, marked: Sequence[Marked]) -> frozenset[UUID]:
    """Note the messages; returns the deliveries whose message was taken before, which are not to be stored."""
    rows = [Taken(one.delivery_id, one.integration_id, (one.mark.message_id, one.mark.digest)) for one in marked]
    return await _ONCE.take(tx, rows)


async def forget_marks(tx: Tx, before: datetime) -> None:
    """Forget the messages that came before ``before``."""
    await _ONCE.forget(tx, before)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a mailbox is read: everything up to ``last_uid`` of this ``validity`` (RFC 3501, 2.3.1.1)."""

    account: str
    validity: int
    last_uid: int


async def position(session: AsyncSession, integration_id: str) -> Position | None:
    """How far the integration's mailbox is read; ``None`` where it never was."""
    row = await session.get(MailboxRow, integration_id)
    return None if row is None else Position(row.account, row.validity, row.last_uid)


async def save_position(tx: Tx, integration_id: str, where: Position) -> None:
    """Note how far the integration's mailbox is read."""
    fresh = {
        "account": where.account,
        "validity": where.validity,
        "last_uid": where.last_uid,
        "changed_at": tx.now,
    }
    statement = upsert(MailboxRow).values(integration_id=integration_id, **fresh)
    await tx.session.execute(statement.on_conflict_do_update(index_elements=[MailboxRow.integration_id], set_=fresh))
