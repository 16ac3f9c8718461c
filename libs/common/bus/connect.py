"""Which engine a bus URL means."""

from urllib.parse import urlsplit

from libs.common.bus.base import Bus
from libs.common.clock import Clock
from libs.common.errors import Misconfigured


def connect(url: str, *, clock: Clock | None = None) -> Bus:
    """The bus at ``kafka://host:9092,host2:9092`` or ``postgresql://…``; nothing is connected before its start.

    ``clock`` stamps records and measures retention in the PostgreSQL engine; a Kafka broker has its own. Raises
    :class:`Misconfigured` for any other URL.
    """
    scheme = urlsplit(url).scheme
    if scheme == "kafka":
        from libs.common.bus.kafka import KafkaBus, brokers_of

        return KafkaBus(brokers_of(url))
    if scheme in {"postgresql", "postgres"}:
        from libs.common.bus.postgres import PostgresBus

        return PostgresBus(url, clock=clock)
    raise Misconfigured(
        f"the bus URL {scheme or url}:… is of no engine: use kafka://host:9092,… or postgresql://… (TOCSIN_BUS_URL)"
    )
