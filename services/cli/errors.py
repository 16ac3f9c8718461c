"""What is wrong with a tree, for people and for machines."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from libs.common.errors import TocsinError

_SENTENCE: Final = re.compile(r"^(?P<file>[\w.-]+\.ya?ml):(?P<line>\d+): (?:(?P<place>[\w.\[\]-]+): )?(?P<rule>.*)$")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; file and line are those of the caller's own tree, where it is about a file."""

    rule: str
    file: str | None = None
    line: int | None = None
    place: str | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """The same for machines."""
        return {"file": self.file, "line": self.line, "place": self.place, "rule": self.rule}

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (where, self.place, self.rule) if part)


class Failed(TocsinError):
    """The command did not do what was asked. ``found`` says why, one by one."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.found = tuple(found)
        super().__init__("\n".join(str(one) for one in self.found))


def failed(sentence: str) -> Failed:
    """A failure with one reason that is about no file."""
    return Failed([Problem(sentence)])


def problems_of(text: str, directory: Path | None = None) -> list[Problem]:
    """The sentences of an error, a line each, with files as paths in ``directory``."""
    found = []
    for line in text.splitlines():
        match = _SENTENCE.match(line)
        if match is None:
            found.append(Problem(line))
            continue
        file = str(directory / match["file"]) if directory else match["file"]
        found.append(Problem(match["rule"], file, int(match["line"]), match["place"]))
    return found
