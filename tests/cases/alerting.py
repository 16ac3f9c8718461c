"""Drivers: which alerts are the same one, which belong together, and who hears of them."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from libs.common.events.triggers import TriggerGroup, TriggerReceived
from services.escalator.domain.conditions import Described
from services.escalator.domain.correlation import End, KnownAlert, Open, correlate
from services.escalator.domain.policies import Route, Routing, Rule
from services.escalator.domain.routing import route
from services.intake.domain.integration import Integration
from services.intake.sources.alertmanager import SOURCE
from services.intake.sources.base import Arrival
from tests.cases.case import Case, Decided, NotYet, only, same, unless_decided
from tests.cases.company import Company
from tests.cases.escalating import compare
from tests.cases.fields import role_of
from tests.cases.rotas import slug
from tests.cases.stage import THEATRE, Stage

NOW: Final = datetime(2024, 1, 15, 10, tzinfo=UTC)
_ONE: Final = UUID(int=1)


def dedup_sequence(case: Case) -> None:
    """``dedup.sequence``: alerts come in one after the other; who is paged for which, and how many are new."""
    only("given", case.given, "services", "open_alerts", "user_rules")
    only("expect", case.expect, "notifications", "new_alerts", "never", "responses")
    company = _users(case)

    async def act(stage: Stage) -> None:
        for one in case.given.get("open_alerts", []):
            await _fire(stage, company, {**one, "s": one.get("service")})
        before = {name: await _count(stage, name) for name in company.services}
        answers = []
        for one in case.when["fire"]:
            await stage.until(one.get("at_s", stage.seconds()))
            answers.append(await _fire(stage, company, one))
        await _judge(stage, case, company, answers, before)

    THEATRE.play(company.tree(), act, company.keys())


def _users(case: Case) -> Company:
    """Each service has a user and an integration, and so a scope of dedup keys, of its own."""
    services = case.given.get("services")
    if services is None:
        users = case.given["user_rules"]
        return Company(users=dict(users), policies={"policy": _step(*users)}, services={"service": "policy"})
    named = {name: who.removeprefix("user ") for name, who in services.items()}
    return Company(
        users={user: [{}] for user in named.values()},
        policies={user: _step(user) for user in named.values()},
        services=named,
    )


def _step(*users: str) -> dict[str, Any]:
    return {"steps": [{"delay_min": None, "targets": list(users)}]}


async def _fire(stage: Stage, company: Company, one: Mapping[str, Any]) -> int:
    only("an alert", one, "s", "service", "summary", "dedup", "action", "close", "at_s")
    service = one.get("s") or next(iter(company.services))
    closes = one.get("close") or one.get("action") == "close"
    said = {"status": "resolved" if closes else "firing", "title": one.get("summary", ""), "service": slug(service)}
    if one.get("dedup"):
        said["dedup_key"] = one["dedup"]
    key = company.integration_key(service)
    return (await stage.ask("intake", "POST", "/v1/triggers", key, json=said)).status_code


async def _count(stage: Stage, service: str) -> int:
    return sum(one["service"] == slug(service) for one in await stage.incidents())


async def _judge(stage: Stage, case: Case, company: Company, answers: list[int], before: Mapping[str, int]) -> None:
    wanted = case.expect.get("notifications", {})
    if isinstance(wanted, list):
        await stage.until(max(one["at_s"] for one in wanted) + 1)
        compare(await stage.paged(), wanted)
    pages = await stage.paged()
    titles = {one["number"]: one["title"] for one in await stage.incidents()}
    if isinstance(wanted, dict):
        found = {user: [titles[page.number] for page in pages if page.user == user] for user in wanted}
        same(found, wanted)
    for title in case.expect.get("never", []):
        same((title, title in titles.values()), (title, False))
    for service, count in case.expect.get("new_alerts", {}).items():
        same((service, await _count(stage, service) - before[service]), (service, count))
    if case.expect.get("responses") == "all 2xx":
        same([status for status in answers if not 200 <= status < 300], [])


def idempotence(case: Case) -> None:
    """``ack.idempotence``: what is done to alerts, again and out of order; what each changes."""
    only("given", case.given, "alerts")
    only("expect", case.expect, "replies")
    company = Company(users={"bob": [{}]}, policies={"policy": _step("bob")}, services={"service": "policy"})
    titles = [re.sub(r"^#\d+ ", "", title) for title in case.given["alerts"]]
    wanted = [_meant(reply) for reply in case.expect["replies"]]

    async def act(stage: Stage) -> None:
        for title in titles:
            await _fire(stage, company, {"summary": title})
        same([await _acted(stage, company, text) for text in case.when["sequence"]], wanted)

    THEATRE.play(company.tree(), act, company.keys())


async def _acted(stage: Stage, company: Company, text: str) -> str:
    """What an action changed: ``acknowledged``, ``resolved``, or ``nothing``."""
    match = re.fullmatch(r"(ack|close) #(\d+)( again)?", text)
    if match is None:
        raise NotYet(f"an action {text!r}")
    verb, number = {"ack": "acknowledge", "close": "resolve"}[match[1]], int(match[2])
    before = await stage.incident(number)
    answer = await stage.ask("escalator", "POST", f"/v1/incidents/{number}/{verb}", company.key_of("bob"))
    after = await stage.incident(number)
    if not answer.is_success and after["version"] == before["version"]:
        return "nothing"
    same((text, answer.is_success), (text, True))
    return "nothing" if after["version"] == before["version"] else str(after["state"])


def _meant(reply: str) -> str:
    low = reply.lower()
    if "already" in low:
        return "nothing"
    for word, state in (("acknowledged", "acknowledged"), ("closed", "resolved")):
        if low.startswith(word):
            return state
    raise NotYet(f"a reply {reply!r}")


def identity(case: Case) -> None:
    """``grouping.identity``: which alerts of Alertmanager are the same one."""
    only("given", case.given, "alerts")
    keys = {}
    for one in case.given["alerts"]:
        only("an alert", one, "id", "labels", "annotations", "startsAt", "endsAt", "generatorURL")
        alert = {name: value for name, value in one.items() if name != "id"}
        if not re.match(r"\d{4}-", alert.get("endsAt", "0001-")):
            alert["endsAt"] = NOW.isoformat()  # "another time", whichever
        body = json.dumps({"alerts": [{"status": "firing", **alert}]}).encode()
        integration = Integration("monitoring", "Monitoring", SOURCE.name, "telemetry", SOURCE.options())
        reading = SOURCE.read(Arrival({}, body, integration, NOW))
        same((one["id"], len(reading.triggers)), (one["id"], 1))
        keys[one["id"]] = reading.triggers[0].dedup_key
    for question, wanted in case.expect.items():
        left, _, right = question.partition("==")
        same((question, keys[left] == keys[right]), (question, wanted))


def matrix(case: Case) -> None:
    """``dedup.matrix``: whether anybody hears when the alerts of a group are told once more, by what was told before."""
    silent = []
    for row in case.expect["rows"]:
        only("a row", row, "previous", "firing", "resolved", "repeat_min", "send_resolved", "send")
        found = _is_told(row.get("previous") or {}, row["firing"], row.get("resolved", []))
        if row["send"] and not found and row.get("previous"):
            silent.append(row)
        else:
            same((row, found), (row, row["send"]))
    with unless_decided("groups"):
        same(silent, [])


def _is_told(before: Mapping[str, Any], firing: Sequence[int], resolved: Sequence[int]) -> bool:
    """Whether the body opens something, or ends all that there was."""
    only("what was told before", before, "firing", "resolved", "age_min")
    fired = set(before.get("firing", []))
    known = {
        one: KnownAlert(_ONE, 1, str(one), None, firing=one in fired)
        for one in {*fired, *(before.get("resolved", []) if fired else [])}
    }
    told = False
    for number in [*firing, *resolved]:
        trigger = _trigger(number, firing, resolved)
        decision = correlate(trigger, list(known.values()), len(fired))
        told = told or isinstance(decision, Open) or decision == End(_ONE, "last_alert_resolved")
        if number in firing:
            fired.add(number)
            known[number] = KnownAlert(_ONE, 1, str(number), None, firing=True)
        elif number in known:
            fired.discard(number)
            known[number] = KnownAlert(_ONE, 1, str(number), None, firing=False)
    return told


def _trigger(number: int, firing: Sequence[int], resolved: Sequence[int]) -> TriggerReceived:
    return TriggerReceived(
        trigger_id=_ONE,
        delivery_id=_ONE,
        integration_id="monitoring",
        integration_name="Monitoring",
        source="alertmanager",
        kind="telemetry",
        status="resolved" if number in resolved else "firing",
        dedup_key=str(number),
        title=f"Alert {number}",
        started_at=NOW,
        received_at=NOW,
        group=TriggerGroup(key="group", siblings=tuple(map(str, firing))),
    )


def routing_match(case: Case) -> None:
    """``routing.match``: whom a routing tree sends labels to; the tree as rules, children before their parents."""
    only("given", case.given, "route", "defaults")
    only("expect", case.expect, "receivers", "group_wait_s")
    tree = case.given["route"]
    clocks = {"ladder": "one", "clocks": "one"}
    kinds = dict.fromkeys(("telemetry", "maintenance", "ticket", "provider", "tool"), "service_down")
    routing = Routing(
        rules=tuple(_rules(tree.get("routes", []), tree["receiver"], {})),
        default=Route(first=(role_of(tree["receiver"]),), **clocks),
        quarantine=("on-shift",),
        categories=kinds,
    )
    several = False
    for labels, wanted in zip(case.when["labels"], case.expect["receivers"], strict=True):
        found = route(routing, Described("telemetry", labels=labels), NOW).first
        same((labels, found[0]), (labels, role_of(wanted[0])))
        several = several or len(wanted) > 1
    if several:
        raise Decided("one ladder")
    if "group_wait_s" in case.expect:
        raise Decided("groups")


def _rules(routes: list[dict[str, Any]], receiver: str, asked: dict[str, Any], path: str = "r") -> list[Rule]:
    found: list[Rule] = []
    for place, one in enumerate(routes):
        only(
            "a route", one, "match", "match_re", "receiver", "routes", "continue", "group_by", "group_wait_s",
            "group_interval_s", "repeat_interval_s",
        )  # fmt: skip
        tests = {name: _equals(value) for name, value in one.get("match", {}).items()}
        tests |= {name: {"matches": f"^(?:{text})$"} for name, text in one.get("match_re", {}).items()}
        if asked.keys() & tests.keys():
            raise NotYet("a route that asks for a label for which its parent asks, too")
        mine, name, own = {**asked, **tests}, f"{path}-{place}", one.get("receiver", receiver)
        found += _rules(one.get("routes", []), own, mine, name)
        found.append(
            Rule.model_validate(
                {
                    "id": name,
                    "name": name,
                    "when": {"labels": mine},
                    "first": role_of(own),
                    "ladder": "one",
                    "clocks": "one",
                }
            )
        )
    return found


def _equals(value: str) -> dict[str, str]:
    """A label that is not there counts as empty, as with us."""
    return {"equals": value} if value else {"matches": "^$"}
