"""Takes on what oncall asks to be told, and lets go of what nobody needs any more."""

from dataclasses import dataclass

from libs.common.db.work import Tx
from libs.common.events.deliveries import DeliveryAddressed
from libs.common.events.notifications import NotificationRequested, NotificationsWithdrawn
from libs.common.logs import bind_incident, get_logger
from services.notifier.domain.blocks import done
from services.notifier.domain.reply import Action
from services.notifier.handlers.contacts import Contacts, addressee, fact, failed
from services.notifier.handlers.editing import show
from services.notifier.handlers.quiet import QuietHours
from services.notifier.store import attempts as store
from services.notifier.store.tables import Notification

log = get_logger(__name__)


@dataclass
class Notifications:
    """Handlers of topic ``notifications``."""

    contacts: Contacts
    quiet: QuietHours

    async def take(self, tx: Tx, request: NotificationRequested) -> None:
        """Say who is addressed, and queue a message to each one's first usable contact, or hold it in quiet hours."""
        bind_incident(request.subject_id)
        notification = Notification(
            id=request.notification_id,
            subject_id=request.subject_id,
            purpose=request.purpose,
            request=request.model_dump(mode="json", exclude={"code"}),
            taken_at=tx.now,
        )
        if not await store.add_notification(tx.session, notification):
            log.info("notification_taken_before", notification_id=str(request.notification_id))
            return
        await tx.emit(
            DeliveryAddressed(
                **fact(tx, request),
                addressees=tuple(addressee(recipient) for recipient in request.recipients),
                skipped=request.skipped,
            )
        )
        queued = [await self.quiet.begin(tx, request, recipient) for recipient in request.recipients]
        if any(queued):
            return
        taken = await store.lock_notification(tx.session, request.notification_id)
        if taken is not None:
            await self.contacts.tell_if_exhausted(tx, taken, request)

    async def withdraw(self, tx: Tx, event: NotificationsWithdrawn) -> None:
        """Cancel what waits; what is with a provider already goes its way, and nothing follows it."""
        bind_incident(event.subject_id)
        notifications, attempts = await store.lock_of_subject(tx.session, event.subject_id, event.purposes)
        for notification in notifications:
            notification.withdrawn = event.reason
        for attempt in attempts:
            attempt.state, attempt.reason, attempt.detail = "withdrawn", "withdrawn", event.reason
            attempt.due_at = None
            self.contacts.metrics.attempts.labels(attempt.channel, attempt.provider, "withdrawn").inc()
        await tx.emit(*(failed(tx, attempt, "withdrawn", event.reason) for attempt in attempts))
        await self.quiet.withdraw(tx, notifications)
        action: Action = "acknowledge" if event.reason == "acknowledged" else "resolve"
        await show(tx, event.subject_id, action, done(action, "", event.at))
