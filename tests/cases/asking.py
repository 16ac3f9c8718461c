"""Drivers: single requests to the HTTP API, and what each state of an incident allows."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.cases.answers import answered
from tests.cases.case import Case, Decided, NotYet, only, same, unless_decided
from tests.cases.company import Company
from tests.cases.stage import THEATRE, Stage

ACTIONS: Final = {"acknowledge": "acknowledged", "resolve": "resolved"}
"""What can be done to an incident, and the state in which it was done already."""
_STATES: Final = {"open": "firing", "acknowledged": "acknowledged", "resolved": "resolved"}


def small() -> Company:
    """One user behind one service."""
    policy = {"steps": [{"delay_min": None, "targets": ["bob"]}]}
    return Company(users={"bob": [{}]}, policies={"policy": policy}, services={"service": "policy"})


def source(name: str, wire: str, **options: Any) -> dict[str, Any]:
    """An integration that speaks ``wire``."""
    key = {"env": f"TOCSIN_KEY_{name}".upper().replace("-", "_")}
    return {"id": name, "name": name, "source": wire, "kind": "telemetry", "options": options, "key": key}


def request(case: Case) -> None:
    """``http.request``: one request, and what is answered."""
    asked = case.when["request"]
    for applies, driver in _REQUESTS:
        if applies(case.given, asked):
            driver(case)
            return
    raise NotYet(f"a request {asked!r} where {', '.join(sorted(case.given)) or 'nothing'} is given")


def _labels(case: Case) -> None:
    """An alert with labels comes as Prometheus sends it; they are kept as they are."""
    only("given", case.given, "labels")
    only("expect", case.expect, "accepted")
    company = small()
    company.sources = [source("prometheus", "prometheus")]
    labels = case.given["labels"]

    async def act(stage: Stage) -> None:
        path = f"/v1/hooks/prometheus/{company.integration_key('prometheus')}/api/v2/alerts"
        answer = await stage.ask("intake", "POST", path, None, json=[{"labels": labels}])
        kept = (await stage.request("intake", "GET", "/v1/triggers"))["triggers"]
        accepted = answer.is_success
        for one in kept:
            derived = (await stage.request("intake", "GET", f"/v1/triggers/{one['id']}"))["derived"]
            accepted = accepted and derived["labels"] == labels
        same(("accepted", accepted and len(kept) == 1), ("accepted", case.expect["accepted"]))

    THEATRE.play(company.tree(), act, company.keys())


def _body(case: Case) -> None:
    """A body of some size, or none, comes with the key of an integration."""
    only("given", case.given, "limit_bytes", "integration_key")
    only("expect", case.expect, "status", "body_contains", "alerts_created")
    asked = case.when["request"]
    only("the request", asked, "method", "path", "content_type", "body_bytes", "body")
    settings = {"body_limit": case.given["limit_bytes"]} if "limit_bytes" in case.given else {}
    company = small()
    keys = {"valid": company.integration_key("service"), "invalid": "x" * 32, "none": None}
    key = keys.get(case.given.get("integration_key", "valid"), "")
    if key == "" or asked.get("content_type", "json") != "json" or asked.get("path", "alert intake") != "alert intake":
        raise NotYet(f"a request {asked!r} with the key {case.given.get('integration_key')!r}")
    body = b"" if asked.get("body") is None else json.dumps(asked["body"]).encode()
    if "body_bytes" in asked:
        frame = json.dumps({"title": "testing", "service": "service", "description": ""}).encode()
        body = frame[:-2] + b"x" * (asked["body_bytes"] - len(frame)) + frame[-2:]

    async def act(stage: Stage) -> None:
        answer = await stage.ask("intake", asked.get("method", "POST"), "/v1/triggers", key, content=body)
        answered(asked, answer.status_code, case.expect["status"])
        if "alerts_created" in case.expect:
            same(("alerts", len(await stage.incidents())), ("alerts", case.expect["alerts_created"]))

    THEATRE.play(company.tree(), act, company.keys(), **settings)


def _webhook(case: Case) -> None:
    """A body of Alertmanager's, and what the page says that it opens."""
    only("given", case.given, "integration")
    only("expect", case.expect, "status", "notification_contains", "alerts_created")
    asked = case.when["request"]
    only("the request", asked, "method", "content_type", "body")
    company = small()
    company.sources = [source("alertmanager", "alertmanager")]

    async def act(stage: Stage) -> None:
        path = f"/v1/hooks/alertmanager/{company.integration_key('alertmanager')}"
        answer = await stage.ask("intake", "POST", path, None, json=asked["body"])
        answered("the webhook", answer.status_code, case.expect["status"])
        if "alerts_created" in case.expect:
            same(("alerts", len(await stage.incidents())), ("alerts", case.expect["alerts_created"]))
        wanted = case.expect.get("notification_contains")
        if wanted is not None:
            texts = [page.text for page in await stage.paged()]
            same(("pages", bool(texts)), ("pages", True))
            with unless_decided("the title of a group"):
                same((wanted, any(wanted in text for text in texts)), (wanted, True))

    THEATRE.play(company.tree(), act, company.keys())


