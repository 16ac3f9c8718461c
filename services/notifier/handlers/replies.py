"""Hands on what people answered, as a fact about the incident that they mean."""

from dataclasses import dataclass

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx
from libs.common.events.deliveries import Addressee, ReplyReceived
from libs.common.logs import bind_incident, get_logger
from libs.common.metrics import Metrics
from services.notifier.domain import speech
from services.notifier.domain.addresses import normal
from services.notifier.domain.blocks import done
from services.notifier.domain.callback import Callback, Decision, of_answer
from services.notifier.domain.reply import HELP, Action, Command, confirmation, unknown
from services.notifier.handlers.confirmations import meant
from services.notifier.handlers.contacts import repliable, request_of
from services.notifier.handlers.editing import show
from services.notifier.store import attempts as store
from services.notifier.store import outbox
from services.notifier.store.tables import Attempt, Notification, Reply

log = get_logger(__name__)


@dataclass
class Replies:
    """Handles answers, each once."""

    metrics: Metrics

    async def take(self, tx: Tx, callback: Callback) -> str:
        """Act on what was answered; the sentence that the sender gets back, the same for a repeat."""
        before = await outbox.replied(tx.session, callback.id)
        if before is not None:
            return before.answer
        told = await paged(tx.session, callback)
        spoken = callback.channel == "voice"
        number = None if told is None else told.incident_number
        decision = of_answer(callback, number)
        if callback.action is None:
            answer = HELP
        elif told is None or number is None:
            answer = speech.NOT_PAGED if spoken else unknown(Command(callback.action, callback.incident))
        else:
            command = Command(callback.action, callback.incident)
            answer = confirmation(command, number, await self.title(tx, told))
            answer = speech.done(callback.action, number) if spoken else answer
            await self.hand_on(tx, callback, callback.action, told, Addressee.model_validate(told.recipient))
        await self.keep(tx, callback, told, answer, decision)
        return answer

    async def keep(self, tx: Tx, callback: Callback, told: Attempt | None, answer: str, decision: Decision) -> None:
        """Keep what was answered, and what the sender was told, for a repeat."""
        tx.session.add(
            Reply(
                id=callback.id,
                channel=callback.channel,
                address=normal(callback.channel, callback.address) or callback.address,
                text=callback.words[:1600],
                action=callback.action if told else None,
                subject_id=told.subject_id if told else None,
                attempt_id=told.id if told else None,
                answer=answer,
                at=tx.now,
            )
        )
        self.metrics.replies.labels(callback.action if callback.action and told else "not_understood").inc()
        log.info("answered", reason=decision.reason, channel=callback.channel)

    async def title(self, tx: Tx, told: Attempt) -> str:
        """What the incident of a message is called."""
        notification = await tx.session.get(Notification, told.notification_id)
        incident = None if notification is None else request_of(notification).incident
        return incident.title if incident is not None else told.headline

    async def hand_on(self, tx: Tx, callback: Callback, action: Action, told: Attempt, sender: Addressee) -> None:
        """Tell of it as a fact about the incident, and have messages about that say so."""
        bind_incident(told.subject_id)
        log.info("reply", action=action, channel=callback.channel)
        await tx.emit(
            ReplyReceived(
                subject_id=told.subject_id,
                sender=sender,
                channel=callback.channel,
                action=action,
                text=callback.words[:1600],
                at=tx.now,
            )
        )
        await show(tx, told.subject_id, action, done(action, sender.name, tx.now))


async def paged(session: ReadSession | WriteSession, callback: Callback) -> Attempt | None:
    """The message that an answer is about: the one answered, the one named by number, or the latest page; none without a command."""
    if callback.action is None:
        return None
    about = await meant(session, callback) if callback.incident is None else None
    if about is not None:
        return about if repliable(about) else None
    address = normal(callback.channel, callback.address) or callback.address
    return await store.latest_told(session, callback.channel, address, callback.incident)
