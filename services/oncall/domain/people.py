"""People, and the ways to reach each of them."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from libs.common.durations import Duration
from libs.common.slack_ids import WANTED, slack_id
from services.oncall.domain.mask import Mask, Window
from services.oncall.domain.noun import Noun, Value
from services.oncall.domain.walltime import Hours, Zone
from services.oncall.domain.weekdays import EVERY_DAY, Weekdays

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
        if not isinstance(value, dict):
            return value
        named = [key for key in value if key != "verified"]
        if not value.keys() & {"channel", "address"} and len(named) == 1:
            rest = {key: kept for key, kept in value.items() if key != named[0]}
            value = {"channel": named[0], "address": value[named[0]], **rest}
        pasted = value.get("address")
        if value.get("channel") == "slack" and isinstance(
            pasted, str
        ):  # kept as the bare id, by which it is found again
            value = {**value, "address": slack_id(pasted) or pasted}
        return value

    @model_validator(mode="after")
    def _has_its_form(self) -> "ContactPoint":
        pattern, form = _ADDRESSES.get(self.channel, (None, ""))
        if pattern is not None and not pattern.match(self.address):
            raise ValueError(f"the address of {self.channel} is {form}")
        if self.channel == "slack" and slack_id(self.address) is None:
            raise ValueError(f"the address of slack is {WANTED}")
        return self


class Step(Value):
    """One step of a chain. Written short as ``sms``, or ``{email: 5m}``, or ``sms.2`` for the second contact of a channel."""

    contact: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}(\.[2-9])?$")]
    after: Duration | None = None
    """How long after the first step it is taken in any case; without, only where the step before it failed."""

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"contact": value}
        if isinstance(value, dict) and len(value) == 1 and "contact" not in value:
            ((contact, after),) = value.items()
            return {"contact": contact, "after": after}
        return value


class Chains(Value):
    """In which order and how soon one after the other somebody's contacts are used. Empty is all of them, each where those before it failed.

    ``high`` is for what asks to act at once, ``low`` for everything else.
    """

    high: tuple[Step, ...] = ()
    low: tuple[Step, ...] = ()


class QuietHours(Value):
    """Hours of the person's own clock, on some days, in which what can wait waits. Hours that cross midnight belong to the day on which they begin."""

    days: Weekdays = EVERY_DAY
    hours: Hours


class Person(Noun):
    """Somebody of the house, with the ways to reach them in the order in which they are tried."""

    title: str = ""
    zone: Zone = "UTC"
    contacts: tuple[ContactPoint, ...] = ()
    chain: Chains = Chains()
    quiet_hours: tuple[QuietHours, ...] = ()

    def point(self, name: str) -> ContactPoint | None:
        """The contact that a step calls ``name``: the channel, and from its second on which one."""
        channel, _, place = name.partition(".")
        found = [point for point in self.contacts if point.channel == channel]
        return found[int(place or 1) - 1] if len(found) >= int(place or 1) else None

    @model_validator(mode="after")
    def _fits_together(self) -> "Person":
        for urgency, steps in (("high", self.chain.high), ("low", self.chain.low)):
            self._check_steps(urgency, steps)
        if self.quiet_hours and quiet_mask(self.quiet_hours).whole:
            raise ValueError("quiet_hours cover the whole week, so that what waits would wait for ever")
        return self

    def _check_steps(self, urgency: str, steps: Sequence[Step]) -> None:
        """Raise :class:`ValueError` for a step that cannot be taken."""
        latest = timedelta(0)
        for number, step in enumerate(steps):
            if self.point(step.contact) is None:
                raise ValueError(f"chain.{urgency}[{number}] names {step.contact!r}, and there is no such contact")
            if number == 0 and step.after:
                raise ValueError(f"chain.{urgency}[0] has a delay; the first step is taken at once")
            if step.after is not None and step.after < latest:
                raise ValueError(
                    f"chain.{urgency}[{number}] comes sooner than the step before it; delays count from the first step"
                )
            latest = step.after or latest


def quiet_mask(quiet_hours: Sequence[QuietHours]) -> Mask:
    """The quiet hours, to reckon with."""
    return Mask(tuple(Window(days=one.days, hours=one.hours).weekly() for one in quiet_hours))
