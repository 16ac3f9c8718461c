"""Overrides, temporary spans and absences: made, ended, and what they change. The past stays as it was."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid, NotFound
from services.oncall.domain.amendments import (
    NAMES,
    Absence,
    Override,
    Revisable,
    Swap,
    TemporarySpan,
    revision,
    trimmed,
    unrevisable,
)
from services.oncall.domain.directory import Directory
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import shifts
from services.oncall.domain.shift import Shift
from services.oncall.domain.spans import Span, common
from services.oncall.store import amendments as store
from services.oncall.store import audit
from services.oncall.store import directory as directory_store
from services.oncall.store.amendments import EVERY_ROTA, Change, Stored

_NAMES: Final = {kind: NAMES[shape] for kind, shape in store.KINDS.items()}


@dataclass(frozen=True)
class Effect:
    """What a change does to the schedules: the shifts that are gone, and those that are new, by rota."""

    before: tuple[tuple[str, Shift], ...]
    after: tuple[tuple[str, Shift], ...]


@dataclass(frozen=True)
class Made:
    """A change that was made, and what it did."""

    stored: Stored
    effect: Effect
    directory: Directory


@dataclass(frozen=True)
class Revised:
    """A change as it was, what became of it, and what of it is past and stays for itself."""

    before: Stored
    made: Made
    past: Revisable | None


async def make(tx: Tx, rota_id: str, kind: str, change: Change, actor: str) -> Made:
    """Make a change of a rota, or with :data:`EVERY_ROTA` an absence.

    What of it lies in the past is cut off. Raises :class:`NotFound`, :class:`Invalid`, and :class:`Conflict` for the very same
    change again.
    """
    await directory_store.lock(tx.session)
    stored = Stored(tx.chance.uuid7(tx.now), kind, rota_id, change, tx.now, actor)
    made = await preview(tx.session, stored, tx.now)
    if not await store.put(tx.session, made.stored):
        raise Conflict(f"There is the very same {_NAMES[kind]} already.")
    await _record(tx, actor, f"{kind}_added", None, made.stored)
    return made


async def preview(session: ReadSession | WriteSession, stored: Stored, now: datetime) -> Made:
    """What making this change would do; nothing is kept. Raises as :func:`make` does."""
    directory = await store.directory_during(session, stored.change.starts_at, stored.change.ends_at)
    if stored.rota != EVERY_ROTA:
        rota_of(directory, stored.rota)
    _check(directory, stored.change, now)
    ahead = replace(stored, change=_from(stored.change, now))
    present = await store.near(session, *stored.change.span)
    after = store.amended(directory, [*(one for one in present if one.id != stored.id), ahead])
    return Made(ahead, effect_of(directory, after, ahead), directory)


async def change(
    tx: Tx, rota_id: str, change_id: UUID, wanted: Revisable, actor: str, version: str | None = None
) -> Made:
    """Make a change what is wanted; one that is under way from now on.

    Raises :class:`NotFound`, :class:`Invalid`, and :class:`Conflict` where it is over, began already, is not of the ``version`` that
    was seen, or would be the very same as another.
    """
    await directory_store.lock(tx.session)
    revised = await preview_change(tx.session, rota_id, change_id, wanted, tx.now, version)
    before, made = revised.before, revised.made
    if before.change == made.stored.change:
        return made
    if not await store.put(tx.session, made.stored):
        raise Conflict(f"There is the very same {_NAMES[before.kind]} already.")
    if revised.past is not None:
        await store.put(tx.session, replace(before, id=tx.chance.uuid7(tx.now), change=revised.past))
    await _record(tx, actor, f"{before.kind}_changed", before, made.stored)
    return made


async def preview_change(
    session: ReadSession | WriteSession,
    rota_id: str,
    change_id: UUID,
    wanted: Revisable,
    now: datetime,
    version: str | None = None,
) -> Revised:
    """A change as it is, and what it would be; nothing is kept. Raises as :func:`change` does."""
    kind = next(kind for kind, shape in store.KINDS.items() if isinstance(wanted, shape))
    before = await found(session, rota_id, kind, change_id)
    if isinstance(before.change, Swap):
        raise TypeError("a swap is no change that is made another")
    if version not in {None, before.version}:
        raise Conflict(
            f"Somebody changed this {_NAMES[kind]} since you opened it, and nothing was saved. Open it again to see what it is now."
        )
    refused = unrevisable(before.change, wanted, now)
    if refused is not None:
        raise Conflict(refused)
    both = min(before.change.starts_at, wanted.starts_at), max(before.change.ends_at, wanted.ends_at)
    directory = await store.directory_during(session, *both)
    if rota_id != EVERY_ROTA:
        rota_of(directory, rota_id)
    _check(directory, wanted, now)
    said = revision(before.change, wanted, now)
    after = replace(before, change=said.change)
    others = [one for one in await store.near(session, *both) if one.id != change_id]
    past = [] if said.past is None else [replace(before, change=said.past)]
    later = store.amended(directory, sorted([*others, *past, after], key=lambda one: (one.made_at, one.id)))
    return Revised(before, Made(after, effect_of(directory, later, after, both), directory), said.past)


async def end(tx: Tx, rota_id: str, kind: str, change_id: UUID, actor: str) -> None:
    """Take a change back; one that is under way ends now. Raises :class:`NotFound`, and :class:`Conflict` where it is over."""
    await directory_store.lock(tx.session)
    stored = await found(tx.session, rota_id, kind, change_id)
    if stored.change.ends_at <= tx.now:
        raise Conflict(f"This {_NAMES[kind]} is over; the past stays as it was.")
    if stored.change.starts_at >= tx.now:
        await store.drop(tx.session, change_id)
        await _record(tx, actor, f"{kind}_removed", stored, None)
        return
    ended = replace(stored, change=_until(stored.change, tx.now))
    await store.put(tx.session, ended)
    await _record(tx, actor, f"{kind}_ended", stored, ended)


async def keep(tx: Tx, before: Stored, after: Stored, action: str, actor: str) -> None:
    """Store what became of a change."""
    await store.put(tx.session, after)
    await _record(tx, actor, action, before, after)


async def found(session: ReadSession | WriteSession, rota_id: str, kind: str, change_id: UUID) -> Stored:
    """The change. Raises :class:`NotFound`."""
    stored = await store.one(session, change_id, kind, rota_id)
    if stored is None:
        raise NotFound(f"There is no {_NAMES[kind]} {str(change_id)!r} here.")
    return stored


def rota_of(directory: Directory, rota_id: str) -> Rota:
    """The rota. Raises :class:`NotFound`, whose sentence names those that there are."""
    rota = directory.rotas.get(rota_id)
    if rota is None:
        known = ", ".join(directory.rotas) or "none"
        raise NotFound(f"There is no schedule {rota_id!r}; there is {known}.")
    return rota


def effect_of(before: Directory, after: Directory, stored: Stored, span: Span | None = None) -> Effect:
    """What differs between two directories in the time of a change, or in ``span``; shifts are cut to it."""
    span = span or stored.change.span
    gone: list[tuple[str, Shift]] = []
    new: list[tuple[str, Shift]] = []
    for rota in before.rotas.values() if stored.rota == EVERY_ROTA else [before.rotas[stored.rota]]:
        former = _cut(shifts(rota, *span, before.amendments_of(rota.id)), span)
        later = _cut(shifts(rota, *span, after.amendments_of(rota.id)), span)
        gone += [(rota.id, shift) for shift in former if shift not in later]
        new += [(rota.id, shift) for shift in later if shift not in former]
    return Effect(tuple(gone), tuple(new))


def _cut(found: Iterable[Shift], span: Span) -> list[Shift]:
    return [shift.during(piece) for shift in found for piece in common(shift.span, [span])]


def _check(directory: Directory, change: Change, now: datetime) -> None:
    problems = [
        FieldProblem(f"#/{pointer}", f"there is no person {person!r}")
        for pointer, person in _people(change)
        if person not in directory.people
    ]
    if change.ends_at <= now:
        problems.append(FieldProblem("#/ends_at", "lies in the past, which stays as it was"))
    if problems:
        raise Invalid("; ".join(problem.detail for problem in problems), problems=problems)


def _people(change: Change) -> Iterator[tuple[str, str]]:
    """Everybody whom a change names, and where."""
    match change:
        case Override():
            yield from ((name, person) for name in ("add", "remove") if (person := getattr(change, name)))
        case TemporarySpan():
            yield from ((f"shifts/{place}/person", shift.person) for place, shift in enumerate(change.shifts))
        case Swap():
            yield from ((name, person) for name in ("of", "to") if (person := getattr(change, name)))
        case Absence():
            yield "person", change.person


def _from(change: Change, now: datetime) -> Change:
    """The change without what lies in the past."""
    if change.starts_at >= now:
        return change
    if isinstance(change, TemporarySpan):
        return trimmed(change, now, change.ends_at) or change
    return change.model_copy(update={"starts_at": now})


def _until(change: Change, now: datetime) -> Change:
    if isinstance(change, TemporarySpan):
        return trimmed(change, change.starts_at, now) or change
    return change.model_copy(update={"ends_at": now})


async def _record(tx: Tx, actor: str, action: str, before: Stored | None, after: Stored | None) -> None:
    for place in dict.fromkeys(_place(one) for one in (after, before) if one is not None):
        await audit.record(tx, actor, action, place, before=_document(before), after=_document(after))


def _place(stored: Stored) -> tuple[str, str]:
    """Where the audit has it: with the rota, or with whoever is away."""
    if isinstance(stored.change, Absence):
        return "person", stored.change.person
    return "rota", stored.rota


def _document(stored: Stored | None) -> dict[str, Any] | None:
    return None if stored is None else {"id": str(stored.id), **stored.change.model_dump(mode="json")}
