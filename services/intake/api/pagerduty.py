"""PagerDuty's Events API, so that what sends there sends here by changing one address. Answers are PagerDuty's own."""

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import from_json, to_json
from starlette.responses import JSONResponse, Response

from libs.common.errors import TocsinError
from services.intake.api.drop_in import NoSuchMethod, admitted, body_within, once_of, route_in, unpacked
from services.intake.api.hooks import KEY_ID
from services.intake.api.state import state_of
from services.intake.domain.drop_in import ALIAS, CALL
from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading
from services.intake.handlers.senders import source_named
from services.intake.store.writer import Repeated

SOURCE: Final = "pagerduty"
LIMIT: Final = 512 * 1024
"""Bytes of an event."""

KEY_LENGTH: Final = 32
OTHERS: Final = ["GET", "PUT", "PATCH", "DELETE"]
RETRY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of the API."""

    call: str
    key: str
    """The field with the integration's key."""
    dedup: str
    """The field with the dedup key; empty where there is none."""
    accepted: int = 202
    throttled: int = 429
    said: str = "Event processed"


V2: Final = Dialect("event", "routing_key", "dedup_key")
V1: Final = Dialect("event", "service_key", "incident_key", accepted=200, throttled=403)
CHANGE: Final = Dialect("change", "routing_key", "", said="Change event processed")


class _Refused(TocsinError):
    """An event that PagerDuty would refuse, too."""

    status = 400
    slug = "invalid-event"
    title = "Invalid event"


class _Unrecognized(_Refused):
    """A body that is no event at all."""


def _told(request: Request, error: TocsinError) -> Response:
    """An error as PagerDuty tells it. A key that nobody knows is 400 there, and is not sent again."""
    headers = {}
    if error.status in (429, 503):
        headers["Retry-After"] = str(math.ceil((error.retry_after or RETRY).total_seconds()))
    if error.status == 429:
        first = request.scope["path"].startswith("/generic")
        message = "Requests for this service are arriving too quickly. Please retry later."
        body: dict[str, Any] = {"status": "throttle exceeded", "message": message}
        return JSONResponse(body, V1.throttled if first else V2.throttled, headers)
    if isinstance(error, _Unrecognized):
        status, message = "Unrecognized object", "Event object format is unrecognized"
    elif error.status == 413:
        status, message = "invalid event", "Event object is too large"
    elif error.status >= 500:
        status, message = "internal error", "The event was not accepted. Please retry later."
    else:
        status, message = "invalid event", "Event object is invalid"
    code = 400 if error.status in (401, 403, 422) else error.status
    return JSONResponse({"status": status, "message": message, "errors": [error.detail]}, code, headers)


router = APIRouter(include_in_schema=False, route_class=route_in(_told))


@router.post("/v2/enqueue")
@router.post("/v2/enqueue/")
async def enqueue(request: Request) -> Response:
    """Take an event of version 2."""
    return await _take(request, V2)


@router.post("/v2/change/enqueue")
@router.post("/v2/change/enqueue/")
async def enqueue_change(request: Request) -> Response:
    """Take a change event: it is kept and opens nothing."""
    return await _take(request, CHANGE)


@router.post("/generic/2010-04-15/create_event.json")
@router.post("/generic/2010-04-15/create_event.json/")
async def create_event(request: Request) -> Response:
    """Take an event of version 1."""
    return await _take(request, V1)


@router.api_route("/v2/enqueue", methods=OTHERS)
@router.api_route("/v2/enqueue/", methods=OTHERS)
@router.api_route("/v2/change/enqueue", methods=OTHERS)
@router.api_route("/v2/change/enqueue/", methods=OTHERS)
async def no_such_method(_: Request) -> Response:
    """Events are posted."""
    raise NoSuchMethod("Only POST is supported here.")


async def _take(request: Request, dialect: Dialect) -> Response:
    state = state_of(request)
    body = await body_within(request, LIMIT)
    headers, plain = unpacked(request, body, LIMIT)
    event = Look(_value(plain))
    key = _key(request, event, plain, dialect)
    try:
        integration = await admitted(request, SOURCE, key, body)
    except TocsinError as error:
        if error.status == 401:
            raise _Refused("Invalid routing key") from error
        raise
    named = event.text(dialect.dedup) if dialect.dedup else ""
    made = named or state.uow.chance.uuid7(state.uow.clock.now()).hex
    headers |= {CALL: dialect.call, ALIAS: made}
    once = once_of(request, integration, body)
    with suppress(Repeated):  # what was taken before is answered as it was then
        receipt = await state.receiver.receive(
            source_named(SOURCE), integration, headers.items(), _blanked(plain, key, dialect), once=once
        )
        if receipt.reading.refused:
            raise _refusal(receipt.reading)
    answer = {"status": "success", "message": dialect.said} | ({dialect.dedup: made} if dialect.dedup else {})
    return JSONResponse(answer, dialect.accepted)


def _value(plain: bytes) -> Any:
    """The JSON value of a body; ``None`` where it is none, which the source tells in its own words."""
    try:
        return from_json(plain.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError:
        return None


def _key(request: Request, event: Look, plain: bytes, dialect: Dialect) -> str:
    """The integration's key: in the body, in a header, or in a body that is no JSON as far as it can be found there.

    Raises :class:`_Refused` and :class:`_Unrecognized` where there is none: nobody knows whose event it is.
    """
    key = event.text(dialect.key) or request.headers.get("x-routing-key", "").strip()
    if not key and not event.is_object():
        found = re.search(rb'"%s"\s*:\s*"([a-z0-9]{%d})"' % (dialect.key.encode(), KEY_LENGTH), plain)
        if found is None:
            raise _Unrecognized("JSON parse error" if event.value is None else "Event object is not a JSON object")
        key = found.group(1).decode()
    if not key:
        raise _Refused(f"'{dialect.key}' is missing or blank")
    if len(key) != KEY_LENGTH:
        raise _Refused(f"Length of '{dialect.key}' is incorrect (should be {KEY_LENGTH} characters)")
    return key


def _blanked(plain: bytes, key: str, dialect: Dialect) -> bytes:
    """The body without the secret part of the key: it is kept, and people may look at it."""
    blank = key[:KEY_ID] + "*" * (KEY_LENGTH - KEY_ID)
    without = plain.replace(key.encode(), blank.encode())
    told = Look(_value(without))
    if told.is_object() and told.text(dialect.key) == key:  # it was written with escapes
        return to_json({**told.value, dialect.key: blank})
    return without


def _refusal(reading: Reading) -> TocsinError:
    """The error of an event that was kept and could not be understood."""
    refusal = reading.refusals[0]
    if reading.unreadable or refusal.reason == "wrong-shape":
        return _Unrecognized("JSON parse error")
    return _Refused(refusal.detail)
