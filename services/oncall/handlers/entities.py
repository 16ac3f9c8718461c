"""One entity of the directory, put or removed by the API under the same rules as the configuration."""

from collections.abc import Sequence

from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid, NotFound
from services.oncall.domain.changes import Change, Entry
from services.oncall.domain.directory import NOUN_OF, NOUNS, PLURALS
from services.oncall.domain.noun import Noun
from services.oncall.domain.validate import errors, references
from services.oncall.handlers.directory import change
from services.oncall.store import directory as directory_store


async def put(tx: Tx, entity: Noun, actor: str, *, only_new: bool = False) -> bool:
    """Add ``entity``, or replace the one of its id. Returns whether it is new.

    Raises :class:`Conflict` where the configuration has it (or anybody, with ``only_new``), and :class:`Invalid` where it
    refers to what is not there.
    """
    noun = NOUN_OF[type(entity)]
    await directory_store.lock(tx.session)
    present = await directory_store.entries(tx.session)
    before = _found(present, noun, entity.id)
    if before is not None and only_new:
        raise Conflict(f"There is a {noun} {entity.id!r} already; choose another id.")
    _refuse_configured(before)
    last = max((entry.position for entry in present if entry.noun == noun), default=-1)
    after = Entry(noun, entity, before.position if before else last + 1, "api")
    _check([*(entry for entry in present if entry != before), after], after)
    if after != before:
        await change(tx, Change(before, after), actor)
    return before is None


async def remove(tx: Tx, noun: str, entity_id: str, actor: str) -> None:
    """Remove an entity that the API added. Raises :class:`NotFound`, and :class:`Conflict` where something still refers to it."""
    await directory_store.lock(tx.session)
    present = await directory_store.entries(tx.session)
    before = _found(present, noun, entity_id)
    if before is None:
        raise NotFound(f"There is no {noun} {entity_id!r}.")
    _refuse_configured(before)
    for entry in present:
        if any(reference.ref == f"{noun}:{entity_id}" for reference in references(entry.entity)):
            raise Conflict(f"The {entry.noun} {entry.entity.id!r} still refers to it; change that first.")
    await change(tx, Change(before, None), actor)


def _found(present: Sequence[Entry], noun: str, entity_id: str) -> Entry | None:
    return next((entry for entry in present if entry.place == (noun, entity_id)), None)


def _refuse_configured(entry: Entry | None) -> None:
    if entry is not None and entry.origin == "config":
        raise Conflict(f"{entry.entity.name} comes from {PLURALS[entry.noun]}.yaml; change it there.")


def _check(wanted: Sequence[Entry], one: Entry) -> None:
    """Raise :class:`Invalid` for what is wrong with ``one`` among ``wanted``."""
    tree = {noun: [entry.entity for entry in wanted if entry.noun == noun] for noun in NOUNS}
    found = [problem for problem in errors(tree) if (problem.noun, problem.id) == one.place]
    if found:
        problems = [FieldProblem("#/" + "/".join(map(str, problem.path[2:])), problem.text) for problem in found]
        raise Invalid("; ".join(problem.text for problem in found), problems=problems)
