"""The escalator's HTTP: who may read and act, what comes back, and what is refused with which sentence."""

from typing import Any

import pytest

from libs.common.events.incidents import (
    EscalationDue,
    IncidentNoted,
    IncidentOpened,
    IncidentResolved,
    RcaIssued,
    VerdictGiven,
)
from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]

ACTIONS = ("acknowledge", "resolve", "verdict", "updates", "escalate", "rca")
BODIES: dict[str, dict[str, Any]] = {
    "verdict": {"verdict": "confirmed"},
    "updates": {"text": "x"},
    "rca": {"url": "https://wiki.example.com/rca"},
}


async def test_a_person_opens_an_incident_and_helpdesk_is_paged(rig: Rig) -> None:
    made = await rig.post("/v1/incidents", status=201, title="Invoices cannot be approved", service="invoicing")
    assert (made["number"], made["category"], made["first"]) == (1, "process_blocked", ["role:helpdesk"])
    [opened] = await rig.events(IncidentOpened)
    assert (opened.actor.kind, opened.actor.id, opened.trigger_id) == ("person", "rafael", None)
    assert len(await rig.events(EscalationDue)) == 1


async def test_a_report_sent_twice_is_one_incident(rig: Rig) -> None:
    body = {"title": "Invoices cannot be approved", "dedup_key": "ticket-4711"}
    first = await rig.post("/v1/incidents", status=201, **body)
    again = await rig.post("/v1/incidents", status=200, **body)
    assert again["id"] == first["id"]
    assert len(await rig.events(EscalationDue)) == 1
    await rig.post("/v1/incidents/1/resolve")
    assert (await rig.post("/v1/incidents", status=201, **body))["number"] == 2


async def test_an_incident_is_found_by_its_number_and_by_its_id(rig: Rig) -> None:
    await rig.fire()
    by_number = await rig.get("/v1/incidents/1")
    assert await rig.get(f"/v1/incidents/{by_number['id']}") == by_number
    assert [line["version"] for line in by_number["timeline"]] == [1, 2]
    assert by_number["timeline"][1]["details"] == {
        "rung": 1,
        "rung_name": "First recipients",
        "roles": ["first"],
        "slot": "rung-1",
    }


@pytest.mark.parametrize(
    "reference", ["2", "0", "99999999999999999999", "-1", "x", "018e0000-0000-7000-8000-000000000001"]
)
async def test_what_does_not_exist_is_not_found(rig: Rig, reference: str) -> None:
    await rig.fire()
    problem = await rig.get(f"/v1/incidents/{reference}", status=404)
    assert problem["detail"] == f"There is no incident {reference}."
    await rig.post(f"/v1/incidents/{reference}/acknowledge", status=404)
    await rig.get(f"/v1/incidents/{reference}/timeline", status=404)


async def test_incidents_are_listed_newest_first_page_by_page(rig: Rig) -> None:
    for key in ("a", "b", "c", "d", "e"):
        await rig.fire(dedup_key=key)
    await rig.post("/v1/incidents/4/resolve")
    numbers, path = [], "/v1/incidents?limit=2"
    while True:
        answer = await rig.get(path)
        numbers.append([each["number"] for each in answer["incidents"]])
        if answer["next"] is None:
            break
        path = f"/v1/incidents?limit=2&cursor={answer['next']}"
    assert numbers == [[5, 4], [3, 2], [1]]
    still = await rig.get("/v1/incidents?state=open&state=acknowledged")
    assert [each["number"] for each in still["incidents"]] == [5, 3, 2, 1]


async def test_the_timeline_comes_page_by_page(rig: Rig) -> None:
    await rig.fire()
    await rig.play(120)
    whole = (await rig.get("/v1/incidents/1/timeline"))["timeline"]
    first = await rig.get("/v1/incidents/1/timeline?limit=3")
    second = await rig.get(f"/v1/incidents/1/timeline?limit=500&cursor={first['next']}")
    assert first["timeline"] + second["timeline"] == whole
    assert second["next"] is None


@pytest.mark.parametrize("query", ["cursor=%20", "cursor=bm8", "limit=0", "limit=201", "state=lost"])
async def test_a_query_that_makes_no_sense_is_refused(rig: Rig, query: str) -> None:
    problem = await rig.get(f"/v1/incidents?{query}", status=422)
    assert problem["errors"][0]["pointer"].startswith("#query/")


async def test_a_viewer_reads_and_does_not_act(rig: Rig) -> None:
    await rig.fire()
    await rig.get("/v1/incidents/1", "watcher")
    for action in ACTIONS:
        problem = await rig.post(f"/v1/incidents/1/{action}", "watcher", 403, **BODIES.get(action, {}))
        assert problem["detail"] == "This needs the role operator; Watcher has viewer."
    await rig.post("/v1/incidents", "watcher", 403, title="x")


async def test_without_a_key_nothing_is_shown(rig: Rig) -> None:
    answer = await rig.http.get("/v1/incidents")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_a_tenant_sees_only_what_concerns_it(rig: Rig) -> None:
    await rig.fire(dedup_key="a", tenants=["globex"])
    await rig.fire(dedup_key="b", tenants=["acme", "globex"])
    await rig.fire(dedup_key="c")
    await rig.fire(dedup_key="d", tenants=["acme"])
    listed = (await rig.get("/v1/incidents", "acme"))["incidents"]
    assert [(each["number"], each["tenants"]) for each in listed] == [(4, ["acme"]), (3, []), (2, ["acme"])]
    await rig.get("/v1/incidents/1", "acme", 404)
    await rig.get("/v1/incidents/1/timeline", "acme", 404)
    await rig.post("/v1/incidents/1/resolve", "acme", 404)


