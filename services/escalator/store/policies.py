"""The policies that are in force."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.session import WriteSession
from libs.common.errors import Unavailable
from services.escalator.domain.policies import Policies
from services.escalator.store.tables import PolicyRow


async def current(session: AsyncSession) -> Policies:
    """What is in force now. Raises :class:`Unavailable` before the first configuration was taken in."""
    rows = {row.name: row.body for row in await session.scalars(select(PolicyRow))}
    if rows.keys() < {"routing", "ladders", "clocks"}:
        raise Unavailable("no configuration was taken in yet")
    return Policies.model_validate({name: rows[name][name] for name in ("routing", "ladders", "clocks")})


async def replace(session: WriteSession, policies: Policies, now: datetime) -> None:
    """Put ``policies`` in force for the incidents that open from now on."""
    for name in ("routing", "ladders", "clocks"):
        body = policies.model_dump(mode="json", include={name})
        statement = insert(PolicyRow).values(name=name, body=body, taken_at=now)
        changed = {"body": statement.excluded.body, "taken_at": statement.excluded.taken_at}
        await session.execute(statement.on_conflict_do_update(index_elements=[PolicyRow.name], set_=changed))