def _participants(case: Case) -> None:
    """A rota names people of whom some are not there: the answer says at which place."""
    only("given", case.given, "shift")
    only("expect", case.expect, "status", "json")
    only("the shift", case.given["shift"], "type", "duration_s", "frequency", "interval", "by_day")
    names = [
        ["bob" if one.startswith("<valid") else one for one in turn] for turn in case.when["request"]["rolling_users"]
    ]
    company = small()
    layer = {"id": "one", "people": names, "every": "2 weeks", "starts_on": "2024-01-15"}
    rota = {"id": "rolling", "name": "Rolling", "layers": [layer]}

    async def act(stage: Stage) -> None:
        files = {"rotas.yaml": {"rotas": [*company.tree()["rotas.yaml"]["rotas"], rota]}}
        answer = await stage.ask("oncall", "POST", "/v1/config/check", json={"files": files})
        answered("the rota", answer.status_code, case.expect["status"])
        for place in case.expect.get("json", {}).get("rolling_users", {}):
            (unknown,) = names[int(place)]
            told = re.search(rf"people\W{place}\W.*{unknown}|{unknown}.*people\W{place}\W", answer.text) is not None
            same((f"place {place}", told, answer.text), (f"place {place}", True, answer.text))

    THEATRE.play(company.tree(), act, company.keys())


def _token(case: Case) -> None:
    """Somebody who is not there any more asks with the key that they had."""
    only("given", case.given, "token_owner")
    only("expect", case.expect, "status")
    owner = case.given["token_owner"]
    if case.when["request"] not in {"GET incidents", "GET alerts"}:
        raise NotYet(f"a request {case.when['request']!r}")
    company = small()

    async def act(stage: Stage) -> None:
        entry = {"id": "leaver", "name": "Leaver", "roles": ["viewer"]}
        await stage.request("oncall", "POST", "/v1/principals", json=entry)
        key = (await stage.request("oncall", "POST", "/v1/principals/leaver/keys"))["key"]
        await stage.settle()
        before = await stage.ask("escalator", "GET", "/v1/incidents", key)
        same(("with a good key", before.status_code), ("with a good key", 200))
        if re.search(r"\b(inactive|deleted|deactivated)\b", owner):
            await stage.request("oncall", "DELETE", "/v1/principals/leaver")
            await stage.settle()
        elif owner in {"nobody", "no token"}:
            key = ""
        elif owner != "active user":
            raise NotYet(f"a token of {owner!r}")
        answer = await stage.ask("escalator", "GET", "/v1/incidents", key)
        answered(owner, answer.status_code, case.expect["status"])

    THEATRE.play(company.tree(), act, company.keys())


_Applies = Callable[[Mapping[str, Any], Any], bool]
_REQUESTS: Final[list[tuple[_Applies, Callable[[Case], None]]]] = [
    (lambda given, _: "labels" in given, _labels),
    (lambda given, _: given.get("integration") == "Alertmanager webhook", _webhook),
    (lambda given, asked: "shift" in given and "rolling_users" in asked, _participants),
    (lambda given, _: "token_owner" in given, _token),
    (lambda _, asked: isinstance(asked, dict) and bool(asked.keys() & {"body", "body_bytes"}), _body),
]
"""Which request a case is about, and how it is made."""


