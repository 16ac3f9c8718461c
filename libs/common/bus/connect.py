"""Which engine a bus URL means."""

from urllib.parse import parse_qs, urlsplit

from libs.common.bus.base import Bus
from libs.common.clock import Clock
from libs.common.errors import Misconfigured


def connect(url: str, *, clock: Clock | None = None) -> Bus:
    """The bus at ``kafka://host:9092,host2:9092`` or ``postgresql://…``; nothing is connected before its start.

    ``kafka://host:9092?prefix=tocsin.`` puts a prefix before the names of all topics and groups, where several share a Kafka.

    ``clock`` stamps records and measures retention in the PostgreSQL engine; a Kafka broker has its own. Raises
    :class:`Misconfigured` for any other URL.
    """
    scheme = urlsplit(url).scheme
    if scheme == "kafka":
        from libs.common.bus.kafka import KafkaBus, brokers_of
        from libs.common.bus.prefixed import PrefixedBus

        bus = KafkaBus(brokers_of(url))
        prefix = parse_qs(urlsplit(url).query).get("prefix", [""])[-1]
        return PrefixedBus(bus, prefix) if prefix else bus
    if scheme in {"postgresql", "postgres"}:
        from libs.common.bus.postgres import PostgresBus

        return PostgresBus(url, clock=clock)
    raise Misconfigured(
        f"the bus URL {scheme or url}:… is of no engine: use kafka://host:9092,… or postgresql://… (TOCSIN_BUS_URL)"
    )
