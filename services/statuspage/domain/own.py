"""How somebody arranges their own contacts: from a form to what oncall takes, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.statuspage.domain.reach import DAYS, Step

MOST_ROWS: Final = 20
"""So many steps and quiet hours are read from a form."""
LONGEST: Final = 1440
"""Minutes that a step may wait."""


class NotSaid(ValueError):
    """A form that says no arrangement; the sentence says what is missing."""


@dataclass(frozen=True)
class StepRow:
    """A step to fill in: the contact as steps call it, and after how many minutes; both empty in a fresh row."""

    contact: str = ""
    after: str = ""


@dataclass(frozen=True)
class QuietRow:
    """Quiet hours to fill in; all of it empty in a fresh row."""

    days: tuple[str, ...] = ()
    begin: str = ""
    end: str = ""


def step_rows(steps: Sequence[Step], contacts: int) -> list[StepRow]:
    """The rows of a chain: its steps, and as many more as there are contacts left, one at least."""
    found = [StepRow(contact, "" if after is None else _minutes(after)) for contact, after in steps]
    return [*found, *(StepRow() for _ in range(max(contacts - len(found), 1)))][:MOST_ROWS]


def quiet_rows(quiet: Sequence[tuple[Sequence[str], str]]) -> list[QuietRow]:
    """The rows of quiet hours, and a fresh one."""
    found = [QuietRow(tuple(days), *hours.split("-")) for days, hours in quiet]
    return [*found, QuietRow()][:MOST_ROWS]


def arrangement(form: Mapping[str, str]) -> dict[str, Any]:
    """What oncall is asked for. Rows that say nothing are passed over. Raises :class:`NotSaid`."""
    chain = {urgency: _steps(form, urgency) for urgency in ("high", "low")}
    quiet = [one for place in range(MOST_ROWS) if (one := _quiet(form, place)) is not None]
    return {"chain": chain, "quiet_hours": quiet}


def _steps(form: Mapping[str, str], urgency: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place in range(MOST_ROWS):
        contact = form.get(f"{urgency}.{place}.contact", "")
        if contact:
            after = form.get(f"{urgency}.{place}.after", "") if found else ""
            found.append({"contact": contact, "after": _seconds(after) if after else None})
    return found


def _quiet(form: Mapping[str, str], place: int) -> dict[str, Any] | None:
    begin, end = (form.get(f"quiet.{place}.{edge}", "") for edge in ("begin", "end"))
    days = [day for day in DAYS if form.get(f"quiet.{place}.{day}")]
    if not begin and not end:
        return None
    if not begin or not end:
        raise NotSaid("Say when the quiet hours begin and when they end.")
    if not days:
        raise NotSaid(f"Choose the days on which the quiet hours from {begin} begin.")
    return {"days": days, "hours": f"{begin}-{end}"}


def _seconds(text: str) -> str:
    try:
        minutes = Decimal(text)
    except InvalidOperation:
        minutes = Decimal(-1)
    if not minutes.is_finite() or not 0 <= minutes <= LONGEST:
        raise NotSaid(f"{text} is no number of minutes from 0 to {LONGEST}.")
    return f"{int(minutes * 60)}s"


def _minutes(after: timedelta) -> str:
    return f"{after / timedelta(minutes=1):g}"
