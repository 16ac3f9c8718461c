"""Files that other tools export: one document with everything, pages of their APIs, or a folder with a file for each thing."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.cli.errors import Failed, Problem
from services.cli.importers.draft import PLACE

Export = dict[str, list[dict[str, Any]]]
"""The things of an export by what they are called there: ``users``, ``schedules``."""

_PAGES: Final = ("data", "results")
"""Under what an API's page has its things, where it is not their name."""
_BESIDE: Final = frozenset(
    {"limit", "offset", "more", "total", "count", "next", "previous", "current_page_number", "page_size"}
    | {"total_pages", "took", "requestId", "paging", "totalCount", "query"}
)
"""What pages say beside their things."""


def read(paths: Iterable[Path], kinds: Mapping[str, str]) -> Export:
    """Everything in ``paths``, files or folders. ``kinds`` leads from each name of a thing, singular or plural, to its plural.

    Raises :class:`Failed` for what cannot be read, and where nothing says what a file holds.
    """
    found: Export = {}
    wrong: list[Problem] = []
    for path, folder in _files(paths, wrong):
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            line = getattr(error, "lineno", None)
            wrong.append(Problem(f"this is no JSON: {getattr(error, 'msg', error)}", str(path), line))
            continue
        except OSError as error:
            wrong.append(Problem(f"cannot be read: {error.strerror}", str(path)))
            continue
        pieces = list(_things(body, path, folder, kinds))
        if not pieces:
            hint = ", ".join(dict.fromkeys(kinds.values()))
            wrong.append(Problem(f"what this holds is not said: call the file after it ({hint})", str(path)))
        for kind, things in pieces:
            found.setdefault(kind, []).extend(things)
    if wrong:
        raise Failed(wrong)
    return found


def _files(paths: Iterable[Path], wrong: list[Problem]) -> Iterator[tuple[Path, str | None]]:
    """Each file, and the folder of a folder that it stands in: what is in ``heartbeats/`` is that, whether it is known or not."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                below = file.relative_to(path).parts[:-1]
                yield file, below[0] if below else None
        elif path.exists():
            yield path, None
        else:
            wrong.append(Problem("there is no such file", str(path)))


def _things(
    body: Any, path: Path, folder: str | None, kinds: Mapping[str, str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    named = kinds.get(path.stem) or kinds.get(path.parent.name) or folder
    if isinstance(body, dict):
        known = [key for key, value in body.items() if key in kinds and isinstance(value, list | dict)]
        page = next((key for key in _PAGES if isinstance(body.get(key), list)), None)
        whole = not ({"id", "name", "username"} & body.keys())
        if known and whole and not page:
            for key, value in body.items():
                if key not in _BESIDE and isinstance(value, list | dict):
                    yield kinds.get(key, key), _records(value, f"{path}#/{key}")
            return
        if page:
            yield from [(named, _records(body[page], f"{path}#/{page}"))] if named else []
            return
    if named:
        yield named, _records(body, f"{path}#")


def _records(value: Any, place: str) -> list[dict[str, Any]]:
    """The things of a list, or one alone, each with its place."""
    if isinstance(value, dict):
        return [{**value, PLACE: place}]
    return [{**one, PLACE: f"{place}/{number}"} for number, one in enumerate(value) if isinstance(one, dict)]
