"""The configuration tree: taken in at the start and whenever it changes, all or nothing, in one transaction.

A service names its files; what it does with them is its ``apply``, the same handlers that its API calls.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from libs.common import config_store
from libs.common.background import Background, pause
from libs.common.clock import Clock
from libs.common.config_store import Kept
from libs.common.db.session import DatabaseUnavailable, lock_key
from libs.common.db.tables import CONFIG_FILES
from libs.common.db.work import Tx, UnitOfWork
from libs.common.documents import Document, parse
from libs.common.errors import Misconfigured
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.settings import read_secret_file
from libs.common.version import VERSION

log = get_logger(__name__)

T = TypeVar("T", bound=BaseModel)

FOLDER: Final = "configuration"
"""Who changed something, in every audit, where it was the watched folder."""

CONFIG_WAKE: Final = "configuration"
"""Wakes the watchers of all replicas once something was applied."""

POLL_SECONDS: Final = 0.5
"""How often files are looked at; a change is taken in once it looks the same twice, so that no half-written file is."""


class ConfigModel(BaseModel):
    """What the models of configuration files inherit: frozen, and a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretRef(ConfigModel):
    """Where a secret is: ``{env: NAME}`` or ``{file: PATH}``. Secrets themselves never stand in the tree."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either env or file")
        return self

    def resolve(self, environ: Mapping[str, str]) -> str | None:
        """The secret; ``None`` where the variable is not set. Raises :class:`Misconfigured` where the file cannot be read."""
        if self.file is not None:
            return read_secret_file(self.file, "a secret's file") or None
        return environ.get(self.env or "") or None


@dataclass(frozen=True)
class ConfigTree:
    """The files of one service, read. ``changed`` names those that are not yet in force as they are, ``by`` who wants them."""

    documents: Mapping[str, Document]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    changed: frozenset[str] = frozenset()
    by: str = FOLDER

    def load(self, name: str, model: type[T]) -> T:
        """The file ``name`` as ``model``. Raises :class:`Misconfigured` with file, line and rule."""
        return self.documents[name].load(model)

    def secret(self, ref: SecretRef | None) -> str | None:
        """The secret that ``ref`` stands for; ``None`` where there is none."""
        return None if ref is None else ref.resolve(self.environ)

    def error(self, name: str, path: Sequence[str | int], rule: str) -> Misconfigured:
        """An error about a place in a file, for rules between files: raise it."""
        return self.documents[name].error(path, rule)


Apply = Callable[[Tx, ConfigTree], Awaitable[None]]
"""Takes a tree in, in the transaction. What it raises as :class:`Misconfigured` leaves everything as it was."""


def load_file(path: Path, model: type[T]) -> T:
    """One YAML file as ``model``. Raises :class:`Misconfigured`: ``people.yaml:12: people[3].zone: …rule…``."""
    return parse(path.name, read_text(path)).load(model)


def load_tree(directory: Path, files: Sequence[str], environ: Mapping[str, str] | None = None) -> ConfigTree:
    """The named files of a tree. Raises :class:`Misconfigured` for the first that is missing or no YAML."""
    return ConfigTree(
        {name: parse(name, read_text(directory / name)) for name in files}, environ or {}, frozenset(files)
    )


def read_text(path: Path) -> str:
    """The text of a file of the tree. Raises :class:`Misconfigured`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        empty = f"“{path.stem}: []”"
        raise Misconfigured(f"{path}: this file is missing; where there is nothing to say, it says {empty}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Misconfigured(f"{path}:{line}: this is no UTF-8 text; save the file as UTF-8") from error
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read: {error.strerror}") from error


def secret_refs(data: Any) -> list[SecretRef]:
    """Every secret that a document refers to."""
    if isinstance(data, dict):
        if len(data) == 1 and isinstance(data.get("env", data.get("file")), str):
            return [SecretRef.model_validate(data)] if data.keys() <= {"env", "file"} else []
        return [ref for value in data.values() for ref in secret_refs(value)]
    if isinstance(data, list):
        return [ref for value in data for ref in secret_refs(value)]
    return []


def digests(tree: ConfigTree) -> dict[str, str]:
    """What tells each file of ``tree`` from an earlier one: what it says, its secrets, and the version that reads it."""
    found = {}
    for name, document in tree.documents.items():
        secrets = [tree.secret(ref) for ref in secret_refs(document.data)]
        found[name] = hashlib.sha256(repr((VERSION, document.data, secrets)).encode()).hexdigest()
    return found


class ConfigWatcher(Background):
    """Keeps a service's files in force.

    ``apply`` runs in a transaction where a digest differs from the one in force. ``loaded`` is called in every process,
    also where nothing changed, with what is in force now: for what lives in memory, such as a provider's password. A tree
    with an error changes nothing: at the very first start that is :class:`Misconfigured`, later a log line, a metric and
    :meth:`note`.

    A file of the folder counts when it says something else than when it was taken in last. What was applied since by
    :meth:`put` stays otherwise, over restarts and in every replica (docs/adr/0014).
    """

    name = "configuration"

    def __init__(
        self,
        directory: Path,
        files: Sequence[str],
        apply: Apply,
        uow: UnitOfWork,
        clock: Clock,
        *,
        environ: Mapping[str, str] | None = None,
        metrics: Metrics | None = None,
        loaded: Callable[[ConfigTree], None] | None = None,
    ) -> None:
        super().__init__()
        self._directory = directory
        self.files = tuple(files)
        self.uow = uow
        self._apply = apply
        self._clock = clock
        self._environ = environ
        self._metrics = metrics
        self._loaded = loaded
        self._seen: tuple[object, ...] = ()
        self._secret_files: tuple[Path, ...] = ()
        self._broken: str | None = None
        self._woken = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(CONFIG_WAKE)

    def use(self, *, environ: Mapping[str, str], metrics: Metrics) -> None:
        """What the composition root gives where the maker of this watcher gave nothing."""
        self._environ = environ if self._environ is None else self._environ
        self._metrics = metrics if self._metrics is None else self._metrics

    async def start(self) -> None:
        """Take the tree in and begin to watch it. Raises :class:`Misconfigured` where none was ever in force."""
        self._seen = await asyncio.to_thread(self._look)
        try:
            await self.take()
        except Misconfigured as error:
            if not await self._resume():
                raise
            self._complain(error)
        await super().start()

    async def take(self) -> frozenset[str]:
        """Take the folder in as it is now. Returns the names of the files that changed. Raises :class:`Misconfigured`."""
        folder = await asyncio.to_thread(load_tree, self._directory, self.files, self._environ)
        async with self.uow.begin() as tx:
            await self.lock(tx)
            kept = await config_store.in_force(tx.session)
            wanted = {name: _newer(document, kept.get(name), tx) for name, document in folder.documents.items()}
            documents = {
                name: document if wanted[name].document == document.data else Document.of(name, wanted[name].document)
                for name, document in folder.documents.items()
            }
            tree = await self.enforce(tx, ConfigTree(documents, folder.environ), wanted, kept)
        self.use_now(tree)
        return tree.changed

    async def note(self) -> str | None:
        """For ``/readyz``: what is wrong with the tree on disk while an earlier one stays in force."""
        return self._broken

    async def lock(self, tx: Tx) -> None:
        """Let nobody else change the configuration until the transaction ends."""
        key = lock_key("config", self.uow.database.schema)
        await tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    async def enforce(
        self, tx: Tx, tree: ConfigTree, wanted: Mapping[str, Kept], present: Mapping[str, Kept]
    ) -> ConfigTree:
        """Put ``wanted``, which ``tree`` is, in force in the place of ``present``; nothing is written where nothing differs.

        Returns the tree, which knows what changed. The caller holds :meth:`lock`. Raises :class:`Misconfigured`.
        """
        own = ConfigTree(tree.documents, self._environ or {}, tree.changed, tree.by)
        digested = await asyncio.to_thread(digests, own)
        rows = await tx.session.execute(select(CONFIG_FILES.c.name, CONFIG_FILES.c.digest))
        known = {row.name: row.digest for row in rows}
        changed = frozenset(name for name, digest in digested.items() if known.get(name) != digest)
        own = ConfigTree(own.documents, own.environ, changed, own.by)
        if changed:
            await self._apply(tx, own)
            await self._note_digests(tx, {name: digested[name] for name in changed})
        for name, one in wanted.items():
            before = present.get(name)
            if before is None or (before.document, before.folder_digest, before.origin) != (
                one.document,
                one.folder_digest,
                one.origin,
            ):
                await config_store.keep(tx, name, one, before)
        return own

    def use_now(self, tree: ConfigTree) -> None:
        """Let this process use what is in force now."""
        self._load(tree)
        self._in_order(tree.changed)

    def _load(self, tree: ConfigTree) -> None:
        refs = [ref for document in tree.documents.values() for ref in secret_refs(document.data)]
        self._secret_files = tuple(ref.file for ref in refs if ref.file is not None)
        if self._loaded is not None:
            self._loaded(tree)

    async def _note_digests(self, tx: Tx, digests_by_name: Mapping[str, str]) -> None:
        for name, digest in digests_by_name.items():
            statement = insert(CONFIG_FILES).values(name=name, digest=digest, taken_at=tx.now)
            taken = {"digest": statement.excluded.digest, "taken_at": statement.excluded.taken_at}
            await tx.session.execute(statement.on_conflict_do_update(index_elements=[CONFIG_FILES.c.name], set_=taken))

    async def _resume(self) -> bool:
        """Use what is in force, whatever the folder says; false where nothing ever was.

        For a folder that has an error, and for what was applied to another replica.
        """
        self._woken.clear()
        async with self.uow.read() as session:
            names = set(await session.scalars(select(CONFIG_FILES.c.name)))
            kept = await config_store.in_force(session)
        if not names.issuperset(self.files):
            return False
        if kept.keys() >= set(self.files):
            documents = {name: Document.of(name, kept[name].document) for name in self.files}
            self._load(ConfigTree(documents, self._environ or {}))
        return True

    def _in_order(self, changed: frozenset[str]) -> None:
        if self._broken or changed:
            log.info("configuration in force", changed=sorted(changed))
        self._broken = None
        if self._metrics is not None:
            self._metrics.config_broken.set(0)
            for name in self.files:
                self._metrics.config_loaded.labels(name).set(1)

    def _complain(self, error: Misconfigured) -> None:
        self._broken = f"the configuration on disk has an error, the one before stays in force: {error.detail}"
        if self._metrics is not None:
            self._metrics.config_broken.set(1)
        log.error("configuration broken", reason=error.detail)

    def _interrupt(self) -> None:
        """Nothing to wake: the wait itself looks at ``_stopping``."""

    async def _work(self) -> None:
        pending = self._seen
        while not self._stopping.is_set():
            await pause(POLL_SECONDS, self._stopping)
            look = await asyncio.to_thread(self._look)
            settled, pending = look == pending, look
            foreign, same = self._woken.is_set(), look == self._seen
            if self._stopping.is_set() or (not foreign and (same or not settled)):
                continue
            try:
                if foreign:
                    await self._resume()
                if same or not settled:
                    continue
                await self.take()
            except Misconfigured as error:
                self._complain(error)
            except DatabaseUnavailable as error:
                log.warning("configuration waits for the database", reason=error.detail)
                if foreign:
                    self._woken.set()
                continue
            self._seen = look

    def _look(self) -> tuple[object, ...]:
        return tuple(_stamp(path) for path in (*(self._directory / name for name in self.files), *self._secret_files))


def _newer(document: Document, kept: Kept | None, tx: Tx) -> Kept:
    """What counts of a file: what was applied since, or the folder where it says something else than it did then."""
    digest = config_store.said(document.data)
    if kept is not None and kept.folder_digest == digest:
        return kept
    if kept is not None and kept.origin == "applied":
        log.warning("the folder takes the place of what was applied", file=document.name, applied_by=kept.actor)
    return Kept(document.data, digest, "folder", FOLDER, tx.now)


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
