"""What happens around every request: its id, its trace, its metrics and log line, the limit of its body, safe headers.

Plain ASGI, two layers, since every page and every alarm pays for it.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.chance import Chance
from libs.common.clock import Stopwatch
from libs.common.errors import TooLarge
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.problems import on_crash, problem_response
from libs.common.tracing import request_span

log = get_logger(__name__)

REQUEST_ID: Final = "X-Request-ID"
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask every few seconds: logged only where they fail."""

UNMATCHED: Final = "unmatched"
"""What metrics and logs call the route of an address that there is none for; the address itself may hold a key."""

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_template(scope: MutableMapping[str, Any]) -> str:
    """The route that answered, as it was declared: ``/v1/hooks/{source}/{key}``, never the address itself."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    if template:
        return str(template)
    return f"{scope['root_path']}/*" if scope.get("root_path") else UNMATCHED


class Edge:
    """The outermost layer. Nobody sees an exception's text: it is logged, the caller gets the request's id."""

    def __init__(
        self, app: ASGIApp, *, service: str, metrics: Metrics, chance: Chance, content_security_policy: str
    ) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._chance = chance
        self._found: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._always = (
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
            (b"content-security-policy", content_security_policy.encode("latin-1")),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is no HTTP passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _ACCEPTED_ID.fullmatch(given) else self._chance.token(120)
        scope.setdefault("state", {})["request_id"] = request_id
        with (
            structlog.contextvars.bound_contextvars(service=self._service, request_id=request_id, incident_id=None),
            request_span(scope["method"], headers.get("traceparent")) as span,
        ):
            status = await self._answer(scope, receive, send, request_id)
            span.update_name(f"{scope['method']} {route_template(scope)}")
            span.set_attribute("http.response.status_code", status)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        status = 0
        watch = Stopwatch()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(message, request_id)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            # Everything that was foreseen has an answer of its own; this is a fault of ours, told in full to the log alone.
            log.exception("request crashed", route=route_template(scope), error=type(error).__name__)
            if status:
                raise
            await on_crash(request_id)(scope, receive, sent)
        finally:
            self._note(scope, status or 499, watch.seconds())
        return status

    def _complete(self, message: Message, request_id: str) -> None:
        """Add what every answer has. On the raw headers, in one pass: each answer pays for it."""
        headers = list(message.get("headers", ()))
        present = {name.lower(): value for name, value in headers}
        if b"x-request-id" not in present:
            headers.append((b"x-request-id", request_id.encode("ascii")))
        headers += [(name, value) for name, value in self._always if name not in present]
        if b"json" in present.get(b"content-type", b"") and b"cache-control" not in present:
            headers.append((b"cache-control", b"no-store"))
        message["headers"] = headers

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and log. 499 is a caller who left before the answer."""
        route = route_template(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        answered, took = self._meters(method, route, status)
        answered.inc()
        took.observe(seconds)
        say = log.debug if route in QUIET and status < 500 else log.info
        say("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))

    def _meters(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """The two of this route, kept: finding them by their labels costs more than counting."""
        found = self._found.get((method, route, status))
        if found is None:
            metrics = self._metrics
            found = metrics.http_requests.labels(method, route, str(status)), metrics.http_seconds.labels(method, route)
            self._found[method, route, status] = found
        return found


class BodyLimit:
    """Refuses bodies over ``limit`` bytes with 413: by their announced length at once, else as they stream in.

    ``limits`` holds other limits for what is posted below a path, such as ``/v1/mail/``.
    """

    def __init__(self, app: ASGIApp, *, limit: int, limits: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._limit = limit
        self._limits = dict(limits or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that cannot grow over the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((most for path, most in self._limits.items() if scope["path"].startswith(path)), self._limit)
        sentence = f"The body is over the limit of {limit} bytes."
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            request_id = scope.get("state", {}).get("request_id")
            response = problem_response(413, TooLarge.slug, TooLarge.title, sentence, request_id=request_id)
            await response(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, sentence)
            return message

        await self._app(scope, limited, send)
