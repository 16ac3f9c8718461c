"""Oncall with the shipped configuration, for the benchmark, and beside it a bare route, the yardstick.

``python -m tests.bench.oncall_server DATABASE_URL`` prints the ports of both and an operator's key as one line of JSON and serves until
its standard input ends. Oncall writes its lines as it does in service; nobody reads them.
"""

import asyncio
import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TextIO

import uvloop
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from libs.common.heap import SettledHeap
from libs.common.logs import configure
from libs.common.server import HttpServer
from services.oncall.__main__ import build
from services.oncall.settings import OncallSettings

KEY = "tocsin_" + "benchkey" + "s" * 24


CONSTANT = {
    "schedule": "default",
    "primary": {"person": {"id": "rafael", "name": "Rafael"}, "since": "2026-03-02T10:00:00Z"},
    "backups": [{"id": "helena", "name": "Helena"}, {"id": "luciane", "name": "Luciane"}],
}


async def constant(_: Request) -> JSONResponse:
    """What any route costs that does nothing: the server, the socket, and the smallest framework."""
    return JSONResponse(CONSTANT)


async def serve(database_url: str, nobody: TextIO) -> None:
    """Start both, tell where they are, and wait for the end of the standard input."""
    os.environ["TOCSIN_KEY_OPERATOR"] = KEY
    told = sys.stdout
    with redirect_stdout(nobody):
        configure("oncall")
        settings = OncallSettings(database_url=SecretStr(database_url), config_dir=Path("deploy/config"), port=0)
        service = await build(settings)
        await service.start()
        apps = (service.app, Starlette(routes=[Route("/", constant)]))
        oncall, bare = (HttpServer(app, "127.0.0.1", 0, drain_seconds=2, port_variable="PORT") for app in apps)
        await SettledHeap().start()  # as in every process that serves
        await oncall.start()
        await bare.start()
        told.write(json.dumps({"port": oncall.port, "bare": bare.port, "key": KEY}) + "\n")
        told.flush()
        await asyncio.to_thread(sys.stdin.read)
        await oncall.stop()
        await bare.stop()
        await service.stop()


if __name__ == "__main__":
    with Path(os.devnull).open("w", encoding="utf-8") as nobody:
        uvloop.run(serve(sys.argv[1], nobody))
