"""Providers' pages are asked: claim what is due, ask outside of any transaction, and take in what is news by the door of every body."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast
from uuid import UUID

from libs.common.db.work import Tx, UnitOfWork
from libs.common.errors import Conflict, NotFound
from libs.common.events.base import SYSTEM
from libs.common.events.directory import ProviderHealth
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from services.intake.domain.integration import Integration, IntegrationRecord
from services.intake.domain.polling import LONGEST, SPREAD, Answer, Failure, Validators, Watch
from services.intake.domain.trigger import Ignored, Reading, joined, refuse, summary
from services.intake.domain.watching import Item, Items, any_missing, no_news, open_keys, sift, vanished
from services.intake.handlers import providers
from services.intake.handlers.dismiss import dismiss
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import integration_of
from services.intake.handlers.understand import understand
from services.intake.sources.base import Source
from services.intake.sources.feeds import is_page
from services.intake.sources.registry import all_sources
from services.intake.store import integrations, pollers
from services.intake.store.pollers import PollerRow

log = get_logger(__name__)

LEASE: Final = timedelta(minutes=2)
"""How long who asks is believed to be alive."""

FIRST: Final = timedelta(seconds=5)
"""About how long after its integration was made a page is asked for the first time."""


class Fetch(Protocol):
    """Asks a page."""

    async def __call__(self, url: str, validators: Validators) -> Answer | Failure:
        """What stands at ``url``, or why that cannot be said. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """An integration whose page is asked."""

    integration: Integration[Any]
    source: Source[Any]
    watch: Watch
    digest: str
    """Of its options."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is to be asked, and what is known of it."""

    watched: Watched
    claim: UUID
    validators: Mapping[str, Validators]
    items: Items


@dataclass(frozen=True, slots=True)
class Page:
    """A page that has changed, as it was read."""

    body: bytes
    headers: dict[str, str]
    reading: Reading


@dataclass(slots=True)
class Asked:
    """What came of one poll."""

    pages: dict[str, Page]
    validators: dict[str, Validators]
    failure: Failure | None = None


def watched_of(record: IntegrationRecord) -> Watched | None:
    """The integration, if its source is one that is asked and it says where."""
    source = all_sources().get(record.source)
    integration = None if source is None or source.watch is None else integration_of(record)
    if integration is None or source is None or source.watch is None or not integration.options.url:
        return None
    words = json.dumps([record.source, record.kind, dict(record.options)], sort_keys=True, default=str)
    return Watched(integration, source, source.watch, hashlib.sha256(words.encode()).hexdigest()[:32])


