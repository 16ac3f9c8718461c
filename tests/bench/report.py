"""Writes what was measured: docs/benchmarks.md for who reads later, and a table for who waits at the terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table

from tests.bench.figures import Aim, Section

HEAD = """\
# Benchmarks

`make bench` takes these figures in one run and writes this page. They are ratios and latencies on one machine, beside
yardsticks of the same run (a commit, a round trip), so that they can be compared with those of another machine.
"""


def markdown(sections: Sequence[Section], facts: Sequence[tuple[str, str]], load: tuple[str, str], at: datetime) -> str:
    """The whole page."""
    parts = [HEAD, _summary(sections), _machine(sections, facts, load, at), *(_told(section) for section in sections)]
    return "\n".join(parts)


def table(sections: Sequence[Section]) -> Table:
    """The figures beside their aims."""
    made = Table("benchmark", "figure", "measured", "aim", "")
    for section in sections:
        for aim in section.aims:
            met = "[green]met[/green]" if aim.met else "[bold yellow]missed[/bold yellow]"
            made.add_row(section.title, aim.what, aim.measured, aim.aim, met)
    return made


def missed(sections: Sequence[Section]) -> list[Aim]:
    """The aims that were not met."""
    return [aim for section in sections for aim in section.aims if not aim.met]


def _summary(sections: Sequence[Section]) -> str:
    rows = [
        (section.title, aim.what, aim.measured, aim.aim, "met" if aim.met else "**missed**")
        for section in sections
        for aim in section.aims
    ]
    return _rows(("benchmark", "figure", "measured", "aim", ""), rows)


def _machine(sections: Sequence[Section], facts: Sequence[tuple[str, str]], load: tuple[str, str], at: datetime) -> str:
    versions = dict(version for section in sections for version in section.versions)
    rows = [
        ("date", f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"),
        *facts,
        *versions.items(),
        ("load average (1, 5, 15 min) before the run", load[0]),
        ("load average after it", load[1]),
    ]
    return "## Taken on\n\n" + _rows(("", ""), rows)


def _told(section: Section) -> str:
    before, after = section.busy
    rows = [(aim.what, aim.measured, f"aim {aim.aim}: {'met' if aim.met else '**missed**'}") for aim in section.aims]
    rows += [(name, value, "") for name, value in section.details]
    rows += [
        ("other programs' share of all cores, just before and just after", f"{before:.0f} % and {after:.0f} %", "")
    ]
    return f"## {section.title}\n\n{section.how}\n\n{_rows(('', 'measured', ''), rows)}\n{section.reading}\n"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
