"""The one way to write a configuration: what is said twice in different words reads the same."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from libs.common.documents import Document

Tidy = Callable[[Any], Any]
"""Makes the canonical form of a file shorter to read, and still the same to its model."""

_UNITS: Final = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def canonical(document: Document, model: type[BaseModel], tidy: Tidy | None = None) -> Any:
    """What ``document`` says as ``model``, in the order of the model's fields and without what goes without saying.

    Raises :class:`~libs.common.errors.Misconfigured` with file, line and rule.
    """
    read = document.load(model)
    plain = _plain(read.model_dump(exclude_defaults=True, by_alias=True))
    for written in (tidy(plain) if tidy else plain, plain, read.model_dump(mode="json", exclude_defaults=True)):
        if _reads(model, written, read):
            return written
    return document.data


def _reads(model: type[BaseModel], written: Any, read: BaseModel) -> bool:
    """Whether ``written`` says what was ``read``: a form that a model cannot read again is no form to keep."""
    try:
        return model.model_validate(written) == read
    except ValidationError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(one) for one in value)
    return _written(value)


def _written(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _short(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, date | PurePath) else value


def _short(value: timedelta) -> str:
    """``90m``, in the largest unit that leaves no rest."""
    for name, unit in _UNITS:
        if value and value % unit == timedelta(0):
            return f"{value // unit}{name}"
    return f"{value.total_seconds():g}s"
