"""Driver: several requests to the HTTP API, one after the other."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from tests.cases.answers import answered
from tests.cases.asking import small, source
from tests.cases.case import Case, NotYet, only, same, unless_decided
from tests.cases.company import Company
from tests.cases.grouping import SILENCES
from tests.cases.stage import THEATRE, Stage

_LIMIT: Final = re.compile(r"(\d+) per (\d+) s(?: per (integration|organisation))?")
_STATUS: Final = {"open": "triggered", "acknowledged": "acknowledged", "resolved": "closed"}


def sequence(case: Case) -> None:
    """``http.sequence``: which sequence of requests a case is about."""
    if "inhibit" in case.given:
        raise NotYet(SILENCES)
    for name, driver in _SEQUENCES.items():
        if name in case.given:
            driver(case)
            return
    raise NotYet(f"requests where {', '.join(sorted(case.given)) or 'nothing'} is given")


def _limited(case: Case) -> None:
    """More requests come than a key may send."""
    only("given", case.given, "limit")
    only("expect", case.expect, "statuses", "alerts_created")
    match = _LIMIT.fullmatch(case.given["limit"])
    if match is None or match[2] != "60":
        raise NotYet(f"a limit of {case.given['limit']!r}: rates are counted by the minute")
    company = small()
    options = {"rate_limit": int(match[1])}
    company.options = options
    company.services = {"service": "policy", "other": "policy"}
    company.sources = [source("pulse", "heartbeat", **options)]

    async def act(stage: Stage) -> None:
        found = [await _sent(stage, company, text) for text in case.when["requests"]]
        if match[3] == "organisation":
            with unless_decided("a limit for each key"):
                _all(case, found)
        else:
            _all(case, found)
        if "alerts_created" in case.expect:
            same(("alerts", len(await stage.incidents())), ("alerts", case.expect["alerts_created"]))

    THEATRE.play(company.tree(), act, company.keys())


def _all(case: Case, found: list[int]) -> None:
    for asked, status, wanted in zip(case.when["requests"], found, case.expect["statuses"], strict=True):
        answered(asked, status, wanted)


async def _sent(stage: Stage, company: Company, text: str) -> int:
    alert = re.fullmatch(r"POST alert(?: to integration ([12]))?", text)
    beat = re.fullmatch(r"(GET|POST) heartbeat", text)
    if alert:
        service = "other" if alert[1] == "2" else "service"
        said = {"title": f"Alert {len(await stage.incidents())}", "service": service}
        key = company.integration_key(service)
        return (await stage.ask("intake", "POST", "/v1/triggers", key, json=said)).status_code
    if beat:
        key = company.integration_key("pulse")
        return (await stage.ask("intake", beat[1], "/v1/hooks/heartbeat", key)).status_code
    raise NotYet(f"a request {text!r}")


def _fired(case: Case) -> None:
    """Alerts are opened and closed by what their senders call them."""
    only("given", case.given, "integration")
    company = small()
    requests = case.when["requests"]
    counted = {name: re.fullmatch(r"alerts_after_(\d+)", name) for name in case.expect}
    only("expect", case.expect, "responses", "final", *(name for name, match in counted.items() if match))

    async def act(stage: Stage) -> None:
        for number, one in enumerate(requests, 1):
            only("a request", one, "summary", "dedup", "close")
            said = {"title": one.get("summary", ""), "status": "resolved" if one.get("close") else "firing"}
            said |= {"dedup_key": one["dedup"]} if "dedup" in one else {}
            key = company.integration_key("service")
            answer = await stage.ask("intake", "POST", "/v1/triggers", key, json=said)
            if "responses" in case.expect:
                answered(one, answer.status_code, case.expect["responses"][number - 1])
            count = case.expect.get(f"alerts_after_{number}")
            if count is not None:
                same((number, len(await stage.incidents())), (number, count))
        found = [{"summary": one["title"], "status": _STATUS[one["state"]]} for one in await stage.incidents()]
        same(found, case.expect.get("final", found))

    THEATRE.play(company.tree(), act, company.keys())


def _claimed(case: Case) -> None:
    """Two people take the same incident, one after the other."""
    only("given", case.given, "incident")
    only("expect", case.expect, "responses", "incident_active")
    company = small()
    replies = [re.fullmatch(r"(\w+): claim (all|<message id>)", text) for text in case.when["replies"]]
    if None in replies:
        raise NotYet(f"replies {case.when['replies']}")
    named = [match for match in replies if match is not None]
    company.users = {match[1]: [{}] for match in named}
    company.policies = {"policy": {"steps": [{"delay_min": None, "targets": list(company.users)}]}}
    active = case.expect.get("incident_active", [None] * len(named))

    async def act(stage: Stage) -> None:
        said = {"title": "testing", "service": "service"}
        await stage.ask("intake", "POST", "/v1/triggers", company.integration_key("service"), json=said)
        for match, reply, wanted in zip(named, case.expect["responses"], active, strict=True):
            await _claim(stage, company, match, reply)
            if wanted is not None:
                opened = [one for one in await stage.incidents() if one["state"] == "open"]
                same((match[0], len(opened)), (match[0], wanted))

    THEATRE.play(company.tree(), act, company.keys())


async def _claim(stage: Stage, company: Company, asked: re.Match[str], reply: str) -> None:
    """Somebody takes all that is open, or one incident; what they are told means what the case says."""
    key = company.key_of(asked[1])
    listed = await stage.incidents()
    wanted = [one for one in listed if one["state"] == "open" or asked[2] != "all"]
    answers: list[httpx.Response] = [
        await stage.ask("escalator", "POST", f"/v1/incidents/{one['number']}/acknowledge", key) for one in wanted
    ]
    claimed = re.search(r"claimed \((\d+)\)", reply)
    holder = re.search(r"previously claimed by (\w+)", reply)
    if claimed:
        same((asked[0], sum(one.is_success for one in answers)), (asked[0], int(claimed[1])))
    elif holder:
        told = [holder[1] in one.text for one in answers if not one.is_success]
        same((asked[0], told), (asked[0], [True]))
    elif reply.startswith("No active incidents"):
        same((asked[0], answers), (asked[0], []))
    else:
        raise NotYet(f"a reply {reply!r}")


def _own(case: Case) -> None:
    """Somebody's contacts are asked for: by nobody, by somebody else, and by themselves."""
    only("given", case.given, "resource")
    only("expect", case.expect, "statuses")
    if case.given["resource"] not in {"users/<name>", "users/<name>/contacts"}:
        raise NotYet(f"the resource {case.given['resource']!r}")
    company = small()
    company.users = {"bob": [{}], "eve": [{}]}

    async def act(stage: Stage) -> None:
        keys: dict[str, str] = {"no user name": ""}
        for user in company.users:
            entry = {"id": user, "name": user, "roles": ["viewer"], "tenants": [], "person": user}
            await stage.request("oncall", "POST", "/v1/principals", json=entry)
            keys[user] = (await stage.request("oncall", "POST", f"/v1/principals/{user}/keys"))["key"]
        await stage.settle()
        keys |= {"as another user": keys["eve"], "as the user": keys["bob"]}
        for asked, wanted in zip(case.when["requests"], case.expect["statuses"], strict=True):
            if asked not in keys:
                raise NotYet(f"a request {asked!r}")
            answer = await stage.ask("oncall", "GET", "/v1/people/bob/contacts", keys[asked])
            answered(asked, answer.status_code, wanted)

    THEATRE.play(company.tree(), act, company.keys())


def _laid_out(case: Case) -> None:
    raise NotYet(f"rotas are not laid out ahead, so there is nothing to ask for: {case.when['requests']}")


_SEQUENCES: Final[Mapping[str, Callable[[Case], Any]]] = {
    "limit": _limited,
    "integration": _fired,
    "incident": _claimed,
    "resource": _own,
    "populate_days": _laid_out,
}
"""By what is given, which requests a case makes."""
