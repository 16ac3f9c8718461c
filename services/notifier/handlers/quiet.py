"""Holds what can wait until its recipient's quiet hours are over, and lets it go then, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.events.deliveries import AttemptReason, DeliveryFailed
from libs.common.events.notifications import NotificationRequested, Recipient
from libs.common.logs import bind_incident, get_logger
from services.notifier.domain.quiet import Settled, Waiting, hold, settle
from services.notifier.domain.wording import moment
from services.notifier.handlers.contacts import STEP, Contacts, addressee, fact, recipient_of, request_of, step_key
from services.notifier.store import held as store
from services.notifier.store.tables import Held, Notification

log = get_logger(__name__)

HELD: Final = "held"
"""The kind of the timers that end quiet hours, one for each message that waits."""

_WHY: Final = {
    "withdrawn": "nobody needs it any more",
    "too_late": "what it reminds of was due meanwhile",
    "overtaken": "newer news took its place",
    "bundled": "its words come with newer ones",
}


@dataclass
class QuietHours:
    """Decides for each recipient whether a message begins now, and begins it later."""

    contacts: Contacts

    async def begin(self, tx: Tx, request: NotificationRequested, recipient: Recipient) -> bool:
        """Queue a message to the recipient's first contact, or hold it. Returns whether anything of it may still arrive."""
        until = recipient.quiet_until
        reason = hold(request.purpose, until, tx.now)
        if reason != "held" or until is None or not recipient.contacts:
            return await self.contacts.begin(tx, request, recipient)
        held = Held(
            id=tx.chance.uuid7(tx.now),
            notification_id=request.notification_id,
            subject_id=request.subject_id,
            purpose=request.purpose,
            recipient_ref=recipient.ref,
            held_at=tx.now,
            until=until,
        )
        tx.session.add(held)
        await tx.session.flush()
        await tx.schedule(HELD, str(held.id), until)
        self._count(recipient, "quiet_hours")
        log.info("held", recipient=recipient.ref, purpose=request.purpose, until=str(until), reason=reason)
        detail = f"held in quiet hours until {moment(until, tx.now)}"
        await tx.emit(_told(tx, request, recipient, held, "quiet_hours", detail))
        return True

    async def release(self, tx: Tx, held_id: UUID) -> None:
        """Quiet hours are over for a message: it goes out with what else waited about the same, or is dropped where it is moot."""
        held = await store.find(tx.session, held_id)
        if held is None or held.fate is not None:
            return
        bind_incident(held.subject_id)
        notifications, waiting = await store.lock_waiting(tx.session, held.recipient_ref, held.subject_id)
        closed = await store.closed_at(tx.session, held.subject_id, held.recipient_ref)
        by_id = {one.id: one for one in waiting}
        for settled in settle([_waiting(one, notifications[one.notification_id]) for one in waiting], tx.now, closed):
            one = by_id[settled.id]
            await self._settle(tx, one, notifications[one.notification_id], settled)

    async def withdraw(self, tx: Tx, notifications: Sequence[Notification]) -> None:
        """Drop what waits of these notifications, which are locked, and cancel the contacts that would follow."""
        by_id = {one.id: one for one in notifications}
        for one in await store.waiting_of(tx.session, list(by_id)):
            await tx.cancel(HELD, str(one.id))
            await self._settle(tx, one, by_id[one.notification_id], Settled(one.id, "withdrawn"))
        for notification in notifications:
            request = request_of(notification)
            for recipient in request.recipients:
                for place, contact in enumerate(recipient.contacts):
                    if contact.after is not None:
                        await tx.cancel(STEP, step_key(request, recipient, place))

    async def _settle(self, tx: Tx, held: Held, notification: Notification, settled: Settled) -> None:
        held.fate, held.words, held.settled_at = settled.fate, settled.words, tx.now
        await tx.session.flush()
        request = request_of(notification)
        recipient = recipient_of(request, held.recipient_ref)
        log.info("held no longer", recipient=recipient.ref, purpose=held.purpose, reason=settled.fate)
        if settled.fate != "released":
            self._count(recipient, "withdrawn")
            await tx.emit(_told(tx, request, recipient, held, "withdrawn", _WHY[settled.fate]))
        elif not await self.contacts.begin(tx, request, recipient):
            await self.contacts.tell_if_exhausted(tx, notification, request)

    def _count(self, recipient: Recipient, reason: AttemptReason) -> None:
        self.contacts.metrics.attempts.labels(recipient.contacts[0].channel, "", reason).inc()


def _waiting(held: Held, notification: Notification) -> Waiting:
    request = request_of(notification)
    return Waiting(
        id=held.id,
        purpose=held.purpose,
        held_at=held.held_at,
        until=held.until,
        due_at=request.due_at,
        words=request.words,
        withdrawn=notification.withdrawn is not None,
    )


def _told(
    tx: Tx, request: NotificationRequested, recipient: Recipient, held: Held, reason: AttemptReason, detail: str
) -> DeliveryFailed:
    """That a message waits, or waits no longer and does not come."""
    return DeliveryFailed(
        **fact(tx, request),
        recipient=addressee(recipient),
        channel=recipient.contacts[0].channel,
        provider="",
        attempt=0,
        reason=reason,
        detail=detail,
        retry_at=held.until if reason == "quiet_hours" else None,
    )
