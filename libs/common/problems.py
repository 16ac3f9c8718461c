"""Problem details (RFC 9457) for everything that goes wrong over HTTP."""

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from libs.common.errors import (
    FieldProblem,
    Invalid,
    Malformed,
    NotFound,
    TocsinError,
    TooLarge,
    Unavailable,
    Unsupported,
)
from libs.common.logs import get_logger
from libs.common.rules import rule_of

log = get_logger(__name__)

TYPE_BASE = "https://tocsin.dev/problems/"
"""What a problem's ``type`` begins with; the error's slug follows, and is its heading in ``docs/problems.md``."""

MEDIA_TYPE = "application/problem+json"
DEFAULT_RETRY = timedelta(seconds=5)
CHALLENGE = 'Bearer realm="tocsin"'

_BY_STATUS: Mapping[int, type[TocsinError]] = {404: NotFound, 413: TooLarge, 415: Unsupported, 503: Unavailable}
_KINDS = {"body", "query", "path", "header", "cookie"}
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_MISFIT: Mapping[str, str] = {"missing": "is missing", "extra_forbidden": "there is no such field here"}


def problem_response(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    problems: tuple[FieldProblem, ...] = (),
    retry_after: timedelta | None = None,
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """A response whose body is a problem. 401 carries a challenge; 429 and 503 say when to come back."""
    body: dict[str, Any] = {"type": f"{TYPE_BASE}{slug}", "title": title, "status": status, "detail": detail}
    body.update(extra or {})
    if problems:
        body["errors"] = [{"pointer": problem.pointer, "detail": problem.detail} for problem in problems]
    if request_id:
        body["instance"] = f"urn:tocsin:request:{request_id}"
    sent = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        sent.setdefault("WWW-Authenticate", CHALLENGE)
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        wait = math.ceil((retry_after or DEFAULT_RETRY).total_seconds())
        sent.setdefault("Retry-After", str(max(wait, 1)))
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(content, status, sent, MEDIA_TYPE)


def respond(request: Request, error: TocsinError, headers: Mapping[str, str] | None = None) -> Response:
    """The problem that ``error`` is. What is not the caller's fault is logged, and its details stay here."""
    detail = error.detail
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request failed", problem=error.slug, reason=error.detail)
        if not isinstance(error, Unavailable):
            detail = "Something is wrong on our side; it was logged."
    return problem_response(
        error.status,
        error.slug,
        error.title,
        detail,
        problems=error.problems,
        retry_after=error.retry_after,
        headers=headers,
        request_id=request.scope.get("state", {}).get("request_id"),
    )


async def on_tocsin_error(request: Request, error: Exception) -> Response:
    """Handler of :class:`TocsinError`."""
    if not isinstance(error, TocsinError):
        raise error
    return respond(request, error)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Handler of FastAPI's own: 400 where the body is no JSON, 422 where a field is wrong, with JSON Pointers."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    for problem in found:
        if problem["type"] == "json_invalid":
            place = problem["loc"][-1]
            reason = problem.get("ctx", {}).get("error", problem["msg"])
            return respond(request, Malformed(f"The body is no JSON: {reason} at character {place}."))
    problems = field_problems(found)
    detail = "; ".join(f"{problem.pointer}: {problem.detail}" for problem in problems[:3])
    if len(problems) > 3:
        detail += f"; and {len(problems) - 3} more"
    return respond(request, Invalid(detail, problems=problems))


def field_problems(found: Any) -> tuple[FieldProblem, ...]:
    """Pydantic's errors as JSON Pointers: ``#/alerts/0/status``, ``#query/limit`` for what is not in the body."""
    problems = []
    for problem in found:
        location = [str(part) for part in problem["loc"]]
        kind = location.pop(0) if location and location[0] in _KINDS else "body"
        path = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in location)
        pointer = f"#{path}" if kind == "body" else f"#{kind}{path}"
        problems.append(FieldProblem(pointer, _MISFIT.get(problem["type"]) or rule_of(problem)))
    return tuple(problems)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Handler of Starlette's own: no such route, wrong method (with ``Allow``), a body that cannot be read."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    title = HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    kind = _BY_STATUS.get(error.status_code)
    if error.status_code == 404 and detail == title:
        detail = "There is nothing at this address."
    elif error.status_code == 405:
        error.headers = {**(error.headers or {}), **_allowed(request)}
        allowed = error.headers.get("Allow", "")
        detail = (
            f"{request.method} is not possible here; {allowed} {'are' if ',' in allowed else 'is'}."
            if allowed
            else f"{request.method} is not possible here."
        )
    slug = kind.slug if kind else title.lower().replace(" ", "-").replace("'", "")
    request_id = request.scope.get("state", {}).get("request_id")
    return problem_response(
        error.status_code, slug, kind.title if kind else title, detail, headers=error.headers, request_id=request_id
    )


def _allowed(request: Request) -> dict[str, str]:
    """``Allow`` with the methods of every route at this address, where none has the one that was tried: Starlette names those of one."""
    tried = [{**request.scope, "method": method} for method in _METHODS]
    found = [
        str(one["method"]) for one in tried if any(route.matches(one)[0] is Match.FULL for route in request.app.routes)
    ]
    return {"Allow": ", ".join(found)} if found and request.method not in found else {}


def on_crash(request_id: str | None) -> Response:
    """What the caller sees of an error that nobody foresaw: nothing but where to find it in the log."""
    detail = "Something is wrong on our side; it was logged."
    return problem_response(500, TocsinError.slug, TocsinError.title, detail, request_id=request_id)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def declare_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document in which every error of every operation is a problem, FastAPI's own 422 included."""
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    components["Problem"] = PROBLEM_SCHEMA
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in schema.get("paths", {}).values():
        for operation in path.values():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")):
                    response["content"] = content
            operation["responses"].setdefault("default", {"description": "A problem.", "content": content})
    return schema
