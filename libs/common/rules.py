"""The rules of a model in the words of somebody who writes YAML or JSON: what is needed, and how to write it."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from libs.common.events.base import SLUG

_DAY: Final = "a day is needed, as 2026-01-31"
_LIST: Final = "a list is needed, as [one, another]"
_KEYS: Final = "keys with values are needed, as {name: value}"
_NUMBER: Final = "a number is needed"
_WHOLE: Final = "a whole number is needed"

NEEDED: Final[Mapping[str, str]] = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "model_attributes_type": _KEYS,
    "string_type": "text is needed",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "datetime_type": "a moment is needed, as 2026-01-31T09:00:00Z",
    "timezone_aware": "its zone is missing; a moment is written as 2026-01-31T09:00:00Z or 2026-01-31T09:00:00+01:00",
}
"""What each kind of problem asks for, by Pydantic's name of it."""


def rule_of(problem: Mapping[str, Any]) -> str:
    """What ``problem``, one of a :class:`pydantic.ValidationError`, asks for."""
    kind, shown = problem["type"], problem.get("input")
    if kind in {"tuple_type", "list_type"} and isinstance(shown, str):
        return f"a list is needed; write [{shown}]"
    if kind == "string_type" and isinstance(shown, int | float) and not isinstance(shown, bool):
        return f'text is needed; write "{shown}", in quotes'
    if kind == "too_short" and problem.get("ctx", {}).get("actual_length") == 0:
        return "at least one is needed"
    if kind == "string_pattern_mismatch" and problem.get("ctx", {}).get("pattern") == SLUG:
        return "an id is made of small letters, digits, hyphens, dots and underscores, begins with a letter or a digit, and has 63 of them at most"
    rule = str(problem["msg"]).removeprefix("Value error, ")
    return NEEDED.get(kind) or rule[:1].lower() + rule[1:]


def meant(said: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` where one of ``known`` is close to what was said; else nothing."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(said.lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""
