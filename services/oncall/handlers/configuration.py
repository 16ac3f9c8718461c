"""The configuration tree as files: read, checked as a whole, and handed to the same handlers that the API calls."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import Field

from libs.common.auth import hash_key
from libs.common.config import ConfigModel, ConfigTree, SecretRef
from libs.common.configuration import Form
from libs.common.db.work import Tx
from libs.common.errors import Invalid, Misconfigured
from libs.common.events.directory import HashedKey
from services.oncall.domain.directory import NOUNS, PLURALS
from services.oncall.domain.effects import effects
from services.oncall.domain.noun import Noun
from services.oncall.domain.nouns import CheckLink, PrincipalEntry, Role, Service, Team, Tenant, Tool
from services.oncall.domain.people import Person
from services.oncall.domain.rota import Rota
from services.oncall.domain.validate import Problem, errors, warnings
from services.oncall.handlers.directory import take_in
from services.oncall.store.amendments import directory_during


class PrincipalItem(PrincipalEntry):
    """A principal as its file writes it, with where its key is found."""

    key: SecretRef | None = Field(
        None, description="`{env: NAME}` or `{file: PATH}`; without the secret the key is just not there."
    )

    def entry(self) -> PrincipalEntry:
        """The principal without its key."""
        return PrincipalEntry.model_validate(self.model_dump(exclude={"key"}))


class PeopleFile(ConfigModel):
    """``people.yaml``."""

    people: tuple[Person, ...]


class TeamsFile(ConfigModel):
    """``teams.yaml``."""

    teams: tuple[Team, ...]


class RolesFile(ConfigModel):
    """``roles.yaml``."""

    roles: tuple[Role, ...]


class RotasFile(ConfigModel):
    """``rotas.yaml``."""

    rotas: tuple[Rota, ...]


class ServicesFile(ConfigModel):
    """``services.yaml``."""

    services: tuple[Service, ...]


class ToolsFile(ConfigModel):
    """``tools.yaml``."""

    tools: tuple[Tool, ...]


class TenantsFile(ConfigModel):
    """``tenants.yaml``."""

    tenants: tuple[Tenant, ...]


class LinksFile(ConfigModel):
    """``links.yaml``."""

    links: tuple[CheckLink, ...]


class PrincipalsFile(ConfigModel):
    """``principals.yaml``."""

    principals: tuple[PrincipalItem, ...]


_MODELS: Final[Mapping[str, type[ConfigModel]]] = {
    "person": PeopleFile,
    "team": TeamsFile,
    "role": RolesFile,
    "rota": RotasFile,
    "service": ServicesFile,
    "tool": ToolsFile,
    "tenant": TenantsFile,
    "link": LinksFile,
    "principal": PrincipalsFile,
}

FILES: Final[Mapping[str, str]] = {noun: f"{PLURALS[noun]}.yaml" for noun in NOUNS}
"""The file of each noun."""


MODELS: Final[Mapping[str, type[ConfigModel]]] = {FILES[noun]: model for noun, model in _MODELS.items()}

AHEAD: Final = timedelta(days=30)
"""How far ahead a change of rotas is played through."""

_REFERENCES: Final = frozenset({"members", "responsible", "pm"})
"""The fields in which a bare id is a person's."""


async def apply(tx: Tx, tree: ConfigTree) -> None:
    """Take the tree in. Raises :class:`Misconfigured` for all that is wrong in it, and then changes nothing."""
    read = check(tree)
    entities = {noun: tuple(_bare(item) for item in items) for noun, items in read.items()}
    await take_in(tx, entities, _keys(tree, read["principal"]), tree.by)


def check(tree: ConfigTree) -> dict[str, tuple[Noun, ...]]:
    """What the tree says, by noun. Raises :class:`Misconfigured` for all that is wrong in it."""
    read = {noun: _items(tree, noun) for noun in NOUNS}
    found = errors({noun: tuple(_bare(item) for item in items) for noun, items in read.items()})
    if found:
        raise Misconfigured("\n".join(_told(tree, problem) for problem in found))
    return read


async def foresee(tx: Tx, change: Callable[[], Awaitable[None]]) -> Sequence[str]:
    """What ``change``, which this calls, does to people: who is on call differently in the next days, and what is doubtful since."""
    end = tx.now + AHEAD
    before = await directory_during(tx.session, tx.now, end)
    await change()
    after = await directory_during(tx.session, tx.now, end)
    known = {(doubt.id, doubt.text) for doubt in warnings(before, tx.now)}
    doubts = [doubt for doubt in warnings(after, tx.now) if (doubt.id, doubt.text) not in known]
    told = await asyncio.to_thread(effects, before, after, tx.now, end)
    return [*told, *(f"Doubtful since: {doubt.text}." for doubt in doubts)]


def tidy(value: Any, key: str = "") -> Any:
    """People by their bare ids, contacts as ``{sms: …}``: as people write them."""
    if key in _URGENCIES and isinstance(value, dict):
        return {value["contact"]: tidy(value["after"])} if "after" in value else value["contact"]
    if isinstance(value, dict):
        if {"channel", "address"} <= value.keys() <= {"channel", "address", "verified"}:
            return {value["channel"]: value["address"], **({"verified": True} if value.get("verified") else {})}
        return {name: tidy(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [tidy(one, key) for one in value]
    return value.removeprefix("person:") if key in _REFERENCES and isinstance(value, str) else value


_URGENCIES: Final = frozenset({"high", "low"})
"""The fields that hold the steps of a chain."""

FORM: Final = Form(MODELS, tidy, foresee)


def _items(tree: ConfigTree, noun: str) -> tuple[Noun, ...]:
    items: tuple[Noun, ...] = getattr(tree.load(FILES[noun], _MODELS[noun]), PLURALS[noun])
    return items


def _bare(item: Noun) -> Noun:
    return item.entry() if isinstance(item, PrincipalItem) else item


def _told(tree: ConfigTree, problem: Problem) -> str:
    return tree.documents[f"{problem.path[0]}.yaml"].told(problem.path, problem.text)


def _keys(tree: ConfigTree, principals: tuple[Noun, ...]) -> dict[str, HashedKey]:
    """The keys that are there, hashed, by principal."""
    found: dict[str, HashedKey] = {}
    for number, item in enumerate(principals):
        plain = tree.secret(item.key) if isinstance(item, PrincipalItem) else None
        if plain is None:
            continue
        place = ("principals", number, "key")
        try:
            hashed = hash_key(plain)
        except Invalid as error:
            raise tree.error(FILES["principal"], place, error.detail) from error
        if hashed.id in {key.id for key in found.values()}:
            raise tree.error(FILES["principal"], place, "two principals cannot have the same key")
        found[item.id] = hashed
    return found
