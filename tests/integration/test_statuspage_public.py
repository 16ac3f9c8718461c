"""The public pages over HTTP, on a real database."""

import asyncio
import gzip
import re
from datetime import timedelta
from typing import Any

from libs.common.events.base import Event, Window
from libs.common.events.deliveries import ReplyReceived
from libs.common.events.directory import ProviderChanged, ProviderHealth
from libs.common.events.incidents import IncidentOpened, IncidentResolved, Maintenance, NoticeDue, WindowMoved
from libs.common.events.registry import EVENTS
from libs.common.service import Service
from services.statuspage.consumer import subscription
from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import (
    ALERTMANAGER,
    NOW,
    OPERATOR_KEY,
    PAGE_KEY,
    RAFAEL,
    at,
    burning,
    company,
    history,
    incident,
    story,
    uid,
)


def headline(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page)
    assert found
    return found[1]


async def test_the_first_line_says_what_does_not_work_and_the_second_what_is_promised(database_url: str) -> None:
    async with statuspage(database_url, [*company(), *burning()]) as stage:
        page = (await stage.client.get("/")).text
        assert headline(page) == "Invoicing does not work for two clients since 09:15 UTC"
        assert "Next update by 10:00 UTC, in 12 minutes" in page
        stage.clock.advance(timedelta(minutes=16))
        assert "The update promised by 10:00 UTC is late by 4 minutes" in (await stage.client.get("/")).text


async def test_without_incidents_everything_works(database_url: str) -> None:
    async with statuspage(database_url) as stage:
        page = (await stage.client.get("/")).text
        assert headline(page) == "Everything works"
        assert "No incident has been recorded" in page


