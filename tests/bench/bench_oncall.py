"""How fast oncall says who is on call, and lays out a year.

The first figure is what a question costs once the schedule is laid out: the look-up, on one core, at instants drawn by chance.
The second is a rota of ten layers over each other, a year of it, laid out anew each time. Both are pure calculations: nothing waits.
"""

import asyncio
import random
import statistics
from datetime import UTC, datetime, timedelta
from typing import Final

from libs.common.clock import Stopwatch
from services.oncall.domain.layer import Layer
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_call, shifts
from services.oncall.domain.timeline import Timeline
from tests.bench.figures import Aim, Section, Tell, at_most, ms

ROUNDS: Final = 15
QUESTIONS: Final = 20_000
PER_SECOND: Final = 2000
YEAR_MS: Final = 50
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
YEAR: Final = timedelta(days=365)


LAYERS: Final[tuple[tuple[int, str, list[dict[str, str]]], ...]] = (
    (0, "1 week", []),
    (0, "1 month", []),
    (1, "1 day", [{"days": "mo-fr", "hours": "09:00-17:00"}]),
    (1, "2 days", [{"days": "mo-fr", "hours": "17:00-22:00"}]),
    (2, "1 week", [{"hours": "22:00-06:00"}]),
    (2, "1 week", [{"days": "sa-su"}]),
    (3, "8 hours", [{"days": "tu, th", "hours": "08:00-16:00"}]),
    (3, "1 week", [{"hours": "12:00-13:00"}]),
    (4, "1 month", [{"days": "fr", "hours": "18:00-02:00"}]),
    (4, "1 day", [{"month_days": "-1", "hours": "06:00-12:00"}]),
)
"""Priority, how long a turn lasts, and its hours."""


def rota() -> Rota:
    """Ten layers of weeks, days, nights and weekends, in a zone whose clocks change."""
    layers = [
        Layer.model_validate(
            {
                "id": f"layer-{number}",
                "people": [f"p{number}-{person}" for person in range(4)],
                "priority": priority,
                "every": every,
                "starts_on": "2025-12-29",
                "only": only,
            }
        )
        for number, (priority, every, only) in enumerate(LAYERS)
    ]
    return Rota(id="ten", name="Ten", zone="Europe/Lisbon", layers=tuple(layers))


def look_ups(timeline: Timeline, instants: list[datetime]) -> float:
    """Questions a second."""
    watch = Stopwatch()
    for at in instants:
        timeline.on_call(at)
    return len(instants) / watch.seconds()


def a_year(one: Rota) -> float:
    """How long a year takes, in seconds."""
    watch = Stopwatch()
    shifts(one, START, START + YEAR)
    return watch.seconds()


def _take() -> tuple[list[float], list[float], float, int]:
    one = rota()
    chance = random.Random(7)
    timeline = Timeline.of(one, START, START + timedelta(days=14))
    # The last primary of a stretch begins before its end: later instants are calculated, and rare.
    instants = [START + timedelta(seconds=chance.randrange(12 * 86400)) for _ in range(QUESTIONS)]
    rates = [look_ups(timeline, instants) for _ in range(ROUNDS)]
    years = [a_year(one) for _ in range(ROUNDS)]
    watch = Stopwatch()
    for at in instants[:100]:
        on_call(one, at)
    return rates, years, 100 / watch.seconds(), len(shifts(one, START, START + YEAR))


async def run(tell: Tell) -> Section:
    """Measure."""
    tell("asking and laying out", 0.2)
    rates, years, uncached, count = await asyncio.to_thread(_take)
    tell("done", 1.0)
    rate, year = statistics.median(rates), statistics.median(years)
    return Section(
        title="Who is on call, and a year of ten layers",
        how=(
            f"One core. {QUESTIONS:,} instants drawn by chance are looked up in a laid-out stretch of 14 days, {ROUNDS} times; the final schedule of a rota of ten layers "
            f"with five priorities, masks, and a zone whose clocks change is laid out for 365 days, {ROUNDS} times. The figures are medians."
        ),
        aims=(
            Aim("who is on call", f"{rate:,.0f} questions/s", f"≥ {PER_SECOND:,}/s", met=rate >= PER_SECOND),
            at_most("a year of shifts", year, YEAR_MS),
        ),
        details=(
            ("the same question calculated anew", f"{uncached:,.0f} questions/s"),
            ("a year: fastest and slowest", f"{ms(min(years))}, {ms(max(years))}"),
            ("shifts in that year", f"{count:,}"),
        ),
        reading="",
        versions=(),
    )
