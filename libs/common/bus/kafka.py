"""The bus engine for more than one machine: Apache Kafka through aiokafka.

The client library's objects live only while a broker can be reached: a background task makes them, and makes them
anew after a failure, so that a service starts, and goes on, without its broker.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)

from libs.common.bus.base import BusUnavailable, Message, TopicSpec
from libs.common.bus.kafka_clients import begin, end
from libs.common.bus.kafka_consumer import KafkaConsumer
from libs.common.errors import Misconfigured, TooLarge

PUBLISH_SECONDS = 5.0
"""How long a publish may take before it raises."""
REQUEST_MS = 4000
"""How long the client waits for one answer of a broker."""
CONTROL_SECONDS = 15.0
START_SECONDS = 3.0
PING_SECONDS = 1.0
MOST_BYTES = 8 * 1024 * 1024
"""The largest message, here and in the topics that this makes."""
DEFAULT_PORT = 9092
REPLICATION_OF_THE_BROKER = -1

FAILURES = (KafkaError, OSError, TimeoutError)
"""What aiokafka raises when a broker stops, restarts or does not answer."""

logger = structlog.get_logger(__name__)


def brokers_of(url: str) -> Sequence[str]:
    """The ``host:port`` of each broker in a ``kafka://`` URL. Raises :class:`Misconfigured`."""
    brokers = [broker for broker in urlsplit(url).netloc.split(",") if broker]
    if not brokers:
        raise Misconfigured("the bus URL names no Kafka broker: use kafka://host:9092,host2:9092")
    return [broker if ":" in broker else f"{broker}:{DEFAULT_PORT}" for broker in brokers]


class KafkaProducer:
    """An idempotent producer that every replica in sync acknowledges, remade after each failure.

    A client that failed is thrown away with whatever it still held: it would otherwise send that later, behind the
    back of a caller who was told that it was not accepted.
    """

    def __init__(self, brokers: Sequence[str]) -> None:
        self._brokers = list(brokers)
        self._mutex = asyncio.Lock()
        self._client: Any = None
        self._discarding: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is acknowledged."""
        if not messages:
            return
        client: Any = None
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                client = await self._started()
                acknowledged = [await self._send(client, message) for message in messages]
                await asyncio.gather(*acknowledged)
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            raise TooLarge(f"a message is larger than the bus takes ({MOST_BYTES} bytes)") from error
        except FAILURES as error:
            self._discard(client)
            raise BusUnavailable(f"Kafka did not acknowledge: {error or type(error).__name__}") from error
        except asyncio.CancelledError:
            self._discard(client)
            raise

    async def _send(self, client: Any, message: Message) -> Any:
        """Hand one message to the client; the future is done when it is acknowledged."""
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        return await client.send(message.topic, message.value, message.key.encode(), headers=headers)

    async def _started(self) -> Any:
        """The client, connected."""
        async with self._mutex:
            if self._client is None:
                client = AIOKafkaProducer(
                    bootstrap_servers=self._brokers,
                    enable_idempotence=True,
                    acks="all",
                    linger_ms=0,
                    request_timeout_ms=REQUEST_MS,
                    max_request_size=MOST_BYTES,
                    metadata_max_age_ms=30_000,
                )
                await begin(client)
                self._client = client
            return self._client

    def _discard(self, client: Any) -> None:
        """Throw a client away with what it has not sent."""
        if client is None or client is not self._client:
            return
        self._client = None
        task = asyncio.create_task(_abandon(client), name="abandon a Kafka producer")
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)

    async def close(self) -> None:
        """Send what is on its way and disconnect."""
        async with self._mutex:
            self._discard(self._client)
        if self._discarding:
            await asyncio.wait(set(self._discarding))


async def _abandon(client: Any) -> None:
    """Close a producer without waiting for brokers that may never answer."""
    # The library's own stop() waits until everything was delivered, for ever where the broker stays away.
    client._message_accumulator.fail_all(KafkaError("abandoned"))  # noqa: SLF001
    await end(client)


class KafkaBus:
    """The bus on Apache Kafka. ``session`` is how long a member that died without a word keeps its partitions."""

    def __init__(self, brokers: Sequence[str], *, session: timedelta = timedelta(seconds=6)) -> None:
        self._brokers = list(brokers)
        self._session = session
        self._healthy = False
        self._producer = KafkaProducer(brokers)
        self._consumers: list[KafkaConsumer] = []
        self._admin: Any = None
        self._probe: Any = None
        self._admin_mutex = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect; return after the first try, or after a few seconds of it."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after(), name="bus watch")
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._tried.wait()

    async def stop(self) -> None:
        """Close every producer and consumer of this bus; one that does not close well keeps no other open."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        consumers, self._consumers = self._consumers, []
        closing = [*(consumer.close() for consumer in consumers), self._producer.close(), self._close_admin()]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        self._healthy = False
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def healthy(self) -> bool:
        """Whether a broker answered when last asked."""
        return self._healthy

    def producer(self) -> KafkaProducer:
        """The producer of this process."""
        return self._producer

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaConsumer:
        """Join ``group`` as a new member; while no broker answers, as soon as one does."""
        self._consumers = [consumer for consumer in self._consumers if not consumer.closed]
        consumer = KafkaConsumer(self._brokers, group, topics, self._session)
        self._consumers.append(consumer)
        await consumer.joined(START_SECONDS)
        return consumer

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """Make the topics that do not exist; grow those with fewer partitions."""
        await self._control(self._make_topics, list(topics))

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """How many records of ``topics`` the group has not committed yet."""
        return int(await self._control(self._lag, group, list(topics)))

    async def _control(self, action: Any, *arguments: Any) -> Any:
        """Do something with the administrator's client, for a limited time."""
        try:
            async with asyncio.timeout(CONTROL_SECONDS), self._admin_mutex:
                try:
                    if self._admin is None:
                        await self._connect_admin()
                    return await action(self._admin, *arguments)
                except BaseException:
                    await self._drop_admin()
                    raise
        except FAILURES as error:
            raise BusUnavailable(f"Kafka cannot be reached: {error or type(error).__name__}") from error

    async def _connect_admin(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers, request_timeout_ms=REQUEST_MS)
        await begin(admin)
        self._admin = admin

    async def _close_admin(self) -> None:
        async with self._admin_mutex:
            await self._drop_admin()

    async def _drop_admin(self) -> None:
        probe, self._probe = self._probe, None
        admin, self._admin = self._admin, None
        await asyncio.gather(*(end(client) for client in (probe, admin) if client is not None))

    async def _offsets_probe(self) -> Any:
        """A client that reads nothing and knows where partitions begin and end."""
        if self._probe is None:
            probe = AIOKafkaConsumer(bootstrap_servers=self._brokers, request_timeout_ms=REQUEST_MS, group_id=None)
            await begin(probe)
            self._probe = probe
        return self._probe

    async def _look_after(self) -> None:
        """Ask every second whether a broker is there."""
        while True:
            try:
                await self._control(_ping)
                self._healthy = True
            except BusUnavailable as error:
                if self._healthy or not self._tried.is_set():
                    logger.warning("bus_unreachable", error=error.detail)
                self._healthy = False
            self._tried.set()
            await asyncio.sleep(PING_SECONDS)

    async def _make_topics(self, admin: Any, topics: Sequence[TopicSpec]) -> None:
        answer = await admin.create_topics([_new_topic(topic) for topic in topics])
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"the topic {name} could not be made")
        described = await _described(admin, topics)
        for topic in topics:
            if described.get(topic.name, topic.partitions) < topic.partitions:
                await admin.create_partitions({topic.name: NewPartitions(topic.partitions)})
        while not _all_there(topics, await _described(admin, topics)):  # noqa: ASYNC110 - the broker wakes nobody
            await asyncio.sleep(0.05)

    async def _lag(self, admin: Any, group: str, topics: Sequence[str]) -> int:
        probe = await self._offsets_probe()
        described = await admin.describe_topics(topics)
        places = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        if not places:
            return 0
        # One after the other: where one of two failed, the other would go on with a client that was closed by then.
        first = await probe.beginning_offsets(places)
        last = await probe.end_offsets(places)
        done = await _committed(admin, group, places)
        return sum(max(last[place] - max(done.get(place, 0), first[place]), 0) for place in places)


