"""Drivers: alerts that come in groups or during a maintenance, and what is told of them over time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tests.cases.asking import small, source
from tests.cases.case import Case, NotYet, only, same, unless_decided
from tests.cases.company import Company
from tests.cases.rotas import slug
from tests.cases.stage import THEATRE, Stage
from tests.support.world import START

_ALERT: Final = ("alertname", "starts_s", "ends_s", "ann", "lbl", "to")
SILENCES: Final = (
    "there are no silences: who has an incident acknowledges it, and alarms of what is in maintenance are collected"
)


def sequence(case: Case) -> None:
    """``grouping.sequence``: alerts of one group come one after the other; which of them open an incident and page."""
    if "rule" in case.given:
        raise NotYet("alerts are not counted or matched with each other before they open an incident")
    only("given", case.given, "route", "grouping", "existing_group", "resolve_condition", "source_based_resolving")
    only("expect", case.expect, "groups", "escalations_started", "new_group")
    count = sum(_is_alert(text) for text in case.when["events"])
    over = "existing_group" in case.given
    if over and not case.given["existing_group"].startswith("resolved"):
        raise NotYet(f"a group that is {case.given['existing_group']!r}")
    company = small()
    company.sources = [source("alertmanager", "alertmanager")]

    async def act(stage: Stage) -> None:
        if over:
            await _group(stage, company, 1)
            await stage.act(1, "resolve")
        before, paged = len(await stage.incidents()), len(await stage.paged())
        for number in range(1, count + 1):
            await _group(stage, company, number)
        opened = len(await stage.incidents()) - before
        found = {"groups": opened, "escalations_started": len(await stage.paged()) - paged, "new_group": opened == 1}
        same({name: found[name] for name in case.expect}, case.expect)

    THEATRE.play(company.tree(), act, company.keys())


def _is_alert(text: str) -> bool:
    if re.fullmatch(r"(?:alert(?: \d+)?|an? alert)(?: arrives)?", text) is None:
        raise NotYet(f"an event {text!r}")
    return True


async def _group(stage: Stage, company: Company, firing: int) -> None:
    """Alertmanager tells a group as it does: whole, whenever something joined it."""
    alerts = [
        {"status": "firing", "labels": {"alertname": f"Alert {number}"}, "startsAt": "2026-11-24T07:00:00Z"}
        for number in range(1, firing + 1)
    ]
    body = {"version": "4", "status": "firing", "groupKey": "one", "alerts": alerts}
    path = f"/v1/hooks/alertmanager/{company.integration_key('alertmanager')}"
    answer = await stage.ask("intake", "POST", path, None, json=body)
    same(("the group", answer.status_code), ("the group", 202))


def groups(case: Case) -> None:
    """``grouping.groups``: alerts that come in one body, and which of them are one incident."""
    if "max_groups" in case.given:
        raise NotYet("there is no limit of how many incidents may be open")
    only("given", case.given, "route", "alerts")
    company = small()
    company.sources = [source("alertmanager", "alertmanager")]
    labels = case.given["alerts"]

    async def act(stage: Stage) -> None:
        alerts = [{"status": "firing", "labels": one, "fingerprint": f"alert-{at}"} for at, one in enumerate(labels)]
        path = f"/v1/hooks/alertmanager/{company.integration_key('alertmanager')}"
        await stage.ask("intake", "POST", path, None, json={"version": "4", "groupKey": "one", "alerts": alerts})
        found: dict[str, list[int]] = {}
        for place in range(len(labels)):
            query = f"/v1/alerts?integration=alertmanager&dedup_key=alert-{place}"
            (known,) = (await stage.request("escalator", "GET", query))["alerts"]
            found.setdefault(known["incident_id"], []).append(place)
        with unless_decided("groups"):
            same(sorted(found.values()), sorted(one["alerts"] for one in case.expect["groups"]))

    THEATRE.play(company.tree(), act, company.keys())


@dataclass(frozen=True)
class Told:
    """A message about an alert, when it left and which alert is its incident's first."""

    at_s: float
    alert: str


def timeline(case: Case) -> None:
    """``grouping.timeline``: alerts are pushed over time; who hears of which when. No group is waited for with us."""
    pushes = _pushes(case)
    only("given", case.given, "route", "send_resolved", "resolve_timeout_s")
    only("expect", case.expect, "notifications", "tolerance_s")
    company = small()
    company.sources = [source("prometheus", "prometheus")]
    lasting = case.given.get("resolve_timeout_s")

    async def act(stage: Stage) -> None:
        for second, alerts in pushes:
            await stage.until(second)
            path = f"/v1/hooks/prometheus/{company.integration_key('prometheus')}/api/v2/alerts"
            body = [_alert(one, second, lasting) for one in alerts]
            answer = await stage.ask("intake", "POST", path, None, json=body)
            same((second, answer.status_code), (second, 200))
        await stage.until(max(one["between_s"][1] for one in case.expect["notifications"]))
        titles = {one["number"]: one["title"] for one in await stage.incidents()}
        messages = [*await stage.messages("page"), *await stage.messages("closing")]
        told = [
            Told((datetime.fromisoformat(one["at"]) - START).total_seconds(), titles[one["incident_number"]])
            for one in messages
        ]
        same(sorted({one.alert for one in told}), sorted({one["alertname"] for _, push in pushes for one in push}))
        with unless_decided("groups"):
            _compare(told, case.expect["notifications"], case.expect.get("tolerance_s", 0))

    THEATRE.play(company.tree(), act, company.keys())


