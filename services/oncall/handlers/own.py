"""People change how they are reached themselves. It counts until the configuration says something else of them than it did then."""

from collections.abc import Callable, Collection
from typing import Final

from pydantic import ValidationError

from libs.common.db.work import Tx
from libs.common.errors import Conflict, Invalid, NotFound, Throttled
from libs.common.logs import get_logger
from services.oncall.domain.own import MOST, Outcome, Own, OwnReason, Place
from services.oncall.domain.people import Person
from services.oncall.handlers.directory import announce
from services.oncall.store import audit, verifications
from services.oncall.store import directory as directory_store
from services.oncall.store import own as own_store

log = get_logger(__name__)

Doing = Callable[[Own, Collection[Place]], Outcome]
"""A change, given how the person is reached and which contacts a code proved."""

MOST_AN_HOUR: Final = 30
"""Changes of one person; whoever needs more is no person."""

REFUSED: Final[dict[OwnReason, str]] = {
    "known_contact": "You have this contact already.",
    "too_many": f"You have {MOST} contacts already; remove one first.",
    "last_contact": "This is your only contact: nothing could reach you any more. Add another one first.",
    "last_verified": "This is your only verified contact, by which a page is sure to reach you. Add another one and verify it first.",
}


async def change(tx: Tx, person_id: str, doing: Doing, actor: str) -> Own:
    """Change how somebody is reached; returns how they are since.

    Raises :class:`NotFound`, :class:`Conflict` where it would leave them unreached, :class:`Invalid`, and :class:`Throttled`.
    """
    await directory_store.lock(tx.session)
    person = await person_of(tx, person_id)
    if await audit.lately(tx.session, "own_changed", ("person", person_id), tx.now) >= MOST_AN_HOUR:
        raise Throttled("You have changed this very often within the hour; try again later.", retry_after=audit.HOUR)
    known = await verifications.of_person(tx.session, person_id)
    proved = {(channel, address) for (_, channel, address), one in known.items() if one.verified_at is not None}
    before = Own.of(person)
    outcome = doing(before, proved)
    log.info("own", person=person_id, reason=outcome.reason)
    if outcome.reason == "unknown_contact":
        raise NotFound("You have no such contact.")
    if outcome.reason in REFUSED:
        raise Conflict(REFUSED[outcome.reason])
    if outcome.reason == "changed":
        _check(outcome.own.applied(person))
        await own_store.put(tx.session, person_id, outcome.own, tx.now)
        await _settle(tx, person_id, before, outcome.own, "own_changed", actor)
    return outcome.own


async def forget(tx: Tx, person_id: str, actor: str) -> Own:
    """Let the configuration count again; returns what it says. Where it counts already nothing happens. Raises :class:`NotFound`."""
    await directory_store.lock(tx.session)
    before = Own.of(await person_of(tx, person_id))
    await own_store.drop(tx.session, person_id)
    after = Own.of(await person_of(tx, person_id))
    if after != before:
        await _settle(tx, person_id, before, after, "own_forgotten", actor)
    return after


async def person_of(tx: Tx, person_id: str) -> Person:
    """Somebody, as they are reached now. Raises :class:`NotFound`."""
    person = (await directory_store.directory(tx.session)).people.get(person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id!r}; an admin ties your key to one that there is.")
    return person


async def _settle(tx: Tx, person_id: str, before: Own, after: Own, action: str, actor: str) -> None:
    """Write it down, forget what was proved of a contact that is gone, and tell by which ids they act now."""
    kept = [(point.channel, point.address) for point in after.contacts]
    await verifications.forget_others(tx.session, person_id, kept)
    said = [one.model_dump(mode="json") for one in (before, after)]
    await audit.record(tx, actor, action, ("person", person_id), before=said[0], after=said[1])
    await announce(tx)


def _check(person: Person) -> None:
    """Raise :class:`Invalid` for chains that name no contact, and for quiet hours that never end."""
    try:
        Person.model_validate(person.model_dump())
    except ValidationError as error:
        raise Invalid("; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())) from error
