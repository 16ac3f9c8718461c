import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from libs.common.auth import Admin, KeyRing, Operator, Principal, Viewer
from libs.common.chance import Chance
from libs.common.errors import Conflict, Misconfigured, Throttled, Unauthenticated, Unavailable
from libs.common.metrics import Metrics
from libs.common.tracing import current_traceparent
from libs.common.web import Check, create_app

PEOPLE = {
    "viewer": Principal("v", "Vera", ("viewer",)),
    "operator": Principal("o", "Otto", ("operator",)),
    "admin": Principal("a", "Ada", ("admin",)),
}


class Keys(KeyRing):
    """A key ring whose keys are the names of roles."""

    def __init__(self) -> None:
        pass

    async def principal_of(self, plain: str) -> Principal:
        if plain not in PEOPLE:
            raise Unauthenticated("This is no key that Tocsin knows.")
        return PEOPLE[plain]


@dataclass
class Platform:
    name: str = "intake"
    metrics: Metrics = field(default_factory=Metrics)
    chance: Chance = field(default_factory=lambda: Chance(1))
    keyring: KeyRing = field(default_factory=Keys)


class Alert(BaseModel):
    status: str
    count: Annotated[int, Field(ge=0)] = 0


class Body(BaseModel):
    alerts: list[Alert]


