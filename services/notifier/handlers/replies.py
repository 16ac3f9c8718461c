"""Hands on what people answered, as a fact about the incident that they mean."""

from dataclasses import dataclass

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx
from libs.common.events.deliveries import Addressee, ReplyReceived
from libs.common.logs import bind_incident, get_logger
from libs.common.metrics import Metrics
from services.notifier.domain import speech
from services.notifier.domain.addresses import normal
from services.notifier.domain.callback import Callback, of_answer
from services.notifier.domain.reply import HELP, Action, Command, confirmation, unknown
from services.notifier.handlers.confirmations import meant
from services.notifier.handlers.contacts import repliable, request_of
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
            answer = confirmation(command, number, await self._title(tx, told))
            answer = speech.done(callback.action, number) if spoken else answer
            await self._hand_on(tx, callback, callback.action, told)
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
        return answer

    async def _title(self, tx: Tx, told: Attempt) -> str:
        notification = await tx.session.get(Notification, told.notification_id)
        incident = None if notification is None else request_of(notification).incident
        return incident.title if incident is not None else told.headline

    async def _hand_on(self, tx: Tx, callback: Callback, action: Action, told: Attempt) -> None:
        bind_incident(told.subject_id)
        log.info("reply", action=action, channel=callback.channel)
        await tx.emit(
            ReplyReceived(
                subject_id=told.subject_id,
                sender=Addressee.model_validate(told.recipient),
                channel=callback.channel,
                action=action,
                text=callback.words[:1600],
                at=tx.now,
            )
        )


async def paged(session: ReadSession | WriteSession, callback: Callback) -> Attempt | None:
    """The message that an answer is about: the one answered, the one named by number, or the latest page; none without a command."""
    if callback.action is None:
        return None
    about = await meant(session, callback) if callback.incident is None else None
    if about is not None:
        return about if repliable(about) else None
    address = normal(callback.channel, callback.address) or callback.address
    return await store.latest_told(session, callback.channel, address, callback.incident)