def state_matrix(case: Case) -> None:
    """``http.state_matrix``: whether an action is allowed in each state, and which state comes of it."""
    only("given", case.given, "resource")
    if case.given["resource"] != "incident (alert group)":
        raise NotYet(f"the states of {case.given['resource']!r}")
    action = case.when["action"]
    if action not in ACTIONS:
        raise NotYet(
            f"nobody can {action} an incident: what was acknowledged is resolved or escalated, and what is over stays over"
        )
    company = small()
    unplayed: list[str] = []
    repeats: list[tuple[Any, Any]] = []

    async def act(stage: Stage) -> None:
        for number, row in enumerate(case.expect["rows"], 1):
            only("a row", row, "state", "status", "after", "body", "detail")
            await _open(stage, company, number)
            if row["state"] not in _STATES.values() or row.get("body"):
                unplayed.append(row["state"])
                continue
            await _row(stage, company, action, number, row, repeats)

    THEATRE.play(company.tree(), act, company.keys())
    for found, wanted in repeats:
        if found != wanted:
            raise Decided("a repeat")
    if unplayed:
        raise NotYet(f"an incident that is {' or '.join(unplayed)}; the other rows hold")


async def _open(stage: Stage, company: Company, number: int) -> None:
    said = {"title": f"Alert {number}", "service": "service"}
    await stage.ask("intake", "POST", "/v1/triggers", company.integration_key("service"), json=said)


async def _row(
    stage: Stage, company: Company, action: str, number: int, row: Mapping[str, Any], repeats: list[tuple[Any, Any]]
) -> None:
    key = company.key_of("bob")
    before = {"acknowledged": "acknowledge", "resolved": "resolve"}.get(row["state"])
    if before:
        answer = await stage.ask("escalator", "POST", f"/v1/incidents/{number}/{before}", key)
        same((row, answer.status_code), (row, 200))
    version = (await stage.incident(number))["version"]
    answer = await stage.ask("escalator", "POST", f"/v1/incidents/{number}/{action}", key)
    after = await stage.incident(number)
    if row["state"] == ACTIONS[action]:
        same(("a repeat changes", after["version"]), ("a repeat changes", version))
        repeats.append((answer.is_success, row["status"] < 400))
        return
    answered(row, answer.status_code, row["status"])
    if "after" in row:
        same((row, _STATES[after["state"]]), (row, row["after"]))


def field_matrix(case: Case) -> None:
    """``http.field_matrix``: which fields of a resource are refused. Of a ladder: its name, and whom its steps name."""
    only("given", case.given, "resource")
    if case.given["resource"] not in {"escalation plan", "ladder"}:
        raise NotYet(f"{case.given['resource']}s are not made over HTTP")
    for row in case.expect["rows"]:
        only(
            "a row", row, "name", "target", "targets", "steps", "delay_min", "repeat", "valid", "status", "description"
        )
    company = small()

    async def act(stage: Stage) -> None:
        for row in case.expect["rows"]:
            rung = {
                "name": "One",
                "roles": [f"person:{row.get('target', 'bob')}"],
                "after": f"{row.get('delay_min', 0)}m",
            }
            if "targets" in row:
                rung["roles"] = [f"person:{one}" for one in row["targets"]]
            ladder = {"id": "tried", "name": row.get("name", "Tried"), "rungs": [rung] * row.get("steps", 1)}
            if "repeat" in row:
                ladder["repeat"] = {"after": "5m", "times": row["repeat"]}
            files = {"ladders.yaml": {"ladders": [*company.tree()["ladders.yaml"]["ladders"], ladder]}}
            answer = await stage.ask("escalator", "POST", "/v1/config/check", json={"files": files})
            answered(row, answer.status_code, row["status"])

    THEATRE.play(company.tree(), act, company.keys())
