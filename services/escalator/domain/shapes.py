"""What every piece of routing.yaml, ladders.yaml and clocks.yaml is made of."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from libs.common.durations import Duration
from libs.common.events.base import RoleRef


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

Span = Duration
"""A duration: ``30s``, ``5m``, ``1h``, ``2d``."""

Roles = Annotated[tuple[RoleRef, ...], SEVERAL, Field(min_length=1)]
"""One reference to a role, or several."""


class Policy(BaseModel):
    """A frozen piece of configuration; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
