"""The HTTP server as a component: uvicorn inside the service's own lifecycle, which alone hears signals."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from libs.common.errors import Misconfigured
from libs.common.logs import get_logger

log = get_logger(__name__)

BACKLOG = 2048


class _Uvicorn(uvicorn.Server):
    """A server that leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves ``app`` on ``host`` and ``port``; 0 takes a free port. ``port_variable`` is named where the port is taken.

    ``stop`` closes the door, sets ``app.state.stopping`` so that endless answers (server-sent events) end, and waits for the
    requests that are under way.
    """

    name = "http"

    def __init__(self, app: Starlette, host: str, port: int, *, drain_seconds: float, port_variable: str) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._drain_seconds = drain_seconds
        self._port_variable = port_variable
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None
        app.state.stopping = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return self._port

    async def start(self) -> None:
        """Listen, and return once requests are answered. Raises :class:`Misconfigured` where the port cannot be had."""
        listening = listen(self._host, self._port, self._port_variable)
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=max(int(self._drain_seconds) - 1, 1),
        )
        self._server = _Uvicorn(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]), name="http")
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn tells by a flag alone
            await asyncio.sleep(0.005)
        if self._task.done():
            self._task.result()
        log.info("listening", host=self._host, port=self._port)

    async def stop(self) -> None:
        """Take no new connection and wait for the answers that are under way."""
        self._app.state.stopping.set()
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    async def crashed(self) -> BaseException:
        """Wait until the server ended without having been asked to."""
        if self._task is not None:
            await asyncio.wait({self._task})
        if self._server is None or self._server.should_exit or self._task is None or self._task.cancelled():
            await asyncio.Event().wait()
        error = self._task.exception() if self._task is not None else None
        return error or RuntimeError("the HTTP server ended by itself")


def listen(host: str, port: int, variable: str) -> socket.socket:
    """A socket that listens; 0 takes a free port. Raises :class:`Misconfigured`, which names ``variable``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)  # noqa: FBT003 - the socket's own
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Misconfigured(f"port {port} on {host} is in use; stop what uses it, or set {variable}") from error
        raise Misconfigured(f"cannot listen on {host} port {port}: {error.strerror}; set {variable}") from error
    return listening
