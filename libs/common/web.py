"""The web application of a service: its routers, and what all have: health, readiness, metrics, problems, limits."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from libs.common.auth import Authenticated, KeyRing
from libs.common.chance import Chance
from libs.common.errors import TocsinError, Unavailable
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.middleware import BodyLimit, Edge
from libs.common.problems import (
    declare_problems,
    on_http_exception,
    on_tocsin_error,
    on_validation_error,
    problem_response,
)
from libs.common.shortcut import Shortcut, Shortcuts
from libs.common.version import VERSION

log = get_logger(__name__)


Check = Callable[[], Awaitable[str | None]]
"""Returns ``None`` when all is well, else the sentence that says why not."""

BODY_LIMIT: Final = 1024 * 1024
"""Bytes of a request's body where a service does not say otherwise."""

CHECK_TIMEOUT: Final = timedelta(seconds=3)
API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"


class WebPlatform(Protocol):
    """What the application takes from its service."""

    @property
    def name(self) -> str:
        """The service."""
        ...

    @property
    def metrics(self) -> Metrics:
        """The service's metrics."""
        ...

    @property
    def chance(self) -> Chance:
        """Where request ids come from."""
        ...

    @property
    def keyring(self) -> KeyRing:
        """Who may call."""
        ...


def create_app(
    *,
    title: str,
    platform: WebPlatform,
    routers: Sequence[APIRouter] = (),
    shortcuts: Sequence[Shortcut] = (),
    checks: Mapping[str, Check] | None = None,
    notes: Mapping[str, Check] | None = None,
    version: str = VERSION,
    description: str = "",
    body_limit: int = BODY_LIMIT,
    body_limits: Mapping[str, int] | None = None,
    content_security_policy: str = API_POLICY,
    state: Mapping[str, object] | None = None,
) -> FastAPI:
    """The application. A ``check`` that fails makes the service not ready; a ``note`` is only shown beside them.

    ``state`` is what its routes find in ``request.app.state``; the key ring is there already.
    """
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(
                Edge,
                service=platform.name,
                metrics=platform.metrics,
                chance=platform.chance,
                content_security_policy=content_security_policy,
            ),
            Middleware(BodyLimit, limit=body_limit, limits=body_limits),
            Middleware(Shortcuts, shortcuts=shortcuts),
        ],
        exception_handlers={
            TocsinError: on_tocsin_error,
            RequestValidationError: on_validation_error,
            HTTPException: on_http_exception,
        },
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.keyring = platform.keyring
    for name, value in (state or {}).items():
        setattr(app.state, name, value)
    app.include_router(_health(platform.metrics, dict(checks or {}), dict(notes or {})))
    app.include_router(_identity())
    for router in routers:
        app.include_router(router)
    _declare(app)
    return app


class Identity(BaseModel):
    """Whom a key stands for."""

    id: str
    name: str
    roles: tuple[str, ...]
    tenants: tuple[str, ...] | None
    """``None`` sees all tenants."""


def _identity() -> APIRouter:
    router = APIRouter(tags=["keys"])

    @router.get("/v1/me")
    async def who_am_i(principal: Authenticated) -> Identity:
        """Whom the key of this request stands for, and what it may do: the quickest way to try a key."""
        return Identity(
            id=principal.id, name=principal.name, roles=tuple(principal.roles), tenants=_sorted(principal.tenants)
        )

    return router


def _sorted(tenants: Collection[str] | None) -> tuple[str, ...] | None:
    return None if tenants is None else tuple(sorted(tenants))


def _health(metrics: Metrics, checks: Mapping[str, Check], notes: Mapping[str, Check]) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers. Says nothing of what it needs."""
        return {"status": "ok"}

    @router.get("/readyz", responses={503: {"description": "Not ready; `checks` says why."}})
    async def readyz() -> Response:
        """Each thing that the service needs, and why it is not ready where it is not."""
        asked = {**notes, **checks}
        said = dict(zip(asked, await asyncio.gather(*(ask(check) for check in asked.values())), strict=True))
        shown = {name: why or "ok" for name, why in said.items()}
        failing = [f"{name}: {why}" for name, why in said.items() if why and name in checks]
        if not failing:
            return JSONResponse({"status": "ready", "checks": shown})
        return problem_response(503, "not-ready", "Not ready", "; ".join(failing), extra={"checks": shown})

    @router.get("/metrics", response_class=Response, include_in_schema=False)
    async def scrape() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


async def ask(check: Check) -> str | None:
    """What ``check`` says; one that raises or takes too long says so."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT.total_seconds()):
            return await check()
    except Unavailable as error:
        return error.detail
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT.total_seconds():g} seconds"
    except Exception as error:  # a broken check makes the service not ready, and is told in full to the log
        log.exception("readiness check crashed")
        return f"the check itself failed: {type(error).__name__}"


def _declare(app: FastAPI) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            app.openapi_schema = declare_problems(schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
