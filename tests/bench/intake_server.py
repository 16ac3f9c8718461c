"""Two intakes in one process for the benchmark: one that commits, and one whose writer does nothing.

``python -m tests.bench.intake_server DATABASE_URL CONFIG_DIR`` prints their ports as one line of JSON and serves until its
standard input ends. ``--without-relay`` measures the commit alone.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

import uvloop
from pydantic import SecretStr

from libs.common.heap import SettledHeap
from libs.common.logs import configure
from libs.common.server import HttpServer
from libs.common.web import create_app
from services.intake.__main__ import build
from services.intake.api import ROUTERS
from services.intake.api.state import State
from services.intake.fetch import Fetcher
from services.intake.handlers.guard import Guard
from services.intake.handlers.mail import Postbox
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import Senders
from services.intake.handlers.watch import Watcher
from services.intake.network import WebNetwork
from services.intake.settings import IntakeSettings
from services.intake.store.writer import Entry


class NoWriter:
    """Says that everything is committed, and commits nothing."""

    async def write(self, entry: Entry) -> None:
        """Return as if it were done."""


async def serve(database_url: str, config_dir: Path, *, relay: bool) -> None:
    """Start both, tell their ports, and wait for the end of the standard input."""
    configure("intake", "warning")
    logging.disable(logging.INFO)
    service = await build(
        IntakeSettings(database_url=SecretStr(database_url), config_dir=config_dir, port=0, rate_limit=10_000_000)
    )
    await service.start()
    platform = service.platform
    if not relay:
        for component in service.components:
            if component.name == "relay":
                await component.stop()
    receiver = Receiver(NoWriter(), platform.clock, platform.chance, platform.metrics)
    senders, guard = Senders(platform.uow), Guard({}, 10_000_000)
    postbox = Postbox(senders, receiver, guard, platform.clock, platform.metrics)
    watcher = Watcher(platform.uow, receiver, Fetcher().fetch, platform.metrics)
    state = State(platform.uow, senders, receiver, "", WebNetwork(), guard, postbox, watcher)
    without = create_app(title="Without storage", platform=platform, routers=ROUTERS, state={"intake": state})
    servers = [HttpServer(app, "127.0.0.1", 0, drain_seconds=2, port_variable="PORT") for app in (service.app, without)]
    await SettledHeap().start()  # as in every process that serves
    for server in servers:
        await server.start()
    ports = {"durable": servers[0].port, "without_storage": servers[1].port}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        await server.stop()
    await service.stop()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], Path(sys.argv[2]), relay="--without-relay" not in sys.argv))
