"""References from one service's files into another's: no service sees both, and what leads nowhere tells nobody."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from libs.common.documents import Document, parse
from services.cli.channels import Doubt, Place, unconfigured
from services.cli.errors import Problem
from services.cli.tree import Tree

_NOUNS: Final = {"person": "people", "team": "teams", "role": "roles", "rota": "rotas"}
"""The file of what a reference may name."""
_ROLES: Final = frozenset({"first", "quarantine", "roles", "audience", "remind", "missed"})
"""The fields of routing, ladders and clocks that name whom to tell."""
_BY_SOURCE: Final = "quarantine_of"
"""The field of routing that names whom to tell for each source."""
_WHEN: Final = {"service": "services", "tool": "tools", "tenant": "tenants"}
"""The fields of a rule that name things of the directory."""
_FROM: Final = ("routing.yaml", "ladders.yaml", "clocks.yaml")


def doubts(tree: Tree) -> list[Problem]:
    """Every reference of routing, ladders and clocks that the rest of the tree does not have, and every channel that nothing carries.

    Each with file and line. These are doubts and no errors: what the API added is not in the tree.
    """
    files = {name: parse(name, text) for name, text in tree.texts.items()}
    known = {stem: set(_ids(files.get(f"{stem}.yaml"), stem)) for stem in (*_NOUNS.values(), *_WHEN.values())}
    found: list[Doubt] = []
    for name in _FROM:
        document = files.get(name)
        if document is None:
            continue
        found += [(name, place, rule) for place, rule in _dangling(document.data, (), known)]
    return [_problem(tree, files[name], place, rule) for name, place, rule in (*found, *unconfigured(files))]


def _problem(tree: Tree, document: Document, place: Place, rule: str) -> Problem:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return Problem(rule, str(Path(tree.directory) / document.name), document.line(place), where)


def _ids(document: Document | None, stem: str) -> Iterator[str]:
    said = document.data if document else None
    things = said.get(stem) if isinstance(said, dict) else None
    for thing in things if isinstance(things, list) else ():
        if isinstance(thing, dict) and isinstance(thing.get("id"), str):
            yield thing["id"]


def _dangling(said: Any, place: Place, known: Mapping[str, set[str]]) -> Iterator[tuple[Place, str]]:
    if isinstance(said, list):
        for number, one in enumerate(said):
            yield from _dangling(one, (*place, number), known)
    if not isinstance(said, dict):
        return
    for key, value in said.items():
        below = (*place, key)
        if key in _ROLES and not isinstance(value, dict):
            yield from _whom(value, below, known)
        elif key == _BY_SOURCE and isinstance(value, dict):
            for source, roles in value.items():
                yield from _whom(roles, (*below, source), known)
        elif place and place[-1] == "when" and key in _WHEN:
            yield from _which(value, below, known[_WHEN[key]], key)
        else:
            yield from _dangling(value, below, known)


def _whom(value: Any, place: Place, known: Mapping[str, set[str]]) -> Iterator[tuple[Place, str]]:
    for at, ref in _each(value, place):
        noun, colon, name = ref.partition(":")
        if colon and noun in _NOUNS and name not in known[_NOUNS[noun]]:
            yield at, f"{_NOUNS[noun]}.yaml has no {noun} {name!r}: nobody is told, unless the API added it"


def _which(value: Any, place: Place, ids: set[str], noun: str) -> Iterator[tuple[Place, str]]:
    for at, name in _each(value, place):
        if name not in ids:
            yield (
                at,
                f"{_WHEN[noun]}.yaml has no {noun} {name!r}: the rule matches what senders call so, and nothing else",
            )


def _each(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    for number, one in enumerate(value if isinstance(value, list) else ()):
        if isinstance(one, str):
            yield (*place, number), one
