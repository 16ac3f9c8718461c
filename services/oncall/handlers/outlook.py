"""Looking ahead: what will leave nobody is told to its owner before it does."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from libs.common.db.work import Tx
from libs.common.events.base import Link
from libs.common.events.notifications import NotificationRequested
from libs.common.logs import get_logger
from services.oncall.domain.directory import Directory
from services.oncall.domain.outlook import Warned, outlook, owner_of
from services.oncall.domain.proof import findings
from services.oncall.domain.reach import AT_ONCE, MANNERS
from services.oncall.domain.resolve import Context, resolve
from services.oncall.store import outlook as store
from services.oncall.store.amendments import directory_during

log = get_logger(__name__)

LOOK: Final = "outlook"
"""The kind and the key of the timer: one look at a time, whichever replica takes it."""

EVERY: Final = timedelta(minutes=30)
DAYS: Final = 14
LISTED: Final = 20
"""So many doubts stand in one message; of more their number."""


async def plan(tx: Tx) -> None:
    """Have the first look be due, unless one is planned: not at once, so that who has just set it up is left in peace."""
    if await tx.scheduled(LOOK, LOOK) is None:
        await tx.schedule(LOOK, LOOK, tx.now + EVERY)


async def look(tx: Tx, status_page: str | None) -> None:
    """Look through the coming days, warn owners of what is news, and plan the next look."""
    directory = await directory_during(tx.session, tx.now, tx.now + timedelta(days=DAYS))
    seen = outlook(await asyncio.to_thread(findings, directory, tx.now, DAYS), await store.known(tx.session), tx.now)
    await store.forget(tx.session, seen.gone)
    for one in seen.known:
        await store.keep(tx.session, one.id or tx.chance.uuid7(tx.now), one)
    by_owner: dict[str, list[Warned]] = {}
    for warned in seen.warned:
        by_owner.setdefault(owner_of(directory, warned.finding), []).append(warned)
    for owner, mine in by_owner.items():
        await _warn(tx, directory, owner, mine, status_page)
    await tx.schedule(LOOK, LOOK, tx.now + EVERY)


async def _warn(tx: Tx, directory: Directory, owner: str, warned: Sequence[Warned], status_page: str | None) -> None:
    """One message about all that is news to this owner."""
    soon = any(one.reason == "begins_soon" for one in warned)
    manner = AT_ONCE if soon else MANNERS["notice"]
    told = resolve(directory, [owner], Context(), tx.now, manner)
    if not told.recipients:
        told = resolve(directory, [owner, "on-shift"], Context(), tx.now, manner)
    notice = tx.chance.uuid7(tx.now)
    log.info("doubts ahead are told", owner=owner, doubts=len(warned), reason=warned[0].reason)
    await tx.emit(
        NotificationRequested(
            notification_id=tx.chance.uuid7(tx.now),
            subject_id=notice,
            purpose="notice",
            slot="outlook",
            recipients=told.recipients,
            skipped=told.skipped,
            title=_title(warned),
            words=_words(directory, warned),
            links=(Link(href=f"{status_page.rstrip('/')}/console/proof", text="Proof"),) if status_page else (),
            reason="begins_soon" if soon else "still_there",
            requested_at=tx.now,
        )
    )


def _title(warned: Sequence[Warned]) -> str:
    if len(warned) == 1:
        text = warned[0].finding.text
        return text[:1].upper() + text[1:]
    return f"{len(warned)} doubts about who can be reached in the coming {DAYS} days"


def _words(directory: Directory, warned: Sequence[Warned]) -> str:
    lines = []
    for one in warned[:LISTED]:
        found = one.finding
        line = f"{found.starts_at:%a %d %b %H:%M} to {found.ends_at:%a %d %b %H:%M} UTC: {found.text}."
        if found.suggestion:
            line += f" {directory.name_of_person(found.suggestion)} could take it."
        lines.append(line)
    if len(warned) > LISTED:
        lines.append(f"And {len(warned) - LISTED} more.")
    return "\n".join(lines)
