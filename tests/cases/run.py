"""Plays cases, and counts what became of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.cases import changed, clocks, rotations, templates
from tests.cases.case import Case, Driver, NotYet, Outcome

DRIVERS: Final[Mapping[str, Driver]] = {
    "schedule.check": rotations.check,
    "schedule.final": rotations.shift_lists,
    "schedule.handoffs": rotations.handoffs,
    "schedule.mutation": changed.mutation,
    "schedule.next_time_of_day": clocks.next_clock,
    "schedule.oncall_at": rotations.oncall_at,
    "schedule.oncall_matrix": changed.oncall_matrix,
    "schedule.override": changed.override,
    "schedule.populate": templates.populate,
    "schedule.replacement_window": changed.replacement_window,
    "schedule.shift_bounds": rotations.shift_bounds,
    "schedule.shift_days": rotations.shift_days,
    "schedule.shifts": rotations.shift_lists,
    "schedule.swap": changed.swap,
    "schedule.user_shifts": rotations.user_shifts,
    "schedule.week_template": templates.week_template,
    "schedule.window_active": clocks.window_active,
    "schedule.window_bounds": clocks.window_bounds,
    "time.interval": clocks.interval,
    "time.local_clock": clocks.local_clock,
    "time.mute": clocks.mute,
}
"""One driver per kind."""


@dataclass(frozen=True)
class Played:
    """A case and what became of it, with the reason where it did not pass."""

    case: Case
    outcome: Outcome
    why: str = ""


def play(case: Case) -> Played:
    """Play one case. What a driver trips over is a failure of the case, told by its error."""
    driver = DRIVERS.get(case.kind)
    if driver is None:
        return Played(case, "not yet there", f"no driver for {case.kind}")
    try:
        driver(case)
    except NotYet as reason:
        return Played(case, "not yet there", str(reason))
    except AssertionError as difference:
        return Played(case, "failed", str(difference))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return Played(case, "failed", f"{type(error).__name__}: {error}")
    return Played(case, "passed")


def by_area(played: Iterable[Played]) -> dict[str, Counter[Outcome]]:
    """How many of each outcome, by area."""
    found: dict[str, Counter[Outcome]] = {}
    for one in played:
        found.setdefault(one.case.area, Counter())[one.outcome] += 1
    return dict(sorted(found.items()))
