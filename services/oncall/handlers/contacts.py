"""Contacts are verified: a code is sent to one, and given back by whoever it reached."""

import base64
from datetime import datetime, timedelta
from typing import Final

from libs.common.db.work import Tx
from libs.common.errors import FieldProblem, Invalid, NotFound, Throttled
from libs.common.events.base import Contact
from libs.common.events.notifications import NotificationRequested, Recipient
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from services.oncall.domain import verification
from services.oncall.domain.people import ContactPoint, Person
from services.oncall.domain.verification import GivenReason
from services.oncall.handlers.directory import announce
from services.oncall.store import audit, verifications
from services.oncall.store import directory as directory_store

log = get_logger(__name__)

TITLE: Final = "Confirm that this reaches you"
MOST_OF_PERSON: Final = 15
"""Codes to all contacts of one person within an hour, also to those that are gone: nobody sends codes to the whole world."""


async def ask(tx: Tx, person_id: str, channel: str, address: str | None, actor: str, metrics: Metrics) -> datetime:
    """Send a code to a contact; until when it is good.

    Raises :class:`NotFound`, :class:`Invalid` where the person has several contacts of the channel and ``address`` says none of
    them, and :class:`Throttled`.
    """
    person, point = await _contact(tx, person_id, channel, address)
    place = (person_id, channel, point.address)
    if await audit.lately(tx.session, "code_sent", ("person", person_id), tx.now) >= MOST_OF_PERSON:
        metrics.verifications.labels("too_many").inc()
        raise Throttled(f"{person.name} was sent {MOST_OF_PERSON} codes within the hour.", retry_after=audit.HOUR)
    known = await verifications.lock(tx.session, place)
    reason, wait = verification.may_ask(known, tx.now)
    metrics.verifications.labels(reason).inc()
    if reason != "asked":
        whole = timedelta(seconds=int(wait.total_seconds()) + 1)
        raise Throttled(
            f"A code was sent to this contact lately; ask for another in {whole.seconds} s.", retry_after=whole
        )
    code_id = tx.chance.uuid7(tx.now)
    code = verification.code_of(int.from_bytes(base64.urlsafe_b64decode(tx.chance.token(120))))
    await verifications.save(tx.session, place, verification.asked(known, code_id, code, tx.now))
    await audit.record(tx, actor, "code_sent", ("person", person_id), after=_shown(point))
    log.info("verification", person=person_id, channel=channel, reason=reason)
    until = tx.now + verification.LASTS
    ref = f"person:{person_id}"
    contact = Contact(channel=channel, address=point.address)
    await tx.emit(
        NotificationRequested(
            notification_id=tx.chance.uuid7(tx.now),
            subject_id=code_id,
            purpose="verification",
            slot="code",
            recipients=(Recipient(ref=ref, name=person.name, role=ref, contacts=(contact,), zone=person.zone),),
            title=TITLE,
            code=code,
            due_at=until,
            requested_at=tx.now,
        )
    )
    return until


async def give(
    tx: Tx, person_id: str, channel: str, address: str | None, code: str, actor: str, metrics: Metrics
) -> tuple[GivenReason, int]:
    """What a code is worth that somebody gives for a contact, and how many more may be wrong. Raises as :func:`ask`.

    A wrong code is an answer and no error: that it was tried must be committed.
    """
    _, point = await _contact(tx, person_id, channel, address)
    place = (person_id, channel, point.address)
    reason, known = verification.given(await verifications.lock(tx.session, place), code, actor, tx.now)
    await verifications.save(tx.session, place, known)
    metrics.verifications.labels(reason).inc()
    action = "verified" if reason == "verified" else "code_refused"
    await audit.record(tx, actor, action, ("person", person_id), after={**_shown(point), "reason": reason})
    log.info("verification", person=person_id, channel=channel, reason=reason)
    if reason == "verified" and channel == "slack":  # they act by it from now on
        await announce(tx)
    return reason, verification.MOST_TRIES - known.tries


async def _contact(tx: Tx, person_id: str, channel: str, address: str | None) -> tuple[Person, ContactPoint]:
    """The contact that is meant. The directory's lock keeps its address from changing meanwhile."""
    await directory_store.lock(tx.session)
    person = (await directory_store.directory(tx.session)).people.get(person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id!r}.")
    found = {point.address: point for point in person.contacts if point.channel == channel}
    if address is not None:
        found = {known: point for known, point in found.items() if known == address}
    if not found:
        raise NotFound(f"{person.name} has no such {channel} contact.")
    if len(found) > 1:
        detail = f"{person.name} has {len(found)} contacts of {channel}; say which"
        raise Invalid(f"{detail}.", problems=(FieldProblem("#/address", detail),))
    return person, next(iter(found.values()))


def _shown(point: ContactPoint) -> dict[str, str]:
    return {"channel": point.channel, "address": point.address}