def _pushes(case: Case) -> list[tuple[float, list[dict[str, Any]]]]:
    """What is pushed when. Raises :class:`NotYet` for anything else that happens."""
    if "receivers" in case.given:
        raise NotYet("nobody is told through a webhook of theirs")
    found = []
    for event in case.when["events"]:
        if isinstance(event, str):
            raise NotYet(f"alerts that are told in words, and loads: {event!r} (make bench measures loads)")
        if "silence" in event or "silence" in event.get("event", ""):
            raise NotYet(SILENCES)
        only("an event", event, "at_s", "push")
        for one in event["push"]:
            only("an alert", one, *_ALERT)
        found.append((event["at_s"], event["push"]))
    return found


def _alert(one: Mapping[str, Any], second: float, lasting: float | None) -> dict[str, Any]:
    """An alert as Prometheus posts it, which says itself how long it counts."""
    labels = {"alertname": one["alertname"], **({"lbl": one["lbl"]} if "lbl" in one else {})}
    ends = one.get("ends_s", None if lasting is None else second + lasting)
    return {
        "labels": labels,
        "annotations": {"ann": one["ann"]} if "ann" in one else {},
        "startsAt": _moment(one.get("starts_s", second)),
        **({} if ends is None else {"endsAt": _moment(ends)}),
    }


def _moment(second: float) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def _compare(told: list[Told], wanted: list[dict[str, Any]], tolerance: float) -> None:
    """Each message was to be, and each that was to be is there: one for a group, in its time."""
    left = sorted(told, key=lambda one: one.at_s)
    same(len(left), len(wanted))
    for one, group in zip(left, wanted, strict=True):
        begin, end = group["between_s"]
        names = {alert["alertname"] for alert in group["alerts"]}
        fits = begin - tolerance <= one.at_s <= end + tolerance and one.alert in names
        same((one, fits), (group, True) if not fits else (one, True))


def maintenance(case: Case) -> None:
    """``maintenance``: it is started and stopped, and alerts arrive meanwhile."""
    only("given", case.given, "integration")
    only("expect", case.expect, "results", "state", "after_alert", "after_stop")
    company = small()
    steps = [(re.sub(r" \d+ h$", "", text), re.search(r"(\d+) h$", text)) for text in case.when["sequence"]]
    for text, _ in steps:
        if text not in {"start maintenance", "stop maintenance", "alert arrives"}:
            raise NotYet(f"a step {text!r}")

    async def act(stage: Stage) -> None:
        results, began, hours = [], stage.clock.now(), 1
        for text, hour in steps:
            await stage.until(stage.seconds() + 60)
            hours = int(hour[1]) if hour else hours
            if text == "alert arrives":
                said = {"title": "testing", "service": "service"}
                await stage.ask("intake", "POST", "/v1/triggers", company.integration_key("service"), json=said)
                pages = [page.text for page in await stage.paged() if page.user == "bob"]
                same(("paged during the maintenance", pages), ("paged during the maintenance", []))
            else:
                status = "completed" if text == "stop maintenance" else "planned"
                results.append(await _upkeep(stage, company, status, began, hours))
        await _judge(stage, case, results)

    THEATRE.play(company.tree(), act, company.keys())


async def _upkeep(stage: Stage, company: Company, status: str, began: datetime, hours: int) -> str:
    window = {"starts_at": began.isoformat(), "ends_at": (began + timedelta(hours=hours)).isoformat()}
    said = {
        "maintenance_id": "upkeep",
        "title": "Upkeep",
        "status": status,
        "services": [slug("service")],
        "assigned_team": "upkeep",
        "window": window,
    }
    key = company.integration_key("maintenance")
    return "ok" if (await stage.ask("intake", "POST", "/v1/maintenance", key, json=said)).is_success else "error"


async def _judge(stage: Stage, case: Case, results: list[str]) -> None:
    (record,) = (await stage.request("escalator", "GET", "/v1/maintenances"))["maintenances"]
    if "state" in case.expect:
        begin, end = (datetime.fromisoformat(record["window"][edge]) for edge in ("starts_at", "ends_at"))
        mode = "maintenance" if record["state"] == "running" else "none"
        same({"mode": mode, "duration_s": (end - begin).total_seconds()}, case.expect["state"])
    if "after_stop" in case.expect:
        upkeep, *others = await stage.incidents()
        same(("the maintenance", upkeep["state"]), ("the maintenance", "resolved"))
        with unless_decided("alarms of a maintenance"):
            same([(one["title"], one["state"]) for one in others], [])
    if "results" in case.expect:
        with unless_decided("a maintenance that is announced again"):
            same(results, case.expect["results"])
