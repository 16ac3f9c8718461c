"""Configuration as code: what is in force, what a change would do, and the change itself, for an administrator over HTTP.

A change goes the same way as a file of the watched folder: the same models, the same handlers, all or nothing.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from libs.common import config_store
from libs.common.auth import Admin, Principal
from libs.common.canonical import Tidy, canonical
from libs.common.config import CONFIG_WAKE, ConfigTree, ConfigWatcher
from libs.common.config_store import Kept
from libs.common.db.work import Tx
from libs.common.documents import Document, parse
from libs.common.errors import Conflict, FieldProblem, Forbidden, Invalid, Misconfigured

Effects = Callable[[Tx, Callable[[], Awaitable[None]]], Awaitable[Sequence[str]]]
"""Is given the transaction and what changes it; calls that, and tells in sentences what is otherwise for people now."""

_SENTENCE: Final = re.compile(r"^(?P<file>[\w.-]+\.yaml):(?P<line>\d+): (?:(?P<place>[\w.\[\]-]+): )?(?P<rule>.*)$")
_STEP: Final = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True)
class Form:
    """How the files of a service are read and written: the model of each, its tidier form, and what a change does to people."""

    models: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    tidy: Tidy | None = None
    effects: Effects | None = None

    def canonical(self, document: Document) -> Any:
        """The one way to write what ``document`` says. Raises :class:`Misconfigured`."""
        model = self.models.get(document.name)
        return document.data if model is None else canonical(document, model, self.tidy)

    def kept(self, name: str, data: Any) -> Any:
        """The same of what is in force; as it was written, where this version reads it no more."""
        try:
            return self.canonical(Document.of(name, data))
        except Misconfigured:
            return data


@dataclass(frozen=True)
class Outcome:
    """What a change did, or would do. ``version`` is of what was in force before."""

    version: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    effects: Sequence[str] = ()

    @property
    def changed(self) -> list[str]:
        """The files that say something else."""
        return sorted(name for name, said in self.after.items() if self.before.get(name) != said)


class _Rehearsed(Exception):
    """Takes a transaction back that was only tried."""


class Configuration:
    """The configuration of one service, read and changed by requests."""

    def __init__(self, watcher: ConfigWatcher, form: Form | None = None) -> None:
        self._watcher = watcher
        self._form = form or Form()

    async def in_force(self) -> dict[str, tuple[Any, Kept]]:
        """Each file in its canonical form, and how it came."""
        async with self._watcher.uow.read() as session:
            kept = await config_store.in_force(session)
        return {name: (self._form.kept(name, one.document), one) for name, one in sorted(kept.items())}

    async def check(self, documents: Mapping[str, Document], by: str) -> Outcome:
        """Do as :meth:`put` does, and take it back. Raises as that does."""
        found: list[Outcome] = []
        with contextlib.suppress(_Rehearsed):
            async with self._watcher.uow.begin() as tx:
                outcome, _ = await self._propose(tx, documents, by, tell=True)
                found.append(outcome)
                raise _Rehearsed
        return found[0]

    async def put(self, documents: Mapping[str, Document], by: str, version: str | None = None) -> Outcome:
        """Put these files in force; where they say what is in force already, nothing is written.

        Raises :class:`Misconfigured`, and :class:`Conflict` where something else than ``version`` is in force.
        """
        async with self._watcher.uow.begin() as tx:
            outcome, tree = await self._propose(tx, documents, by)
            if version is not None and version != outcome.version:
                raise Conflict("The configuration was changed since it was read; look at the plan again.")
            if tree is not None:
                tx.wakes.add(CONFIG_WAKE)
        if tree is not None:
            self._watcher.use_now(tree)
        return outcome

    async def _propose(
        self, tx: Tx, documents: Mapping[str, Document], by: str, *, tell: bool = False
    ) -> tuple[Outcome, ConfigTree | None]:
        """Change everything in the transaction; the tree is ``None`` where nothing is to change."""
        await self._watcher.lock(tx)
        kept = await config_store.in_force(tx.session)
        after = self._read(documents)
        before = {name: self._form.kept(name, one.document) for name, one in kept.items()}
        outcome = Outcome(config_store.version_of(before), before, {**before, **after})
        if not outcome.changed:
            return outcome, None
        files = self._watcher.files
        present = {name: Document.of(name, kept[name].document) for name in files if name in kept}
        wanted = {
            name: Kept(document.data, kept[name].folder_digest if name in kept else "", "applied", by, tx.now)
            if name in outcome.changed
            else kept[name]
            for name, document in documents.items()
        }
        tree = ConfigTree({**present, **documents}, by=by)
        taken: list[ConfigTree] = []

        async def change() -> None:
            taken.append(await self._watcher.enforce(tx, tree, wanted, kept))

        effects: Sequence[str] = ()
        if tell and self._form.effects is not None:
            effects = await self._form.effects(tx, change)
        else:
            await change()
        return Outcome(outcome.version, before, outcome.after, effects), taken[0]

    def _read(self, documents: Mapping[str, Document]) -> dict[str, Any]:
        """Every file in its canonical form. Raises :class:`Misconfigured` for all that is wrong in any of them."""
        found, wrong = {}, []
        for name, document in documents.items():
            try:
                found[name] = self._form.canonical(document)
            except Misconfigured as error:
                wrong.append(error.detail)
        if wrong:
            raise Misconfigured("\n".join(wrong))
        return found


class Files(BaseModel):
    """Files of the tree by name, each as the text of a YAML file or as what such a text says."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, str | dict[str, Any]] = Field(min_length=1, max_length=50)


