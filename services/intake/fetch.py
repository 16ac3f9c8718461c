"""Asking a provider's page over HTTP: whether it has changed, within limits, and never anything inside our own network."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

import httpx

from libs.common.version import VERSION
from services.intake.domain.packing import CannotUnpack, unpacked
from services.intake.domain.polling import Answer, Failure, UnknownReason, Validators

SECONDS: Final = 20.0
"""How long a page has for its whole answer, in time of the machine."""

LIMIT: Final = 16 * 1024 * 1024
"""Bytes that a page may have, as it comes and unpacked. Google Cloud's has several million."""

REDIRECTS: Final = 3
ADDRESSES: Final = 2
"""How many of a host's addresses are tried."""

NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Behind which every IPv4 address may be, those inside a network included (RFC 6052)."""

MOVED: Final = frozenset({301, 302, 303, 307, 308})
ACCEPT: Final = "application/json, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"


class _Failed(Exception):
    def __init__(self, reason: UnknownReason, detail: str, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.failure = Failure(reason, detail, retry_after=retry_after)


class Fetcher:
    """Asks over HTTPS, public addresses alone; ``hosts`` are patterns of hosts that may be anywhere and speak plain HTTP.

    The address that was looked at is the one that is spoken to, so that a name cannot lead elsewhere the second time. A redirect is
    looked at like the first address.
    """

    name = "fetcher"

    def __init__(self, hosts: Iterable[str] = (), *, seconds: float = SECONDS, limit: int = LIMIT) -> None:
        self._hosts = tuple(host.lower() for host in hosts)
        self._seconds = seconds
        self._limit = limit
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Make the client: reading the certificates of the authorities takes its time."""
        context: ssl.SSLContext = await asyncio.to_thread(httpx.create_ssl_context)
        self._client = httpx.AsyncClient(
            verify=context,
            follow_redirects=False,
            trust_env=False,
            timeout=self._seconds,
            # hosts may share an address: a connection to one, once its name was proven, must not serve another
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def stop(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.aclose()

    async def fetch(self, url: str, validators: Validators) -> Answer | Failure:
        """What stands at ``url``, or that it has not changed, or why neither can be said. Never raises."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._asked(url, validators)
        except _Failed as error:
            return error.failure
        except (TimeoutError, httpx.TimeoutException):
            return Failure("timeout", f"It has not answered within {self._seconds:g} seconds.")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Failure("unreachable", f"It could not be reached: {type(error).__name__}.")

    async def _asked(self, url: str, validators: Validators) -> Answer:
        at = httpx.URL(url)
        for _ in range(REDIRECTS + 1):
            async with await self._answered(at, validators) as response:
                if response.status_code in MOVED and "location" in response.headers:
                    at = at.join(response.headers["location"])
                    continue
                return await self._read(response)
        raise _Failed("redirected", f"It leads on more than {REDIRECTS} times.")

    async def _answered(self, url: httpx.URL, validators: Validators) -> "_Streamed":
        if self._client is None:
            raise RuntimeError("asked before it was started")
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip",
            "User-Agent": f"Tocsin/{VERSION}",
            **({"If-None-Match": validators.etag} if validators.etag else {}),
            **({"If-Modified-Since": validators.last_modified} if validators.last_modified else {}),
        }
        addresses = (await self._addresses(url))[:ADDRESSES]
        for number, address in enumerate(addresses, 1):
            request = self._client.build_request(
                "GET", url.copy_with(host=address), headers=headers, extensions={"sni_hostname": url.host}
            )
            try:
                return _Streamed(await self._client.send(request, stream=True))
            except httpx.ConnectError:
                if number == len(addresses):
                    raise
        raise _Failed("unreachable", f"{url.host} has no address.")

    async def _addresses(self, url: httpx.URL) -> list[str]:
        """Where the host may be asked. Raises :class:`_Failed` where it may not."""
        host = url.host.lower()
        trusted = any(fnmatchcase(host, pattern) for pattern in self._hosts)
        if url.scheme != "https" and not (trusted and url.scheme == "http"):
            raise _Failed("address-not-allowed", "Only https is asked, unless TOCSIN_INTAKE_POLL_HOSTS names the host.")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise _Failed("unreachable", f"There is no host {host[:200]}.") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not trusted and not all(is_public(address) for address in addresses):
            sentence = f"{host[:200]} is an address inside a network; TOCSIN_INTAKE_POLL_HOSTS may allow it."
            raise _Failed("address-not-allowed", sentence)
        return addresses

    async def _read(self, response: httpx.Response) -> Answer:
        headers = response.headers
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Answer(None)
        if response.status_code != httpx.codes.OK:
            raise _Failed("http-status", f"It answered {response.status_code}.", _wait(headers.get("retry-after", "")))
        raw = bytearray()
        async for chunk in response.aiter_raw():
            raw += chunk
            if len(raw) > self._limit:
                raise _Failed("too-large", f"Its answer has more than {self._limit} bytes.")
        try:
            body = unpacked(headers.get("content-encoding", ""), bytes(raw), self._limit)
        except CannotUnpack as error:
            raise _Failed("too-large" if "more than" in str(error) else "not-understood", str(error)) from error
        if not body.strip():
            raise _Failed("empty-body", "Its answer is empty.")
        validators = Validators(headers.get("etag", "")[:500], headers.get("last-modified", "")[:100])
        return Answer(body, headers.get("content-type", ""), validators)


class _Streamed:
    """A response that is closed when it is done with."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aenter__(self) -> httpx.Response:
        return self._response

    async def __aexit__(self, *_: object) -> None:
        await self._response.aclose()


def is_public(address: str) -> bool:
    """Whether an address is one that the whole internet may speak to."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = None
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    return found.is_global and not found.is_multicast and (inner is None or inner.is_global)


def _wait(text: str) -> timedelta | None:
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else None
