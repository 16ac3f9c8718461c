"""``python -m tests.cases``: plays every case and prints what became of them by area. Exits with 1 where one failed."""

import logging
import sys
from typing import get_args

import structlog
from rich.console import Console
from rich.table import Table

from tests.cases.case import Outcome, load, path_of_cases
from tests.cases.run import Played, by_area, play
from tests.cases.stage import THEATRE

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
TELLING = {"failed": "red", "not yet there": "yellow", "by decision": "cyan"}
"""What is told case by case, the worst first, in which colour."""


def table(played: list[Played]) -> Table:
    """What became of the cases, an area a line."""
    shown = Table("area", *OUTCOMES)
    for area, counts in by_area(played).items():
        shown.add_row(area, *(str(counts[outcome]) for outcome in OUTCOMES))
    shown.add_section()
    shown.add_row("all", *(str(sum(one.outcome == outcome for one in played)) for outcome in OUTCOMES))
    return shown


def tell(screen: Console, played: list[Played]) -> None:
    """Every case that did not pass, with why, by what became of it."""
    for outcome, style in TELLING.items():
        found = [one for one in played if one.outcome == outcome]
        if found:
            screen.print(f"\n{outcome} ({len(found)})", style=f"bold {style}")
        for one in found:
            screen.print(f"{one.case.id} [{one.case.kind}, {one.case.portability}] {one.case.title}", markup=False)
            screen.print(f"      {one.why}", markup=False, style="dim")


def main() -> int:
    """Play, print, and say by the exit code whether any failed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    screen = Console()
    path = path_of_cases()
    cases = load(path)
    if not cases:
        screen.print(f"no cases: {path} is not there, or empty; TOCSIN_CASES names another file", style="yellow")
        return 0
    played = []
    try:
        with screen.status("playing") as status:
            for number, case in enumerate(cases, 1):
                status.update(f"playing {number} of {len(cases)}: {case.id} {case.title}")
                played.append(play(case))
    finally:
        THEATRE.close()
    tell(screen, played)
    screen.print(table(played))
    screen.print("by decision: Tocsin does otherwise, and the reason says where that is written", style="dim")
    return 1 if any(one.outcome == "failed" for one in played) else 0


if __name__ == "__main__":
    sys.exit(main())
