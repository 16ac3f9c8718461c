"""Turns to a recipient's next contact: claims the effect and writes the message, or says that no contact is left."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.events.deliveries import Addressee, AttemptReason, DeliveryExhausted, DeliveryFailed
from libs.common.events.notifications import NotificationRequested, Recipient
from libs.common.logs import bind_incident, get_logger
from libs.common.metrics import Metrics
from libs.common.tracing import current_traceparent
from services.notifier.channels.book import ChannelBook
from services.notifier.domain.blocks import Block, with_buttons
from services.notifier.domain.plan import (
    Chosen,
    Passed,
    cause_of,
    effect_key,
    names_down,
    next_contact,
    slot_of,
    standing,
    step_reason,
)
from services.notifier.domain.wording import Places, all_tickets, from_the_house, why, word
from services.notifier.rendering import Rendered, Renderer
from services.notifier.store import attempts as store
from services.notifier.store import held as held_store
from services.notifier.store.tables import Attempt, Held, Notification

log = get_logger(__name__)

CONCEALED: Final = "A code, which is for its recipient alone."
STEP: Final = "step"
"""The kind of the timers of contacts that follow after a while."""
SENDER_WAKE = "attempts"
"""Wakes senders: there is an attempt that may be due."""


@dataclass
class Contacts:
    """Knows the channels and the words."""

    book: ChannelBook
    renderer: Renderer
    places: Places
    metrics: Metrics

    async def begin(self, tx: Tx, request: NotificationRequested, recipient: Recipient) -> bool:
        """Queue a message to the first usable contact, and have those that follow after a while be due then.

        Returns whether one was queued.
        """
        queued = await self.try_next(tx, request, recipient, 0)
        for place, contact in enumerate(recipient.contacts):
            if contact.after is not None:
                payload = {"notification": str(request.notification_id), "recipient": recipient.ref, "contact": place}
                await tx.schedule(STEP, step_key(request, recipient, place), tx.now + contact.after, payload)
        return queued

    async def step_due(self, tx: Tx, notification_id: UUID, recipient_ref: str, place: int, due_at: datetime) -> None:
        """A contact's time has come, whether those before it got through or not; who answered meanwhile is left in peace."""
        loaded = await load(tx, notification_id)
        if loaded is None or loaded[0].withdrawn:
            return
        notification, request = loaded
        bind_incident(request.subject_id)
        recipient = recipient_of(request, recipient_ref)
        reason = step_reason(recipient.contacts, place, due_at, tx.now)
        log.info("step", recipient=recipient.ref, place=place, reason=reason)
        if reason == "due":
            await self.try_next(tx, request, recipient, place)
            await self.tell_if_exhausted(tx, notification, request)

    async def try_next(self, tx: Tx, request: NotificationRequested, recipient: Recipient, start: int) -> bool:
        """Queue a message to the first usable contact from place ``start`` on; what is passed over is noted and told.

        Returns whether one was queued.
        """
        plan = next_contact(recipient.contacts, start, self.book.facts(), names_down(request.incident))
        for passed in plan.passed:
            await self._note_passed(tx, request, recipient, passed)
        if plan.chosen is None:
            return False
        held = None
        if recipient.quiet_until is not None:
            held = await held_store.released(tx.session, request.notification_id, recipient.ref)
        attempt = self._attempt(
            tx, request, recipient, plan.chosen, self._rendered(tx, request, recipient, plan.chosen, held)
        )
        if not await store.add_attempt(tx.session, attempt):
            log.info("effect_claimed_before", effect_key=attempt.effect_key)
            return False
        tx.wakes.add(SENDER_WAKE)
        return True

    async def tell_if_exhausted(self, tx: Tx, notification: Notification, request: NotificationRequested) -> None:
        """Say once that nobody of a notification can be reached any more."""
        if notification.exhausted or notification.withdrawn or all_tickets(request):
            return
        if await held_store.waiting_of(tx.session, [notification.id]):
            return
        attempts = await store.of_notification(tx.session, notification.id)
        told_before = not attempts and any(recipient.contacts for recipient in request.recipients)
        if told_before or standing([attempt.state for attempt in attempts]) != "unreachable":
            return
        notification.exhausted = True
        details = [f"{one.name}: {one.detail or one.reason}" for one in request.skipped]
        if request.recipients:
            details = [f"{attempt.recipient['name']}: {attempt.detail or attempt.reason}" for attempt in attempts]
            details += [f"{one.name}: no contact" for one in request.recipients if not one.contacts]
        await tx.emit(
            DeliveryExhausted(
                **fact(tx, request),
                reason="unreachable" if request.recipients else "nobody_found",
                detail="; ".join(dict.fromkeys(details)),
            )
        )

    async def _note_passed(self, tx: Tx, request: NotificationRequested, recipient: Recipient, passed: Passed) -> None:
        """A contact that is not tried is an attempt that failed, so that the ledger has no holes."""
        chosen = Chosen(
            index=passed.index,
            channel=passed.contact.channel,
            provider=passed.provider,
            address=passed.contact.address,
            slot=slot_of(recipient.contacts, passed.index),
        )
        attempt = self._attempt(tx, request, recipient, chosen, Rendered("", ""))
        attempt.state, attempt.reason, attempt.detail, attempt.due_at = "failed", passed.reason, passed.detail, None
        if await store.add_attempt(tx.session, attempt):
            self.metrics.attempts.labels(attempt.channel, attempt.provider, passed.reason).inc()
            await tx.emit(failed(tx, attempt, passed.reason, passed.detail))

    def _rendered(
        self, tx: Tx, request: NotificationRequested, recipient: Recipient, chosen: Chosen, held: Held | None
    ) -> Rendered:
        """The message as of now; one that waited says so, and has the words of those that waited with it."""
        if held is not None and held.words:
            request = request.model_copy(update={"words": held.words})
        wording = word(request, recipient, self.places, tx.now)
        if held is not None:
            wording = wording.held(held.held_at, tx.now)
        return self.renderer.render(chosen.channel, wording)

    def _attempt(
        self,
        tx: Tx,
        request: NotificationRequested,
        recipient: Recipient,
        chosen: Chosen,
        rendered: Rendered,
    ) -> Attempt:
        cause = cause_of(request.purpose, request.rung, request.obligation)
        key = tx.chance.uuid7(tx.now)
        return Attempt(
            id=key,
            effect_key=effect_key(request.subject_id, cause, request.slot, recipient.ref, chosen.slot),
            notification_id=request.notification_id,
            subject_id=request.subject_id,
            incident_number=request.incident.number if request.incident else None,
            tenants=list(request.incident.tenants) if request.incident else None,
            purpose=request.purpose,
            rung=request.rung,
            obligation=request.obligation,
            slot=request.slot,
            recipient_ref=recipient.ref,
            recipient=addressee(recipient).model_dump(mode="json"),
            contact=chosen.index,
            channel=chosen.channel,
            provider=chosen.provider,
            address=chosen.address,
            headline=rendered.headline,
            text=rendered.text,
            html=rendered.html,
            blocks=_asking(request, recipient, rendered, key),
            why=why(request, recipient),
            internal=request.internal,
            state="queued",
            reason=None,
            detail="",
            tries=0,
            edits=0,
            unsure=False,
            due_at=tx.now,
            created_at=tx.now,
            traceparent=current_traceparent(),
        )


