"""What every piece of routing.yaml, ladders.yaml and clocks.yaml is made of."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from libs.common.events.base import RoleRef

_SPAN = re.compile(r"^(\d+)(s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _span(value: Any) -> Any:
    """``30s``, ``5m``, ``1h``, ``2d`` as a duration; ISO 8601 (``PT5M``) is left to pydantic."""
    if isinstance(value, str) and (match := _SPAN.match(value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, int | float) and value != 0:
        raise ValueError("a duration needs its unit: 30s, 5m, 1h or 2d")
    return value


def several(value: Any) -> Any:
    """One value stands for a list of one."""
    return (value,) if isinstance(value, str) else value


def _any_number(value: Any) -> Any:
    """One mapping stands for a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


SEVERAL = BeforeValidator(several)
"""One text, or several."""

ANY_NUMBER = BeforeValidator(_any_number)
"""One thing, or several."""

Span = Annotated[timedelta, BeforeValidator(_span), Field(ge=timedelta(0), le=timedelta(days=366))]
"""A duration: ``30s``, ``5m``, ``1h``, ``2d``."""

Roles = Annotated[tuple[RoleRef, ...], SEVERAL, Field(min_length=1)]
"""One reference to a role, or several."""


class Policy(BaseModel):
    """A frozen piece of configuration; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