def routes() -> APIRouter:  # noqa: C901 - a route for each kind of end
    router = APIRouter(prefix="/v1")

    @router.post("/alerts")
    async def alerts(body: Body, limit: Annotated[int, Query(le=10)] = 1) -> dict[str, int]:
        return {"alerts": len(body.alerts), "limit": limit}

    @router.post("/hooks/{source}/{key}")
    async def hook(source: str, key: str, request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @router.get("/conflict")
    async def conflict() -> None:
        raise Conflict("This incident is resolved already.")

    @router.get("/throttled")
    async def throttled() -> None:
        raise Throttled("Too many.", retry_after=timedelta(seconds=6.2))

    @router.get("/unavailable")
    async def unavailable() -> None:
        raise Unavailable("The database cannot be reached.")

    @router.get("/misconfigured")
    async def misconfigured() -> None:
        raise Misconfigured("secret file path /etc/x")

    @router.get("/crash")
    async def crash() -> None:
        raise RuntimeError("a secret of ours")

    @router.get("/trace")
    async def trace() -> dict[str, str | None]:
        return {"traceparent": current_traceparent()}

    @router.get("/page")
    async def page() -> Response:
        return PlainTextResponse("hello", headers={"Content-Security-Policy": "default-src 'self'"})

    @router.get("/see")
    async def see(principal: Viewer) -> str:
        return principal.name

    @router.post("/act")
    async def act(principal: Operator) -> str:
        return principal.name

    @router.put("/change")
    async def change(principal: Admin) -> str:
        return principal.name

    return router


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture(autouse=True)
def no_context() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        yield client


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(title="Intake", platform=platform, routers=[routes()], body_limit=1000)
    async with client_of(app) as found:
        yield found


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem of an answer, which must be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"https://tocsin.dev/problems/{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


async def test_a_body_that_is_no_json_is_malformed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/alerts", content=b'{"alerts": [', headers={"Content-Type": "application/json"})
    assert "character 12" in problem(answer, 400, "malformed")["detail"]


async def test_wrong_fields_are_pointed_at(client: httpx.AsyncClient) -> None:
    body = {"alerts": [{"status": "firing"}, {"status": 7, "count": -1}]}
    answer = await client.post("/v1/alerts?limit=11", json=body)
    told = problem(answer, 422, "invalid")
    pointers = {error["pointer"] for error in told["errors"]}
    assert pointers == {"#/alerts/1/status", "#/alerts/1/count", "#query/limit"}
    assert "#/alerts/1/status: text is needed" in told["detail"]


async def test_a_body_that_is_missing_is_invalid(client: httpx.AsyncClient) -> None:
    assert problem(await client.post("/v1/alerts"), 422, "invalid")["errors"]


async def test_an_error_of_the_tree_is_a_problem_of_its_status(client: httpx.AsyncClient) -> None:
    told = problem(await client.get("/v1/conflict"), 409, "conflict")
    assert told["detail"] == "This incident is resolved already."


async def test_too_many_requests_are_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/throttled")
    problem(answer, 429, "throttled")
    assert answer.headers["retry-after"] == "7"


async def test_unavailable_is_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/unavailable")
    problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_nobody_sees_what_is_our_own_fault(client: httpx.AsyncClient) -> None:
    told = problem(await client.get("/v1/misconfigured"), 500, "misconfigured")
    assert "/etc/x" not in json.dumps(told)


async def test_an_unforeseen_error_is_logged_in_full_and_shown_by_its_request_id_alone(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as logged:
        answer = await client.get("/v1/crash", headers={"X-Request-ID": "r-1"})
    told = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert told["instance"] == "urn:tocsin:request:r-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    [crash] = [line for line in logged if line["event"] == "request crashed"]
    assert crash["exc_info"]
    assert crash["route"] == "/v1/crash"


async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nothing"), 404, "not-found")


async def test_a_wrong_method_names_the_possible_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/conflict")
    assert "GET is" in problem(answer, 405, "method-not-allowed")["detail"]
    assert answer.headers["allow"] == "GET"


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/hooks/alertmanager/k", content=b"x" * 1001)
    assert "1000 bytes" in problem(answer, 413, "too-large")["detail"]


@pytest.mark.parametrize("path", ["/v1/hooks/alertmanager/k", "/v1/alerts"])
async def test_a_body_that_grows_over_the_limit_is_refused_while_it_streams(
    client: httpx.AsyncClient, path: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    answer = await client.post(path, content=chunks(), headers={"Content-Type": "application/json"})
    problem(answer, 413, "too-large")


async def test_a_body_at_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/hooks/alertmanager/k", content=b"x" * 1000)
    assert answer.json() == {"bytes": 1000}


async def test_a_request_keeps_its_id_or_gets_one(client: httpx.AsyncClient) -> None:
    given = await client.get("/healthz", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    made = await client.get("/healthz", headers={"X-Request-ID": "evil\tid" * 20})
    assert len(made.headers["x-request-id"]) == 20


async def test_a_callers_trace_goes_on(client: httpx.AsyncClient) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await client.get("/v1/trace", headers={"traceparent": parent})
    assert answer.json()["traceparent"].split("-")[1] == parent.split("-")[1]


async def test_metrics_and_log_know_the_route_and_never_the_key_in_the_path(
    client: httpx.AsyncClient, platform: Platform
) -> None:
    with capture_logs() as logged:
        await client.post("/v1/hooks/alertmanager/s3cretkey", content=b"{}")
        await client.get("/v1/hookz/alertmanager/s3cretkey")
        await client.get("/healthz")
    told = [(line["route"], line["status"], line["log_level"]) for line in logged if line["event"] == "request"]
    assert told == [
        ("/v1/hooks/{source}/{key}", 200, "info"),
        ("unmatched", 404, "info"),
        ("/healthz", 200, "debug"),
    ]
    assert "s3cretkey" not in str(logged)
    shown = (await client.get("/metrics")).text
    assert 'tocsin_http_requests_total{method="POST",route="/v1/hooks/{source}/{key}",status="200"} 1.0' in shown
    assert 'route="unmatched",status="404"' in shown
    assert "s3cretkey" not in shown
    assert platform.metrics.exposition()


async def test_headers_keep_browsers_safe_unless_a_page_sets_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/conflict")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    page = await client.get("/v1/page")
    assert page.headers["content-security-policy"] == "default-src 'self'"
    assert "cache-control" not in page.headers


@pytest.mark.parametrize(
    ("key", "method", "path", "status"),
    [
        ("viewer", "GET", "/v1/see", 200),
        ("viewer", "POST", "/v1/act", 403),
        ("operator", "GET", "/v1/see", 200),
        ("operator", "POST", "/v1/act", 200),
        ("operator", "PUT", "/v1/change", 403),
        ("admin", "GET", "/v1/see", 200),
        ("admin", "POST", "/v1/act", 200),
        ("admin", "PUT", "/v1/change", 200),
        ("nobody", "GET", "/v1/see", 401),
    ],
)
async def test_who_may_do_what(client: httpx.AsyncClient, key: str, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status


async def test_without_a_key_the_answer_says_how_to_send_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/see")
    assert "Authorization: Bearer" in problem(answer, 401, "unauthenticated")["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def ready(platform: Platform, checks: dict[str, Check], notes: dict[str, Check] | None = None) -> httpx.Response:
    app = create_app(title="Intake", platform=platform, checks=checks, notes=notes)
    async with client_of(app) as client:
        return await client.get("/readyz")


async def fine() -> str | None:
    return None


async def broken() -> str | None:
    return "the bus cannot be reached"


async def raising() -> str | None:
    raise Unavailable("the database cannot be reached")


async def crashing() -> str | None:
    raise KeyError("x")


async def test_ready_when_every_check_is_fine(platform: Platform) -> None:
    answer = await ready(platform, {"database": fine})
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok"}}


async def test_not_ready_says_which_check_fails_and_why(platform: Platform) -> None:
    answer = await ready(platform, {"database": raising, "bus": broken, "outbox": fine, "odd": crashing})
    told = problem(answer, 503, "not-ready")
    assert told["checks"] == {
        "database": "the database cannot be reached",
        "bus": "the bus cannot be reached",
        "outbox": "ok",
        "odd": "the check itself failed: KeyError",
    }
    assert "bus: the bus cannot be reached" in told["detail"]


async def test_a_note_is_shown_and_keeps_nobody_from_being_ready(platform: Platform) -> None:
    answer = await ready(platform, {"database": fine}, {"configuration": broken})
    assert answer.status_code == 200
    assert answer.json()["checks"]["configuration"] == "the bus cannot be reached"


async def test_the_openapi_document_declares_problems_for_every_error(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")):
                    assert list(response["content"]) == ["application/problem+json"]
