"""Oncall with the shipped configuration, for the benchmark.

``python -m tests.bench.oncall_server DATABASE_URL`` prints its port and an operator's key as one line of JSON and serves until its
standard input ends.
"""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

import uvloop
from pydantic import SecretStr

from libs.common.heap import SettledHeap
from libs.common.logs import configure
from libs.common.server import HttpServer
from services.oncall.__main__ import build
from services.oncall.settings import OncallSettings

KEY = "tocsin_" + "benchkey" + "s" * 24


async def serve(database_url: str) -> None:
    """Start it, tell where it is, and wait for the end of the standard input."""
    os.environ["TOCSIN_KEY_OPERATOR"] = KEY
    configure("oncall", "warning")
    logging.disable(logging.INFO)
    settings = OncallSettings(database_url=SecretStr(database_url), config_dir=Path("deploy/config"), port=0)
    service = await build(settings)
    await service.start()
    server = HttpServer(service.app, "127.0.0.1", 0, drain_seconds=2, port_variable="PORT")
    await SettledHeap().start()  # as in every process that serves
    await server.start()
    sys.stdout.write(json.dumps({"port": server.port, "key": KEY}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()
    await service.stop()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
