"""TLS in front of a service that speaks plain HTTP, as a reverse proxy would be, with a certificate of its own."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import self_signed


@dataclass(frozen=True)
class Front:
    """Where it listens, and whom its callers must trust."""

    url: str
    authority: Path


@asynccontextmanager
async def tls_front(
    port: int, folder: Path, name: str = "localhost", address: str = "127.0.0.1"
) -> AsyncIterator[Front]:
    """A TLS terminator on a port of its own, which passes everything on to ``port`` on this machine; its certificate is for ``name`` and ``address``."""
    certificate, key = self_signed(address, name)
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_copy(reader, downstream), _copy(upstream, writer))
        finally:
            downstream.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        own = server.sockets[0].getsockname()[1]
        yield Front(f"https://127.0.0.1:{own}", folder / "certificate.pem")
    finally:
        server.close()
        await server.wait_closed()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Everything that comes, until the end; then the other side is told of it where that is possible."""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := await source.read(65_536):
            sink.write(part)
            await sink.drain()
    with contextlib.suppress(ConnectionError, OSError, RuntimeError):
        if sink.can_write_eof():
            sink.write_eof()
        else:
            sink.close()
