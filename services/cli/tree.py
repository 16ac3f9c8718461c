"""A configuration tree on disk: read as text, and written in the one form that every export has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from libs.common.config import read_text
from libs.common.documents import CORE, parse
from libs.common.errors import Misconfigured

_WIDTH = 150


@dataclass(frozen=True)
class Tree:
    """The texts of a tree's files, by name."""

    directory: Path
    texts: Mapping[str, str]
    unread: tuple[str, ...] = ()
    """YAML files beside them that nobody reads: a slip of the pen, perhaps."""


def read_tree(directory: Path, names: Iterable[str]) -> Tree:
    """The named files. Raises :class:`Misconfigured` for all that are missing or cannot be read."""
    if not directory.is_dir():
        raise Misconfigured(f"there is no folder {directory}: name the folder of the configuration tree")
    wanted = list(names)
    texts, wrong = {}, []
    for name in wanted:
        try:
            texts[name] = read_text(directory / name)
        except Misconfigured as error:
            wrong.append(error.detail)
    if wrong:
        raise Misconfigured("\n".join(wrong))
    unread = sorted(path.name for path in directory.glob("*.y*ml") if path.name not in wanted)
    return Tree(directory, texts, tuple(unread))


class _Dumper(yaml.SafeDumper):
    """Block style outside, flow style inside; text that any reader could take for something else is quoted."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


for _tag, _pattern, _first in CORE:
    _Dumper.add_implicit_resolver(_tag, _pattern, [letter if letter != "\0" else "" for letter in _first])


def written(document: Any) -> str:
    """The text of a file that says ``document``. Reading it gives the same again."""
    text = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    )
    if parse("export", text).data != document:
        raise Misconfigured("this configuration cannot be written as YAML")
    return text


def write_tree(directory: Path, texts: Mapping[str, str], *, replace: bool) -> list[str]:
    """Write the files, each in one step, and return the names of those that are other than before.

    Raises :class:`Misconfigured` where that would replace a file and ``replace`` does not allow it; nothing is written then.
    """
    present = {name: (directory / name) for name in texts if (directory / name).exists()}
    news = [name for name, text in texts.items() if name not in present or read_text(present[name]) != text]
    taken = [name for name in news if name in present]
    if taken and not replace:
        raise Misconfigured(
            f"{directory} has {', '.join(taken)} already: choose another folder, or give --force to replace them"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in news:
            part = directory / f".{name}.part"
            part.write_text(texts[name], encoding="utf-8")
            part.replace(directory / name)
    except OSError as error:
        raise Misconfigured(f"{directory} cannot be written: {error.strerror}") from error
    return news
