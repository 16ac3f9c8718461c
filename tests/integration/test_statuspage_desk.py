"""The console over HTTP: whom a rung would page, the RCA, opening by hand, quarantine, channels, and a timeline without noise."""

import random
import re
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.event import listen

from libs.common.clock import ManualClock, ScaledClock
from libs.common.events.base import Event
from libs.common.events.deliveries import DeliveryConfirmed, DeliveryFailed, DeliverySent
from libs.common.events.incidents import IncidentNoted, IncidentOpened, ObligationMoved
from services.statuspage.__main__ import session_length
from services.statuspage.store.tables import MessageRow
from tests.support.status_stage import Stage, kept, statuspage
from tests.support.statuspage import (
    ACME_KEY,
    ALERTMANAGER,
    NOW,
    OPERATOR_KEY,
    SYSTEM,
    VIEWER_KEY,
    at,
    company,
    incident,
    obligations,
    paging,
    rungs,
    story,
    uid,
)

HTMX = {"HX-Request": "true"}
HTML = {"Accept": "text/html"}
ASKED: ContextVar[list[str] | None] = ContextVar("asked", default=None)
"""The statements of the request that is asked; those of the service's own parts are not among them."""
WATCHING = 10
"""Statements that a request may ask for what changed meanwhile."""


async def post(
    stage: Stage, path: str, csrf: str, headers: dict[str, str] | None = None, **form: Any
) -> httpx.Response:
    return await stage.client.post(path, data={"csrf": csrf, **form}, headers={**HTML, **(headers or {})})


