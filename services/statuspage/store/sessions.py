"""Sessions of operators and used sign-in links."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from services.statuspage.store.tables import SessionRow, UsedTokenRow


async def add(tx: Tx, row: SessionRow) -> None:
    """Keep a new session."""
    tx.session.add(row)
    await tx.session.flush()


async def alive(session: AsyncSession, digest: str, now: datetime) -> SessionRow | None:
    """The session of a cookie, unless it has expired."""
    found: SessionRow | None = await session.scalar(
        select(SessionRow).where(SessionRow.digest == digest, SessionRow.expires_at > now)
    )
    return found


async def end(tx: Tx, digest: str) -> None:
    """Forget a session; one that is not there is forgotten already."""
    await tx.session.execute(delete(SessionRow).where(SessionRow.digest == digest))


async def use_token(tx: Tx, digest: str) -> bool:
    """Claim a sign-in link. True exactly once, whoever else tries at the same time."""
    claimed = await tx.session.execute(
        insert(UsedTokenRow)
        .values(digest=digest, used_at=tx.now)
        .on_conflict_do_nothing()
        .returning(UsedTokenRow.digest)
    )
    return claimed.first() is not None
