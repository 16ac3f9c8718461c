"""Heartbeats through the front door, on a clock that the tests move."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from libs.common.chance import Chance
from libs.common.config import ConfigWatcher
from services.intake.__main__ import build
from services.intake.settings import IntakeSettings
from tests.integration.intake_support import FABRIKAM, NOW, VIEWER, House, intake, keep_outbox

KEY = "heartbeatkey" + "1" * 20
OTHER = "otherbeating" + "2" * 20
CONFIG = """
integrations:
  - {id: nightly, name: Nightly invoices, source: heartbeat, key: {file: FOLDER/beat.key}, options: OPTIONS}
  - {id: other, name: Other, source: heartbeat, key: {file: FOLDER/other.key}, options: {enabled: false}}
"""
OPTIONS = "{every: 10m, grace: 2m, severity: error, service: invoicing, tenants: [fabrikam]}"


def configure(folder: Path, options: str = OPTIONS) -> None:
    text = CONFIG.replace("FOLDER", str(folder)).replace("OPTIONS", options)
    (folder / "integrations.yaml").write_text(text)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "beat.key").write_text(KEY)
    (tmp_path / "other.key").write_text(OTHER)
    configure(tmp_path)
    async with intake(database_url, tmp_path) as made:
        yield made


async def ping(house: House, method: str = "GET", key: str = KEY) -> httpx.Response:
    response = await house.client.request(method, f"/v1/hooks/heartbeat/{key}")
    assert response.status_code == 200, response.text
    return response


async def told(house: House) -> list[tuple[str, str]]:
    return [(event["dedup_key"], event["status"]) for event in await house.events()]


async def listed(house: House, key: str = VIEWER) -> dict[str, dict[str, Any]]:
    found = (await house.call("GET", "/v1/heartbeats", key)).json()
    return {one["integration_id"]: one for one in found}


async def test_more_pings_than_are_taken_in_a_minute_are_told_to_come_later(house: House) -> None:
    configure(house.folder, "{every: 10m, rate_limit: 2}")
    await reconfigured(house)
    path = f"/v1/hooks/heartbeat/{KEY}"
    answers = [await house.client.request(method, path) for method in ("POST", "GET", "POST", "GET")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].headers["Retry-After"] == "30"
    house.clock.advance(timedelta(seconds=30))
    await ping(house)


async def test_silence_fires_once_and_a_late_ping_resolves_it(house: House) -> None:
    await house.forward(minutes=11, seconds=59)
    assert await told(house) == []
    await house.forward(seconds=1)
    await house.forward(hours=2)
    [fired] = await house.events()
    assert (fired["dedup_key"], fired["status"]) == ("heartbeat:nightly", "firing")
    assert (fired["integration_id"], fired["source"], fired["kind"]) == ("nightly", "heartbeat", "telemetry")
    assert (fired["title"], fired["severity"]) == ("No heartbeat of Nightly invoices", "error")
    assert (fired["service"], fired["tenants"]) == ("invoicing", ["fabrikam"])
    assert fired["description"] == "It is expected every 10m. It was never heard of."
    assert (await listed(house))["nightly"]["state"] == "missing"
    answer = (await ping(house)).json()
    assert (answer["state"], answer["missing_since"]) == ("beating", None)
    assert answer["expected_by"] == "2026-03-02T11:39:00Z"
    assert await told(house) == [("heartbeat:nightly", "firing"), ("heartbeat:nightly", "resolved")]
    await house.forward(minutes=12)
    assert await told(house) == [("heartbeat:nightly", word) for word in ("firing", "resolved", "firing")]
    assert "It was last heard of at 2026-03-02 11:27 UTC." in (await house.events())[-1]["description"]
    assert len(await house.rows("SELECT 1 FROM deliveries WHERE integration_id = 'nightly'")) == 3, "and each is kept"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
async def test_who_is_heard_of_in_time_is_never_missing(house: House, method: str) -> None:
    for _ in range(5):
        await house.forward(minutes=11)
        await ping(house, method)
    assert await told(house) == []
    assert await house.rows("SELECT 1 FROM deliveries") == [], "pings are not kept"


async def test_what_a_ping_says_opens_nothing_not_even_tocsins_own_note(house: House) -> None:
    body = {"tocsin_heartbeat": "nightly", "title": "x", "state": "missing"}
    bearer = {"Authorization": f"Bearer {KEY}"}
    answers = [
        await house.client.post(f"/v1/hooks/heartbeat/{KEY}", json=body),
        await house.client.post(f"/v1/hooks/heartbeat/{KEY}/", content=b"\xff{"),
        await house.client.put("/v1/hooks/heartbeat", json=body, headers=bearer),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert await told(house) == []
    assert (await house.client.get("/v1/hooks/heartbeat/" + "z" * 32)).status_code == 401
    assert (await house.client.get("/v1/hooks/heartbeat")).status_code == 401


async def test_where_tocsin_was_away_when_the_time_ran_out_its_sender_gets_more_time(house: House) -> None:
    await house.jump_to(NOW + timedelta(hours=3))
    assert await told(house) == []
    await house.forward(minutes=2)
    await ping(house)
    await house.forward(minutes=11)
    assert await told(house) == [], "it was there all the time"
    await house.jump_to(NOW + timedelta(hours=6))
    await house.forward(minutes=3)
    assert await told(house) == [("heartbeat:nightly", "firing")], "and now it is not"


async def test_nobody_waits_for_one_that_is_disabled_and_its_time_begins_anew_when_it_is_enabled(
    house: House, tmp_path: Path
) -> None:
    await house.forward(hours=1)
    configure(tmp_path, "{every: 10m, grace: 2m, enabled: false}")
    await reconfigured(house)
    assert (await listed(house))["nightly"]["state"] == "disabled"
    await house.forward(hours=1)
    configure(tmp_path, "{every: 30m, grace: 0s}")
    await reconfigured(house)
    assert (await listed(house))["nightly"]["expected_by"] == "2026-03-02T11:45:00Z"
    await house.forward(minutes=29)
    assert await told(house) == [("heartbeat:nightly", "firing"), ("heartbeat:nightly", "resolved")]
    assert (await house.events())[-1]["withdrawn"] == "its heartbeat was disabled in integrations.yaml"
    await house.forward(minutes=1)
    assert (await told(house))[2:] == [("heartbeat:nightly", "firing")]
    await ping(house)
    assert (await told(house))[3:] == [("heartbeat:nightly", "resolved")]
    assert (await house.events())[-1]["withdrawn"] == "", "it is back"
    (tmp_path / "integrations.yaml").write_text("integrations: []")
    await reconfigured(house)
    assert await listed(house) == {}
    await house.forward(hours=2)
    assert len(await told(house)) == 4


async def reconfigured(house: House) -> None:
    """Have the files in force at once."""
    [watcher] = [one for one in house.service.components if isinstance(one, ConfigWatcher)]
    await watcher.take()


async def test_one_that_is_made_through_the_api_is_waited_for_and_one_that_is_removed_is_not(house: House) -> None:
    body = {"id": "agent", "name": "Agent", "source": "heartbeat", "options": {"every": "1h"}}
    assert (await house.call("POST", "/v1/integrations", json=body)).status_code == 201
    assert (await listed(house))["agent"]["expected_by"] == "2026-03-02T10:16:00Z"
    del body["id"]
    changed = {**body, "options": {"every": "2h"}}
    assert (await house.call("PUT", "/v1/integrations/agent", json=changed)).status_code == 200
    assert (await listed(house))["agent"]["expected_by"] == "2026-03-02T11:16:00Z"
    assert (await house.call("DELETE", "/v1/integrations/agent")).status_code == 204
    await house.forward(hours=3)
    assert ("heartbeat:agent", "firing") not in await told(house)
    wrong = {**body, "id": "wrong", "options": {"every": "0s"}}
    assert (await house.call("POST", "/v1/integrations", json=wrong)).status_code == 422


@pytest.mark.parametrize("how", ["removed", "switched off", "made another"])
async def test_what_is_missing_when_nobody_waits_any_more_is_withdrawn_once(house: House, how: str) -> None:
    body = {"name": "Agent", "source": "heartbeat", "options": {"every": "1h"}}
    await house.call("POST", "/v1/integrations", json={**body, "id": "agent"})
    await house.forward(hours=2)
    if how == "removed":
        assert (await house.call("DELETE", "/v1/integrations/agent")).status_code == 204
    else:
        other = {"options": {"enabled": False}} if how == "switched off" else {"source": "native", "options": {}}
        for _ in range(2):
            assert (await house.call("PUT", "/v1/integrations/agent", json={**body, **other})).status_code == 200
    await house.forward(hours=2)
    assert [event for event in await told(house) if event[0] == "heartbeat:agent"] == [
        ("heartbeat:agent", "firing"),
        ("heartbeat:agent", "resolved"),
    ]
    why = {"switched off": "its heartbeat was disabled by Admin"}.get(how, "its heartbeat was deleted by Admin")
    assert (await house.events())[-1]["withdrawn"] == why
    assert not [event for event in await house.events() if event["type"] == "tocsin.trigger.noted.v1"]


async def test_a_ping_and_a_removal_at_the_same_moment_end_the_alert_once(house: House) -> None:
    await house.call("POST", "/v1/integrations", json={"id": "agent", "name": "Agent", "source": "heartbeat"})
    issued = (await house.call("POST", "/v1/integrations/agent/keys")).json()
    await house.forward(hours=2)
    removed, pinged = await asyncio.gather(
        house.call("DELETE", "/v1/integrations/agent"), house.client.get(f"/v1/hooks/heartbeat/{issued['key']}")
    )
    assert (removed.status_code, pinged.status_code in (200, 401, 404)) == (204, True)
    assert [status for key, status in await told(house) if key == "heartbeat:agent"] == ["firing", "resolved"]


async def test_a_tenants_key_sees_its_own_and_a_key_of_nobody_sees_none(house: House) -> None:
    assert set(await listed(house)) == {"nightly", "other"}
    assert set(await listed(house, FABRIKAM)) == {"nightly"}
    assert (await house.client.get("/v1/heartbeats")).status_code == 401


async def test_of_two_replicas_one_tells(house: House, database_url: str, tmp_path: Path) -> None:
    settings = IntakeSettings(database_url=SecretStr(database_url), config_dir=tmp_path)
    second = await build(settings, clock=house.clock, chance=Chance(8))
    await second.start()
    try:
        await keep_outbox(second)
        for _ in range(3):
            await house.forward(minutes=12)
            await ping(house)
    finally:
        await second.stop()
    assert [status for _, status in await told(house)] == ["firing", "resolved"] * 3
