"""How much of intake's rate the commit costs: durable rate ÷ the rate of the same route without storage.

Both run in one server process on the embedded PostgreSQL with ``fsync`` on, the relay publishing meanwhile. The client is
another process with raw keep-alive connections and prepared requests, so that it is not what is measured. Rounds alternate
between the two and the ratio is the median of the ratios of neighbouring rounds, since the machine may be shared.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from libs.common.clock import Stopwatch
from libs.common.embedded.postgres import EmbeddedPostgres
from services.intake.sources.alertmanager import EXAMPLE
from tests.bench.commits import Commits
from tests.bench.figures import Aim, Section, Tell, ms, percentile
from tests.bench.wire import keep_busy

CONNECTIONS: Final = 128
ROUNDS: Final = 7
ROUND_SECONDS: Final = 2.0
RATIO: Final = 0.7
READING: Final = """\
Requests that arrive together are committed together: while one commit is under way the next batch gathers, so that the cost of the disk is shared by many requests. What
is left of the difference is the work for each row, in intake's process and in PostgreSQL, and the relay that publishes meanwhile: with clients, intake and PostgreSQL on the same
cores they take those from the requests."""
KEY: Final = "benchkeybenchkeybenchkeybenchkey"
CONFIG: Final = "integrations:\n  - {id: bench, name: Bench, source: alertmanager, key: {file: FOLDER/key}}\n"


def _request() -> bytes:
    body = json.dumps(EXAMPLE).encode()
    head = f"POST /v1/hooks/alertmanager/{KEY} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}User-Agent: Alertmanager/0.28\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def _server(*options: str) -> AsyncIterator[tuple[dict[str, int], str]]:
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        (folder / "key").write_text(KEY)
        (folder / "integrations.yaml").write_text(CONFIG.replace("FOLDER", name))
        postgres = EmbeddedPostgres(folder / "pg", durable=True)
        url = await asyncio.to_thread(postgres.start)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.intake_server", url, name, *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(await process.stdout.readline()), url
        finally:
            process.stdin.close()
            await process.wait()
            await asyncio.to_thread(postgres.stop)


async def run(tell: Tell, rounds: int = ROUNDS, seconds: float = ROUND_SECONDS, *options: str) -> Section:
    """Measure. The option ``--without-relay`` stops the relay, so that the commit alone is measured."""
    rates: dict[str, list[float]] = {"durable": [], "without_storage": []}
    waits: list[float] = []
    tell("starting intake", 0.0)
    async with _server(*options) as (ports, url):
        for port in ports.values():
            await keep_busy(port, _request(), 202, 1.0, CONNECTIONS)
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}", (number + 0.5) / (rounds + 0.5))
            for which, port in ports.items():
                watch = Stopwatch()
                took = await keep_busy(port, _request(), 202, seconds, CONNECTIONS)
                rates[which].append(len(took) / watch.seconds())
                waits += took if which == "durable" else []
        commits = await Commits.open(url)
        version, fsync = await commits.facts()
        alone = [await commits.one() for _ in range(100)]
        await commits.close()
    tell("done", 1.0)
    return _section(rates, waits, alone, version, fsync)


def _section(
    rates: dict[str, list[float]], waits: list[float], commits: list[float], version: str, fsync: str
) -> Section:
    ratios = [durable / without for durable, without in zip(*rates.values(), strict=True)]
    ratio = statistics.median(ratios)
    durable, without = (statistics.median(found) for found in rates.values())
    return Section(
        title="Durable intake ÷ the same route without storage",
        how=(
            f"Two intakes in one process on one port each: one commits (`fsync` {fsync}, the relay publishing meanwhile), one has a writer that does nothing. A client in another "
            f"process keeps {CONNECTIONS} connections busy with an Alertmanager body. {len(ratios)} rounds of {ROUND_SECONDS:g} s each alternate between the two; the figure is the median of "
            "the ratios of neighbouring rounds."
        ),
        aims=(Aim("ratio", f"{ratio:.2f}", f"≥ {RATIO}", met=ratio >= RATIO),),
        details=(
            ("ratio in the rounds, lowest and highest", f"{min(ratios):.2f} and {max(ratios):.2f}"),
            ("durable", f"{durable:,.0f} requests/s"),
            ("without storage", f"{without:,.0f} requests/s"),
            (
                f"a durable 202 with {CONNECTIONS} at once: p50, p99",
                f"{ms(percentile(waits, 0.50))}, {ms(percentile(waits, 0.99))}",
            ),
            ("one durable commit alone: p50", ms(statistics.median(commits))),
        ),
        reading=READING,
        versions=(("PostgreSQL", version),),
    )
