"""Understands what people answer, and hands it on as a fact about the incident that they mean."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.events.deliveries import Addressee, ReplyReceived
from libs.common.logs import bind_incident, get_logger
from libs.common.metrics import Metrics
from services.notifier.domain.addresses import normal
from services.notifier.domain.reply import HELP, Command, confirmation, parse, unknown
from services.notifier.handlers.contacts import request_of
from services.notifier.store import attempts as store
from services.notifier.store import outbox
from services.notifier.store.tables import Attempt, Notification, Reply

log = get_logger(__name__)


@dataclass(frozen=True)
class Incoming:
    """What came in. ``id`` is the provider's own; ``about`` is the message that it answers, where that is known."""

    id: str
    channel: str
    address: str
    text: str
    about: UUID | None = None


@dataclass
class Replies:
    """Handles answers, each once."""

    metrics: Metrics

    async def take(self, tx: Tx, incoming: Incoming) -> str:
        """Act on what was answered; the sentence that the sender gets back, the same for a repeat."""
        before = await outbox.replied(tx.session, incoming.id)
        if before is not None:
            return before.answer
        address = normal(incoming.channel, incoming.address) or incoming.address
        command = parse(incoming.text)
        told = None if command is None else await self._told(tx, incoming, address, command)
        if command is None:
            answer = HELP
        elif told is None or told.incident_number is None:
            answer = unknown(command)
        else:
            answer = confirmation(command, told.incident_number, await self._title(tx, told))
            await self._hand_on(tx, incoming, command, told)
        tx.session.add(
            Reply(
                id=incoming.id,
                channel=incoming.channel,
                address=address,
                text=incoming.text[:1600],
                action=command.action if command and told else None,
                subject_id=told.subject_id if told else None,
                attempt_id=told.id if told else None,
                answer=answer,
                at=tx.now,
            )
        )
        self.metrics.replies.labels(command.action if command and told else "not_understood").inc()
        return answer

    async def _told(self, tx: Tx, incoming: Incoming, address: str, command: Command) -> Attempt | None:
        """The message that the command is about: the one answered, the one named by number, or the latest page."""
        if incoming.about is not None and command.number is None:
            return await store.lock_attempt(tx.session, incoming.about)
        return await store.latest_told(tx.session, incoming.channel, address, command.number)

    async def _title(self, tx: Tx, told: Attempt) -> str:
        notification = await tx.session.get(Notification, told.notification_id)
        incident = None if notification is None else request_of(notification).incident
        return incident.title if incident is not None else told.headline

    async def _hand_on(self, tx: Tx, incoming: Incoming, command: Command, told: Attempt) -> None:
        bind_incident(told.subject_id)
        log.info("reply", action=command.action, channel=incoming.channel)
        await tx.emit(
            ReplyReceived(
                subject_id=told.subject_id,
                sender=Addressee.model_validate(told.recipient),
                channel=incoming.channel,
                action=command.action,
                text=incoming.text[:1600],
                at=tx.now,
            )
        )
