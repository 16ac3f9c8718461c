"""What a callback does, and what it would do: the same readings and the same decisions."""

from dataclasses import dataclass

from libs.common.db.session import ReadSession
from libs.common.db.work import Tx
from services.notifier.domain import speech
from services.notifier.domain.callback import Callback, Decision, of_answer, of_status
from services.notifier.domain.press import Ask
from services.notifier.handlers.confirmations import Confirmations, meant, standing_of
from services.notifier.handlers.contacts import repliable, shown_text
from services.notifier.handlers.members import Members, decided, meant_by
from services.notifier.handlers.replies import Replies, paged
from services.notifier.sources.slack import PROVIDER
from services.notifier.store import outbox
from services.notifier.store.tables import Attempt


@dataclass(frozen=True)
class Answer:
    """What the sender gets back: words, where there are any, and what somebody on the phone is asked next."""

    words: str = ""
    ask: Ask | None = None
    answerable: bool = False
    """Whether what is said again is a page."""


@dataclass
class Callbacks:
    """Takes what providers call back with, whatever it is."""

    replies: Replies
    confirmations: Confirmations
    members: Members

    async def take(self, tx: Tx, callback: Callback) -> Answer:
        """Act on it."""
        match callback.kind:
            case "status":
                await self.confirmations.take(tx, callback)
                return Answer()
            case "press" | "command" if callback.provider == PROVIDER:
                return Answer(await self.members.take(tx, callback))
            case "press":
                return await self._pressed(tx, callback)
            case "reply" | "command":
                return Answer(await self.replies.take(tx, callback))
            case _:
                return Answer()

    async def _pressed(self, tx: Tx, callback: Callback) -> Answer:
        """A key in a call, which somebody heard who could press it."""
        call = await meant(tx.session, callback)
        if call is not None and callback.state is not None:
            await self.confirmations.take(tx, callback)
        if callback.ask is None:
            return Answer(await self.replies.take(tx, callback))
        if call is None:
            return Answer(speech.UNKNOWN_CALL)
        if not repliable(call) or call.incident_number is None or callback.ask == "again":
            return Answer(shown_text(call), "again", answerable=call.purpose == "page" and repliable(call))
        return Answer(speech.sure(call.incident_number), "sure")


async def foresee(session: ReadSession, callback: Callback) -> tuple[Decision, Attempt | None]:
    """What would follow from ``callback``, and the message that it is about. Nothing is changed."""
    match callback.kind:
        case "status":
            attempt = await meant(session, callback)
            return of_status(callback, await standing_of(session, attempt)), attempt
        case "reply" | "press" | "command":
            repeated = await outbox.replied(session, callback.id) is not None
            if callback.provider == PROVIDER:
                meant_here = await meant_by(session, callback)
                return decided(callback, meant_here, repeated=repeated), meant_here.told
            attempt = await paged(session, callback)
            number = None if attempt is None else attempt.incident_number
            return of_answer(callback, number, repeated=repeated), attempt
        case "handshake":
            return Decision("handshake", "The provider tries the address, and is answered."), None
        case "other":
            return Decision("nothing_asked", "Nothing would happen."), None