async def test_an_alerts_title_and_the_teams_own_updates_stay_inside(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        page = (await stage.client.get("/")).text
        assert "moving it to its standby" in page
        assert "HTTP 5xx" not in page
        assert "Stefania" not in page


async def test_a_service_that_only_the_inside_knows_is_named_nowhere_in_public(database_url: str) -> None:
    given = incident(30, at(9, 30), service="node-exporter", title="Instance node-01 down")
    opened = IncidentOpened(incident=given, at=at(9, 30), actor=ALERTMANAGER, text="Instance node-01 down")
    async with statuspage(database_url, [*company(), opened]) as stage:
        for path in ("/", "/t/initech", "/feed.atom", "/api/v1/status", "/history/2025-05"):
            page = (await stage.client.get(path)).text
            assert "node" not in page.lower(), path
        assert headline((await stage.client.get("/")).text) == "A part of the system does not work since 09:30 UTC"
        assert (await stage.client.get("/api/v1/status")).json()["incidents"][0]["service"] is None


async def test_a_tenants_page_shows_only_what_concerns_it(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        acme = (await stage.client.get("/t/acme")).text
        assert headline(acme) == "Invoicing does not work since 09:15 UTC"
        assert "Assets" not in acme
        initech = (await stage.client.get("/t/initech")).text
        assert headline(initech) == "Reports has problems since 09:40 UTC"
        assert "Invoicing did not work" not in initech


async def test_a_page_with_a_secret_opens_only_with_it_and_looks_like_no_page_otherwise(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        html = {"Accept": "text/html"}
        hidden = await stage.client.get("/t/globex", headers=html)
        absent = await stage.client.get("/t/nobody", headers=html)
        assert hidden.status_code == absent.status_code == 404
        assert hidden.text == absent.text
        assert (await stage.client.get("/t/globex?key=wrong")).status_code == 404
        assert (await stage.client.get("/t/globex/feed.atom")).status_code == 404
        assert (await stage.client.get("/api/v1/status?tenant=globex")).status_code == 404
        shown = await stage.client.get(f"/t/globex?key={PAGE_KEY}")
        assert headline(shown.text).startswith("Invoicing does not work since")
        assert shown.headers["Cache-Control"] == "private, no-cache"
        assert f'href="/t/globex/feed.atom?key={PAGE_KEY}"' in shown.text


async def test_a_reader_who_has_the_page_is_told_so_until_it_changes(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        first = await stage.client.get("/")
        again = await stage.client.get("/", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        await stage.fold(
            IncidentOpened(incident=incident(30, NOW, service="sign-in"), at=NOW, actor=ALERTMANAGER, text="x")
        )
        changed = await stage.client.get("/", headers={"If-None-Match": first.headers["ETag"]})
        assert changed.status_code == 200
        assert "Sign-in" in headline(changed.text)


async def test_a_first_visit_takes_less_than_50_kilobytes_and_only_from_here(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        page = (await stage.client.get("/", headers={"Accept-Encoding": "identity"})).text
        parts = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
        assert len(parts) >= 5
        sizes = [len(page.encode())]
        for part in parts:
            answer = await stage.client.get(part, headers={"Accept-Encoding": "identity"})
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            sizes.append(len(answer.content))
        assert sum(sizes) < 50_000
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//(?!helpdesk|grafana)""", page)


async def test_pages_and_assets_are_packed_for_who_takes_that(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        plain = await stage.client.get("/", headers={"Accept-Encoding": "identity"})
        async with stage.client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(raw) == plain.content
        assert len(raw) < len(plain.content) / 2


async def test_the_policy_allows_no_inline_script_or_style_and_no_other_host(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        answer = await stage.client.get("/")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert "<style" not in answer.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
        assert not re.search(r"\son\w+=", answer.text)


async def test_the_same_is_said_as_json(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        found = (await stage.client.get("/api/v1/status")).json()
        assert found["text"] == "Invoicing does not work for two clients since 09:15 UTC, and one more problem is open"
        assert found["promise"] == {
            "by": "2025-05-28T10:00:00Z", "late": False, "text": "Next update by 10:00 UTC, in 12 minutes",
        }  # fmt: skip
        assert [one["number"] for one in found["incidents"]] == [17, 18]
        assert [one["number"] for one in found["maintenance"]] == [19]
        states = {one["id"]: one["level"] for one in found["components"]}
        assert states == {
            "workflow": "ok", "assets": "ok", "invoicing": "down", "reports": "degraded", "sign-in": "ok",
        }  # fmt: skip


async def test_how_providers_stand_is_told_beside_our_own_state(database_url: str) -> None:
    def stands(name: str, health: ProviderHealth, minute: int, **more: Any) -> ProviderChanged:
        return ProviderChanged(
            id=f"{name.lower()}-status", name=name, provider=name.lower(), health=health,
            since=at(9, minute), at=at(9, minute), **more,
        )  # fmt: skip

    async with statuspage(database_url, [*company(), *history()]) as stage:

        async def told() -> dict[str, tuple[str, str]]:
            found = (await stage.client.get("/api/v1/status")).json()["providers"]
            page = (await stage.client.get("/")).text
            assert all(one["text"] in page for one in found)
            return {one["name"]: (one["level"], one["text"]) for one in found}

        before = await told()
        assert list(before) == ["Azure"]
        await stage.fold(stands("Azure", "operational", 1), stands("Ziflow", "quiet", 1))
        assert await told() == {**before, "Ziflow": ("plain", "Reports no problem")}, "what incidents say of it stays"
        await stage.fold(stands("Azure", "disrupted", 20), stands("Ziflow", "unknown", 21))
        assert await told() == {
            "Azure": ("degraded", "Reports a problem since 09:20 UTC"),
            "Ziflow": ("plain", "Not known since 09:21 UTC: its status page cannot be read"),
        }
        given = incident(31, at(9, 30), category="provider_unavailable", provider="azure", service=None)
        await stage.fold(IncidentOpened(incident=given, at=at(9, 30), actor=ALERTMANAGER, text="x"))
        assert (await told())["Azure"] == ("degraded", "Unavailable since 09:30 UTC")
        unnamed = stands("Azure", "disrupted", 41).model_copy(update={"id": "other", "provider": ""})
        await stage.fold(stands("Azure", "disrupted", 41, removed=True), unnamed)
        assert (await told())["Azure"] == ("degraded", "Unavailable since 09:30 UTC"), "it is the same by its name"
        await stage.fold(stands("Ziflow", "unknown", 42, removed=True))
        assert list(await told()) == ["Azure"]


async def test_what_is_over_moves_to_the_history_and_its_bars(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.fold(*burning())
        before = stage.peers.known[incident(17, NOW).id]
        after = before.model_copy(update={"version": 10, "state": "resolved", "resolved_at": at(9, 48)})
        await stage.fold(IncidentResolved(incident=after, at=NOW, actor=RAFAEL, text="Rafael resolved it"))
        page = (await stage.client.get("/")).text
        assert headline(page) == "Everything works"
        assert "Invoicing did not work for two clients for 33 minutes" in page
        assert "28 May: did not work for 33 minutes" in page


async def test_older_months_have_pages_of_their_own(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        march = await stage.client.get("/history/2025-03")
        assert "Workflow did not work for 43 minutes" in march.text
        assert 'href="/history/2025-02"' in march.text
        assert "No incidents" in (await stage.client.get("/history/2024-01")).text
        for wrong in ("2025-13", "soon", "2099-01"):
            assert (await stage.client.get(f"/history/{wrong}")).status_code == 404


async def test_the_feed_is_atom_with_an_entry_per_incident(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        feed = await stage.client.get("/feed.atom")
        assert feed.headers["Content-Type"].startswith("application/atom+xml")
        titles = re.findall(r"<title>(.*?)</title>", feed.text)
        assert titles[1] == "Invoicing does not work for two clients since 09:15 UTC"
        assert len(titles) == 9


async def test_a_browser_gets_a_page_and_a_program_a_problem_where_nothing_is(database_url: str) -> None:
    async with statuspage(database_url) as stage:
        page = await stage.client.get("/nowhere", headers={"Accept": "text/html"})
        assert (page.status_code, "There is nothing at this address." in page.text) == (404, True)
        problem = await stage.client.get("/nowhere")
        assert problem.headers["Content-Type"] == "application/problem+json"


async def test_events_from_the_bus_are_folded_once_however_often_they_come(database_url: str) -> None:
    async with statuspage(database_url, [*story(), *story()]) as stage:
        await sign_in_and_count_lines(stage, 6)


async def test_an_older_event_never_replaces_a_newer_one(database_url: str) -> None:
    async with statuspage(database_url, company()) as stage:
        await stage.fold(*reversed(burning()))
        page = (await stage.client.get("/")).text
        assert "Next update by 10:00 UTC" in page
        await sign_in_and_count_lines(stage, 6)


async def sign_in_and_count_lines(stage: Stage, expected: int) -> None:
    await stage.sign_in(OPERATOR_KEY)
    page = (await stage.client.get("/console/incidents/17")).text
    assert page.count('<li class="line ') == expected
    assert page.count('<li class="message') == 0
    assert len(re.findall(r'class="soft small reached-end"', page)) == 4


def test_every_event_of_its_topics_is_folded_or_left_on_purpose() -> None:
    reading = subscription()
    left = {event for event in EVENTS if event.topic in reading.topics} - set(reading.handlers)
    meant: set[type[Event]] = {NoticeDue, ReplyReceived}
    assert left == meant


async def test_events_travel_over_the_bus_to_the_page(database_url: str) -> None:
    async with statuspage(database_url) as stage:
        service: Service = stage.service
        async with service.platform.uow.begin() as tx:
            await tx.emit(*company(), *burning())
        async with asyncio.timeout(60):
            while "Invoicing does not work" not in headline((await stage.client.get("/")).text):  # noqa: ASYNC110 - the page is asked as a reader would
                await asyncio.sleep(0.05)


def scheduled(number: int, **changes: Any) -> IncidentOpened:
    """A maintenance of tonight, as it is announced."""
    record = Maintenance(id=uid(900 + number), external_id="CHG-1", state="planned", changed_at=NOW)
    window = Window(starts_at=at(22), ends_at=at(23))
    given = {"category": "maintenance", "kind": "maintenance", "services": ("invoicing", "reports"), "window": window}
    planned = incident(number, NOW, **{**given, "maintenance": record, **changes})
    return IncidentOpened(incident=planned, at=NOW, actor=ALERTMANAGER, text="x")


async def test_planned_maintenance_stands_on_the_page_and_in_its_calendar(database_url: str) -> None:
    async with statuspage(database_url, [*company(), scheduled(50)]) as stage:
        page = (await stage.client.get("/")).text
        assert "Invoicing and Reports will be in maintenance today from 22:00 to 23:00 UTC" in page
        assert 'data-beside="2025-05-28T22:00:00Z" data-until="2025-05-28T23:00:00Z"' in page
        assert 'href="/maintenances.ics"' in page
        [shown] = (await stage.client.get("/api/v1/status")).json()["maintenance"]
        assert (shown["services"], shown["until"]) == (["invoicing", "reports"], "2025-05-28T23:00:00Z")
        calendar = await stage.client.get("/maintenances.ics")
        assert calendar.headers["content-type"] == "text/calendar; charset=utf-8"
        assert f"UID:{uid(950)}" in calendar.text
        again = await stage.client.get("/maintenances.ics", headers={"If-None-Match": calendar.headers["etag"]})
        assert again.status_code == 304


async def test_the_calendar_of_a_tenant_is_its_own_and_needs_its_key(database_url: str) -> None:
    events = [*company(), scheduled(50, tenants=("acme",)), scheduled(51, tenants=("globex",))]
    async with statuspage(database_url, events) as stage:
        acme = (await stage.client.get("/t/acme/maintenances.ics")).text
        assert str(uid(950)) in acme
        assert str(uid(951)) not in acme
        assert (await stage.client.get("/t/globex/maintenances.ics")).status_code == 404
        globex = await stage.client.get(f"/t/globex/maintenances.ics?key={PAGE_KEY}")
        assert str(uid(951)) in globex.text
        assert PAGE_KEY not in globex.text
        assert globex.headers["cache-control"] == "private, no-cache"
        assert (await stage.client.get("/t/nobody/maintenances.ics")).status_code == 404


async def test_a_maintenance_that_moves_moves_in_the_calendar(database_url: str) -> None:
    async with statuspage(database_url, [*company(), scheduled(50)]) as stage:
        planned = scheduled(50).incident
        assert planned.maintenance is not None
        record = planned.maintenance.model_copy(update={"revision": 1})
        window = Window(starts_at=at(20), ends_at=at(21))
        moved = planned.model_copy(update={"version": 2, "window": window, "maintenance": record})
        await stage.fold(WindowMoved(incident=moved, at=NOW, actor=ALERTMANAGER, text="x", before=planned.window))
        text = (await stage.client.get("/maintenances.ics")).text
        assert "SEQUENCE:1" in text
        assert "DTSTART:20250528T200000Z" in text
        assert "today from 20:00 to 21:00 UTC" in (await stage.client.get("/")).text
