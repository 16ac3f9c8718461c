"""What every route of the statuspage needs, and how a page becomes a response."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, Response

from libs.common.auth import KeyRing
from libs.common.chance import Chance
from libs.common.clock import Clock, ScaledClock
from libs.common.db.work import UnitOfWork
from services.statuspage.api.live import Live
from services.statuspage.pages.assets import Assets
from services.statuspage.pages.views import Pace, Views
from services.statuspage.peers import Peers
from services.statuspage.settings import StatuspageSettings

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline script, no inline style, nothing from another host, in nobody's frame."""

PAGE_HEADERS: Final = {"Referrer-Policy": "same-origin"}
"""With ``no-referrer`` a browser would send ``Origin: null`` with a form, and the check of the origin would refuse it."""

WORTH_PACKING: Final = 1024


@dataclass(frozen=True)
class Context:
    """The parts of the service that its routes use."""

    settings: StatuspageSettings
    uow: UnitOfWork
    clock: Clock
    chance: Chance
    keyring: KeyRing
    views: Views
    assets: Assets
    live: Live
    peers: Peers
    session: timedelta
    """How long a sign-in lasts, in the clock's time."""

    def pace(self) -> Pace:
        """What time it is, and how fast it passes; a clock that stands still is shown standing still."""
        return Pace(self.clock.now(), self.clock.speed if isinstance(self.clock, ScaledClock) else 0.0)

    def render(self, template: str, **values: Any) -> str:
        """A page or a fragment at this moment."""
        return self.views.render(template, self.pace(), {"intake": self.settings.intake_url, **values})


def context_of(request: Request) -> Context:
    """The context that the composition root put into the application."""
    context: Context = request.app.state.context
    return context


async def _desk(request: Request) -> Context:
    """Asynchronous, since FastAPI runs a plain function in a thread, at many times its cost."""
    return context_of(request)


Desk = Annotated[Context, Depends(_desk)]
"""The context, as a dependency."""


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A page that is nobody else's: never kept by a cache."""
    return HTMLResponse(text, status, {"Cache-Control": "no-store", **PAGE_HEADERS, **(headers or {})})


def tagged(request: Request, body: bytes, media_type: str, *, private: bool) -> Response:
    """A public page: named by its content, so that a browser that has it is told so, and packed where it may be.

    The tag is a weak one: packed and plain are the same page.
    """
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        **PAGE_HEADERS,
        "ETag": tag,
        "Cache-Control": "private, no-cache" if private else "public, no-cache",
        "Vary": "Accept-Encoding",
    }
    known = {one.strip() for one in request.headers.get("If-None-Match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return packed(
        request, body, gzip.compress(body, 6, mtime=0) if len(body) > WORTH_PACKING else b"", media_type, headers
    )


def packed(request: Request, body: bytes, smaller: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """The body, by gzip where the reader takes that and there is such a form."""
    if smaller and "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(smaller, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)
    return Response(body, headers=dict(headers), media_type=media_type)


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks, so that a part of a page is the answer."""
    return request.headers.get("HX-Request") == "true"
