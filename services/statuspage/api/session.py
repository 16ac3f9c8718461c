"""Signing in to the console: by an operator's key, or once by a link. The cookie is the only key to the session.

Every POST carries the session's token and comes from our own origin.
"""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from libs.common.auth import Principal
from libs.common.errors import Forbidden, Unauthenticated
from services.statuspage import handlers
from services.statuspage.api.context import Context, Desk, context_of, html, wants_fragment
from services.statuspage.seal import SessionSecret, same_token
from services.statuspage.store import sessions

router = APIRouter(include_in_schema=False)

HOME: Final = "/console"
SIGN_IN: Final = "/console/sign-in"
LIVE: Final = "/console/live"


class SignInNeeded(Unauthenticated):
    """Nobody is signed in, or no longer."""

    slug = "sign-in-needed"
    title = "Sign in"


@dataclass(frozen=True)
class Visitor:
    """Who is signed in, with the key that acts in their name."""

    principal: Principal
    key: str
    secret: SessionSecret
    place: str
    """Where the changes stood before anything was read for them: what comes later, their page is told."""

    @property
    def may_act(self) -> bool:
        """Whether they may act on incidents."""
        return self.principal.may("operator")

    @property
    def may_act_for_all(self) -> bool:
        """Whether they may act on what concerns every tenant: bodies as they came, and who is on call."""
        return self.may_act and self.principal.tenants is None


def cookie_name(context: Context) -> str:
    """Behind TLS the name itself makes a browser refuse the cookie from anywhere else (RFC 6265bis, ``__Host-``)."""
    return "__Host-tocsin" if secure(context) else "tocsin_session"


def secure(context: Context) -> bool:
    """Whether people come by TLS."""
    return (context.settings.public_url or "").startswith("https://")


async def visitor(request: Request) -> Visitor:
    """Who is signed in. Raises :class:`SignInNeeded`; a key that was taken away ends its sessions at once."""
    context = context_of(request)
    place = context.live.place()
    cookie = request.cookies.get(cookie_name(context))
    if not cookie:
        raise SignInNeeded("Sign in to see the console.")
    secret = SessionSecret(cookie)
    async with context.uow.read() as session:
        row = await sessions.alive(session, secret.digest, context.clock.now())
        sealed = row.sealed_key if row else None
    key = secret.unseal(sealed) if sealed else None
    if key is None:
        raise SignInNeeded("Your session has ended; sign in again.")
    try:
        principal = await context.keyring.principal_of(key)
    except Unauthenticated as error:
        raise SignInNeeded("Your key is no longer valid; sign in with another one.") from error
    return Visitor(principal, key, secret, place)


SignedIn = Annotated[Visitor, Depends(visitor)]
"""Whoever is signed in."""


async def acting(request: Request, who: SignedIn) -> Visitor:
    """Whoever is signed in and posts a form of ours. Raises :class:`Forbidden`."""
    same_origin(request)
    form = await request.form()
    given = form.get("csrf")
    if not isinstance(given, str) or not who.secret.allows(given):
        raise Forbidden("This form is not from your present session; reload the page and try again.")
    return who


Acting = Annotated[Visitor, Depends(acting)]
"""Whoever is signed in, in a POST that was checked."""


def same_origin(request: Request) -> None:
    """Refuse a POST that comes from another site. Raises :class:`Forbidden`."""
    origin = request.headers.get("Origin")
    if origin is None:
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Forbidden("This form comes from another site.")
        return
    ours = {request.headers.get("Host", "")}
    if public_url := context_of(request).settings.public_url:
        ours.add(urlsplit(public_url).netloc)
    if urlsplit(origin).netloc not in ours:
        raise Forbidden("This form comes from another site.")


async def ask_to_sign_in(request: Request, _error: Exception) -> Response:
    """Handler of :class:`SignInNeeded`: to the form, and from there back to where they were.

    A page that follows the changes is refused instead, so that it stops to ask, and says to whoever reads it what it is.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = SIGN_IN if request.method != "GET" or wants_fragment(request) else f"{SIGN_IN}?next={quote(back)}"
    if wants_fragment(request):
        return Response(status_code=401 if request.url.path == LIVE else 200, headers={"HX-Redirect": where})
    response = RedirectResponse(where, 303)
    response.delete_cookie(cookie_name(context_of(request)), path="/", secure=secure(context_of(request)))
    return response


@router.get(SIGN_IN)
async def sign_in_form(request: Request, desk: Desk, token: str = "", next: str = HOME) -> Response:  # noqa: A002 - the address says next
    """The form; with a link's token, signed in at once."""
    if token:
        return await _by_link(desk, token)
    try:
        await visitor(request)
    except SignInNeeded:
        return _form(desk, "", _local(next))
    return RedirectResponse(_local(next), 303)


@router.post(SIGN_IN)
async def sign_in(
    request: Request,
    desk: Desk,
    key: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form()] = HOME,  # noqa: A002
) -> Response:
    """Sign in with a key."""
    same_origin(request)
    try:
        return await _open(desk, key.strip(), _local(next))
    except (Unauthenticated, Forbidden) as error:
        return _form(desk, error.detail, _local(next), error.status)


@router.post("/console/sign-out")
async def sign_out(desk: Desk, who: Acting) -> Response:
    """End the session here and on the server."""
    async with desk.uow.begin() as tx:
        await handlers.sign_out(tx, who.secret.digest)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(cookie_name(desk), path="/", secure=secure(desk), httponly=True, samesite="lax")
    return response


async def _by_link(desk: Context, token: str) -> Response:
    """Sign in by the link that the start of the system printed: once."""
    settings = desk.settings
    if settings.sign_in_token is None or settings.key_operator is None:
        return _form(desk, "Sign-in by link is not set up here; use your key.", HOME, 403)
    if not same_token(token, settings.sign_in_token.get_secret_value()):
        return _form(desk, "This link is not valid; use your key.", HOME, 403)
    key = settings.key_operator.get_secret_value()
    try:
        await desk.keyring.principal_of(key)
    except Unauthenticated:
        return _form(desk, "The operator is not known here yet; try the link again in a moment.", HOME, 503)
    async with desk.uow.begin() as tx:
        fresh = await handlers.use_link(tx, token)
    if not fresh:
        return _form(desk, "This link was used already; it signs in once. Use your key.", HOME, 403)
    return await _open(desk, key, HOME)


async def _open(desk: Context, key: str, where: str) -> Response:
    """Open a session for a key and go on. Raises :class:`Unauthenticated`, :class:`Forbidden`."""
    principal = await desk.keyring.principal_of(key)
    if not principal.may("viewer"):
        raise Forbidden("This key may not see the console.")
    async with desk.uow.begin() as tx:
        secret = await handlers.sign_in(tx, principal, key, desk.session)
    response = RedirectResponse(where, 303)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        cookie_name(desk), secret.cookie, path="/", secure=secure(desk), httponly=True, samesite="lax",
        max_age=int(desk.settings.session_hours * 3600),
    )  # fmt: skip
    return response


def _form(desk: Context, problem: str, where: str, status: int = 200) -> Response:
    return html(desk.render("console/sign-in.html", problem=problem, next=where), status)


def _local(where: str) -> str:
    """An address within the console; anything else leads home."""
    inside = where == HOME or where.startswith((f"{HOME}/", f"{HOME}?"))
    return where if inside and "\\" not in where and not where.startswith(SIGN_IN) else HOME
