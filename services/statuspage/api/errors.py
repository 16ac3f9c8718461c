"""Problems as pages for people, as problem+json for programs."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from libs.common.errors import NotFound, TocsinError
from libs.common.problems import on_http_exception, on_validation_error
from services.statuspage.api.context import context_of, html
from services.statuspage.api.session import SignInNeeded, ask_to_sign_in

Handler = Callable[[Request, Exception], Awaitable[Response]]


def shown_as_page(app: FastAPI, on_problem: Handler) -> None:
    """Have ``app`` answer a browser with a page where something is wrong, and everybody else as before."""
    app.add_exception_handler(SignInNeeded, ask_to_sign_in)
    app.add_exception_handler(TocsinError, _page_or(on_problem))
    app.add_exception_handler(HTTPException, _page_or(on_http_exception))
    app.add_exception_handler(RequestValidationError, _page_or(on_validation_error))


def _page_or(otherwise: Handler) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        if "text/html" not in request.headers.get("Accept", ""):
            return await otherwise(request, error)
        status, sentence = _told(error)
        if status < 400:
            return await otherwise(request, error)
        headers = {"Retry-After": "5"} if status == 503 else None
        return html(
            context_of(request).render("public/problem.html", status=status, sentence=sentence), status, headers
        )

    return answer


def _told(error: Exception) -> tuple[int, str]:
    """The status, and what a person is told; what is our own fault is not told in detail."""
    if isinstance(error, TocsinError):
        ours = error.status >= 500
        return (
            error.status,
            "We cannot show this page at the moment. Try again in a few seconds." if ours else error.detail,
        )
    if isinstance(error, RequestValidationError):
        return NotFound.status, "There is nothing at this address."
    status = error.status_code if isinstance(error, HTTPException) else 500
    return status, "There is nothing at this address." if status == 404 else "This cannot be done here."
