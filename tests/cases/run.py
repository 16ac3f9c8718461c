"""Plays cases, and counts what became of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cases import (
    alerting,
    asking,
    changed,
    clocks,
    escalating,
    fields,
    grouping,
    missing,
    rotations,
    sequences,
    steps,
    templates,
)
from tests.cases.case import Case, Decided, Driver, NotYet, Outcome
from tests.cases.decisions import DECISIONS

HERE: Final = Path(__file__).parent
SHAPE: Final = "the driver does not know this shape of case"
DRIVERS: Final[Mapping[str, Driver]] = {
    "ack.idempotence": alerting.idempotence,
    "dedup.matrix": alerting.matrix,
    "dedup.sequence": alerting.dedup_sequence,
    "delivery.retry": fields.retry,
    "escalation.step": steps.step,
    "escalation.timeline": escalating.timeline,
    "http.field_matrix": asking.field_matrix,
    "http.request": asking.request,
    "http.sequence": sequences.sequence,
    "http.state_matrix": asking.state_matrix,
    "grouping.groups": grouping.groups,
    "grouping.identity": alerting.identity,
    "grouping.sequence": grouping.sequence,
    "grouping.timeline": grouping.timeline,
    "maintenance": grouping.maintenance,
    "queue.dedup": fields.queue,
    "routing.match": alerting.routing_match,
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
    "validate": fields.validate,
    **{kind: missing.driver_of(kind) for kind in missing.MISSING},
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
    return Played(case, *_outcome(driver, case))


def _outcome(driver: Driver, case: Case) -> tuple[Outcome, str]:
    outcome: tuple[Outcome, str] = ("passed", "")
    try:
        driver(case)
    except NotYet as reason:
        outcome = ("not yet there", str(reason))
    except Decided as trait:
        outcome = ("by decision", str(DECISIONS[str(trait)]))
    except AssertionError as difference:
        outcome = ("failed", str(difference))
    except Exception as error:  # noqa: BLE001 - one case that breaks something hides none of the others
        said = f"{type(error).__name__}: {error}"
        outcome = ("failed", said)
        if _tripped_over_its_shape(error):
            outcome = ("not yet there", f"{SHAPE}: {said}")
    return outcome


def _tripped_over_its_shape(error: Exception) -> bool:
    """Whether a driver, and not what it asked of Tocsin, could not read the case."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and Path(frame.tb_frame.f_code.co_filename).parent == HERE


def by_area(played: Iterable[Played]) -> dict[str, Counter[Outcome]]:
    """How many of each outcome, by area."""
    found: dict[str, Counter[Outcome]] = {}
    for one in played:
        found.setdefault(one.case.area, Counter())[one.outcome] += 1
    return dict(sorted(found.items()))
