"""What every end of an incident brings: nothing further fires, and everyone who was reached hears of it."""

from collections.abc import Sequence

from libs.common.events.base import SYSTEM, Actor, RoleRef
from libs.common.events.incidents import CommunicationDue, Obligation
from services.escalator.domain import timeline
from services.escalator.handlers import ladder, obligations
from services.escalator.handlers.case import Case
from services.escalator.store import alerts, records


async def close(case: Case, before: Sequence[Obligation], actor: Actor) -> None:
    """Follow an incident that was just resolved: ``before`` is what was owed until then."""
    tx = case.desk.tx
    await alerts.close(tx.session, case.incident.id)
    await ladder.wind(case)
    await tx.cancel(obligations.WINDOW, case.timer_key())
    await obligations.tell_moved(case, before, actor, "resolved")
    reached = await records.reached(tx.session, case.incident.id)
    if reached:
        await _last_word(case, reached, timeline.closing(len(reached)), "resolved")


async def close_for(case: Case, ref: RoleRef, name: str) -> None:
    """Somebody was reached by a message that was under way while the incident closed."""
    await _last_word(case, (ref,), timeline.closing_to(name), "reached_meanwhile")


async def _last_word(case: Case, refs: Sequence[RoleRef], text: str, reason: str) -> None:
    await case.tell(
        CommunicationDue,
        text=text,
        actor=SYSTEM,
        reason=reason,
        purpose="closing",
        audience=tuple(refs),
        slot="closing",
    )
