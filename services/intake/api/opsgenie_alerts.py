"""Opsgenie's Alert API, so that what creates alerts there creates them here by changing one address."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from pydantic_core import from_json
from starlette.responses import Response

from libs.common.errors import FieldProblem, Invalid, Malformed, NotFound
from services.intake.api.drop_in import NoSuchMethod, body_within, once_of, unpacked
from services.intake.api.opsgenie_common import LIMIT, SOURCE, NotOffered, answered, caller, opsgenie_router
from services.intake.api.state import state_of
from services.intake.domain.drop_in import ALIAS, CALL, Action, AlertFields, Call
from services.intake.domain.integration import Integration
from services.intake.domain.look import Look
from services.intake.domain.mapping import LABEL_LIMIT, NAME_LIMIT, TITLE_LIMIT, clean, clean_labels
from services.intake.domain.opsgenie import HOW, BadQuery, Place, body_of, place_of, terms_of
from services.intake.domain.trigger import Reading
from services.intake.handlers.senders import source_named
from services.intake.sources.opsgenie import OWNER
from services.intake.store import drop_in as store
from services.intake.store.drop_in import DropInAlertRow
from services.intake.store.writer import Repeated

router = opsgenie_router()


PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
PROCESSED: Final = {"result": "Request will be processed"}
PAGE: Final = 20


@router.post("/v2/alerts")
@router.post("/v2/alerts/")
async def create(request: Request) -> Response:
    """A new alert, or one more occurrence of an open one."""
    return await _do(request, Place("", "create"))


@router.get("/v2/alerts")
@router.get("/v2/alerts/")
async def listed(request: Request) -> Response:
    """The alerts of the caller's integration."""
    integration = await caller(request)
    asked = request.query_params
    terms = _terms(request)
    limit, offset = _number(request, "limit", PAGE, store.LIST_LIMIT), _number(request, "offset", 0, 20_000)
    sort, order = asked.get("sort", "createdAt"), asked.get("order", "desc")
    if sort not in store.SORTED_BY or order not in ("asc", "desc"):
        raise _wrong("sort", f"Alerts are sorted by one of {', '.join(store.SORTED_BY)}, asc or desc.")
    async with state_of(request).uow.read() as session:
        rows = await store.alerts_where(
            session, integration.id, terms, limit=limit, offset=offset, sort=sort, descending=order == "desc"
        )
    return answered(request, 200, {"data": [_brief(row, integration) for row in rows]})


@router.api_route("/v2/alerts", methods=["PUT", "PATCH", "DELETE"])
@router.api_route("/v2/alerts/", methods=["PUT", "PATCH", "DELETE"])
async def no_such_method(request: Request) -> Response:
    """Alerts are made and listed here."""
    await caller(request)
    raise NoSuchMethod("This address does not support this method.")


@router.get("/v2/alerts/count")
@router.get("/v2/alerts/count/")
async def count(request: Request) -> Response:
    """How many alerts a query finds."""
    integration = await caller(request)
    terms = _terms(request)
    async with state_of(request).uow.read() as session:
        return answered(request, 200, {"data": {"count": await store.count_where(session, integration.id, terms)}})


@router.get("/v2/alerts/requests/{request_id}")
@router.get("/v2/alerts/requests/{request_id}/")
async def request_status(request: Request, request_id: str) -> Response:
    """What became of a call."""
    integration = await caller(request)
    try:
        wanted = UUID(request_id)
    except ValueError as error:
        raise NotFound("Request not found. It might not be processed yet.") from error
    async with state_of(request).uow.read() as session:
        row = await store.call_by_id(session, integration.id, wanted)
    if row is None:
        raise NotFound("Request not found. It might not be processed yet.")
    data = {
        "success": row.success,
        "action": row.action,
        "processedAt": row.processed_at,
        "integrationId": row.integration_id,
        "isSuccess": row.success,
        "status": row.status,
        "alertId": row.alert_id or "",
        "alias": row.alias,
    }
    return answered(request, 200, {"data": data}, request_id)


@router.api_route("/v2/alerts/saved-searches", methods=["GET", "POST"])
@router.api_route("/v2/alerts/saved-searches/{rest:path}", methods=["GET", "POST", "PATCH", "DELETE"])
async def saved_searches(request: Request) -> Response:
    """Opsgenie keeps searches; Tocsin does not."""
    await caller(request)
    raise NotOffered("Tocsin keeps no saved searches.")


