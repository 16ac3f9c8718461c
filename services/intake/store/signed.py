"""Which signed deliveries were taken: so that none is taken twice, whichever replica it comes to."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text, Uuid

from libs.common.db.work import Tx
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


_TAKE = text(
    "INSERT INTO signed_deliveries (integration_id, once, delivery_id, received_at)"
    " SELECT n, o, i, :now FROM unnest(:integrations, :onces, :ids) WITH ORDINALITY"
    " AS rows (n, o, i, place) ORDER BY n, o, place ON CONFLICT DO NOTHING RETURNING delivery_id"
).bindparams(
    bindparam("integrations", type_=ARRAY(Text)),
    bindparam("onces", type_=ARRAY(Text)),
    bindparam("ids", type_=ARRAY(Uuid)),
)


async def take_once(tx: Tx, signed: Sequence[SignedOnce]) -> frozenset[UUID]:
    """Note the deliveries; returns those that were taken before, of which nothing is to be stored.

    Waits for a replica that takes the same delivery at this moment. The order of the rows is that of their keys, so that two
    replicas never wait for each other.
    """
    if not signed:
        return frozenset()
    values = {
        "now": tx.now,
        "integrations": [one.integration_id for one in signed],
        "onces": [one.once for one in signed],
        "ids": [one.delivery_id for one in signed],
    }
    fresh = set(await tx.session.scalars(_TAKE, values))
    return frozenset(one.delivery_id for one in signed if one.delivery_id not in fresh)


async def forget_signed(tx: Tx, before: datetime) -> None:
    """Forget the deliveries that came before ``before``."""
    await tx.session.execute(delete(SignedDeliveryRow).where(SignedDeliveryRow.received_at < before))
