"""Folding events into read models, and operators' sessions: load, decide, save. The caller's transaction commits."""

from datetime import timedelta
from typing import Final

from libs.common.auth import Principal, take_principal
from libs.common.db.work import Tx
from libs.common.events.deliveries import (
    DeliveryAddressed,
    DeliveryConfirmed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
)
from libs.common.events.directory import DirectoryEntry, PrincipalChanged
from libs.common.events.incidents import Incident, IncidentFact
from services.statuspage.domain.fold import line_of, merged, message_of, supersedes
from services.statuspage.seal import SessionSecret, new_secret, token_digest
from services.statuspage.store import folding, sessions
from services.statuspage.store.tables import SessionRow

LIVE_WAKE: Final = "live"
"""Woken when something that a page shows has changed."""

SESSION_TIMER: Final = "session_end"


async def take_fact(tx: Tx, fact: IncidentFact) -> None:
    """An incident moved: keep its newest version and the line that the fact is."""
    await folding.keep_incident(tx, fact.incident)
    await folding.keep_line(tx, line_of(fact))
    tx.wakes.add(LIVE_WAKE)


async def take_answer(tx: Tx, incident: Incident) -> None:
    """The escalator answered an action with the incident as it is now: show that at once, the event follows."""
    await folding.keep_incident(tx, incident)
    tx.wakes.add(LIVE_WAKE)


async def take_addressed(tx: Tx, fact: DeliveryAddressed) -> None:
    """Somebody is being told."""
    await folding.keep_addressed(tx, fact)
    await _show(tx, fact)


async def take_exhausted(tx: Tx, fact: DeliveryExhausted) -> None:
    """Nobody could be told."""
    await folding.keep_exhausted(tx, fact)
    await _show(tx, fact)


async def take_message(tx: Tx, fact: DeliverySent | DeliveryFailed | DeliveryConfirmed) -> None:
    """A message went out, failed, or arrived."""
    message = message_of(fact)
    known = await folding.known_message(tx, message)
    if supersedes(message, known):
        await folding.keep_message(tx, merged(message, known))
        await _show(tx, fact)


async def take_entry(tx: Tx, entry: DirectoryEntry) -> None:
    """A person or thing of the directory changed; principals may sign in here, so that their keys are kept too."""
    if isinstance(entry, PrincipalChanged):
        await take_principal(tx, entry)
        return
    await folding.keep_entry(tx, entry)
    tx.wakes.add(LIVE_WAKE)


async def sign_in(tx: Tx, principal: Principal, key: str, lasts: timedelta) -> SessionSecret:
    """Open a session for the owner of a key that was verified; the caller puts the secret into the cookie."""
    secret = new_secret(tx.chance)
    await sessions.add(
        tx,
        SessionRow(
            digest=secret.digest,
            principal_id=principal.id,
            name=principal.name,
            sealed_key=secret.seal(key),
            created_at=tx.now,
            expires_at=tx.now + lasts,
        ),
    )
    await tx.schedule(SESSION_TIMER, secret.digest, tx.now + lasts)
    return secret


async def use_link(tx: Tx, token: str) -> bool:
    """Use up a sign-in link. False where it was used before."""
    return await sessions.use_token(tx, token_digest(token))


async def sign_out(tx: Tx, digest: str) -> None:
    """End a session."""
    await sessions.end(tx, digest)
    await tx.cancel(SESSION_TIMER, digest)


async def _show(
    tx: Tx, fact: DeliveryAddressed | DeliveryExhausted | DeliverySent | DeliveryFailed | DeliveryConfirmed
) -> None:
    await folding.touch_incident(tx, fact.subject_id)
    tx.wakes.add(LIVE_WAKE)
