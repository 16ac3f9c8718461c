"""``python -m tests.cases``: plays every case and prints passed, failed and not yet there by area. Exits with 1 where one failed."""

import sys

from rich.console import Console
from rich.table import Table

from tests.cases.case import load, path_of_cases
from tests.cases.run import Played, by_area, play


def table(played: list[Played]) -> Table:
    """What became of the cases, an area a line."""
    shown = Table("area", "passed", "failed", "not yet there")
    for area, counts in by_area(played).items():
        shown.add_row(area, *(str(counts[outcome]) for outcome in ("passed", "failed", "not yet there")))
    total = [str(sum(one.outcome == outcome for one in played)) for outcome in ("passed", "failed", "not yet there")]
    shown.add_section()
    shown.add_row("all", *total)
    return shown


def main() -> int:
    """Play, print, and say by the exit code whether any failed."""
    screen = Console()
    path = path_of_cases()
    cases = load(path)
    if not cases:
        screen.print(f"no cases: {path} is not there, or empty; TOCSIN_CASES names another file", style="yellow")
        return 0
    played = [play(case) for case in cases]
    for one in played:
        if one.outcome != "passed":
            screen.print(
                f"{one.outcome}: {one.case.id} ({one.case.kind}, {one.case.portability}) {one.case.title}", markup=False
            )
            screen.print(f"      {one.why}", markup=False, style="dim")
    screen.print(table(played))
    return 1 if any(one.outcome == "failed" for one in played) else 0


if __name__ == "__main__":
    sys.exit(main())
