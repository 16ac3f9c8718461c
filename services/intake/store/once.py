"""What is taken once: a table of what came, by its integration and what it is known by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, Uuid

from libs.common.db.work import Tx


@dataclass(frozen=True, slots=True)
class Taken:
    """Something that is to be taken only if nothing of its integration had the same ``marks``, one for each of the table's columns."""

    delivery_id: UUID
    integration_id: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Once:
    """A table with an integration, a delivery, a time, and the columns ``known_by``."""

    table: str
    known_by: tuple[str, ...]

    async def take(self, tx: Tx, rows: Sequence[Taken]) -> frozenset[UUID]:
        """Note ``rows``; returns the deliveries whose marks were taken before, of which nothing is to be stored.

        Waits for a replica that takes the same at this moment. The order of the rows is that of their keys, so that two replicas never
        wait for each other.
        """
        if not rows:
            return frozenset()
        values = {
            "now": tx.now,
            "integration_id": [row.integration_id for row in rows],
            "delivery_id": [row.delivery_id for row in rows],
        } | {name: [row.marks[place] for row in rows] for place, name in enumerate(self.known_by)}
        fresh = set(await tx.session.scalars(self._insert(), values))
        return frozenset(row.delivery_id for row in rows if row.delivery_id not in fresh)

    async def forget(self, tx: Tx, before: datetime) -> None:
        """Forget what came before ``before``."""
        old = text(f"DELETE FROM {self.table} WHERE received_at < :before")  # noqa: S608 - a constant of ours
        await tx.session.execute(old, {"before": before})

    def _insert(self) -> TextClause:
        keys = ("integration_id", *self.known_by)
        named, given = ", ".join(keys), ", ".join(f":{key}" for key in keys)
        statement = (
            f"INSERT INTO {self.table} ({named}, delivery_id, received_at)"  # noqa: S608 - constants of ours
            f" SELECT {named}, delivery_id, :now FROM unnest({given}, :delivery_id) WITH ORDINALITY"
            f" AS rows ({named}, delivery_id, place) ORDER BY {named}, place ON CONFLICT DO NOTHING RETURNING delivery_id"
        )
        arrays = [bindparam(key, type_=ARRAY(Text)) for key in keys]
        return text(statement).bindparams(*arrays, bindparam("delivery_id", type_=ARRAY(Uuid)))
