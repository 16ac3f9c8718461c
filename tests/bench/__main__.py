"""``python -m tests.bench``: takes every figure in one run and writes docs/benchmarks.md.

With names behind it (``intake``, ``embedded``, ``kafka``, ``timers``, ``oncall``) only those are taken, shown, and not written.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import bench_intake, bench_latency, bench_oncall, bench_timers, machine, report
from tests.bench.figures import Section, Tell

PAGE = Path("docs/benchmarks.md")
BENCHES: dict[str, Callable[[Tell], Awaitable[Section]]] = {
    "intake": bench_intake.run,
    "embedded": partial(bench_latency.run, "embedded"),
    "kafka": partial(bench_latency.run, "kafka"),
    "timers": bench_timers.run,
    "oncall": bench_oncall.run,
}


async def take(names: list[str], screen: Console) -> list[Section]:
    """Run the benchmarks one after the other, showing how far each is."""
    columns = (TextColumn("{task.fields[name]:<9}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    taken = []
    # Drawing costs the process that measures: twice a second is enough to see that it goes on.
    with Progress(*columns, console=screen, refresh_per_second=2) as progress:
        for name in names:
            task = progress.add_task("looking at the machine", name=name, total=1.0)

            def tell(now: str, done: float, task: object = task) -> None:
                progress.update(task, description=now, completed=done)  # type: ignore[arg-type]

            before = await asyncio.to_thread(machine.busy)
            section = await BENCHES[name](tell)
            after = await asyncio.to_thread(machine.busy)
            taken.append(replace(section, busy=(before, after)))
    return taken


def main() -> int:
    """Measure, write, show; 0 also where an aim was missed."""
    screen = Console()
    names = sys.argv[1:] or list(BENCHES)
    unknown = set(names) - BENCHES.keys()
    if unknown:
        screen.print(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHES)}")
        return 2
    at, before = datetime.now(UTC), machine.load()
    sections = uvloop.run(take(names, screen))
    screen.print(report.table(sections))
    for section in sections:
        for name, value in section.details:
            screen.print(f"  [dim]{section.title}: {name}: {value}[/dim]")
    if not sys.argv[1:]:
        PAGE.write_text(report.markdown(sections, machine.facts(), (before, machine.load()), at), "utf-8")
        screen.print(f"written to {PAGE}")
    missed = report.missed(sections)
    screen.print(f"{len(missed)} aims were missed" if missed else "every aim was met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
