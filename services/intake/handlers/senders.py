"""Who sends: the integration of a key, from a memory that is at most a second behind the database."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from libs.common.auth import split_key, verify
from libs.common.clock import Stopwatch
from libs.common.db.session import DatabaseUnavailable
from libs.common.db.work import UnitOfWork
from libs.common.errors import Forbidden, NotFound, Unauthenticated
from libs.common.events.directory import HashedKey
from libs.common.logs import get_logger
from services.intake.domain.integration import Integration, IntegrationRecord, key_is_good
from services.intake.sources.base import Source
from services.intake.sources.registry import all_sources
from services.intake.store.integrations import INTEGRATIONS_WAKE, all_integrations, all_keys

log = get_logger(__name__)

CACHE_SECONDS: Final = 1.0
"""How old the memory may be where a wake was lost, in seconds of the machine."""

FAILED_SECONDS: Final = 0.25
"""How long a database that could not be reached is not asked again, so that a thousand requests do not ask in turn."""

UNKNOWN_KEY: Final = "This is no key that Tocsin knows. Keys of integrations have 32 lower-case letters and digits."
NO_KEY: Final = (
    "Send the integration's key as “Authorization: Bearer …”, as “X-Tocsin-Key: …”, or at the end of the address."
)


def source_named(name: str) -> Source[Any]:
    """The source of this name. Raises :class:`NotFound`, which says what there is."""
    source = all_sources().get(name)
    if source is None:
        raise NotFound(f"There is no source of this name; there are {', '.join(all_sources())}.")
    return source


def integration_of(record: IntegrationRecord) -> Integration[Any] | None:
    """The integration as its source reads it; ``None`` where this version has no such source.

    Options that this version does not understand are passed over, loudly: an alarm must not be lost over them.
    """
    source = all_sources().get(record.source)
    if source is None:
        log.error("integration of an unknown source", integration=record.id, source=record.source)
        return None
    try:
        options = source.options.model_validate(record.options)
    except ValidationError as error:
        log.warning("options not understood", integration=record.id, problems=error.error_count())
        options = source.options()
    return Integration(record.id, record.name, record.source, record.kind, options)


class Senders:
    """Finds the integration of a key."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._changed = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(INTEGRATIONS_WAKE)
        self._by_key: Mapping[str, tuple[Integration[Any], HashedKey]] = {}
        self._age: Stopwatch | None = None
        self._failed: tuple[Stopwatch, DatabaseUnavailable] | None = None
        self._loading = asyncio.Lock()

    async def sender(self, plain: str | None, source: str) -> Integration[Any]:
        """The integration whose key this is.

        Raises :class:`Unauthenticated` for a key that nobody has or that has run out, and :class:`Forbidden` for the key of
        an integration that speaks another format, of which it tells the format alone.
        """
        if plain is None:
            raise Unauthenticated(NO_KEY)
        parts = split_key(plain)
        found = None if parts is None else (await self._fresh()).get(parts[0])
        if found is None or not verify(plain, found[1]):
            raise Unauthenticated(UNKNOWN_KEY)
        integration, key = found
        if not key_is_good(key, self._uow.clock.now()):
            raise Unauthenticated("This key has expired; ask for a new one.")
        if integration.source != source:
            raise Forbidden(
                f"This key is of an integration of the source {integration.source}, not of {source}: post to "
                f"/v1/hooks/{integration.source} with it, or use a key of a {source} integration."
            )
        return integration

    async def _fresh(self) -> Mapping[str, tuple[Integration[Any], HashedKey]]:
        if self._current():
            return self._by_key
        async with self._loading:
            if not self._current():
                if self._failed is not None and self._failed[0].seconds() < FAILED_SECONDS:
                    raise DatabaseUnavailable(self._failed[1].detail, retry_after=self._failed[1].retry_after)
                await self._load()
            return self._by_key

    def _current(self) -> bool:
        return self._age is not None and not self._changed.is_set() and self._age.seconds() < CACHE_SECONDS

    async def _load(self) -> None:
        self._changed.clear()
        asked = Stopwatch()
        try:
            async with self._uow.read() as session:
                records = await all_integrations(session)
                keys = await all_keys(session)
        except DatabaseUnavailable as error:
            self._age = None
            self._failed = (Stopwatch(), error)
            raise
        integrations = {record.id: integration_of(record) for record in records}
        self._by_key = {
            record.key.id: (integration, record.key)
            for record in keys
            if (integration := integrations.get(record.integration_id)) is not None
        }
        self._age, self._failed = asked, None
