"""How long after an alarm the provider is asked to page: a whole instance, on the embedded bus or on Apache Kafka.

``python -m services`` runs as for a newcomer, with Twilio configured and its address set to a double in this process. Alarms are
posted one after the other, each after the page of the one before has arrived. Between them stand the yardsticks: a round
trip to intake's ``/healthz`` and one durable commit on the same PostgreSQL.
"""

import asyncio
import random
import shutil
import statistics
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from libs.common.bus.kafka_jars import cache_folder, fetch_jars
from libs.common.clock import Stopwatch
from tests.bench.commits import Commits
from tests.bench.figures import Section, Tell, at_most, ms, percentile
from tests.bench.wire import Wire, get, post
from tests.support.fake_api import Answer
from tests.support.fake_twilio import ACCOUNT, TOKEN, FakeTwilio
from tests.support.instance import Instance, free_base, running, short_folder

ALARMS: Final = 200
WARM_UP: Final = 20
PAUSE_SECONDS: Final = (0.02, 0.08)
"""Between a page and the next alarm, drawn anew each time, so that no rhythm of the services is hit."""
PAGE_SECONDS: Final = 30.0
P50_MS: Final = 50
P99_MS: Final = 250
CHANNELS: Final = """\
channels:
  - {id: sms, name: Text messages, provider: twilio, account_sid: {env: BENCH_TWILIO_ACCOUNT}, auth_token: {env: BENCH_TWILIO_TOKEN}, from: "+15005550006"}
  - {id: email, name: E-mail, provider: local}
"""
NAMES: Final = {"embedded": "the embedded PostgreSQL", "kafka": "Apache Kafka"}

_PATH: Final = """\
What the time is made of: four services and three hops over the bus, each durable before the next begins. Intake commits (that is the 202) and its
relay publishes; the escalator opens the incident, its promises, their timers and rung 1 in one transaction; oncall looks up who is responsible at
this moment; the notifier writes down whom it will tell, claims that in a second transaction, and only then speaks with the provider. {commits} None of
them is saved on: it is how a page is neither lost nor sent twice when a process dies. The rest is Python and SQL in five processes and PostgreSQL{more}; all share the
cores of one machine with each other, the measuring client, and whatever else runs there."""
_BUSY: Final = """\
Where this figure is missed, look at the two yardsticks first. On a quiet machine with 2 cores a round trip to `/healthz` takes under 1 ms and a commit about
half of one; where they take several times as long, the programs queue for the cores at each of the hops, and the figure tells of that queue."""
READING: Final = {
    "embedded": f"{_PATH.format(commits='On this bus these are eight commits one after the other.', more='')}\n\n{_BUSY}",
    "kafka": f"{_PATH.format(commits='On this bus these are five commits and three acknowledgements of the broker, one after the other (a single node acknowledges before its disk has the record).', more=', beside the broker (a JVM)')}\n\n{_BUSY}",
}


class Provider(FakeTwilio):
    """Twilio's double, which says when the page for an alarm arrived."""

    def expect(self, title: str) -> asyncio.Future[None]:
        """Done when a message with this title has been read from the network."""
        self._title = title
        self._arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        return self._arrived

    async def left(self) -> None:
        """Wait until who was connected has hung up."""
        await asyncio.gather(*self._connections)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:
        if method == "POST" and self._title in body and not self._arrived.done():
            self._arrived.set_result(None)
        return super().answer(method, target, headers, body)


@dataclass
class Latency:
    """Seconds, one for each alarm that counts."""

    pages: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    trips: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    versions: tuple[str, str] = ("", "")


