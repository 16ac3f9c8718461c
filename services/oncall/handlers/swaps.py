"""Swaps: offered, taken, declined, withdrawn; and everybody concerned is told and reminded."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid
from libs.common.events.notifications import NotificationRequested
from services.oncall.domain.amendments import Swap, takeable
from services.oncall.domain.directory import Directory
from services.oncall.domain.reach import MANNERS
from services.oncall.domain.resolve import Context, resolve
from services.oncall.handlers import amendments
from services.oncall.handlers.amendments import Made, rota_of
from services.oncall.store import amendments as store
from services.oncall.store import directory as directory_store
from services.oncall.store.amendments import Stored

REMINDER: Final = "swap-reminder"
"""The kind of the timers that remind of swaps which nobody has taken."""

AHEAD: Final = (timedelta(days=3), timedelta(days=1), timedelta(hours=2))
"""How long before its beginning an open swap is recalled."""


async def offer(tx: Tx, rota_id: str, swap: Swap, actor: str) -> Made:
    """Offer the shifts of a stretch. Raises :class:`Invalid` where there is none of them to give."""
    _refuse_settled(swap)
    made = await amendments.make(tx, rota_id, "swap", swap, actor)
    taken = replace(made.stored, change=swap.model_copy(update={"state": "taken", "taken_by": "nobody-yet"}))
    present = [one for one in await store.near(tx.session, *swap.span) if one.id != taken.id]
    trial = store.amended(made.directory, [*present, taken])
    if not amendments.effect_of(made.directory, trial, made.stored).before:
        problem = FieldProblem("#/of", "is not on shift in this role at any time of it")
        raise Invalid(f"{made.directory.name_of_person(swap.of)} has no shift to swap then.", problems=(problem,))
    await _tell(tx, made.directory, made.stored, "offered")
    await _schedule_reminder(tx, made.stored)
    return made


async def take(tx: Tx, rota_id: str, swap_id: UUID, person: str, actor: str) -> Made:
    """Take a swap over. Raises :class:`NotFound`, and :class:`Conflict` where ``person`` may not."""
    await directory_store.lock(tx.session)
    before = await amendments.found(tx.session, rota_id, "swap", swap_id)
    swap = _swap(before)
    why_not = takeable(swap, person, tx.now)
    if why_not:
        raise Conflict(why_not)
    taken = replace(before, change=swap.model_copy(update={"state": "taken", "taken_by": person}))
    directory = await store.directory_during(tx.session, *swap.span)
    if person not in directory.people:
        raise Invalid(f"There is no person {person!r}.", problems=(FieldProblem("#/person", "is nobody's id"),))
    await amendments.keep(tx, before, taken, "swap_taken", actor)
    await tx.cancel(REMINDER, str(swap_id))
    later = await store.directory_during(tx.session, *swap.span)
    await _tell(tx, directory, taken, "taken")
    return Made(taken, amendments.effect_of(directory, later, taken), directory)


async def decline(tx: Tx, rota_id: str, swap_id: UUID, person: str, actor: str) -> Stored:
    """Say no to a swap that was offered to ``person``."""
    await directory_store.lock(tx.session)
    before = await amendments.found(tx.session, rota_id, "swap", swap_id)
    swap = _swap(before)
    if swap.state != "open" or swap.to != person:
        raise Conflict("Only the one to whom an open swap is offered declines it.")
    return await _settle(tx, before, "declined", actor)


async def withdraw(tx: Tx, rota_id: str, swap_id: UUID, actor: str) -> None:
    """Take an open swap back; one that was taken is taken back like an override."""
    await directory_store.lock(tx.session)
    before = await amendments.found(tx.session, rota_id, "swap", swap_id)
    await tx.cancel(REMINDER, str(swap_id))
    if _swap(before).state == "taken":
        await amendments.end(tx, rota_id, "swap", swap_id, actor)
    elif _swap(before).state == "open":
        await _settle(tx, before, "withdrawn", actor)
    else:
        raise Conflict(f"The swap is {_swap(before).state} already.")


async def remind(tx: Tx, swap_id: UUID) -> None:
    """Recall an open swap, to whoever may take it and, at the last, to the one who still has the shift."""
    stored = next((one for one in await store.listed(tx.session, kind="swap") if one.id == swap_id), None)
    if stored is None or _swap(stored).state != "open" or stored.change.ends_at <= tx.now:
        return
    directory = await store.directory_at(tx.session, tx.now)
    await _tell(tx, directory, stored, "reminder")
    await _schedule_reminder(tx, stored)


async def _settle(tx: Tx, before: Stored, state: str, actor: str) -> Stored:
    after = replace(before, change=_swap(before).model_copy(update={"state": state}))
    await amendments.keep(tx, before, after, f"swap_{state}", actor)
    await tx.cancel(REMINDER, str(before.id))
    directory = await store.directory_at(tx.session, tx.now)
    await _tell(tx, directory, after, state)
    return after


async def _schedule_reminder(tx: Tx, stored: Stored) -> None:
    due = [at for at in (stored.change.starts_at - ahead for ahead in AHEAD) if at > tx.now]
    if due:
        await tx.schedule(REMINDER, str(stored.id), min(due), {"swap": str(stored.id)})


async def _tell(tx: Tx, directory: Directory, stored: Stored, what: str) -> None:
    """Ask for a notice to everybody concerned: of an offer whoever may take it, of its end both sides."""
    swap = _swap(stored)
    rota = rota_of(directory, stored.rota)
    others = [swap.to] if swap.to else [person for person in _members(directory, stored.rota) if person != swap.of]
    told = {
        "offered": others,
        "reminder": [*others, swap.of],
        "taken": [swap.of, swap.taken_by or ""],
        "declined": [swap.of],
        "withdrawn": others,
    }[what]
    answer = resolve(directory, [f"person:{person}" for person in told], Context(), tx.now, MANNERS["notice"])
    of = directory.name_of_person(swap.of)
    title = {
        "offered": f"{of} offers a swap in {rota.name}",
        "reminder": f"Nobody has taken {of}'s swap in {rota.name} yet",
        "taken": f"{directory.name_of_person(swap.taken_by)} takes {of}'s swap in {rota.name}",
        "declined": f"{of}'s swap in {rota.name} was declined",
        "withdrawn": f"{of}'s swap in {rota.name} was withdrawn",
    }[what]
    await tx.emit(
        NotificationRequested(
            notification_id=tx.chance.uuid7(tx.now),
            subject_id=stored.id,
            purpose="notice",
            slot=f"swap-{what}-{tx.now:%Y%m%dT%H%M%S}" if what == "reminder" else f"swap-{what}",
            recipients=answer.recipients,
            skipped=answer.skipped,
            title=title,
            words=f"{_show(swap.starts_at)} to {_show(swap.ends_at)}.",
            reason=f"swap_{what}",
            requested_at=tx.now,
        )
    )


def _members(directory: Directory, rota_id: str) -> list[str]:
    """Everybody who takes turns in a rota, each once."""
    rota = directory.rotas[rota_id]
    plain = [turn.person for turn in rota.turns if turn.person]
    layered = [person for layer in rota.layers for group in layer.people for person in group]
    return list(dict.fromkeys([*plain, *layered]))


def _refuse_settled(swap: Swap) -> None:
    if swap.state != "open" or swap.taken_by:
        raise Invalid("A swap begins open.", problems=(FieldProblem("#/state", "is for Tocsin to say"),))
    if swap.to == swap.of:
        raise Invalid("Nobody takes their own swap.", problems=(FieldProblem("#/to", "is the one who offers it"),))


def _swap(stored: Stored) -> Swap:
    if not isinstance(stored.change, Swap):
        raise TypeError(f"{stored.id} is no swap")
    return stored.change


def _show(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
