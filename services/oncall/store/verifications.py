"""Which contacts a code proved, and the codes that were sent, in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from services.oncall.domain.verification import Verification
from services.oncall.store.tables import VerificationRow

Place = tuple[str, str, str]
"""Person, channel and address."""

_PLACE = (VerificationRow.person, VerificationRow.channel, VerificationRow.address)
_FIELDS = tuple(field.name for field in fields(Verification))


async def verified(session: ReadSession | WriteSession) -> frozenset[Place]:
    """Every contact that a code proved."""
    rows = await session.execute(select(*_PLACE).where(VerificationRow.verified_at.is_not(None)))
    return frozenset((row.person, row.channel, row.address) for row in rows)


async def of_person(session: ReadSession | WriteSession, person: str) -> Mapping[Place, Verification]:
    """What is known of the contacts of a person; of most there is nothing."""
    rows = await session.scalars(select(VerificationRow).where(VerificationRow.person == person))
    return {(row.person, row.channel, row.address): _known(row) for row in rows}


async def of_everybody(session: ReadSession) -> Mapping[Place, Verification]:
    """What is known of everybody's contacts; of most there is nothing."""
    rows = await session.scalars(select(VerificationRow))
    return {(row.person, row.channel, row.address): _known(row) for row in rows}


async def lock(session: WriteSession, place: Place) -> Verification:
    """What is known of one contact, locked: whoever gives a code next waits for this transaction."""
    person, channel, address = place
    empty = {"person": person, "channel": channel, "address": address, "tries": 0, "asked": 0}
    await session.execute(insert(VerificationRow).values(empty).on_conflict_do_nothing())
    query = select(VerificationRow).where(tuple_(*_PLACE) == place).with_for_update()
    return _known((await session.scalars(query.execution_options(populate_existing=True))).one())


async def save(session: WriteSession, place: Place, known: Verification) -> None:
    """Keep what is known; the caller locked it."""
    await session.execute(update(VerificationRow).where(tuple_(*_PLACE) == place).values(asdict(known)))


async def forget_others(session: WriteSession, person: str, kept: Sequence[tuple[str, str]]) -> None:
    """Forget what is known of every contact of a person but ``kept`` (channel and address)."""
    statement = delete(VerificationRow).where(VerificationRow.person == person)
    if kept:
        statement = statement.where(tuple_(VerificationRow.channel, VerificationRow.address).not_in(kept))
    await session.execute(statement)


def _known(row: VerificationRow) -> Verification:
    return Verification(**{name: getattr(row, name) for name in _FIELDS})