def _asking(request: NotificationRequested, recipient: Recipient, rendered: Rendered, key: UUID) -> list[Block] | None:
    """The message in blocks; a page to somebody of the house about an open incident has buttons."""
    incident = request.incident
    asks = request.purpose == "page" and incident is not None and incident.state == "open"
    if rendered.blocks is None or incident is None or not asks or not from_the_house(recipient.ref):
        return rendered.blocks
    return with_buttons(rendered.blocks, str(key), incident.number)


def step_key(request: NotificationRequested, recipient: Recipient, place: int) -> str:
    """The key of the timer of a contact."""
    return f"{request.notification_id} {recipient.ref} {place}"


def shown_text(attempt: Attempt) -> str:
    """The text of a message as everybody but its recipient may read it."""
    return CONCEALED if attempt.purpose == "verification" else attempt.text


def repliable(attempt: Attempt) -> bool:
    """Whether an answer to this message can be about an incident."""
    return attempt.incident_number is not None and from_the_house(attempt.recipient_ref)


def addressee(recipient: Recipient) -> Addressee:
    """The recipient without addresses."""
    return Addressee(ref=recipient.ref, name=recipient.name, role=recipient.role, backup_for=recipient.backup_for)


def fact(tx: Tx, source: NotificationRequested | Attempt) -> dict[str, Any]:
    """What every fact about a notification carries."""
    return {
        "subject_id": source.subject_id,
        "notification_id": source.notification_id,
        "purpose": source.purpose,
        "rung": source.rung,
        "obligation": source.obligation,
        "slot": source.slot,
        "at": tx.now,
    }


def failed(tx: Tx, attempt: Attempt, reason: AttemptReason, detail: str) -> DeliveryFailed:
    """The fact that an attempt did not succeed; ``due_at`` of one that is queued again says when it is tried next."""
    return DeliveryFailed(
        **fact(tx, attempt),
        recipient=Addressee.model_validate(attempt.recipient),
        channel=attempt.channel,
        provider=attempt.provider,
        attempt=attempt.tries,
        reason=reason,
        detail=detail,
        retry_at=attempt.due_at if attempt.state == "queued" else None,
    )


def recipient_of(request: NotificationRequested, ref: str) -> Recipient:
    """The recipient with this reference."""
    return next(recipient for recipient in request.recipients if recipient.ref == ref)


def request_of(notification: Notification) -> NotificationRequested:
    """The request as it came."""
    return NotificationRequested.model_validate(notification.request)


async def load(tx: Tx, notification_id: UUID) -> tuple[Notification, NotificationRequested] | None:
    """The notification, locked, with its request."""
    notification = await store.lock_notification(tx.session, notification_id)
    return None if notification is None else (notification, request_of(notification))
