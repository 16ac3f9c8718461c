"""``/v1/outbox`` and ``/v1/attempts``: what was sent, or would have been, to whom, when and why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from libs.common.auth import Operator, Principal, Viewer, visible
from libs.common.db.work import UnitOfWork
from libs.common.errors import Conflict, NotFound
from services.notifier.api.models import (
    Answer,
    Answered,
    Attempts,
    AttemptView,
    Message,
    Messages,
)
from services.notifier.domain.callback import from_words
from services.notifier.handlers.contacts import repliable
from services.notifier.handlers.replies import Replies
from services.notifier.store import attempts as store
from services.notifier.store import outbox
from services.notifier.store.tables import AttemptState

Limit = Annotated[int, Query(ge=1, le=500, description="How many, at most.")]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before.")]
Subject = Annotated[UUID | None, Query(description="Only of this incident (its id).")]
Number = Annotated[int | None, Query(ge=1, description="Only of this incident (its number).")]


def router(uow: UnitOfWork, replies: Replies) -> APIRouter:
    """The routes, on this database."""
    api = APIRouter(prefix="/v1", tags=["messages"])
    _reading(api, uow)
    _answering(api, uow, replies)
    return api


def _reading(api: APIRouter, uow: UnitOfWork) -> None:
    @api.get("/outbox")
    async def list_outbox(
        principal: Viewer, *, limit: Limit = 50, cursor: Cursor = None, subject: Subject = None, incident: Number = None
    ) -> Messages:
        """The local outbox, newest first: what would have been sent while no provider is configured."""
        async with uow.read() as session:
            rows = await outbox.page(
                session,
                limit=limit + 1,
                before=cursor,
                subject_id=subject,
                number=incident,
                tenants=principal.tenants,
            )
        shown = [Message.of(message, attempt) for message, attempt in rows[:limit]]
        return Messages(messages=shown, next=shown[-1].id if len(rows) > limit else None)

    @api.get("/attempts")
    async def list_attempts(
        principal: Viewer,
        *,
        limit: Limit = 50,
        cursor: Cursor = None,
        subject: Subject = None,
        incident: Number = None,
        state: AttemptState | None = None,
    ) -> Attempts:
        """The ledger of every attempt through every channel, newest first, with its reason."""
        async with uow.read() as session:
            rows = await store.page(
                session,
                limit=limit + 1,
                before=cursor,
                subject_id=subject,
                number=incident,
                state=state,
                tenants=principal.tenants,
            )
        shown = [AttemptView.of(attempt) for attempt in rows[:limit]]
        return Attempts(attempts=shown, next=shown[-1].id if len(rows) > limit else None)


def _answering(api: APIRouter, uow: UnitOfWork, replies: Replies) -> None:
    @api.post("/outbox/{message_id}/reply")
    async def reply(principal: Operator, message_id: UUID, answer: Answer) -> Answered:
        """Answer a message of the local outbox in its recipient's place, as if by SMS or phone: `ACK`, `RESOLVE 12`, `1`."""
        async with uow.begin() as tx:
            attempt = await outbox.attempt_of(tx.session, message_id)
            if attempt is None or not _visible(principal, attempt.tenants):
                raise NotFound("There is no such message in the local outbox.")
            if not repliable(attempt):
                raise Conflict(
                    "This message takes no answer: it is not about an incident, or not to somebody of the house."
                )
            key = str(tx.chance.uuid7(tx.now))
            said = from_words("local", key, attempt.channel, attempt.address, answer.text, attempt.id)
            return Answered(answer=await replies.take(tx, said))


def _visible(principal: Principal, tenants: list[str] | None) -> bool:
    """Notices concern no tenant, and are for those who see all."""
    return principal.tenants is None if tenants is None else visible(principal, tenants)
