"""The platform of a service: clock, chance, database, bus, metrics and keys, made from its settings and not yet connected."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from libs.common.auth import KeyRing
from libs.common.bus.base import Bus
from libs.common.bus.connect import connect
from libs.common.chance import Chance
from libs.common.clock import Clock, ScaledClock, SystemClock
from libs.common.db.session import Database
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import UnitOfWork
from libs.common.metrics import Metrics
from libs.common.settings import ServiceSettings


@dataclass(frozen=True)
class Platform:
    """What every service stands on. Made by :func:`make_platform`; nothing is connected before the start."""

    name: str
    clock: Clock
    chance: Chance
    database: Database
    uow: UnitOfWork
    bus: Bus
    wakeups: Wakeups
    metrics: Metrics
    keyring: KeyRing
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where references to secrets in the configuration tree are looked up."""


async def make_platform(
    name: str, settings: ServiceSettings, *, clock: Clock | None = None, chance: Chance | None = None
) -> Platform:
    """The platform of the service ``name``, whose schema has the same name. Raises :class:`Misconfigured`."""
    clock = clock or _clock(settings)
    chance = chance or Chance()
    database_url = settings.database_url.get_secret_value()
    database = Database(database_url, name, pool_size=settings.database_pool)
    wakeups = Wakeups(database)
    uow = UnitOfWork(database, clock, chance, name, wakeups)
    bus_url = settings.bus_url.get_secret_value() if settings.bus_url else database_url
    return Platform(
        name=name,
        clock=clock,
        chance=chance,
        database=database,
        uow=uow,
        bus=connect(bus_url, clock=clock),
        wakeups=wakeups,
        metrics=Metrics(),
        keyring=KeyRing(uow),
        environ=os.environ,
    )


def _clock(settings: ServiceSettings) -> Clock:
    if settings.clock_speed == 1.0:
        return SystemClock()
    return ScaledClock(settings.clock_speed, settings.clock_origin)