async def test_the_console_stands_and_says_so_while_oncall_is_away(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        link = 'href="https://helpdesk.example.com/incidents/17"'
        assert link in (await stage.client.get("/console/incidents/17")).text, "the directory's check links stand there"
        stage.peers.away = True
        assert link not in (await stage.client.get("/console/incidents/17")).text
        page = (await stage.client.get("/console/incidents/17")).text
        assert "Who that is now cannot be told" in page
        sheet = (await stage.client.get("/console/incidents/17/escalate", headers=HTML)).text
        assert "Pages the CAO and the Head of Engineering now. Who that is cannot be told at the moment" in sheet


async def test_the_root_cause_analysis_is_issued_by_a_form_once_the_incident_is_over(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        csrf = await stage.sign_in()
        assert "/17/rca" not in (await stage.client.get("/console/incidents/17")).text
        assert "/console/incidents/4/rca" in (await stage.client.get("/console/incidents/4")).text
        bad = await post(stage, "/console/incidents/4/rca", csrf, HTMX, url="javascript:alert(1)")
        assert (bad.status_code, "with https:// at its beginning" in bad.text) == (422, True)
        await post(stage, "/console/incidents/4/rca", csrf, HTMX, url="https://wiki.example/rca/4", note="A slow query")
        expected = {"url": "https://wiki.example/rca/4", "note": "A slow query"}
        assert stage.peers.calls[-1][1:3] == (f"/v1/incidents/{uid(4)}/rca", expected)
        assert "https://wiki.example/rca/4" in (await stage.client.get("/console/incidents/4")).text


async def test_an_incident_is_opened_by_hand_and_shown_at_once(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        form = (await stage.client.get("/console/incidents/new")).text
        assert "Pages at once whoever hears first" in form
        assert '<option value="invoicing">Invoicing</option>' in form
        [dedup_key] = re.findall(r'name="dedup_key" value="(console-[^"]+)"', form)
        said: dict[str, Any] = {
            "title": "Nobody can approve",
            "kind": "ticket",
            "severity": "error",
            "service": "invoicing",
        }
        answer = await post(
            stage, "/console/incidents/new", csrf, **said, category="", tenants=["acme"], dedup_key=dedup_key
        )
        assert answer.headers["Location"] == "/console/incidents/40"
        assert stage.peers.calls[-1] == (
            "POST", "/v1/incidents", {**said, "tenants": ["acme"], "dedup_key": dedup_key}, f"Bearer {OPERATOR_KEY}",
        )  # fmt: skip
        assert "Nobody can approve" in (await stage.client.get("/console/incidents/40")).text


async def test_an_incident_without_a_title_or_refused_keeps_what_was_filled_in(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        csrf = await stage.sign_in()
        given: dict[str, Any] = {
            "kind": "ticket",
            "severity": "warning",
            "tenants": ["globex"],
            "description": "Since noon",
        }
        empty = await post(stage, "/console/incidents/new", csrf, title=" ", **given)
        assert (empty.status_code, "nothing was opened" in empty.text, "Since noon" in empty.text) == (422, True, True)
        assert not stage.peers.calls
        stage.peers.refusal = (403, "Your key is for acme, not for globex.")
        refused = await post(stage, "/console/incidents/new", csrf, title="Slow", **given)
        assert (refused.status_code, "not for globex" in refused.text) == (403, True)
        assert 'value="globex" checked' in refused.text
        viewer = await stage.sign_in(VIEWER_KEY)
        assert (await post(stage, "/console/incidents/new", viewer, title="Slow", **given)).status_code == 403


async def test_quarantined_bodies_are_counted_on_now_and_listed_escaped(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        assert "Nothing waits" in (await stage.client.get("/console/parts/quarantine")).text
        stage.peers.kept = [kept(70), kept(80)]
        assert "Two bodies wait in quarantine" in (await stage.client.get("/console/parts/quarantine")).text
        page = (await stage.client.get("/console/quarantine")).text
        assert "There is no kind &#39;nonsense&#39;" in page
        assert "&lt;script&gt;alert(&#34;kept&#34;)&lt;/script&gt;" in page
        assert "<script>alert" not in page
        await stage.sign_in(ACME_KEY)
        assert "Only operators of all tenants" in (await stage.client.get("/console/quarantine")).text


async def test_now_says_how_the_channels_did_in_the_last_hour(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        assert "Four messages in the last hour, none failed" in (await stage.client.get("/console")).text
        sent = next(event for event in story() if isinstance(event, DeliverySent))
        shared = sent.model_dump(include={"subject_id", "purpose", "rung", "slot", "at", "recipient", "channel"})
        for number in range(2):
            failure = {**shared, "notification_id": uid(9000 + number), "provider": "twilio", "attempt": 1}
            await stage.fold(DeliveryFailed.model_validate({**failure, "reason": "provider_error"}))
        held = {**shared, "notification_id": uid(9100), "provider": "twilio", "attempt": 1, "reason": "withdrawn"}
        await stage.fold(DeliveryFailed.model_validate(held))
        assert "2 of 6 failed in the last hour" in (await stage.client.get("/console")).text
        stage.clock.advance(timedelta(hours=2))
        assert "in the last hour" not in (await stage.client.get("/console")).text


async def test_every_empty_list_says_how_it_is_filled(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        for path in ("/console", "/console/incidents", "/console/outbox"):
            assert "curl -sS -X POST http://peers.test/v1/triggers" in (await stage.client.get(path)).text, path


async def test_one_moment_is_one_entry_of_the_timeline_and_a_page_is_told_once(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        await stage.sign_in()
        known = stage.peers.known[uid(17)]
        noted = [("Luciane is being paged.", "paging"), ("Luciane was paged by SMS.", "paged")]
        for version, (text, reason) in enumerate(noted, 20):
            after = known.model_copy(update={"version": version})
            await stage.fold(IncidentNoted(incident=after, at=NOW, actor=SYSTEM, text=text, reason=reason))
        for version, (kind, text) in enumerate((("team_status", "A."), ("client_update", "B.")), 30):
            [owed] = [one for one in known.obligations if one.kind == kind]
            after = known.model_copy(update={"version": version})
            moved = ObligationMoved(incident=after, at=NOW, actor=SYSTEM, text=text, reason="news", obligation=owed)
            await stage.fold(moved)
        page = (await stage.client.get("/console/incidents/17")).text
        assert "Luciane is being paged." not in page
        assert "Luciane was paged by SMS." not in page
        assert "<b>Luciane</b>: SMS, kept in the local outbox" in page
        assert "<p>A.</p><p>B.</p>" in page
        assert not re.search(r"because \w+_\w+", page)


async def test_a_confirmation_that_overtook_its_message_is_not_lost(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        sent = next(event for event in story() if isinstance(event, DeliverySent))
        fresh = sent.model_copy(update={"notification_id": uid(9200)})
        fields = DeliveryConfirmed.model_fields
        confirmed = DeliveryConfirmed.model_validate(
            {k: v for k, v in fresh.model_dump().items() if k in fields and k != "type"}
        )
        await stage.fold(confirmed, fresh, confirmed, fresh)
        async with stage.service.platform.uow.read() as session:
            row = await session.get(MessageRow, (uid(9200), "person:stefania", "sms"))
            assert row is not None
            assert (row.state, row.text) == ("confirmed", sent.text)


@pytest.mark.parametrize(("speed", "expected"), [(1.0, timedelta(hours=12)), (60.0, timedelta(hours=720))])
def test_a_session_lasts_its_hours_of_the_machine_however_fast_the_clock_runs(
    speed: float, expected: timedelta
) -> None:
    assert session_length(12, ScaledClock(speed)) == expected
    assert session_length(12, ManualClock(NOW)) == timedelta(hours=12)
    assert NOW + session_length(720, ScaledClock(100_000)) < datetime.max.replace(tzinfo=UTC)


async def test_htmx_and_its_live_extension_are_one_file_lest_a_page_stays_deaf(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.sign_in()
        [script] = re.findall(r'<script defer src="([^"]+)"', (await stage.client.get("/console")).text)
        body = (await stage.client.get(script)).text
        assert 'registerExtension("sse"' in body
        assert body.index("registerExtension(e,t)") < body.index('registerExtension("sse"')


async def test_two_hundred_open_incidents_take_no_more_queries_than_one(database_url: str) -> None:
    def storm(number: int) -> list[Event]:
        given = incident(number, at(9, 15), rung=1, rungs=rungs([at(9, 15)]), obligations=obligations(at(9), at(10)))
        opened = IncidentOpened(incident=given, at=at(9, 15), actor=ALERTMANAGER, text="Opened")
        return [opened, *paging(number, 1, at(9, 15), "stefania", role="on-shift")]

    paths = ("/console", "/console/incidents", "/", "/console/incidents/1001")
    async with statuspage(database_url, [*company(), *storm(1001)]) as stage:
        await stage.sign_in()

        def note(*given: Any) -> None:
            if (asked := ASKED.get()) is not None:
                asked.append(given[2])

        listen(stage.service.platform.database.engine.sync_engine, "before_cursor_execute", note)

        async def cost(path: str) -> int:
            asked: list[str] = []
            token = ASKED.set(asked)
            assert (await stage.client.get(path)).status_code == 200
            ASKED.reset(token)
            assert asked
            return len(asked)

        alone = {path: await cost(path) for path in paths}
        await stage.fold(*(event for number in range(1100, 1300) for event in storm(number)))
        for path in paths:
            assert await cost(path) <= alone[path] + WATCHING, path


async def test_events_that_come_late_twice_and_in_any_order_make_the_same_pages(database_url: str) -> None:
    shuffled = [*story(), *story()]
    random.Random(11).shuffle(shuffled)

    async def shown(stage: Stage) -> tuple[Any, str]:
        await stage.sign_in()
        page = (await stage.client.get("/console/incidents/17")).text
        return (await stage.client.get("/api/v1/status")).json(), page[page.index("<main") :].partition("csrf")[2][100:]

    async with statuspage(database_url, shuffled) as stage:
        mixed = await shown(stage)
        await stage.fold(*story())
        assert await shown(stage) == mixed
        assert mixed[0]["text"].startswith("Invoicing does not work for two clients since 09:15 UTC")
        assert "<b>Helena</b> for Abdul: SMS, kept in the local outbox" in mixed[1]
