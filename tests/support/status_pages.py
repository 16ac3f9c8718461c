"""A web server of status pages on this machine: conditional answers as real ones give them, and everything that may go wrong."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

RSS = "application/rss+xml"
ATOM = "application/atom+xml"
JSON = "application/json; charset=utf-8"


@dataclass
class Page:
    """What stands at an address. ``delay`` and ``held`` are waited for before the answer; ``location`` leads on; ``etag`` of ``None`` sends none."""

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    delay: float = 0.0
    location: str = ""
    etag: bool = True
    packed: bool = False
    held: asyncio.Event | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StatusPages:
    """The pages by their paths, and what was asked: path, and the status that it was answered with."""

    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    answering: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        task = asyncio.current_task()
        assert task is not None
        self.answering.add(task)
        try:
            await self._answer(reader, writer)
            writer.close()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self.answering.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        path = head[0].split(" ")[1]
        page = self.pages.get(path, Page(b"<html><body>Not found</body></html>", "text/html", 404))
        self.heads.append(headers)
        await asyncio.sleep(page.delay)
        if page.held is not None:
            await page.held.wait()
        tag = f'W/"{hashlib.sha256(page.body).hexdigest()[:16]}"'
        same = page.etag and page.status == 200 and headers.get("if-none-match") == tag
        status = 304 if same else page.status
        self.asked.append((path, status))
        body = b"" if same else gzip.compress(page.body) if page.packed else page.body
        told = {"Content-Type": page.content_type, "Content-Length": str(len(body)), "Connection": "close"}
        told |= {"ETag": tag} if page.etag else {}
        told |= {"Location": page.location} if page.location else {}
        told |= {"Content-Encoding": "gzip"} if page.packed and not same else {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (told | page.headers).items())
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)
        await writer.drain()


@asynccontextmanager
async def status_pages() -> AsyncIterator[StatusPages]:
    """The server, on a free port."""
    pages = StatusPages()
    server = await asyncio.start_server(pages.answer, "127.0.0.1", 0, limit=2**20)
    pages.port = server.sockets[0].getsockname()[1]
    try:
        yield pages
    finally:
        server.close()
        for task in tuple(pages.answering):
            task.cancel()
        await asyncio.gather(*pages.answering, return_exceptions=True)
        await server.wait_closed()
