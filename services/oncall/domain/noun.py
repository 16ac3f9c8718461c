"""What every configured thing has in common: it is frozen, has an id and a name, and knows no other fields than its own."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from libs.common.events.base import Slug

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
"""How people call it."""


class Value(BaseModel):
    """A frozen part of a configured thing. A field that nobody knows is refused: it is a slip of the pen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Noun(Value):
    """A configured thing."""

    id: Slug
    name: Name