class Wanted(Files):
    """Files to put in force. ``version`` refuses the change where anything else than that was in force."""

    version: str | None = None


class FileShown(BaseModel):
    """One file in force, in its canonical form, and who put it there."""

    document: Any
    origin: Literal["folder", "applied"]
    actor: str
    at: datetime


class InForce(BaseModel):
    """Everything in force in this service. ``names`` are the files that it reads."""

    version: str
    names: list[str]
    files: dict[str, FileShown]


class ChangeShown(BaseModel):
    """What a change does: the files that say something else, as they are and as they would be, and what it does to people."""

    version: str
    changed: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    effects: list[str]


class RecordShown(BaseModel):
    """Who changed what."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    actor: str
    origin: Literal["folder", "applied"]
    name: str
    before: Any
    after: Any


class Record(BaseModel):
    """The newest changes of the configuration first."""

    changes: list[RecordShown]


def router(watcher: ConfigWatcher, form: Form | None = None) -> APIRouter:
    """The routes of a service's configuration, for administrators who are bound to no tenant."""
    api = APIRouter(prefix="/v1/config", tags=["configuration"])
    configuration = Configuration(watcher, form)

    @api.get("", summary="The configuration in force")
    async def read_config(principal: Admin) -> InForce:
        """Every file in its canonical form; secrets are references, never values. What the API added is not in it."""
        _refuse_bound(principal)
        found = await configuration.in_force()
        version = config_store.version_of({name: said for name, (said, _) in found.items()})
        shown = {
            name: FileShown(document=said, origin=one.origin, actor=one.actor, at=one.taken_at)
            for name, (said, one) in found.items()
        }
        return InForce(version=version, names=list(watcher.files), files=shown)

    @api.post("/check", summary="What a change of the configuration would do")
    async def check_config(principal: Admin, wanted: Files) -> ChangeShown:
        """The change is made and taken back: the answer is what it would do, or all that is wrong with it."""
        _refuse_bound(principal)
        documents = await asyncio.to_thread(documents_of, watcher.files, wanted.files)
        with refused():
            return _shown(await configuration.check(documents, principal.id))

    @api.put("", summary="Put a configuration in force")
    async def put_config(principal: Admin, wanted: Wanted) -> ChangeShown:
        """In one transaction, all or nothing. Files that are not sent stay as they are."""
        _refuse_bound(principal)
        documents = await asyncio.to_thread(documents_of, watcher.files, wanted.files)
        with refused():
            return _shown(await configuration.put(documents, principal.id, wanted.version))

    @api.get("/changes", summary="Who changed the configuration")
    async def list_config_changes(principal: Admin, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Record:
        """The newest first; what came from the watched folder has the actor `configuration`."""
        _refuse_bound(principal)
        async with watcher.uow.read() as session:
            rows = await config_store.changes(session, limit)
        return Record(changes=[RecordShown.model_validate(row) for row in rows])

    return api


def _shown(outcome: Outcome) -> ChangeShown:
    changed = outcome.changed
    return ChangeShown(
        version=outcome.version,
        changed=changed,
        before={name: outcome.before.get(name) for name in changed},
        after={name: outcome.after[name] for name in changed},
        effects=list(outcome.effects),
    )


def _refuse_bound(principal: Principal) -> None:
    if principal.tenants is not None:
        raise Forbidden(f"The configuration is of every tenant, and {principal.name} is bound to some.")


def documents_of(known: Sequence[str], given: Mapping[str, str | dict[str, Any]]) -> dict[str, Document]:
    """The files, read. Raises :class:`Invalid` for one that this service has no use for, or that is no YAML."""
    foreign = sorted(set(given) - set(known))
    if foreign:
        raise Invalid(f"{', '.join(foreign)}: this service reads {', '.join(known)} and nothing else.")
    with refused():
        return {
            name: parse(name, said) if isinstance(said, str) else Document.of(name, said)
            for name, said in given.items()
        }


class refused:  # noqa: N801 - reads as a word in a with statement
    """Tells a caller what is wrong with the files that it sent: that is not a fault of this side."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Misconfigured):
            raise Invalid(error.detail, problems=[problem_of(line) for line in error.detail.splitlines()]) from error


def problem_of(sentence: str) -> FieldProblem:
    """``people.yaml:12: people[3].zone: …`` with a pointer into the request's body: ``#/files/people.yaml/people/3/zone``."""
    match = _SENTENCE.match(sentence)
    if match is None:
        return FieldProblem("#/files", sentence)
    steps = _STEP.findall(match["place"] or "")
    return FieldProblem("/".join(["#/files", match["file"], *steps]), sentence)