@asynccontextmanager
async def _provider() -> AsyncIterator[Provider]:
    provider = Provider()
    server = await asyncio.start_server(provider.handle, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        await server.wait_closed()


async def measure(bus: Literal["embedded", "kafka"], tell: Tell) -> Latency:
    """Start an instance, let it warm up, measure, stop it."""
    if bus == "kafka":
        await asyncio.to_thread(fetch_jars, cache_folder())
    folder = short_folder()
    config = folder / "config"
    shutil.copytree("deploy/config", config)
    (config / "channels.yaml").write_text(CHANNELS)
    try:
        async with _provider() as provider:
            tell("starting an instance", 0.0)
            with running(
                folder / "data",
                free_base(),
                TOCSIN_BUS=bus,
                TOCSIN_CONFIG_DIR=str(config),
                TOCSIN_NOTIFIER_TWILIO_BASE_URL=provider.url,
                BENCH_TWILIO_ACCOUNT=ACCOUNT,
                BENCH_TWILIO_TOKEN=TOKEN,
            ) as instance:
                found = await _alarms(instance, provider, tell)
            await provider.left()
            tell("done", 1.0)
            return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _alarms(instance: Instance, provider: Provider, tell: Tell) -> Latency:
    found = Latency()
    facts = instance.facts
    native = facts["integrations"]["monitoring"]
    intake = await Wire.open(instance.url("intake"))
    commits = await Commits.open(facts["database_url"])
    chance = random.Random(7)
    found.versions = await commits.facts()
    try:
        for number in range(WARM_UP + ALARMS):
            tell(f"alarm {number + 1} of {WARM_UP + ALARMS}", number / (WARM_UP + ALARMS))
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
            commit = await commits.one()
            watch = Stopwatch()
            assert await intake.ask(get("/healthz")) == 200
            trip = watch.seconds()
            answer, page = await _one(intake, provider, native, number)
            if number >= WARM_UP:
                found.pages.append(page)
                found.answers.append(answer)
                found.trips.append(trip)
                found.commits.append(commit)
    finally:
        await intake.close()
        await commits.close()
    return found


async def _one(intake: Wire, provider: Provider, native: dict[str, str], number: int) -> tuple[float, float]:
    """Post one alarm: the seconds until the 202, and until the provider has the page."""
    title = f"Alarm{number:05}"
    body = {"kind": "telemetry", "title": title, "service": "invoicing", "dedup_key": title}
    request = post(native["path"], native["key"], body)
    took: list[float] = []
    arrived = provider.expect(title)
    watch = Stopwatch()
    arrived.add_done_callback(lambda _: took.append(watch.seconds()))
    status = await intake.ask(request)
    answered = watch.seconds()
    assert status == 202, status
    async with asyncio.timeout(PAGE_SECONDS):
        await arrived
    return answered, took[0]


def section(bus: Literal["embedded", "kafka"], found: Latency) -> Section:
    """The figures in words."""
    half, most = percentile(found.pages, 0.50), percentile(found.pages, 0.99)
    trip, commit = statistics.median(found.trips), statistics.median(found.commits)
    name = NAMES[bus]
    return Section(
        title=f"Alarm → provider request, on {name}",
        how=(
            f"A whole instance (`python -m services`, bus: {name}), every service a process of its own, `fsync` {found.versions[1]}. {WARM_UP} alarms warm it up, "
            f"then {ALARMS} alarms with keys of their own are posted one after the other to `POST /v1/triggers`. The time runs from just before the request is written "
            "until a double of Twilio on this machine has read the request to send the SMS. Between the alarms, in the same minute: a round trip to "
            "intake's `/healthz`, and one durable commit of one small row on the same PostgreSQL."
        ),
        aims=(at_most("p50", half, P50_MS), at_most("p99", most, P99_MS)),
        details=(
            ("fastest and slowest", f"{ms(min(found.pages))} and {ms(max(found.pages))}"),
            (
                "until intake's 202: p50, p99",
                f"{ms(statistics.median(found.answers))}, {ms(percentile(found.answers, 0.99))}",
            ),
            ("round trip to `/healthz`: p50, p99", f"{ms(trip)}, {ms(percentile(found.trips, 0.99))}"),
            ("one durable commit: p50, p99", f"{ms(commit)}, {ms(percentile(found.commits, 0.99))}"),
            ("p50 ÷ round trip", f"{half / trip:.0f}"),
            ("p50 ÷ durable commit", f"{half / commit:.0f}"),
        ),
        reading=READING[bus],
        versions=(("PostgreSQL", found.versions[0]),),
    )


async def run(bus: Literal["embedded", "kafka"], tell: Tell) -> Section:
    """Measure on one bus."""
    return section(bus, await measure(bus, tell))
