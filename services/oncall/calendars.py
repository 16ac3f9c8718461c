"""Calendars at an address: fetched when they are named, and anew every hour. Nothing is fetched inside a transaction."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import httpx

from libs.common.background import Background, pause
from libs.common.db.session import DatabaseUnavailable
from libs.common.db.work import UnitOfWork
from libs.common.errors import FieldProblem, Invalid
from libs.common.logs import get_logger
from services.oncall.domain.ical import LARGEST
from services.oncall.handlers import calendars as handlers
from services.oncall.store import calendars as store

log = get_logger(__name__)

EVERY_SECONDS: Final = 3600.0
TIMEOUT_SECONDS: Final = 15.0

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From host and port to addresses."""


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, as the machine's resolver knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """Fetches calendars. Addresses of the own network are refused unless ``private`` says otherwise, and redirects are not followed."""

    def __init__(self, *, private: bool = False, resolve: Resolve = resolved) -> None:
        self._private = private
        self._resolve = resolve

    async def fetched(self, url: str) -> str:
        """The text behind ``url``. Raises :class:`Invalid` with the reason."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._fetched(url)
        except TimeoutError:
            raise _refused(f"did not answer within {TIMEOUT_SECONDS:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _refused(f"cannot be fetched: {type(error).__name__}") from error

    async def _fetched(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _refused("must begin with https:// or http:// and name a host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await self._address(parts.hostname, port)
        # The address that was looked at is the one that is asked: a name may lead elsewhere the next time.
        literal = f"[{address}]" if ":" in address else address
        target = httpx.URL(url).copy_with(netloc=f"{literal}:{port}".encode())
        async with (
            httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT_SECONDS) as client,
            client.stream(
                "GET",
                target,
                headers={"Host": parts.netloc.rpartition("@")[2], "Accept": "text/calendar"},
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            if answer.status_code != 200:
                raise _refused(f"answered {answer.status_code}")
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise _refused(f"has more than {LARGEST // 1024} KiB")
        return body.decode("utf-8", errors="replace")

    async def _address(self, host: str, port: int) -> str:
        found = await self._resolve(host, port)
        for address in found:
            if not self._private and not ipaddress.ip_address(address.partition("%")[0]).is_global:
                raise _refused("leads into a private network; TOCSIN_ONCALL_PRIVATE_CALENDARS=true allows that")
        if not found:
            raise _refused("names a host that has no address")
        return found[0]


class CalendarReader(Background):
    """Reads every calendar that has an address anew, every hour."""

    name = "calendars"

    def __init__(self, uow: UnitOfWork, fetcher: Fetcher, every_seconds: float = EVERY_SECONDS) -> None:
        super().__init__()
        self._uow = uow
        self._fetcher = fetcher
        self._every = every_seconds

    async def _work(self) -> None:
        while not self._stopping.is_set():
            await pause(self._every, self._stopping)
            if not self._stopping.is_set():
                try:
                    await self.read_all()
                except DatabaseUnavailable as error:
                    log.warning("calendars not read anew", reason=str(error))

    def _interrupt(self) -> None:
        """The wait ends with ``_stopping`` itself."""

    async def read_all(self) -> None:
        """Read them all; one that cannot be read keeps its text, and says why."""
        async with self._uow.read() as session:
            wanted = [(row.id, row.url) for row in await store.calendars(session) if row.url]
        for calendar_id, url in wanted:
            text, problem = None, None
            try:
                text = await self._fetcher.fetched(url)
            except Invalid as error:
                problem = error.detail
                log.warning("calendar not read", calendar=str(calendar_id), reason=problem)
            async with self._uow.begin() as tx:
                await handlers.renew(tx, calendar_id, text, problem)


def _refused(detail: str) -> Invalid:
    return Invalid(f"The calendar's address {detail}.", problems=(FieldProblem("#/url", detail),))