class Watcher:
    """Asks the pages of all integrations that have one. Of several replicas one asks each."""

    def __init__(self, uow: UnitOfWork, receiver: Receiver, fetch: Fetch, metrics: Metrics) -> None:
        self._uow = uow
        self._receiver = receiver
        self._fetch = fetch
        self._metrics = metrics

    async def sync(self) -> None:
        """Let there be a poller for each integration that wants one, and show which do not know how their provider stands."""
        async with self._uow.read() as session:
            wanted = {
                one.integration.id: one for one in map(watched_of, await integrations.all_integrations(session)) if one
            }
            rows = {row.integration_id: row for row in await pollers.all_pollers(session)}
        self._metrics.poller_unknown.clear()
        for name, row in rows.items():
            if name in wanted:
                self._metrics.poller_unknown.labels(name).set(row.health == "unknown")
        gone = [name for name in rows if name not in wanted]
        fresh = [one for name, one in wanted.items() if name not in rows]
        changed = [one for name, one in wanted.items() if name in rows and rows[name].options_digest != one.digest]
        if gone or fresh or changed:
            async with self._uow.begin() as tx:
                await pollers.remove_pollers(tx, gone)
                for one in fresh:
                    due_at = tx.now + tx.chance.jitter(FIRST)
                    await pollers.add_poller(tx, one.integration.id, one.digest, due_at)
                for one in changed:
                    await pollers.begin_anew(tx, one.integration.id, one.digest)

    async def next_at(self) -> datetime | None:
        """When there is something to ask."""
        async with self._uow.read() as session:
            return await pollers.next_due(session)

    async def claim(self, integration_id: str | None = None) -> Claimed | None:
        """Claim the page that is due first, or that of an integration; ``None`` where there is none that nobody asks."""
        async with self._uow.begin() as tx:
            claim = tx.chance.uuid7(tx.now)
            row = await pollers.claim_due(tx, claim, tx.now + LEASE, integration_id)
            if row is None:
                return None
            record = await integrations.integration(tx.session, row.integration_id)
            watched = None if record is None else watched_of(record)
            if watched is None:  # its integration has changed, and nobody has looked since
                await pollers.remove_pollers(tx, [row.integration_id])
                return None
            validators = {url: Validators(**told) for url, told in row.validators.items()}
            return Claimed(watched, claim, validators, items_of(row))

    async def poll(self, claimed: Claimed) -> None:
        """Ask, and take in what is news."""
        asked = await self._ask(claimed, self._fetch)
        async with self._uow.begin() as tx:
            row = await pollers.held(tx, claimed.watched.integration.id, claimed.claim)
            if row is None or not await self._as_it_was(tx, claimed.watched):
                log.info("poll given up", reason="no longer ours", integration=claimed.watched.integration.id)
                return
            outcome = await self._settle(tx, row, claimed, asked)
        self._metrics.polls.labels(claimed.watched.source.name, outcome).inc()

    @staticmethod
    async def _as_it_was(tx: Tx, watched: Watched) -> bool:
        """Whether the integration is still what was asked for: with other options the page is read anew."""
        record = await integrations.integration(tx.session, watched.integration.id)
        present = None if record is None else watched_of(record)
        return present is not None and present.digest == watched.digest

    async def poll_now(self, integration_id: str) -> None:
        """Ask the page of an integration, due or not. Raises :class:`NotFound`, and :class:`Conflict` where it is asked at this moment."""
        await self.sync()
        claimed = await self.claim(integration_id)
        if claimed is None:
            async with self._uow.read() as session:
                present = await pollers.poller(session, integration_id)
            if present is None:
                raise NotFound(f"No page is asked for an integration {integration_id}.")
            raise Conflict("This page is being asked at this moment.")
        await self.poll(claimed)

    async def rehearse(self, record: IntegrationRecord, answer: Answer | None, now: datetime) -> Reading:
        """What a poll would tell: of the page as it stands, or of an ``answer`` in its place. Nothing is stored, and nobody waits.

        Raises :class:`NotFound` where no page is asked for the integration.
        """
        watched = watched_of(record)
        if watched is None:
            raise NotFound(f"No page is asked for an integration {record.id}.")
        async with self._uow.read() as session:
            row = await pollers.poller(session, record.id)
        items, refused = ({}, "") if row is None else (items_of(row), row.refused)
        main = watched.watch.pages(watched.integration.options.url)[0]

        async def given(url: str, validators: Validators) -> Answer | Failure:
            return answer if answer is not None and url == main else Answer(None, validators=validators)

        fetch = self._fetch if answer is None else given
        asked = await self._ask(Claimed(watched, UUID(int=0), {}, items), fetch, now)
        if asked.failure is not None:
            often = watched.integration.options.unknown_after
            sentence = (
                f"How the provider stands is not known: {asked.failure.detail} A person is told after {often} times."
            )
            return refuse("unknown-state", sentence)
        return joined([reading for _, reading in _news(watched, asked, items, refused)[0]], _passed(asked, items))

    async def _ask(self, claimed: Claimed, fetch: Fetch, now: datetime | None = None) -> Asked:
        """The page, and where something is missing from it, those that tell what became of that."""
        asked = Asked({}, dict(claimed.validators))
        watched, items = claimed.watched, claimed.items
        for number, url in enumerate(watched.watch.pages(watched.integration.options.url)):
            if number and not any_missing(items):
                break
            answer = await fetch(url, claimed.validators.get(url, Validators()))
            if isinstance(answer, Answer) and answer.body is not None:
                answer = await self._read(watched, url, answer.body, answer, asked, now or self._uow.clock.now())
            if isinstance(answer, Failure):
                asked.failure = asked.failure or answer
            elif url in asked.pages:
                _, items = sift(asked.pages[url].reading, items, listing=number == 0)
        return asked

    @staticmethod
    async def _read(
        watched: Watched, url: str, body: bytes, answer: Answer, asked: Asked, now: datetime
    ) -> Answer | Failure:
        """Read a page as its source reads a body that is posted. What cannot be read is not remembered, so that it is asked for again."""
        if is_page(body):
            return Failure(
                "html", "It answered with a web page in place of what was asked for.", body, answer.content_type
            )
        headers = [("content-type", answer.content_type)] if answer.content_type else []
        # a large page takes a moment to read, in which others must not wait
        understood = await asyncio.to_thread(understand, watched.source, watched.integration, headers, body, now)
        if understood.reading.refused:
            return Failure("not-understood", summary(understood.reading.refusals), body, answer.content_type)
        asked.pages[url] = Page(body, understood.headers, understood.reading)
        asked.validators[url] = answer.validators
        return answer

    async def _settle(self, tx: Tx, row: PollerRow, claimed: Claimed, asked: Asked) -> str:
        """Take in what is news and remember the rest; the outcome in a word, for the metric."""
        watched = claimed.watched
        options = watched.integration.options
        before, anew = row.health, not row.validators and row.failures == 0
        changed = await self._take(tx, row, watched, asked)
        row.validators = {url: asdict(validators) for url, validators in asked.validators.items()}
        row.polled_at, row.claim, row.claimed_until = tx.now, None, None
        wait = tx.chance.jitter(options.every, SPREAD)
        if asked.failure is None:
            await self._recovered(tx, row)
            row.health, row.reason, row.detail = _health(watched.watch, items_of(row)), None, ""
        else:
            wait = max(wait, min(asked.failure.retry_after or wait, LONGEST))
            await self._failed(tx, row, watched, asked.failure)
        if anew or row.health != before:
            await providers.tell(tx, watched.integration, watched.watch.provider, health_of(row))
        row.due_at = tx.now + wait
        row.last_changed_at = tx.now if changed else row.last_changed_at
        return asked.failure.reason if asked.failure else "changed" if asked.pages else "unchanged"

    async def _take(self, tx: Tx, row: PollerRow, watched: Watched, asked: Asked) -> bool:
        """Commit what is news of the pages that have changed; whether there was any."""
        found, items, row.refused = _news(watched, asked, items_of(row), row.refused)
        for page, reading in found:
            await self._receiver.receive_in(
                tx, watched.source, watched.integration, page.headers, page.body, reading=reading
            )
        row.items = {key: asdict(item) for key, item in items.items()}
        return bool(found)

    async def _recovered(self, tx: Tx, row: PollerRow) -> None:
        if row.told_as is not None:
            with suppress(NotFound, Conflict):  # a person was quicker, or so was time
                await dismiss(tx, SYSTEM, row.told_as, f"It answers again since {tx.now:%Y-%m-%d %H:%M} UTC.")
        row.failures, row.failing_since, row.told_as, row.last_ok_at = 0, None, None, tx.now

    async def _failed(self, tx: Tx, row: PollerRow, watched: Watched, failure: Failure) -> None:
        row.failures += 1
        row.failing_since = row.failing_since or tx.now
        row.health, row.reason, row.detail = "unknown", failure.reason, failure.detail
        log.warning("state unknown", integration=row.integration_id, reason=failure.reason, failures=row.failures)
        if row.failures < watched.integration.options.unknown_after or row.told_as is not None:
            return
        since = f"since {row.failing_since:%Y-%m-%d %H:%M} UTC, {row.failures} times in a row"
        sentence = f"How the provider stands is not known {since}: {failure.detail}"
        headers = {"content-type": failure.content_type} if failure.content_type else {}
        receipt = await self._receiver.receive_in(
            tx, watched.source, watched.integration, headers, failure.body, reading=refuse("unknown-state", sentence)
        )
        row.told_as = receipt.quarantine_id


