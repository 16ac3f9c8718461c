"""A shortcut takes the plain question alone, and whatever it does not take is answered by the declared route."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from libs.common.auth import Viewer, authenticate
from libs.common.errors import NotFound
from libs.common.shortcut import Shortcut
from libs.common.web import create_app
from tests.unit.common.test_web import Platform, problem

ADDRESS = "/v1/rotas/{rota_id}/now"


def declared() -> APIRouter:
    router = APIRouter(prefix="/v1/rotas")

    @router.get("/{rota_id}/now")
    async def now(
        rota_id: Annotated[str, Path(max_length=63)], _: Viewer, at: Annotated[str | None, Query(max_length=4)] = None
    ) -> Response:
        return PlainTextResponse(f"declared {rota_id} {at}")

    return router


async def short(request: Request) -> Response:
    await authenticate(request, "viewer")
    rota_id = request.path_params["rota_id"]
    if rota_id == "none":
        raise NotFound("There is no rota 'none'.")
    return PlainTextResponse(f"short {rota_id}")


@pytest.fixture
def platform() -> Platform:
    return Platform(name="oncall")


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(title="Oncall", platform=platform, routers=[declared()], shortcuts=[Shortcut(ADDRESS, short)])
    headers = {"Authorization": "Bearer viewer"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://oncall", headers=headers) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("default/now", "short default"),
        ("team-b_2/now", "short team-b_2"),
        (f"{'r' * 63}/now", f"short {'r' * 63}"),
        ("default/now?", "short default"),
        ("default/now?at=noon", "declared default noon"),
        ("default/now?what=else", "declared default None"),
        ("The%20Team/now", "declared The Team None"),
        ("default%0A/now", "declared default\n None"),
    ],
)
async def test_the_plain_question_is_taken_and_no_other(client: httpx.AsyncClient, path: str, text: str) -> None:
    answer = await client.get(f"/v1/rotas/{path}")
    assert (answer.status_code, answer.text) == (200, text)


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", f"{'r' * 64}/now", 422, "invalid"),
        ("GET", "default/now?at=noon-ish", 422, "invalid"),
        ("POST", "default/now", 405, "method-not-allowed"),
        ("GET", "default/later", 404, "not-found"),
        ("GET", "a/b/now", 404, "not-found"),
    ],
)
async def test_what_is_wrong_is_said_by_the_declared_route(
    client: httpx.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    problem(await client.request(method, f"/v1/rotas/{path}"), status, slug)


async def test_head_is_refused_as_the_declared_route_refuses_it(client: httpx.AsyncClient) -> None:
    answer = await client.head("/v1/rotas/default/now")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer nobody", "Basic viewer"])
async def test_no_key_opens_it_that_does_not_open_the_route(client: httpx.AsyncClient, key: str) -> None:
    client.headers["Authorization"] = key
    short_way = await client.get("/v1/rotas/default/now")
    long_way = await client.get("/v1/rotas/default/now?at=now")
    problem(short_way, 401, "unauthenticated")
    same = [
        {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "content-length"}}
        for answer in (short_way, long_way)
    ]
    assert same[0] == same[1]
    assert short_way.json()["detail"] == long_way.json()["detail"]


async def test_its_errors_are_problems_and_it_is_logged_and_counted_as_the_route(
    client: httpx.AsyncClient, platform: Platform
) -> None:
    with capture_logs() as logged:
        problem(await client.get("/v1/rotas/none/now"), 404, "not-found")
        await client.get("/v1/rotas/default/now")
        await client.get("/v1/rotas/default/now?at=noon")
    told = [(line["route"], line["status"]) for line in logged if line["event"] == "request"]
    assert told == [(ADDRESS, 404), (ADDRESS, 200), (ADDRESS, 200)]
    shown = platform.metrics.exposition().decode()
    assert f'tocsin_http_requests_total{{method="GET",route="{ADDRESS}",status="200"}} 2.0' in shown


async def test_the_description_of_the_api_is_of_the_declared_routes_alone(platform: Platform) -> None:
    with_it = create_app(title="Oncall", platform=platform, routers=[declared()], shortcuts=[Shortcut(ADDRESS, short)])
    without = create_app(title="Oncall", platform=platform, routers=[declared()])
    assert with_it.openapi() == without.openapi()
    assert with_it.url_path_for("now", rota_id="default") == "/v1/rotas/default/now"
