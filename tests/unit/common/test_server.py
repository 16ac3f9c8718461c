import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from libs.common.errors import Misconfigured
from libs.common.server import HttpServer


def application() -> FastAPI:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False})
    app.state.begun = asyncio.Event()

    @app.get("/slow")
    async def slow(request: Request) -> str:
        request.app.state.begun.set()
        await asyncio.sleep(0.3)
        return "done"

    @app.get("/endless")
    async def endless(request: Request) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            yield "hello\n"
            request.app.state.begun.set()
            await request.app.state.stopping.wait()
            yield "bye\n"

        return StreamingResponse(lines())

    return app


def server(app: FastAPI, port: int = 0) -> HttpServer:
    return HttpServer(app, "127.0.0.1", port, drain_seconds=60, port_variable="TOCSIN_X_PORT")


@pytest.mark.parametrize(("path", "text"), [("/slow", '"done"'), ("/endless", "hello\nbye\n")])
async def test_an_answer_that_is_under_way_is_finished_before_the_end(path: str, text: str) -> None:
    app = application()
    http = server(app)
    await http.start()
    async with httpx.AsyncClient() as client:
        answering = asyncio.create_task(client.get(f"http://127.0.0.1:{http.port}{path}"))
        await app.state.begun.wait()
        async with asyncio.timeout(60):
            await http.stop()
        answer = await answering
    assert (answer.status_code, answer.text) == (200, text)
    assert "server" not in answer.headers


async def test_nothing_new_is_taken_once_it_stopped() -> None:
    http = server(application())
    await http.start()
    await http.stop()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{http.port}/slow")


async def test_a_taken_port_is_told_with_the_variable_to_set() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Misconfigured, match=r"in use.*TOCSIN_X_PORT"):
            await server(application(), taken.getsockname()[1]).start()


async def test_a_host_that_is_not_this_machines_is_told() -> None:
    with pytest.raises(Misconfigured, match=r"cannot listen on 192\.0\.2\.1"):
        await HttpServer(application(), "192.0.2.1", 0, drain_seconds=1, port_variable="TOCSIN_X_PORT").start()


async def test_two_servers_live_in_one_process() -> None:
    first, second = server(application()), server(application())
    await first.start()
    await second.start()
    assert first.port != second.port
    await first.stop()
    await second.stop()


async def test_a_stop_that_was_asked_for_is_no_crash() -> None:
    http = server(application())
    await http.start()
    watching = asyncio.create_task(http.crashed())
    await http.stop()
    await asyncio.sleep(0.01)
    assert not watching.done()
    watching.cancel()