def _news(watched: Watched, asked: Asked, items: Items, refused: str) -> tuple[list[tuple[Page, Reading]], Items, str]:
    """What is news of the pages that have changed, what is known then, and a digest of what was not understood of them."""
    found: list[tuple[Page, Reading]] = []
    main = watched.watch.pages(watched.integration.options.url)[0]
    for number, (url, page) in enumerate(asked.pages.items(), 1):
        reading, items = sift(page.reading, items, listing=url == main)
        if number == len(asked.pages) and asked.failure is None:
            gone, items = vanished(items)
            reading = replace(reading, remarks=(*reading.remarks, *gone))
        told = _digest(reading.refusals)
        if told == refused or not told:
            reading = replace(reading, refusals=())
        if url == main:
            refused = told
        if reading.triggers or reading.remarks or reading.refusals:
            found.append((page, reading))
    return found, items, refused


def _passed(asked: Asked, items: Items) -> list[Ignored]:
    """What of the pages is no news to who knows ``items``, and why."""
    found: list[Ignored] = []
    for page in asked.pages.values():
        news = {id(trigger) for trigger in sift(page.reading, items, listing=False)[0].triggers}
        found += [one for one in page.reading.ignored if id(one.trigger) not in news]
        found += [no_news(one, items) for one in page.reading.triggers if id(one) not in news]
    return found


def items_of(row: PollerRow) -> dict[str, Item]:
    """The provider's incidents that were told of."""
    return {key: Item(**told) for key, told in row.items.items()}


def health_of(row: PollerRow) -> ProviderHealth:
    """How the provider stands."""
    return cast("ProviderHealth", row.health)


def _health(watch: Watch, items: Items) -> ProviderHealth:
    return "disrupted" if open_keys(items) else watch.quiet


def _digest(refusals: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(refusals).encode("utf-8", "replace")).hexdigest()[:32] if refusals else ""
