"""YAML with positions: every error of a configuration file names file, line, place and rule.

The YAML read is the JSON-like core of YAML 1.2: ``true``, ``false``, ``null`` and numbers as JSON writes them; all else is text, so that
``10:00`` is no number, ``no`` is no boolean, and ``+15550100`` keeps its plus.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from libs.common.errors import Misconfigured
from libs.common.rules import rule_of

T = TypeVar("T", bound=BaseModel)
Path = tuple[str | int, ...]
"""Keys and indexes from the top of a document: ``("people", 3, "zone")``."""

MOST_NODES: Final = 200_000
"""More than any tree that a person wrote; what aliases multiply beyond it is refused."""

MOST_DIGITS: Final = 18

CORE: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    ("tag:yaml.org,2002:null", re.compile(r"(null|~|)$"), "n~\0"),
    ("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), "tf"),
    ("tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)$"), "-0123456789"),
    ("tag:yaml.org,2002:float", re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?$"), "-0123456789"),
)
"""The types of plain scalars: tag, form, and what it may begin with."""


class _Loader(yaml.SafeLoader):
    """Tells the types of plain scalars apart as the module says."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - as PyYAML declares it


for _tag, _pattern, _first in CORE:
    _Loader.add_implicit_resolver(_tag, _pattern, [letter if letter != "\0" else "" for letter in _first])


@dataclass
class Document:
    """One file of the tree: what it says, and in which line it says it."""

    name: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, data: Any) -> "Document":
        """A document that has no text, such as one that was kept: all of it stands in its first line."""
        return cls(name, data, dict.fromkeys(_places(data, ()), 1))

    def load(self, model: type[T]) -> T:
        """The document as ``model``. Raises :class:`Misconfigured` with a line for everything that is wrong."""
        if self.data is None:
            keys = ", ".join(f"{name}: []" for name in model.model_fields)
            raise self.error((), f"this file says nothing; where there is nothing to say, it says “{keys}”")
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            sentences = [self._sentence(model, dict(problem)) for problem in error.errors(include_url=False)]
            raise Misconfigured("\n".join(dict.fromkeys(sentences))) from error

    def line(self, path: Sequence[str | int]) -> int:
        """The line of ``path``, or of the nearest thing above it."""
        for length in range(len(path), -1, -1):
            found = self.lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 1

    def error(self, path: Sequence[str | int], rule: str) -> Misconfigured:
        """An error about ``path``: ``people.yaml:12: people[3].zone: …rule…``."""
        return Misconfigured(self.told(path, rule))

    def told(self, path: Sequence[str | int], rule: str) -> str:
        """The sentence of :meth:`error`."""
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
        return f"{self.name}:{self.line(path)}: {place}: {rule}" if place else f"{self.name}:{self.line(path)}: {rule}"

    def _sentence(self, model: type[BaseModel], problem: Mapping[str, Any]) -> str:
        path = self._real(problem["loc"], missing=problem["type"] == "missing")
        if path[-1:] == ("<<",):
            return self.told(path, "keys are not merged here; write each of them out")
        if problem["type"] == "extra_forbidden":
            known = sorted(_fields_at(model, problem["loc"][:-1]))
            close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
            return self.told(path, f"no such key; {hint}" if known else "no such key")
        if problem["type"] == "missing":
            return self.told(path, "is missing")
        rule, shown = rule_of(problem), problem.get("input")
        said = isinstance(shown, str | int | float) and not isinstance(shown, bool)
        return self.told(path, f"{shown!r}: {rule}" if said and not rule.startswith(repr(shown)) else rule)

    def _real(self, location: Sequence[str | int], *, missing: bool) -> Path:
        """Pydantic's location without what it adds for unions and validators."""
        path: Path = ()
        for part in location:
            if (*path, part) in self.lines:
                path = (*path, part)
        return (*path, location[-1]) if missing else path


def parse(name: str, text: str) -> Document:
    """Read a YAML file. Raises :class:`Misconfigured` for what is no YAML, and for a key or an id that stands twice."""
    document = Document(name)
    try:
        node = yaml.compose(text, _Loader)
        if node is not None:
            document.data = _Reading(document).value(node, ())
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Misconfigured(f"{name}:{line}: this is no YAML: {error.reason}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        reason = getattr(error, "problem", None) or str(error)
        if "'\\t'" in reason:
            reason = "there is a tab; indent with spaces"
        raise Misconfigured(f"{name}:{line}: this is no YAML: {reason}") from error
    except RecursionError as error:
        raise Misconfigured(f"{name}:1: this is nested too deeply") from error
    return document


class _Reading:
    """Turns nodes into values and notes their lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0
        self._inside: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if self._nodes > MOST_NODES or id(node) in self._inside:
            raise self._document.error(path, "aliases make this endless or far too large")
        self._inside.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._inside.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Misconfigured(f"{self._document.name}:{line}: a key must be plain text")
            key = str(key_node.value)
            below = (*path, key)
            if key in values:
                raise Misconfigured(
                    f"{self._document.name}:{line}: {key} stands twice; first in line {self._document.lines[below]}"
                )
            self._document.lines[below] = line
            values[key] = self.value(value_node, below)
        return values

    def _sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        values = [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        first: dict[Any, int] = {}
        for index, value in enumerate(values):
            if not isinstance(value, dict) or not isinstance(value.get("id"), str):
                continue
            earlier = first.setdefault(value["id"], index)
            if earlier != index:
                line = self._document.line((*path, earlier, "id"))
                raise self._document.error((*path, index, "id"), f"{value['id']!r} stands twice; first in line {line}")
        return values

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text = str(node.value)
        match node.tag.rpartition(":")[2]:
            case "null":
                return None
            case "bool":
                return text == "true"
            case "int":
                if len(text.lstrip("+-")) > MOST_DIGITS:
                    raise self._document.error(path, "this number is too long; in quotes it is text")
                return int(text)
            case "float":
                return float(text)
            case "str":
                return text
            case other:
                raise self._document.error(path, f"the tag {other} is not read here")


def _places(data: Any, path: Path) -> Iterator[Path]:
    yield path
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in below:
        yield from _places(value, (*path, step))


def _fields_at(model: type[BaseModel], location: Iterable[str | int]) -> set[str]:
    """The keys that ``model`` knows at ``location``, all variants of a union together."""
    here: list[Any] = [model]
    for part in location:
        below = [inner for kind in here for inner in _below(kind, part)]
        here = below or here  # a part that names a variant of a union leads nowhere
    names: set[str] = set()
    for kind in here:
        for variant in _models_in(kind):
            names.update(known.alias or name for name, known in variant.model_fields.items())
    return names


def _below(kind: Any, part: str | int) -> Iterator[Any]:
    for variant in _models_in(kind):
        for name, known in variant.model_fields.items():
            if part in {name, known.alias}:
                yield known.annotation
    if isinstance(part, int):
        yield from _models_in(kind)


def _models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's annotation is made of: itself, or what its list, its dict or its union holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from _models_in(inner)