@router.api_route("/v2/alerts/{identifier:anything}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def one(request: Request) -> Response:
    """One alert, or what is done to it."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    place = place_of(request.method, raw.decode("latin-1"))
    if place is None:
        await caller(request)
        raise NoSuchMethod("This address does not support this method.")
    if place.unsupported:
        await caller(request)
        raise NotOffered(
            f"Tocsin does not support {place.unsupported}: its own ladders and rotas say who is told, and when."
        )
    if place.action is None:
        return await _shown(request, place.identifier)
    return await _do(request, place)


async def _shown(request: Request, identifier: str) -> Response:
    integration = await caller(request)
    async with state_of(request).uow.read() as session:
        row = await store.alert_by(session, integration.id, _how(request), clean(identifier))
    if row is None:
        raise NotFound("Alert does not exist")
    more = {"actions": row.actions, "entity": row.entity, "description": row.description, "details": row.details}
    return answered(request, 200, {"data": _brief(row, integration) | more})


async def _do(request: Request, place: Place) -> Response:
    """Take a call in: what it says is committed together with what becomes of the alert."""
    state = state_of(request)
    action: Action = place.action or "create"
    raw = await body_within(request, LIMIT)
    integration = await caller(request, raw)
    headers, body = unpacked(request, raw, LIMIT)
    if request.method == "DELETE":
        body = body_of(request.query_params)
    look = Look(_value(body))
    now = state.uow.clock.now()
    call = _call(look, action, integration, state.uow.chance.uuid7(now), state.uow.chance.uuid7(now), request)
    if action != "create":
        call = await _aimed(request, call, place.identifier)
    named, once = (headers | {CALL: action, ALIAS: call.alias}).items(), once_of(request, integration, raw)
    with suppress(Repeated):  # what was taken before is answered as it was then
        receipt = await state.receiver.receive(source_named(SOURCE), integration, named, body, call=call, once=once)
        if receipt.reading.refused:
            raise _refusal(receipt.reading)
    return answered(request, 202, PROCESSED, str(call.request_id))


def _value(body: bytes) -> Any:
    """The JSON value of a body; ``None`` where it is none, which the source tells."""
    try:
        return from_json(body.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError:
        return None


def _call(
    look: Look, action: Action, integration: Integration[Any], request_id: UUID, alert_id: UUID, request: Request
) -> Call:
    details = clean_labels(look.facts("details"))
    if action == "remove-details":
        details = dict.fromkeys((clean(key, NAME_LIMIT) for key in look.texts("keys")), "")
    priority = look.text("priority").upper()
    fields = AlertFields(
        message=clean(look.text("message"), TITLE_LIMIT),
        description=clean(look.text("description")),
        entity=clean(look.text("entity"), LABEL_LIMIT),
        source=clean(look.text("source"), LABEL_LIMIT),
        priority=priority if priority in PRIORITIES else "P3",
        actions=tuple(clean(name, NAME_LIMIT) for name in look.texts("actions")),
    )
    return Call(
        request_id=request_id,
        integration_id=integration.id,
        action=action,
        at=state_of(request).uow.clock.now(),
        alias=clean(look.text("alias"), LABEL_LIMIT) or str(alert_id),
        alert_id=alert_id,
        user=clean(look.text("user"), NAME_LIMIT),
        fields=fields,
        tags=tuple(clean(tag, NAME_LIMIT) for tag in look.texts("tags")),
        owner=clean(look.text(*OWNER), NAME_LIMIT),
        details=details,
    )


async def _aimed(request: Request, call: Call, identifier: str) -> Call:
    """The call with the alert that its address names: an alias is taken as it is, ids are looked up."""
    how, identifier = _how(request), clean(identifier, LABEL_LIMIT)
    if how == "alias":
        return replace(call, alias=identifier, alert_id=None)
    async with state_of(request).uow.read() as session:
        row = await store.alert_by(session, call.integration_id, how, identifier)
    return replace(call, alias=row.alias if row else "", alert_id=row.id if row else None)


def _how(request: Request) -> str:
    how = request.query_params.get("identifierType", "id").lower()
    if how not in HOW:
        raise _wrong("identifierType", "Identifier type should be one of id, alias and tiny.")
    return how


def _terms(request: Request) -> list[tuple[str, str]]:
    try:
        return [(name, clean(value, NAME_LIMIT)) for name, value in terms_of(request.query_params.get("query", ""))]
    except BadQuery as error:
        raise _wrong("query", str(error)) from error


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise _wrong(name, f"{name} should be a number from 0 to {most}.")
    return min(int(text), most)


def _wrong(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, problems=[FieldProblem(f"#query/{name}", sentence)])


def _refusal(reading: Reading) -> Malformed | Invalid:
    """The error of a call that was kept and could not be understood."""
    if reading.unreadable or reading.refusals[0].reason == "wrong-shape":
        return Malformed(reading.refusals[0].detail)
    problems = [FieldProblem(refusal.pointer, refusal.detail) for refusal in reading.refusals]
    return Invalid(reading.refusals[0].detail, problems=problems)


def _brief(row: DropInAlertRow, integration: Integration[Any]) -> dict[str, Any]:
    """An alert as lists show it."""
    report: dict[str, Any] = {}
    if row.acknowledged_at:
        report |= {
            "ackTime": int((row.acknowledged_at - row.created_at).total_seconds() * 1000),
            "acknowledgedBy": row.owner,
        }
    if row.closed_at:
        report |= {"closeTime": int((row.closed_at - row.created_at).total_seconds() * 1000), "closedBy": row.closed_by}
    return {
        "id": row.id,
        "tinyId": str(row.tiny_id),
        "alias": row.alias,
        "message": row.message,
        "status": row.status,
        "acknowledged": row.acknowledged,
        "isSeen": row.acknowledged,
        "tags": row.tags,
        "snoozed": False,
        "count": row.count,
        "lastOccurredAt": row.last_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "source": row.source,
        "owner": row.owner,
        "priority": row.priority,
        "responders": [],
        "integration": {"id": integration.id, "name": integration.name, "type": "API"},
        "report": report,
    }
