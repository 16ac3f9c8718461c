"""Triggers and quarantine in the console: searched, looked at beside the body, replayed, made an incident, dismissed."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.status_stage import Stage, kept, statuspage, trigger
from tests.support.statuspage import ACME_KEY, NOW, OPERATOR_KEY, VIEWER_KEY, at, company, uid

HTMX = {"HX-Request": "true"}
HTML = {"Accept": "text/html"}
SCRIPT = "&lt;script&gt;alert("


async def page(stage: Stage, path: str, **headers: str) -> str:
    return (await stage.client.get(path, headers={**HTML, **headers})).text


async def post(stage: Stage, path: str, csrf: str, **form: Any) -> httpx.Response:
    return await stage.client.post(path, data={"csrf": csrf, **form}, headers=HTML)


async def test_the_list_shows_what_came_in_and_its_address_holds_every_filter(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        assert "curl -sS -X POST http://peers.test/v1/triggers" in await page(stage, "/console/triggers")
        stage.peers.triggers = [trigger(70)]
        shown = await page(
            stage,
            "/console/triggers?q=5xx&kind=telemetry&status=firing&integration=monitoring&service=invoicing&within=1h",
        )
        assert f'href="/console/triggers/{uid(70)}"' in shown
        assert "Invoicing answers 5xx" in shown
        assert 'value="5xx"' in shown
        assert '<option value="monitoring" selected>Other monitoring</option>' in shown
        assert '<option value="1h" selected>' in shown
        assert stage.peers.looked[-1] == {
            "q": "5xx", "kind": "telemetry", "status": "firing", "integration": "monitoring", "service": "invoicing",
            "from": (NOW - timedelta(hours=1)).isoformat(), "limit": "50",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "sentence"), [("from=soon", "soon is no time"), ("kind=nonsense", "There is no such kind")]
)
async def test_a_filter_that_is_none_is_told_in_place(database_url: str, query: str, sentence: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        assert sentence in await page(stage, f"/console/triggers?{query}")


async def test_what_came_in_since_is_counted_beside_the_list(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        stage.peers.triggers = [trigger(70)]
        shown = await page(stage, "/console/triggers?kind=telemetry")
        [part] = [text.split('"')[0] for text in shown.split('hx-get="')[1:] if "/parts/new-triggers" in text]
        stage.peers.triggers = [trigger(74), trigger(72)]
        counted = await page(stage, part.replace("&amp;", "&"))
        assert stage.peers.looked[-1]["from"] == (at(9, 40) + timedelta(milliseconds=1)).isoformat()
        assert stage.peers.looked[-1]["kind"] == "telemetry"
        assert '<a class="button small-button" href="/console/triggers?kind=telemetry">2 new</a>' in counted


async def test_a_trigger_stands_beside_its_body_with_its_incidents_and_others_of_its_alert(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        stage.peers.triggers = [trigger(70), trigger(72, title="Again")]
        waiting = await page(stage, f"/console/triggers/{uid(70)}")
        assert "This alert was part of no incident" in waiting
        stage.peers.alerts = [{"incident_number": 17, "incident_state": "open", "opened_at": NOW.isoformat()}]
        shown = await page(stage, f"/console/triggers/{uid(70)}")
        assert SCRIPT in shown
        assert "<script>alert" not in shown
        assert "eu-west" in shown
        assert 'href="https://graphs.example/1"' in shown
        assert '<a href="/console/incidents/17">Incident 17</a>' in shown
        assert f'<a href="/console/triggers/{uid(72)}">Again</a>' in shown
        assert f'<a href="/console/triggers/{uid(70)}">' not in shown
        assert "probe/1" in shown
        assert f"/console/deliveries/{uid(71)}/replay" in shown
        gone = await stage.client.get(f"/console/triggers/{uid(99)}", headers=HTML)
        assert (gone.status_code, "There is no trigger of this id" in gone.text) == (404, True)


async def test_a_fresh_alert_asks_again_by_itself_for_its_incident(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        stage.peers.triggers = [trigger(70, received_at=NOW.isoformat())]
        assert 'hx-trigger="every 2s' in await page(stage, f"/console/triggers/{uid(70)}")
        stage.clock.advance(timedelta(minutes=3))
        assert "every 2s" not in await page(stage, f"/console/triggers/{uid(70)}")


async def test_a_replay_is_shown_before_it_is_done_and_leads_to_the_new_trigger(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        difference = {"dedup_key": "k", "status": "firing", "field": "service", "before": None, "after": "checkout"}
        told = [{"title": "Shop is down", "trigger_id": str(uid(80))}]
        stage.peers.rehearsal = {"understood": True, "triggers": told, "differences": [difference]}
        form = await page(stage, f"/console/deliveries/{uid(71)}/replay", **HTMX)
        assert "<html" not in form
        assert "Nothing is done yet" in form
        assert "<td>nothing</td><td>checkout</td>" in form
        assert stage.peers.calls[-1][2] == {"dry_run": True}
        done = await post(stage, f"/console/deliveries/{uid(71)}/replay", csrf)
        assert done.headers["Location"] == f"/console/triggers/{uid(80)}"
        path, body, key = stage.peers.calls[-1][1:]
        assert (path, body, key) == (f"/v1/deliveries/{uid(71)}/replay", {"dry_run": False}, f"Bearer {OPERATOR_KEY}")


async def test_what_is_not_understood_today_either_cannot_be_replayed(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        problem = {"pointer": "#/kind", "reason": "invalid-field", "detail": "There is no kind 'nonsense'."}
        stage.peers.rehearsal = {"understood": False, "problems": [problem]}
        form = await page(stage, f"/console/deliveries/{uid(71)}/replay")
        assert "There is no kind" in form
        assert '<button class="primary" autofocus>Replay' not in form
        refused = await post(stage, f"/console/deliveries/{uid(71)}/replay", csrf)
        assert (refused.status_code, "so nothing was told" in refused.text) == (422, True)


async def test_a_body_becomes_an_incident_by_one_form_that_is_filled_in_already(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        stage.peers.kept = [kept(70)]
        for name in (uid(70), uid(71)):  # by its own id, and by its delivery's, which the message about it names
            form = await page(stage, f"/console/quarantine/{name}")
            assert 'value="Proofs are stuck"' in form
            assert '<option value="ticket" selected>' in form
            assert SCRIPT in form
        said = {"title": "Proofs are stuck", "kind": "ticket", "severity": "critical", "service": "invoicing"}
        made = await post(stage, f"/console/quarantine/{uid(70)}/incident", csrf, **said, tenants=["acme"])
        assert made.headers["Location"] == f"/console/triggers/{uid(90)}"
        assert stage.peers.calls[-1][1:3] == (f"/v1/quarantine/{uid(70)}/incident", {**said, "tenants": ["acme"]})


async def test_a_refusal_is_told_beside_the_form_and_keeps_what_was_written(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        stage.peers.kept = [kept(70)]
        stage.peers.refusal = (422, "#/service: This is no name of a service.")
        answer = await post(stage, f"/console/quarantine/{uid(70)}/incident", csrf, title="My title", kind="tool")
        assert answer.status_code == 422
        assert "This is no name of a service" in answer.text
        assert 'value="My title"' in answer.text
        assert '<option value="tool" selected>' in answer.text


async def test_a_body_is_dismissed_with_a_note_and_says_by_whom(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        stage.peers.kept = [kept(70)]
        assert "nothing is to be done" in await page(stage, f"/console/quarantine/{uid(70)}/dismiss", **HTMX)
        done = await post(stage, f"/console/quarantine/{uid(70)}/dismiss", csrf, note=" Their test ")
        assert done.headers["Location"] == f"/console/quarantine/{uid(70)}"
        assert stage.peers.calls[-1][1:3] == (f"/v1/quarantine/{uid(70)}/dismiss", {"note": "Their test"})
        settled = {
            "state": "dismissed",
            "settled_at": NOW.isoformat(),
            "settled_by": {"name": "Rafael"},
            "note": "A test",
        }
        stage.peers.kept = [{**kept(70), **settled}]
        shown = await page(stage, f"/console/quarantine/{uid(70)}")
        assert "Dismissed by Rafael" in shown
        assert "A test" in shown
        assert f"/console/quarantine/{uid(70)}/dismiss" not in shown


async def test_the_quarantine_is_searched_and_filtered_by_its_state(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        await page(stage, "/console/quarantine")
        assert stage.peers.looked[-1] == {"state": "waiting", "limit": "10"}
        shown = await page(stage, "/console/quarantine?q=json&state=dismissed")
        assert stage.peers.looked[-1] == {"q": "json", "state": "dismissed", "limit": "10"}
        assert "Nothing matches" in shown


@pytest.mark.parametrize("key", [VIEWER_KEY, ACME_KEY])
async def test_who_is_no_operator_of_all_tenants_settles_and_replays_nothing(database_url: str, key: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in(key)
        stage.peers.kept = [kept(70)]
        stage.peers.triggers = [trigger(70)]
        assert "/replay" not in await page(stage, f"/console/triggers/{uid(70)}")
        forms = (
            f"/console/quarantine/{uid(70)}/incident",
            f"/console/quarantine/{uid(70)}/dismiss",
            f"/console/deliveries/{uid(71)}/replay",
        )
        for path in forms:
            assert (await post(stage, path, csrf)).status_code == 403
            assert "Only operators of all tenants" in await page(stage, path)
        hidden = await page(stage, f"/console/quarantine/{uid(70)}")
        assert "Only operators of all tenants" in hidden
        assert "alert(" not in hidden
        assert not stage.peers.calls


async def test_sources_say_how_each_heartbeat_page_and_integration_stands(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        assert "Everything that is listened to is as expected" in await page(stage, "/console/sources")
        silent = {"state": "missing", "every": "PT5M", "missing_since": NOW.isoformat(), "last_at": NOW.isoformat()}
        stage.peers.heartbeats = [{"integration_id": "nightly", "name": "backup", "title": "The backup", **silent}]
        asked = {"id": "azure", "name": "Azure", "source": "azure_status", "every": "1m", "open": ["a"]}
        stage.peers.pollers = [{**asked, "health": "unknown", "detail": "The page is empty.", "new": {"field": 1}}]
        stage.peers.triggers = [trigger(70)]
        shown = await page(stage, "/console/sources")
        assert "One heartbeat is missing and nobody knows how one provider stands" in shown
        assert '<th scope="row">The backup' in shown
        assert "<td>5 min</td>" in shown
        assert "The page is empty." in shown
        assert f'<a href="/console/triggers/{uid(70)}">' in shown
        assert {"integration": "monitoring", "limit": "1"} in stage.peers.looked
        await stage.sign_in(VIEWER_KEY)
        assert "told to operators of all tenants" in await page(stage, "/console/sources")


async def test_no_body_is_settled_without_the_sessions_token(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        stage.peers.kept = [kept(70)]
        for path in (f"quarantine/{uid(70)}/incident", f"quarantine/{uid(70)}/dismiss", f"deliveries/{uid(71)}/replay"):
            assert (await post(stage, f"/console/{path}", "0" * 64)).status_code == 403
        assert not stage.peers.calls
