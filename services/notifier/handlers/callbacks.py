"""What a callback does, and what it would do: the same readings and the same decisions."""

from dataclasses import dataclass

from libs.common.db.session import ReadSession
from libs.common.db.work import Tx
from services.notifier.domain.callback import Callback, Decision, of_answer, of_status
from services.notifier.handlers.confirmations import Confirmations, meant, standing_of
from services.notifier.handlers.replies import Replies, paged
from services.notifier.store import outbox
from services.notifier.store.tables import Attempt


@dataclass
class Callbacks:
    """Takes what providers call back with, whatever it is."""

    replies: Replies
    confirmations: Confirmations

    async def take(self, tx: Tx, callback: Callback) -> str:
        """Act on it; the words that the sender gets back, where there are any."""
        if callback.kind == "status":
            await self.confirmations.take(tx, callback)
            return ""
        return await self.replies.take(tx, callback) if callback.kind == "reply" else ""


async def foresee(session: ReadSession, callback: Callback) -> tuple[Decision, Attempt | None]:
    """What would follow from ``callback``, and the message that it is about. Nothing is changed."""
    match callback.kind:
        case "status":
            attempt = await meant(session, callback)
            return of_status(callback, await standing_of(session, attempt)), attempt
        case "reply" | "press" | "command":
            repeated = await outbox.replied(session, callback.id) is not None
            attempt = await paged(session, callback)
            number = None if attempt is None else attempt.incident_number
            return of_answer(callback, number, repeated=repeated), attempt
        case "handshake":
            return Decision("handshake", "The provider tries the address, and is answered."), None
        case "other":
            return Decision("nothing_asked", "Nothing would happen."), None
