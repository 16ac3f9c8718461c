"""Drivers: one step of an escalation by itself, and a message that its provider refuses."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.common.durations import text_of
from services.escalator.domain import ladder
from services.escalator.domain.incident import Report
from services.escalator.domain.opening import planned
from services.escalator.domain.policies import Clocks, Ladder, Policies, Route, Routing
from tests.cases.case import Case, NotYet, only, same
from tests.cases.company import Company
from tests.cases.stage import THEATRE, Stage
from tests.support.fake_twilio import ACCOUNT, TOKEN, FakeTwilio, Refusal, running_twilio

_MISSING: Final = {
    "round-robin": "whoever a rung names is paged, all of them; taking turns is what a rota is for",
    "between times": "a rung has no hours of its own; a routing rule has, and another ladder goes with it",
    "alerts in window": "alerts are not counted before a rung goes on",
    "resolve automatically": "a ladder ends no incident: its source does, or a person",
}
BASE: Final = datetime(2024, 1, 15, 10, tzinfo=UTC)
_NOBODY: Final = 21211
"""Twilio's code for a number that nobody has."""
_LATER: Final = 600
"""Seconds after which a message would have been tried again more than once."""


def step(case: Case) -> None:
    """``escalation.step``: what one step does, and after how long the next one comes."""
    wanted = case.given["step"]
    for words, why in _MISSING.items():
        if words in wanted:
            raise NotYet(why)
    if wanted not in {"wait", "notify", "notify users"}:
        raise NotYet(f"a step {wanted!r}")
    only("given", case.given, "step", "users", "wait_s", "wait_min")
    only("expect", case.expect, "notified", "next_step_after_s", "escalation_stopped", "paused")
    waits = timedelta(seconds=case.given.get("wait_s", 0), minutes=case.given.get("wait_min", 0))
    users = case.given.get("users", []) if wanted.startswith("notify") else []
    names = [*users] or ["nobody"]
    rungs = [
        {"name": "This", "roles": [f"person:{one}" for one in names], "after": "0s"},
        {"name": "Next", "roles": ["role:next"], "after": text_of(waits)},
    ]
    opened = planned(
        _policies(rungs), Report(kind="telemetry", title="testing"), None, (UUID(int=1), UUID(int=2)), BASE
    )
    fired = ladder.fired(opened.incident, opened.plan, ladder.at_opening(opened.incident), BASE)
    due = ladder.next_at(fired, opened.plan)
    found = {
        "notified": [
            role.removeprefix("person:") for role in fired.rungs[0].roles if fired.rungs[0].fired_at and users
        ],
        "next_step_after_s": None if due is None else (due - BASE).total_seconds(),
        "escalation_stopped": due is None,
        "paused": due is None,
    }
    same({name: found[name] for name in case.expect}, case.expect)


def _policies(rungs: list[dict[str, Any]]) -> Policies:
    kinds = dict.fromkeys(("telemetry", "maintenance", "ticket", "provider", "tool"), "service_down")
    default = Route(first=("role:next",), ladder="one", clocks="one")
    return Policies(
        routing=Routing.model_validate({"default": default, "quarantine": ["role:next"], "categories": kinds}),
        ladders=(Ladder.model_validate({"id": "one", "name": "One", "rungs": rungs}),),
        clocks=(Clocks(id="one", name="One", obligations=()),),
    )


def rejected(case: Case) -> None:
    """``delivery.retry``, of a message that its provider refuses for good: how often it is tried."""
    only("given", case.given, "user_rules")
    only("expect", case.expect, "attempts")
    first, *others = case.when["events"]
    if re.fullmatch(r"alert '.+'", first) is None:
        raise NotYet(f"an event {first!r}")
    if others != ["provider rejects the message permanently", "engine cycles again"]:
        raise NotYet(f"events {others}")
    (user,) = case.given["user_rules"]
    company = Company(
        users=dict(case.given["user_rules"]),
        policies={"policy": {"steps": [{"delay_min": None, "targets": [user]}]}},
        services={"service": "policy"},
        channels=[
            {
                "id": "sms",
                "name": "Text messages",
                "provider": "twilio",
                "account_sid": {"env": "TOCSIN_CASE_ACCOUNT"},
                "auth_token": {"env": "TOCSIN_CASE_TOKEN"},
                "from": "+15005550006",
                "status_callbacks": False,
            },
            {"id": "email", "name": "E-mail", "provider": "local"},
        ],
    )
    twilios: list[FakeTwilio] = []

    @asynccontextmanager
    async def provider() -> AsyncIterator[dict[str, Any]]:
        async with running_twilio() as twilio:
            twilio.refusals += [Refusal(400, _NOBODY)] * 20
            twilios.append(twilio)
            yield {"twilio_base_url": twilio.url}

    async def act(stage: Stage) -> None:
        said = {"title": first.split("'")[1], "service": "service"}
        await stage.ask("intake", "POST", "/v1/triggers", company.integration_key("service"), json=said)
        await stage.until(_LATER)
        listed = (await stage.request("notifier", "GET", "/v1/attempts"))["attempts"]
        tries = sum(one["tries"] for one in listed if one["purpose"] == "page" and one["channel"] == "sms")
        same(("tries", tries), ("tries", case.expect["attempts"]))
        same(("asked", 20 - len(twilios[0].refusals)), ("asked", tries))

    keys = {**company.keys(), "TOCSIN_CASE_ACCOUNT": ACCOUNT, "TOCSIN_CASE_TOKEN": TOKEN}
    THEATRE.play(company.tree(), act, keys, around=provider)
