"""Providers' pages are asked: a real server, a real database, a clock that is fast-forwarded."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.intake.__main__ import build
from services.intake.poller import PollLoop
from services.intake.settings import IntakeSettings
from services.intake.sources.registry import all_sources
from tests.integration.intake_support import FABRIKAM, OPERATOR, VIEWER, intake
from tests.integration.poller_support import (
    FORGET,
    INCIDENT,
    INCIDENTS,
    KEY,
    SUMMARY,
    Desk,
    first_poll,
    now,
    polling,
)
from tests.support.sample import until
from tests.support.status_pages import ATOM, RSS, Page, status_pages
from tests.unit.intake.support import SAMPLES


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with polling(database_url, tmp_path) as running:
        yield running


async def test_a_providers_incident_is_told_once_followed_and_resolved(desk: Desk) -> None:
    desk.show(INCIDENT)
    state = await first_poll(desk)
    assert (state["health"], state["open"], state["reason"]) == ("disrupted", [KEY], None)
    (event,) = await desk.house.events()
    assert (event["integration_id"], event["source"], event["kind"]) == ("proofs", "statuspage", "provider")
    assert (event["service"], event["tenants"], event["severity"]) == ("proofing", ["lumen"], "error")
    (row,) = await desk.house.rows("SELECT body, headers FROM deliveries")
    assert json.loads(row["body"])["incidents"][0]["id"] == INCIDENT["id"]
    assert await desk.told() == [("firing", KEY)]

    await desk.poll()
    assert desk.pages.asked[-1] == (SUMMARY, 304)
    assert await desk.told() == []

    desk.show(now("identified", "We have found the cause."))
    await desk.poll()
    assert await desk.told() == [("firing", KEY), ("noted", KEY)]

    desk.show()
    desk.show(now("resolved", "Proofs open again.", resolved_at="2026-03-02T09:40:00Z"), page=INCIDENTS)
    state = await desk.poll()
    assert desk.pages.asked[-2:] == [(SUMMARY, 200), (INCIDENTS, 200)]
    assert await desk.told() == [("resolved", KEY)]
    assert (state["health"], state["open"]) == ("operational", [])

    await desk.poll()
    assert await desk.told() == []


async def test_what_is_merely_gone_from_the_page_stays_open_and_is_noted_once(desk: Desk) -> None:
    desk.show(INCIDENT)
    await first_poll(desk)
    await desk.told()
    desk.show()
    state = await desk.poll()
    assert await desk.told() == [("noted", KEY)]
    assert (state["health"], state["open"]) == ("disrupted", [KEY])
    await desk.poll()
    assert await desk.told() == []
    assert (INCIDENTS, 304) in desk.pages.asked, "what became of it is asked each time"


async def test_what_was_over_before_opens_nothing(desk: Desk) -> None:
    over = now("resolved", "Long over.", resolved_at="2025-01-01T00:00:00Z")
    desk.show(over, {**over, "id": "another"})
    state = await first_poll(desk)
    assert (state["health"], await desk.told()) == ("operational", [])
    assert await desk.house.rows("SELECT 1 FROM deliveries") == [], "nothing of it is news"


BAD = {
    "html": (Page(b"<!DOCTYPE html><html><body>Sign in</body></html>", "text/html"), "html"),
    "empty": (Page(b"  \n"), "empty-body"),
    "error": (Page(b"<html>Bad gateway</html>", "text/html", 502), "http-status"),
    "cut off": (Page(b'{"page": {"id": "k'), "not-understood"),
    "another document": (Page(b'{"ok": true}'), "not-understood"),
    "huge": (Page(b"x" * (17 * 1024 * 1024)), "too-large"),
    "huge once unpacked": (Page(b" " * (17 * 1024 * 1024), packed=True), "too-large"),
    "round and round": (Page(status=302, location=SUMMARY), "redirected"),
    "inside": (Page(status=302, location="https://10.0.0.1/secret"), "address-not-allowed"),
    "plain elsewhere": (Page(status=302, location="http://169.254.169.254/latest/meta-data"), "address-not-allowed"),
    "a file": (Page(status=302, location="file:///etc/passwd"), "address-not-allowed"),
}


@pytest.mark.parametrize("name", sorted(BAD))
async def test_whatever_is_no_answer_makes_the_state_unknown_and_ends_nothing(desk: Desk, name: str) -> None:
    desk.show(INCIDENT)
    await first_poll(desk)
    await desk.told()
    desk.pages.pages[SUMMARY], reason = BAD[name]
    state = await desk.poll()
    assert (state["health"], state["reason"], state["open"], state["failures"]) == ("unknown", reason, [KEY], 1)
    assert state["detail"]
    assert state["last_ok_at"] < state["polled_at"]
    assert await desk.told() == []


async def test_a_person_is_told_once_that_the_state_is_unknown_until_it_is_known_again(desk: Desk) -> None:
    page = desk.pages.pages[SUMMARY]
    desk.pages.pages[SUMMARY] = BAD["html"][0]
    await first_poll(desk)
    metrics = desk.house.service.platform.metrics.registry
    await desk.poll()
    assert await desk.told() == []
    await desk.poll()
    assert await desk.told() == [("quarantined", "unknown-state")]
    for _ in range(3):
        state = await desk.poll()
    assert (state["failures"], await desk.told()) == (6, [])
    assert metrics.get_sample_value("tocsin_poller_unknown", {"integration": "proofs"}) == 1
    (waiting,) = (await desk.house.call("GET", "/v1/quarantine", OPERATOR)).json()["quarantine"]
    assert waiting["reason"] == "unknown-state"
    assert "3 times in a row" in waiting["detail"]
    shown = (await desk.house.call("GET", f"/v1/quarantine/{waiting['id']}", OPERATOR)).json()
    assert "Sign in" in shown["delivery"]["body"], "what came in place of an answer can be seen"

    desk.pages.pages[SUMMARY] = page
    state = await desk.poll()
    assert (state["health"], state["failures"], state["failing_since"]) == ("operational", 0, None)
    assert (await desk.house.call("GET", "/v1/quarantine", OPERATOR)).json()["quarantine"] == []

    async def shown_again() -> bool:
        return metrics.get_sample_value("tocsin_poller_unknown", {"integration": "proofs"}) == 0

    await until(shown_again)
    assert (metrics.get_sample_value("tocsin_polls_total", {"source": "statuspage", "outcome": "html"})) == 6


async def test_of_two_replicas_one_asks(desk: Desk, database_url: str, tmp_path: Path) -> None:
    desk.show(INCIDENT)
    desk.pages.pages[SUMMARY].delay = 0.1
    settings = IntakeSettings(database_url=SecretStr(database_url), config_dir=tmp_path, poll_hosts="127.0.0.1")
    other = await build(settings, clock=desk.house.clock)
    await other.start()
    try:
        await first_poll(desk)
        for _ in range(3):
            await desk.poll()
        await asyncio.sleep(0.3)
    finally:
        await other.stop()
    assert [path for path, _ in desk.pages.asked] == [SUMMARY] * 4
    assert len(await desk.house.rows("SELECT 1 FROM deliveries")) == 1


WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'intake.pollers'::regclass"


async def test_while_it_is_seen_which_pages_there_are_the_poller_is_not_idle(desk: Desk) -> None:
    await first_poll(desk)
    [poller] = [part for part in desk.house.service.components if isinstance(part, PollLoop)]
    await until(poller.idle)
    more = {"id": "more", "name": "More", "source": "statuspage", "options": {"url": desk.pages.url}}

    async def waiting() -> bool:
        return bool(await desk.house.rows(WAITING))

    async with desk.house.uow.begin() as tx:
        await tx.session.execute(text("LOCK TABLE pollers IN SHARE MODE"))
        assert (await desk.house.call("POST", "/v1/integrations", json=more)).status_code == 201
        await until(waiting)
        assert not await poller.idle()
    await until(poller.idle)
    assert len(await desk.house.rows("SELECT 1 FROM pollers")) == 2


async def test_who_asked_and_died_is_followed_by_another(desk: Desk) -> None:
    await first_poll(desk)
    async with desk.house.uow.begin() as tx:
        until_then = tx.now + timedelta(minutes=2)
        await tx.session.execute(
            text("UPDATE pollers SET claim = gen_random_uuid(), claimed_until = :then"), {"then": until_then}
        )
    state = await desk.poll()
    assert state["health"] == "operational"


async def test_a_poll_may_be_asked_for_at_once(desk: Desk) -> None:
    await first_poll(desk)
    desk.show(INCIDENT)
    response = await desk.house.call("POST", "/v1/pollers/proofs/poll", OPERATOR)
    assert (response.status_code, response.json()["health"]) == (200, "disrupted")
    assert await desk.told() == [("firing", KEY)]
    listed = (await desk.house.call("GET", "/v1/pollers", OPERATOR)).json()
    assert [one["id"] for one in listed] == ["proofs"]
    assert (await desk.house.call("POST", "/v1/pollers/alertmanager/poll", OPERATOR)).status_code == 404
    assert (await desk.house.call("GET", "/v1/pollers/alertmanager", OPERATOR)).status_code == 404
    for method, path in (("GET", "/v1/pollers"), ("POST", "/v1/pollers/proofs/poll")):
        for key in (VIEWER, FABRIKAM):
            assert (await desk.house.call(method, path, key)).status_code == 403

    held = desk.pages.pages[SUMMARY].held = asyncio.Event()
    asked = len(desk.pages.heads)
    first = asyncio.create_task(desk.house.call("POST", "/v1/pollers/proofs/poll", OPERATOR))

    async def asking() -> bool:
        return len(desk.pages.heads) > asked

    await until(asking)
    assert (await desk.house.call("POST", "/v1/pollers/proofs/poll", OPERATOR)).status_code == 409
    held.set()
    assert (await first).status_code == 200


async def test_a_provider_with_a_public_name_is_told_of_whenever_it_stands_otherwise(
    desk: Desk, tmp_path: Path
) -> None:
    async def stands() -> list[tuple[str, str, bool]]:
        events = [event for event in await desk.house.events() if "provider_changed" in event["type"]]
        async with desk.house.uow.begin() as tx:
            await tx.session.execute(FORGET)
        return [(event["name"], event["health"], event["removed"]) for event in events]

    await first_poll(desk)
    assert await stands() == [], "without a public name nobody is told"
    path = tmp_path / "integrations.yaml"
    private = path.read_text()
    path.write_text(private.replace("every: 2m", "every: 2m\n      public: Proof Reader"))

    async def asked_anew() -> bool:
        (row,) = await desk.house.rows("SELECT validators FROM pollers")
        return len(desk.pages.asked) >= 2 and bool(row["validators"])

    await until(asked_anew)
    assert await stands() == [("Proof Reader", "operational", False)]
    desk.show(INCIDENT)
    await desk.poll()
    desk.pages.pages[SUMMARY], _ = BAD["error"]
    await desk.poll()
    await desk.poll()
    assert await stands() == [("Proof Reader", "disrupted", False), ("Proof Reader", "unknown", False)]

    path.write_text("integrations: []\n")

    async def gone() -> bool:
        return not await desk.house.rows("SELECT 1 FROM pollers")

    await until(gone)
    ((_, _, removed),) = await stands()
    assert removed


async def test_preview_says_of_a_page_what_a_poll_makes_of_it(desk: Desk) -> None:
    desk.show(INCIDENT, now("identified", "Elsewhere.", id="other", components=[{"id": "x", "name": "Printing"}]))
    await first_poll(desk)
    body = json.loads(desk.pages.pages[SUMMARY].body)
    response = await desk.house.call("POST", "/v1/integrations/proofs/preview", OPERATOR, json={"body": body})
    shown = response.json()
    (event,) = await desk.house.events()
    (preview,) = shown["triggers"]
    assert {name: event[name] for name in preview if name not in ("received_at", "type")} == {
        name: value for name, value in preview.items() if name not in ("received_at", "type")
    }
    assert [ignored["reason"] for ignored in shown["ignored"]] == ["not-mapped"]


async def test_other_options_have_the_page_read_anew_though_it_has_not_changed(desk: Desk, tmp_path: Path) -> None:
    desk.show(now("identified", "Printing fails.", components=[{"id": "x", "name": "Printing"}]))
    await first_poll(desk)
    assert await desk.told() == []
    path = tmp_path / "integrations.yaml"
    path.write_text(path.read_text().replace("Viewer:", "Printing:"))

    async def open_now() -> bool:
        return bool((await desk.state())["open"])

    await until(open_now)
    assert await desk.told() == [("firing", KEY)]


async def test_what_was_asked_under_other_options_is_given_up(desk: Desk, tmp_path: Path) -> None:
    desk.show(INCIDENT)
    held = desk.pages.pages[SUMMARY].held = asyncio.Event()

    async def planned() -> bool:
        return bool(await desk.house.rows("SELECT 1 FROM pollers"))

    await until(planned)
    desk.house.clock.advance(timedelta(seconds=10))

    async def asking() -> bool:
        return len(desk.pages.heads) == 1

    await until(asking)
    (before,) = await desk.house.rows("SELECT options_digest FROM pollers")
    path = tmp_path / "integrations.yaml"
    path.write_text(path.read_text().replace("Viewer:", "Printing:"))

    async def in_force() -> bool:
        return await desk.house.rows("SELECT options_digest FROM pollers") != [before]

    await until(in_force)
    held.set()

    async def asked_anew() -> bool:
        (row,) = await desk.house.rows("SELECT count(*) AS n FROM pollers WHERE validators <> '{}' AND claim IS NULL")
        return len(desk.pages.asked) == 2 and row["n"] == 1

    await until(asked_anew)
    assert await desk.told() == [], "the viewer concerns nobody any more"


FORMATS = {
    "azure_status": (RSS, "VM00-QRZ", "quiet", ""),
    "gcp_status": ("application/json", "ow5i3PPK96RduMcb1SsW", "operational", "[]"),
    "feed": (ATOM, "tag:status.proofs.example,2005:Incident/21148992", "quiet", ""),
}


@pytest.mark.parametrize("source", sorted(FORMATS))
async def test_each_format_is_asked_for_and_what_is_quiet_is_not_called_fine(
    database_url: str, tmp_path: Path, source: str
) -> None:
    content_type, key, calm, quiet = FORMATS[source]
    body = all_sources()[source].example_body
    nothing = quiet.encode() or (SAMPLES / "azure_status" / "quiet.xml").read_bytes()
    async with status_pages() as pages:
        pages.pages["/history"] = Page(body, content_type, packed=True)
        pages.pages["/calm"] = Page(nothing, content_type)
        entries = [
            f"  - {{id: {name}, name: P, source: {source}, options: {{url: '{pages.url}/{page}'}}}}"
            for name, page in (("proofs", "history"), ("calm", "calm"))
        ]
        (tmp_path / "integrations.yaml").write_text("integrations:\n" + "\n".join(entries))
        async with intake(database_url, tmp_path, poll_hosts="127.0.0.1") as house:
            desk = Desk(house, pages)
            assert (await first_poll(desk))["open"] == [key]
            assert (await desk.state("calm"))["health"] == calm
            assert await desk.told() == [("firing", key)]
            await desk.poll()
            assert [asked for asked in pages.asked if asked[0] == "/history"] == [("/history", 200), ("/history", 304)]
            pages.pages["/history"] = Page(nothing, content_type)
            state = await desk.poll()
            assert (state["health"], state["open"]) == ("disrupted", [key]), "gone is not over"
            assert await desk.told() == [("noted", key)]
            pages.pages["/history"] = Page(b"<Error><Code>ServerBusy</Code></Error>", content_type)
            assert (await desk.poll())["reason"] == "not-understood"