async def test_a_tenant_acts_only_on_what_is_its_own_alone(rig: Rig) -> None:
    await rig.fire(dedup_key="a", tenants=["acme", "globex"])
    await rig.fire(dedup_key="b")
    await rig.fire(dedup_key="c", tenants=["acme"])
    for number in (1, 2):
        problem = await rig.post(f"/v1/incidents/{number}/resolve", "acme", 403)
        assert "concerns more tenants than yours" in problem["detail"]
    assert (await rig.post("/v1/incidents/3/resolve", "acme"))["state"] == "resolved"


async def test_a_tenant_reports_for_itself_alone(rig: Rig) -> None:
    assert (await rig.post("/v1/incidents", "acme", 201, title="x"))["tenants"] == ["acme"]
    problem = await rig.post("/v1/incidents", "acme", 403, title="x", tenants=["globex"])
    assert problem["detail"] == "Your key is for acme, not for globex."


async def test_acknowledging_twice_is_harmless_and_a_second_person_learns_who_has_it(rig: Rig) -> None:
    await rig.fire()
    first = await rig.post("/v1/incidents/1/acknowledge", note="Looking.")
    assert await rig.post("/v1/incidents/1/acknowledge") == first
    problem = await rig.post("/v1/incidents/1/acknowledge", "stefania", 409)
    assert problem["detail"].startswith("Rafael has incident 1 since 09:15 UTC")
    assert "Rafael acknowledged; the escalation stopped. Looking." in await rig.lines()


async def test_resolving_twice_is_harmless(rig: Rig) -> None:
    await rig.fire()
    first = await rig.post("/v1/incidents/1/resolve", note="Rolled back.")
    assert await rig.post("/v1/incidents/1/resolve", "stefania") == first
    assert len(await rig.events(IncidentResolved)) == 1
    await rig.post("/v1/incidents/1/acknowledge", status=409)
    await rig.post("/v1/incidents/1/escalate", status=409)


async def test_a_false_positive_is_a_verdict_and_an_end(rig: Rig) -> None:
    await rig.fire()
    answer = await rig.post("/v1/incidents/1/verdict", verdict="false_positive", note="A test alarm.")
    assert (answer["state"], answer["verdict"]) == ("resolved", "false_positive")
    [given], [ended] = await rig.events(VerdictGiven), await rig.events(IncidentResolved)
    assert (given.verdict, given.incident.state, ended.reason) == ("false_positive", "resolved", "false_positive")
    assert await rig.post("/v1/incidents/1/verdict", verdict="false_positive") == answer
    await rig.post("/v1/incidents/1/verdict", status=409, verdict="confirmed")


async def test_an_rca_needs_an_end_and_a_url(rig: Rig) -> None:
    await rig.fire()
    await rig.post("/v1/incidents/1/rca", status=409, url="https://wiki.example.com/rca")
    await rig.post("/v1/incidents/1/resolve")
    await rig.post("/v1/incidents/1/rca", status=422, url="javascript:alert(1)")
    first = await rig.post("/v1/incidents/1/rca", url="https://wiki.example.com/rca")
    assert await rig.post("/v1/incidents/1/rca", url="https://wiki.example.com/rca") == first
    assert len(await rig.events(RcaIssued)) == 1


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("", {}, "#/title"),
        ("", {"title": " "}, "#/title"),
        ("", {"title": "x", "kind": "rumour"}, "#/kind"),
        ("", {"title": "x", "sevrity": "info"}, "#/sevrity"),
        (
            "",
            {"title": "x", "window": {"starts_at": "2026-06-02T00:00:00Z", "ends_at": "2026-06-01T00:00:00Z"}},
            "#/window",
        ),
        ("/1/verdict", {"verdict": "maybe"}, "#/verdict"),
        ("/1/updates", {"text": ""}, "#/text"),
        ("/1/updates", {"text": "x", "audiences": ["press"]}, "#/audiences/0"),
        ("/1/escalate", {"rung": 0}, "#/rung"),
    ],
)
async def test_a_wrong_body_is_refused_with_the_field_that_is_wrong(
    rig: Rig, path: str, body: dict[str, Any], pointer: str
) -> None:
    await rig.fire()
    problem = await rig.post(f"/v1/incidents{path}", status=422, **body)
    assert pointer in [error["pointer"] for error in problem["errors"]]


async def test_actions_need_no_body(rig: Rig) -> None:
    await rig.fire()
    for action in ("acknowledge", "escalate", "resolve"):
        await rig.ask("POST", f"/v1/incidents/1/{action}")


async def test_a_reply_that_comes_too_late_is_noted_and_changes_nothing(rig: Rig) -> None:
    await rig.fire()
    incident = await rig.incident()
    await rig.handle(rig.reply(incident.id, "Rafael", "acknowledge"))
    await rig.handle(rig.reply(incident.id, "Stefania", "acknowledge"))
    await rig.handle(rig.reply(incident.id, "Stefania", "resolve"))
    await rig.handle(rig.reply(incident.id, "Rafael", "resolve"))
    notes = [note.text for note in await rig.events(IncidentNoted)]
    assert notes == [
        "Stefania answered ACK by SMS. Rafael has incident 1 since 09:15 UTC; write an update to say that you are on it too.",
        "Rafael answered RESOLVE by SMS. Incident 1 is over already.",
    ]
    assert (await rig.incident()).resolved_by == (await rig.events(IncidentResolved))[0].actor


async def test_every_route_says_in_openapi_what_it_is_for(rig: Rig) -> None:
    paths = (await rig.http.get("/openapi.json")).json()["paths"]
    routes = [each for path, methods in paths.items() if path.startswith("/v1/") for each in methods.values()]
    assert len(routes) >= 11
    assert all(route["summary"] and route["description"] for route in routes)
