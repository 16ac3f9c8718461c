"""An HTTP API on this machine that answers as a test wants: late, with a refusal, or not at all after it took what was sent."""

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

DATE = "Date: Tue, 24 Nov 2026 14:00:00 GMT"
Answer = tuple[int, Any, list[str]]
"""Status, JSON body (``None`` is an empty one) and further headers."""


@dataclass
class FakeApi(ABC):
    """``delay`` is waited before an answer, and so is ``answering``; ``lose_answers`` takes what was sent and closes the connection in place of an answer."""

    port: int = 0
    delay: float = 0.0
    lose_answers: int = 0
    requests: int = 0
    busy: int = 0
    """How many requests wait for their answer now."""
    most: int = 0
    """How many there were at once."""
    last_authorization: str = ""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is cleared, what comes in is taken and waits for its answer."""
    _connections: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.answering.set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def taken(self) -> int:
        """How many messages it has for good."""

    @abstractmethod
    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Answer:
        """What a request is answered with."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with as many requests as the client likes."""
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._request(reader, writer):
                    pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def hang_up(self) -> None:
        """Close every connection."""
        connections = tuple(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = (await reader.readline()).decode()
        if not line:
            return False
        method, target, _ = line.split(" ", 2)
        headers: dict[str, str] = {}
        while header := (await reader.readline()).decode().strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        self.requests += 1
        self.last_authorization = headers.get("authorization", "")
        taken = self.taken()
        status, answer, extra = self.answer(method, target, headers, body)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await asyncio.sleep(self.delay)
            await self.answering.wait()
        finally:
            self.busy -= 1
        if self.lose_answers and self.taken() > taken:
            self.lose_answers -= 1
            return False
        payload = b"" if answer is None else json.dumps(answer).encode()
        lines = [
            f"HTTP/1.1 {status} X",
            DATE,
            "Content-Type: application/json",
            f"Content-Length: {len(payload)}",
            *extra,
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
        await writer.drain()
        return True


A = TypeVar("A", bound=FakeApi)


@asynccontextmanager
async def running(fake: A) -> AsyncIterator[A]:
    """``fake`` listening on a free port."""
    server = await asyncio.start_server(fake.handle, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        await fake.hang_up()
        await server.wait_closed()
