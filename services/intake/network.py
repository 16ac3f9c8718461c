"""The little that intake asks of the network itself: certificates and confirmations of senders' handshakes."""

import asyncio
from typing import Final

import httpx

from libs.common.errors import Unavailable

TIMEOUT: Final = 5.0
LIMIT: Final = 64 * 1024
KEPT: Final = 16
"""Pages that are remembered, so that nobody's addresses fill the memory."""

ANEW_AFTER: Final = 300.0
"""Seconds for which a remembered page is not asked for again, whatever unknown keys callers name."""


class Unreachable(Unavailable):
    """A page that a handshake needs could not be had; nothing was accepted."""

    slug = "handshake-failed"
    title = "Handshake failed"


class WebNetwork:
    """Asks over HTTPS alone, follows no redirect, reads no more than 64 KiB, and waits five seconds at most."""

    name = "network"

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(transport=transport, timeout=TIMEOUT, follow_redirects=False)
        self._kept: dict[str, tuple[bytes, float]] = {}

    async def start(self) -> None:
        """Nothing to start: connections are made when they are needed."""

    async def stop(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def get(self, url: str, *, keep: bool = False, anew: bool = False) -> bytes:
        """What stands at ``url``. Raises :class:`Unreachable`."""
        seconds = asyncio.get_running_loop().time()
        if url in self._kept:
            page, had_at = self._kept[url]
            if not anew or seconds - had_at < ANEW_AFTER:
                return page
        page = await self._asked(url)
        if keep:
            self._kept.pop(url, None)
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[url] = (page, seconds)
        return page

    async def _asked(self, url: str) -> bytes:
        if not url.startswith("https://"):
            raise Unreachable("Only HTTPS is asked.")
        page = b""
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code != httpx.codes.OK:
                    raise Unreachable(f"The sender's own page answered {response.status_code}; post the body again.")
                async for chunk in response.aiter_bytes():
                    page += chunk
                    if len(page) > LIMIT:
                        raise Unreachable("The sender's own page is larger than any certificate.")
        except httpx.HTTPError as error:
            raise Unreachable(f"The sender's own page could not be had: {type(error).__name__}.") from error
        return page
