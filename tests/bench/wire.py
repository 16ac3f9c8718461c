"""Keep-alive HTTP connections with prepared requests: what is measured is the server, not a client library."""

import asyncio
import json
from typing import Self, cast
from urllib.parse import urlsplit

from libs.common.clock import Stopwatch


class Wire:
    """A connection to the host of ``url``; one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect."""
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def ask(self, request: bytes) -> int:
        """Send a request, read the whole answer; its status."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        await self._reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        return int(head.split(" ", 2)[1])

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


def get(path: str) -> bytes:
    """A prepared GET."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def post(path: str, key: str, body: object) -> bytes:
    """A prepared POST of JSON with a bearer's key."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


class Repeater(asyncio.Protocol):
    """One keep-alive connection: sends the next request as soon as an answer is complete, and notes how long it took."""

    def __init__(self, request: bytes, status: int, seconds: list[float]) -> None:
        self._request = request
        self._expected = f"HTTP/1.1 {status}".encode()
        self._seconds = seconds
        self._buffer = b""
        self._watch = Stopwatch()
        self._transport: asyncio.Transport | None = None
        self.ended = asyncio.get_running_loop().create_future()
        self.stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count complete answers; all of them must have the status."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(self._expected):
            self._end(RuntimeError(self._buffer.decode(errors="replace")))
            return
        self._buffer = b""
        self._seconds.append(self._watch.seconds())
        if self.stopping:
            self._end(None)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed it: that must not happen while a request is under way."""
        self._end(exc or RuntimeError("the server closed the connection"))

    def _send(self) -> None:
        self._watch = Stopwatch()
        if self._transport is not None:
            self._transport.write(self._request)

    def _end(self, error: Exception | None) -> None:
        if self._transport is not None:
            self._transport.close()
        if not self.ended.done():
            if error is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(error)


async def keep_busy(port: int, request: bytes, status: int, seconds: float, connections: int) -> list[float]:
    """Keep the port busy for so long; how long each answered request took, in seconds."""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Repeater(request, status, took), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for connection in made:
        connection.stopping = True
    await asyncio.gather(*(connection.ended for connection in made))
    return took
