"""The local outbox on the notifier's own database: each message is put there in a transaction of its own."""

from uuid import UUID

from libs.common.db.work import UnitOfWork
from services.notifier.channels.base import Outgoing
from services.notifier.store import outbox
from services.notifier.store.tables import OutboxMessage


class DatabaseShelf:
    """What the local channels write to."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def put(self, channel: str, message: Outgoing) -> str:
        """Keep ``message`` unless its attempt has one already; the id under which it stands."""
        async with self._uow.begin() as tx:
            kept = await outbox.put(
                tx.session,
                OutboxMessage(
                    id=tx.chance.uuid7(tx.now),
                    attempt_id=UUID(message.key),
                    channel=channel,
                    address=message.address,
                    name=message.name,
                    headline=message.headline,
                    text=message.text,
                    html=message.html,
                    taken_at=tx.now,
                ),
            )
        return str(kept)

    async def find(self, key: str) -> str | None:
        """The id of the message of this attempt."""
        async with self._uow.read() as session:
            found = await outbox.find(session, UUID(key))
        return None if found is None else str(found)
