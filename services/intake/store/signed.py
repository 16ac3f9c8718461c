"""Which signed deliveries were taken: so that none is taken twice, whichever replica it comes to."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.work import Tx
from services.intake.store.once import Once, Taken
from services.intake.store.tables import Base


class SignedDeliveryRow(Base):
    """A delivery that its sender signed, by the SHA-256 of what is the same only when it is sent again."""

    __tablename__ = "signed_deliveries"
    __table_args__ = (Index(None, "received_at"),)

    integration_id: Mapped[str] = mapped_column(primary_key=True)
    once: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID]
    received_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class SignedOnce:
    """A delivery that is to be taken only if no other of its integration had the same ``once``."""

    delivery_id: UUID
    integration_id: str
    once: str


def digest_of(parts: Iterable[bytes]) -> str:
    """By what a delivery, or one event of it, is known: hashed, since senders choose how long it is."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


_ONCE: Final = Once("signed_deliveries", ("once",))


async def take_once(tx: Tx, signed: Sequence[SignedOnce]) -> frozenset[UUID]:
    """Note the deliveries; returns those that were taken before, of which nothing is to be stored."""
    return await _ONCE.take(tx, [Taken(one.delivery_id, one.integration_id, (one.once,)) for one in signed])


async def forget_signed(tx: Tx, before: datetime) -> None:
    """Forget the deliveries that came before ``before``."""
    await _ONCE.forget(tx, before)
