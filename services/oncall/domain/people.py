"""People, and the ways to reach each of them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from services.oncall.domain.noun import Noun, Value
from services.oncall.domain.walltime import Zone

_TELEPHONE: Final = re.compile(r"^\+[1-9]\d{6,14}$")
_EMAIL: Final = re.compile(r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$")
_ADDRESSES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "sms": (_TELEPHONE, "a number in E.164 form, such as +15550100"),
    "voice": (_TELEPHONE, "a number in E.164 form, such as +15550100"),
    "email": (_EMAIL, "an address such as helpdesk@example.com"),
}


class ContactPoint(Value):
    """One way to reach somebody. Written short as ``{sms: "+15550100"}``, or ``{sms: "+15550100", verified: true}``."""

    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    address: Annotated[str, Field(min_length=1, max_length=320)]
    verified: bool = False
    """Whether whoever wrote it vouches that it reaches this person. What a code proved is kept beside the directory."""

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.keys() & {"channel", "address"}:
            return value
        named = [key for key in value if key != "verified"]
        if len(named) != 1:
            return value
        return {"channel": named[0], "address": value[named[0]], **{k: v for k, v in value.items() if k != named[0]}}

    @model_validator(mode="after")
    def _has_its_form(self) -> "ContactPoint":
        pattern, form = _ADDRESSES.get(self.channel, (None, ""))
        if pattern is not None and not pattern.match(self.address):
            raise ValueError(f"the address of {self.channel} is {form}")
        return self


class Person(Noun):
    """Somebody of the house, with the ways to reach them in the order in which they are tried."""

    title: str = ""
    zone: Zone = "UTC"
    contacts: tuple[ContactPoint, ...] = ()