async def _ping(admin: Any) -> None:
    """Ask a broker for the cluster."""
    await admin.describe_cluster()


async def _described(admin: Any, topics: Sequence[TopicSpec]) -> dict[str, int]:
    """How many partitions each topic has that exists."""
    answer = await admin.describe_topics([topic.name for topic in topics])
    return {topic["topic"]: len(topic["partitions"]) for topic in answer if not topic["error_code"]}


def _all_there(topics: Sequence[TopicSpec], described: Mapping[str, int]) -> bool:
    """Whether every topic has its partitions: a broker answers before it has made them."""
    return all(described.get(topic.name, 0) >= topic.partitions for topic in topics)


async def _committed(admin: Any, group: str, places: Sequence[Any]) -> dict[Any, int]:
    """What the group committed; the coordinator needs a moment after the first topic of a new cluster."""
    while True:
        try:
            answer = await admin.list_consumer_group_offsets(group, partitions=places)
        except CoordinatorNotAvailableError:
            await asyncio.sleep(0.1)
        else:
            return {place: found.offset for place, found in answer.items() if found.offset >= 0}


def _new_topic(topic: TopicSpec) -> Any:
    """A topic as Kafka is asked for it: the broker's time on records, its own number of replicas."""
    settings = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(MOST_BYTES)}
    if topic.compacted:
        settings["cleanup.policy"] = "compact"
    else:
        settings["retention.ms"] = str(int(topic.retention / timedelta(milliseconds=1)) if topic.retention else -1)
    # The empty assignment is the library's way to leave the number of replicas to the broker.
    return NewTopic(topic.name, topic.partitions, REPLICATION_OF_THE_BROKER, {}, topic_configs=settings)
