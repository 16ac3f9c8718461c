"""Claims attempts for a sender, and writes down what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.events.deliveries import Addressee, AttemptReason, DeliveryConfirmed, DeliverySent
from libs.common.logs import get_logger
from services.notifier.channels.base import Accepted, GiveUp, Outcome, Outgoing, Retry
from services.notifier.domain.retry import after_failure, policy_of
from services.notifier.handlers.contacts import (
    SENDER_WAKE,
    Contacts,
    fact,
    failed,
    load,
    recipient_of,
    repliable,
    shown_text,
)
from services.notifier.store import attempts as store
from services.notifier.store.tables import Attempt

log = get_logger(__name__)

BOUNCES: Final = frozenset({"queued", "sending", "sent", "uncertain"})
"""The states of what a provider may have taken; what is ``queued`` again may have gone out without our knowing."""


@dataclass(frozen=True)
class Uncertain:
    """Nobody can say whether it went out, and it is not sent again."""

    detail: str


@dataclass
class Sending:
    """What a sender does before and after it speaks with a provider: each a transaction of its own."""

    contacts: Contacts

    async def claim(
        self, tx: Tx, lease: timedelta, limit: int, mine: Sequence[UUID], comments: int
    ) -> Sequence[Attempt]:
        """Attempts to send now, under a lease: people first, and at most so many ``comments`` on tickets.

        What another sender left behind comes ``unsure``. What certainly never went out goes through whoever carries the channel now.
        """
        claimed = list(await store.claim(tx.session, tx.now, lease, limit, mine, comments=False))
        rest = min(comments, limit - len(claimed))
        if rest > 0:
            claimed += await store.claim(tx.session, tx.now, lease, rest, mine, comments=True)
        facts = self.contacts.book.facts()
        for attempt in claimed:
            if not attempt.unsure and attempt.channel in facts:
                attempt.provider = facts[attempt.channel].provider
        return claimed

    async def record(self, tx: Tx, claimed: Attempt, outcome: Outcome | Uncertain) -> None:
        """Write down what came of the try ``claimed`` and decide what follows.

        Where another sender has taken the attempt over meanwhile, only good news counts.
        """
        if isinstance(outcome, Accepted):
            taken = await store.lock_attempt(tx.session, claimed.id)
            if taken is not None:
                await self.accepted(tx, taken, outcome.provider_id)
            return
        loaded = await load(tx, claimed.notification_id)
        attempt = await store.lock_attempt(tx.session, claimed.id)
        if loaded is None or attempt is None:
            raise LookupError(f"attempt {claimed.id} is gone")
        notification, request = loaded
        if attempt.state != "sending" or attempt.tries != claimed.tries:
            log.info("outcome_came_late", attempt=str(attempt.id), outcome=str(outcome))
            return
        if isinstance(outcome, Retry) and not notification.withdrawn and self._again(tx, attempt, outcome):
            tx.wakes.add(SENDER_WAKE)
            await tx.emit(failed(tx, attempt, outcome.reason, outcome.detail))
            return
        reason = self._end(attempt, outcome)
        await tx.emit(failed(tx, attempt, reason, attempt.detail))
        if not notification.withdrawn:
            recipient = recipient_of(request, attempt.recipient_ref)
            await self.contacts.try_next(tx, request, recipient, attempt.contact + 1)
            await self.contacts.tell_if_exhausted(tx, notification, request)

    async def accepted(self, tx: Tx, attempt: Attempt, provider_id: str) -> None:
        """The provider took it. Said once, whoever says it first."""
        if attempt.sent_at is not None:
            return
        attempt.state, attempt.reason, attempt.detail, attempt.due_at = "sent", "accepted", "", None
        attempt.provider_id, attempt.sent_at = provider_id, tx.now
        self._count(attempt, "accepted")
        await tx.emit(
            DeliverySent(
                **fact(tx, attempt),
                recipient=Addressee.model_validate(attempt.recipient),
                channel=attempt.channel,
                provider=attempt.provider,
                address=attempt.address,
                attempt=attempt.tries,
                provider_id=provider_id,
                headline=attempt.headline,
                text=attempt.text if attempt.provider == "local" else shown_text(attempt),
                why=attempt.why,
            )
        )
        _forget(attempt)

    async def confirmed(self, tx: Tx, attempt: Attempt, provider_id: str) -> None:
        """The provider says that it arrived."""
        await self.accepted(tx, attempt, provider_id)
        if attempt.confirmed_at is not None or attempt.state != "sent":
            return
        attempt.confirmed_at = tx.now
        recipient = Addressee.model_validate(attempt.recipient)
        await tx.emit(
            DeliveryConfirmed(
                **fact(tx, attempt), recipient=recipient, channel=attempt.channel, provider_id=provider_id
            )
        )

    async def bounced(self, tx: Tx, attempt_id: UUID, notification_id: UUID, outcome: GiveUp) -> None:
        """The provider took it and could not deliver it: the recipient's next contact is due."""
        loaded = await load(tx, notification_id)
        attempt = await store.lock_attempt(tx.session, attempt_id)
        if loaded is None or attempt is None or attempt.state not in BOUNCES or attempt.confirmed_at is not None:
            return  # what arrived meanwhile is not lost
        notification, request = loaded
        await tx.emit(failed(tx, attempt, self._end(attempt, outcome), attempt.detail))
        if not notification.withdrawn:
            recipient = recipient_of(request, attempt.recipient_ref)
            await self.contacts.try_next(tx, request, recipient, attempt.contact + 1)
            await self.contacts.tell_if_exhausted(tx, notification, request)

    def _again(self, tx: Tx, attempt: Attempt, outcome: Retry) -> bool:
        """Queue it again where its policy allows."""
        attempt.unsure = attempt.unsure or outcome.unsure
        decision = after_failure(
            policy_of(attempt.purpose, attempt.channel),
            tries=attempt.tries,
            first_tried_at=attempt.first_tried_at or tx.now,
            now=tx.now,
            provider_after=outcome.after,
        )
        if decision.at is None:
            return False
        attempt.state, attempt.reason, attempt.detail = "queued", outcome.reason, outcome.detail
        attempt.due_at = decision.at
        self._count(attempt, outcome.reason)
        return True

    def _end(self, attempt: Attempt, outcome: Retry | GiveUp | Uncertain) -> AttemptReason:
        """Nothing more is tried through this contact."""
        unsure = isinstance(outcome, Uncertain) or (isinstance(outcome, Retry) and attempt.unsure)
        reason: AttemptReason = "uncertain" if isinstance(outcome, Uncertain) or unsure else outcome.reason
        attempt.state = "uncertain" if unsure else "failed"
        attempt.reason, attempt.detail, attempt.due_at = reason, outcome.detail, None
        self._count(attempt, reason)
        _forget(attempt)
        return reason

    def _count(self, attempt: Attempt, reason: AttemptReason) -> None:
        self.contacts.metrics.attempts.labels(attempt.channel, attempt.provider, reason).inc()
        log.info("attempt", attempt=str(attempt.id), channel=attempt.channel, state=attempt.state, reason=reason)


def _forget(attempt: Attempt) -> None:
    """A code is not kept once its message is with the provider, or is not sent any more."""
    if attempt.purpose == "verification":
        attempt.text, attempt.html, attempt.blocks = shown_text(attempt), "", None


def outgoing(attempt: Attempt, root: str | None = None) -> Outgoing:
    """The message that a channel gets; ``root`` is the provider's id of the message that it stands under."""
    return Outgoing(
        key=str(attempt.id),
        address=attempt.address,
        name=str(attempt.recipient["name"]),
        headline=attempt.headline,
        text=attempt.text,
        html=attempt.html,
        thread=f"incident-{attempt.subject_id}",
        at=attempt.created_at,
        internal=attempt.internal,
        blocks=tuple(attempt.blocks or ()),
        root=root,
        broadcast=attempt.purpose == "closing",
        answerable=attempt.purpose == "page" and repliable(attempt),
        once=attempt.purpose == "verification",
    )
