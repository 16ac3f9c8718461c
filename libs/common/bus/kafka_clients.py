"""Beginning and ending the client library's objects, so that neither leaves a task or a connection behind.

The library ends an object by cancelling its tasks and awaiting them, and breaks off at the first that answers with
its cancellation: a fetch that failed and waits before the next does so. What was not ended by then stays, and the
caller takes a cancellation for its own that was nobody's. Whatever the library does is therefore a task here, which
may end as it likes, and what it left is closed part by part. A test in ``tests/kafka`` fails where a new version of
the library holds its parts under other names.
"""

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

END_SECONDS = 5.0
"""How long a client may take to end in good order: it leaves its group, and sends what is on its way."""
SWEEP_SECONDS = 1.0
"""How long cancelled tasks and aborted connections may take to be gone; none of them waits for a broker."""

logger = structlog.get_logger(__name__)


async def begin(client: Any) -> None:
    """Start a client. Where that fails, or the caller is cancelled, nothing of the client is left.

    Raises what the library raises; :class:`KafkaConnectionError` where the library itself called the start off.
    """
    starting = asyncio.create_task(_start(client), name=f"start a {type(client).__name__}")
    try:
        await asyncio.wait({starting})
        _see_started(starting)
    except BaseException:
        await _called_off(starting)
        await end(client)
        raise


async def end(client: Any) -> None:
    """Stop a client whose broker may be gone: in good order where that works, and by force after a few seconds.

    Raises nothing but a cancellation of the caller, and ends the client by force then.
    """
    stop = client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop()
    stopping = asyncio.create_task(stop, name=f"stop a {type(client).__name__}")
    lines = {connection._writer.transport for connection in _connections(client) if connection._writer is not None}  # noqa: SLF001
    try:
        await asyncio.wait({stopping}, timeout=END_SECONDS)
    finally:
        await _sweep(client, lines, stopping)
        if error := _trouble(stopping):
            logger.info("bus_client_broken_off", client=type(client).__name__, error=error)


async def _start(client: Any) -> None:
    try:
        await client.start()
    except BaseException as error:
        # The connection over which the library first asks for the cluster is known to this one frame of it alone.
        for frame, _ in traceback.walk_tb(error.__traceback__):
            forgotten = frame.f_locals.get("bootstrap_conn")
            if forgotten is not None:
                forgotten.close()
        raise


def _see_started(starting: asyncio.Task[None]) -> None:
    """Raise what the start raised; a cancellation there was not the caller's."""
    if starting.cancelled():
        raise KafkaConnectionError("the client called its start off")
    starting.result()


async def _sweep(client: Any, lines: set[Any], stopping: asyncio.Task[None]) -> None:
    """Cancel the tasks that are left and abort the connections."""
    connections = _connections(client)
    left = [task for task in (stopping, *_tasks(client)) if not task.done()]
    for task in left:
        task.cancel()
    closed = [connection.close() for connection in connections]
    for line in lines:
        line.abort()  # a closed one with unsent bytes would wait for a broker that may never take them
    with suppress(TimeoutError):
        async with asyncio.timeout(SWEEP_SECONDS):
            await asyncio.gather(*left, *closed, return_exceptions=True)


async def _called_off(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it ended, whatever it answers."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=SWEEP_SECONDS)


def _connections(client: Any) -> list[Any]:
    """The client's connections that the library knows of."""
    return list(_network(client)._conns.values())  # noqa: SLF001 - nothing public tells


def _tasks(client: Any) -> Iterator[asyncio.Task[Any]]:
    """Every task that a part of the client holds."""
    parts = [getattr(client, name, None) for name in ("_coordinator", "_fetcher", "_sender")]
    for part in [_network(client), *filter(None, parts)]:
        for held in vars(part).values():
            several = held if isinstance(held, set) else {held} if isinstance(held, asyncio.Task) else ()
            yield from (task for task in several if isinstance(task, asyncio.Task))


def _network(client: Any) -> Any:
    """The part that holds the connections; the producer names it in public."""
    return client.client if hasattr(client, "client") else client._client  # noqa: SLF001 - nothing public tells


def _trouble(task: asyncio.Task[None]) -> str | None:
    """Why a task did not end well; ``None`` where it did."""
    if not task.done() or task.cancelled():
        return "it took too long, or the client cancelled itself"
    error = task.exception()
    return (str(error) or type(error).__name__) if error else None
