"""How fast oncall says who is on call, and lays out a year.

The first figure is of the whole service over HTTP: key, question, the reading that keeps the answer from being stale, answer, log line. Its
yardstick is a bare route in the same process that answers a constant. The second is the look-up alone, at instants drawn by chance; the
third a rota of ten layers over each other, a year of it, laid out anew each time. All are counted against processor time, so
that they tell of one core whatever else runs.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

from libs.common.embedded.postgres import EmbeddedPostgres
from services.oncall.domain.layer import Layer
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_call, shifts
from services.oncall.domain.timeline import Timeline
from tests.bench.figures import Aim, Section, Tell, at_most, ms, percentile
from tests.bench.wire import get, keep_busy

ROUNDS: Final = 15
QUESTIONS: Final = 20_000
PER_SECOND: Final = 2000
YEAR_MS: Final = 50
HTTP_ROUNDS: Final = 6
HTTP_SECONDS: Final = 2.0
HTTP_CONNECTIONS: Final = 64
READING: Final = """\
Questions that come together share one reading of the newest change, what is between two hand-offs is rendered once, and the plain question goes past the framework ([0027](adr/0027-a-short-way-past-the-framework.md)): what is left is the road of a request through
the HTTP server, the key, the trace's ids, the log line and the metrics."""
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
    begin = time.thread_time()
    for at in instants:
        timeline.on_call(at)
    return len(instants) / (time.thread_time() - begin)


def a_year(one: Rota) -> float:
    """How long a year takes, in seconds of processor time."""
    begin = time.thread_time()
    shifts(one, START, START + YEAR)
    return time.thread_time() - begin


def _take() -> tuple[list[float], list[float], float, int]:
    one = rota()
    chance = random.Random(7)
    timeline = Timeline.of(one, START, START + timedelta(days=14))
    # The last primary of a stretch begins before its end: later instants are calculated, and rare.
    instants = [START + timedelta(seconds=chance.randrange(12 * 86400)) for _ in range(QUESTIONS)]
    rates = [look_ups(timeline, instants) for _ in range(ROUNDS)]
    years = [a_year(one) for _ in range(ROUNDS)]
    begin = time.thread_time()
    for at in instants[:100]:
        on_call(one, at)
    return rates, years, 100 / (time.thread_time() - begin), len(shifts(one, START, START + YEAR))


@dataclass(frozen=True)
class Rounds:
    """Answers per second of processor time in each round, oncall's and the bare route's in turn, and how long each of oncall's took."""

    oncall: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def shares(self) -> list[float]:
        """Oncall's rate as a share of the bare route's just after it."""
        return [oncall / bare for oncall, bare in zip(self.oncall, self.bare, strict=True)]


async def _over_http(tell: Tell) -> Rounds:
    """Ask both in turn."""
    rounds = Rounds()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "pg")
        url = await asyncio.to_thread(postgres.start)
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.oncall_server", url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            told = json.loads(await server.stdout.readline())
            key = f"Authorization: Bearer {told['key']}\r\n"
            question = f"GET /v1/schedules/default/on-call HTTP/1.1\r\nHost: bench\r\n{key}\r\n".encode()
            process = psutil.Process(server.pid)
            for number in range(HTTP_ROUNDS):
                tell(f"asking over HTTP, round {number + 1} of {HTTP_ROUNDS}", number / (HTTP_ROUNDS + 1))
                oncall = await _round(process, told["port"], question)
                bare = await _round(process, told["bare"], get("/"))
                if number:  # the first warms them up
                    rounds.oncall.append(oncall[0])
                    rounds.bare.append(bare[0])
                    rounds.waits.extend(oncall[1])
        finally:
            server.stdin.close()
            await server.wait()
            await asyncio.to_thread(postgres.stop)
    return rounds


async def _round(process: psutil.Process, port: int, question: bytes) -> tuple[float, list[float]]:
    """Answers per second of the process's time, and how long each took."""
    before = sum(process.cpu_times()[:2])
    took = await keep_busy(port, question, 200, HTTP_SECONDS, HTTP_CONNECTIONS)
    return len(took) / (sum(process.cpu_times()[:2]) - before), took


async def run(tell: Tell) -> Section:
    """Measure."""
    rounds = await _over_http(tell)
    tell("looking up and laying out", 0.8)
    rates, years, uncached, count = await asyncio.to_thread(_take)
    tell("done", 1.0)
    rate, year, served = statistics.median(rates), statistics.median(years), statistics.median(rounds.oncall)
    return Section(
        title="Who is on call, and a year of ten layers",
        how=(
            f"`GET /v1/schedules/default/on-call` of the shipped rota, asked by {HTTP_CONNECTIONS} keep-alive connections of another process, each with a key, for {HTTP_ROUNDS - 1} rounds of {HTTP_SECONDS:g} s: "
            "answers per second of processor time of oncall's process, which writes its log as it does in service. In turn with it, on another port of the same process, by the same server and client: a bare Starlette route that answers a constant. Every answer is as new as the newest change: the reading that says so begins after the question came. "
            f"Beside it the look-up alone, {QUESTIONS:,} instants drawn by chance in a laid-out stretch of 14 days, {ROUNDS} times; and the final schedule of a rota of ten layers "
            f"with five priorities, masks, and a zone whose clocks change, laid out for 365 days, {ROUNDS} times, in processor time too. The figures are medians."
        ),
        aims=(
            Aim(
                "who is on call, over HTTP",
                f"{served:,.0f}/s per core",
                f"≥ {PER_SECOND:,}/s",
                met=served >= PER_SECOND,
            ),
            Aim("the look-up alone", f"{rate:,.0f}/s", f"≥ {PER_SECOND:,}/s", met=rate >= PER_SECOND),
            at_most("a year of shifts", year, YEAR_MS),
        ),
        details=(
            (
                "over HTTP in the rounds, lowest and highest",
                f"{min(rounds.oncall):,.0f}/s and {max(rounds.oncall):,.0f}/s",
            ),
            (
                "an answer over HTTP: p50, p99",
                f"{ms(percentile(rounds.waits, 0.50))}, {ms(percentile(rounds.waits, 0.99))}",
            ),
            ("the bare route, a constant", f"{statistics.median(rounds.bare):,.0f}/s per core"),
            ("who is on call ÷ the bare route", f"{statistics.median(rounds.shares()):.2f}"),
            ("the same question calculated anew", f"{uncached:,.0f} questions/s"),
            ("a year: fastest and slowest", f"{ms(min(years))}, {ms(max(years))}"),
            ("shifts in that year", f"{count:,}"),
        ),
        reading=READING,
        versions=(),
    )
