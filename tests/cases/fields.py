"""Drivers: what is refused where it is written, what of a queue is sent, and what is tried again."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from pydantic import TypeAdapter, ValidationError

from libs.common.wallclock import Zone
from services.intake.sources.native_models import NativeTrigger
from services.notifier.channels.base import Retry
from services.notifier.channels.helpdesk import refusal
from services.notifier.domain.quiet import Waiting, settle
from services.oncall.domain.amendments import Override
from services.oncall.domain.layer import Layer
from services.oncall.domain.mask import Window
from services.oncall.domain.people import ContactPoint
from tests.cases import steps
from tests.cases.case import Case, NotYet, at, only, same, unless_decided
from tests.cases.rotas import slug

BASE: Final = datetime(2024, 1, 15, 10, tzinfo=UTC)
_ZONE: Final[TypeAdapter[str]] = TypeAdapter(Zone)


def validate(case: Case) -> None:
    """``validate``: which values of a field are taken. In which words the others are refused is each system's own."""
    only("given", case.given, "field")
    only("expect", case.expect, "valid", "errors", "limits")
    field = case.given["field"]
    if field not in FIELDS:
        raise NotYet(f"a field called {field!r}")
    crossing = []
    for value, wanted in zip(case.when["values"], case.expect["valid"], strict=True):
        found = _is_taken(field, value)
        if field == "time range" and None not in value and value[1] <= value[0]:
            crossing.append(((value, found), (value, wanted)))
        else:
            same((value, found), (value, wanted))
    if "limits" in case.expect:
        _limits(case.expect["limits"])
    with unless_decided("hours across midnight"):
        for shown, wanted in crossing:
            same(shown, wanted)


def _is_taken(field: str, value: Any) -> bool:
    try:
        FIELDS[field](value)
    except (ValidationError, ValueError):
        return False
    return True


def _time_range(value: list[str | None]) -> None:
    Window.model_validate({"hours": "-".join(clock or "" for clock in value)})


def _interval(value: dict[str, Any]) -> None:
    only("an interval", value, "times", "days", "months", "month_days", "years", "time_zone")
    dates = {name: value[name] for name in ("days", "months", "month_days", "years") if name in value}
    if "time_zone" in value:
        _ZONE.validate_python(value["time_zone"])
    for hours in value.get("times", ["00:00-24:00"]):
        Window.model_validate({**dates, "hours": hours})


def _shift_length(value: int) -> None:
    Layer.model_validate(
        {"id": "one", "people": ["ana"], "every": f"{value} hours", "starts_on": BASE.date(), "hand_off": "10:00"}
    )


def _alert(value: dict[str, Any]) -> None:
    only("an alert", value, "summary", "service_id", "details", "dedup")
    NativeTrigger.model_validate(
        {
            "title": value.get("summary", ""),
            "service": value.get("service_id", ""),
            "description": value.get("details", ""),
            "dedup_key": value.get("dedup", ""),
        }
    )


def _override(value: dict[str, Any]) -> None:
    only("an override", value, "add", "remove", "start", "end")
    said = {verb: slug(value[verb]) for verb in ("add", "remove") if value.get(verb)}
    Override.model_validate({**said, "starts_at": at(value["start"]), "ends_at": at(value["end"])})


FIELDS: Final[Mapping[str, Callable[[Any], object]]] = {
    "time range": _time_range,
    "interval": _interval,
    "rotation shift length": _shift_length,
    "alert": _alert,
    "override": _override,
    "time zone": _ZONE.validate_python,
    "phone number": lambda value: ContactPoint(channel="sms", address=value),
    "email address": lambda value: ContactPoint(channel="email", address=value),
}
"""What each field of a case is here; every entry raises :class:`ValueError` for what is refused."""


def _limits(limits: dict[str, list[int]]) -> None:
    """What is within a peer's limits is taken; a least length of one is kept. How much longer a text may be is each system's own."""
    only("limits", limits, "summary_chars", "details_chars")
    for name, field in (("summary_chars", "summary"), ("details_chars", "details")):
        if name in limits:
            least, most = limits[name]
            same((name, most, _is_taken("alert", {"summary": "x", field: "x" * most})), (name, most, True))
            empty = _is_taken("alert", {"summary": "x", field: ""})
            same((name, 0, empty), (name, 0, least == 0))


def retry(case: Case) -> None:
    """``delivery.retry``: which answers of a provider are tried again, by their status, or what becomes of a message."""
    if "user_rules" in case.given:
        steps.rejected(case)
        return
    only("given", case.given, "receiver")
    only("when", case.when, "http_status")
    only("expect", case.expect, "retried")
    wanted = dict(zip(case.when["http_status"], case.expect["retried"], strict=True))
    found = {status: _is_retried(status) for status in wanted}
    throttled = {429}
    for status in wanted.keys() - throttled:
        same((status, found[status]), (status, wanted[status]))
    with unless_decided("a provider that throttles"):
        for status in wanted.keys() & throttled:
            same((status, found[status]), (status, wanted[status]))


def _is_retried(status: int) -> bool:
    return status >= 300 and isinstance(refusal("a webhook", httpx.Response(status), unsure=False), Retry)


def queue(case: Case) -> None:
    """``queue.dedup``: of the news about one alert that wait for one person, which are still sent."""
    only("given", case.given, "messages", "user")
    only("expect", case.expect, "kept", "deleted")
    messages = case.given["messages"]
    if "status" not in case.when["action"] or any("log" not in one for one in messages):
        raise NotYet("nobody is told in a message who is on call, so none of these wait; only news of incidents do")
    kept = {one["id"] for one in messages if one.get("sent")}
    by_alert: dict[int, list[dict[str, Any]]] = {}
    for one in messages:
        only("a message", one, "id", "alert", "log", "offset_s", "sent", "type")
        if not one.get("sent"):
            by_alert.setdefault(one["alert"], []).append(one)
    night_is_over = BASE + timedelta(days=1)
    for waiting in by_alert.values():
        ids = {UUID(int=place): one["id"] for place, one in enumerate(waiting)}
        held = [_waiting(place, one, night_is_over) for place, one in enumerate(waiting)]
        kept |= {ids[one.id] for one in settle(held, night_is_over, None) if one.fate == "released"}
    same(sorted(kept), sorted(case.expect["kept"]))
    same(sorted({one["id"] for one in messages} - kept), sorted(case.expect["deleted"]))


def _waiting(place: int, message: dict[str, Any], until: datetime) -> Waiting:
    """News in the order in which they were logged, however soon each was to be sent."""
    held_at = BASE + timedelta(seconds=message["log"])
    return Waiting(UUID(int=place), "status", held_at, until)


_WORD: Final = re.compile(r"[^a-z0-9]+")


def role_of(receiver: str) -> str:
    """A receiver of a case as a role of ours."""
    return f"role:{_WORD.sub('-', receiver.lower()).strip('-')}"
