"""Alerts of a Prometheus that merely stops to send them, on a clock that the tests move."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from libs.common.chance import Chance
from services.intake.__main__ import build
from services.intake.settings import IntakeSettings
from tests.integration.intake_support import ALERTS, NOW, House, intake, keep_outbox

KEY = "prometheuske" + "1" * 20
CONFIG = """
integrations:
  - {id: prometheus, name: Prometheus, source: prometheus, key: {file: FOLDER/prometheus.key}}
  - {id: alertmanager, name: Alertmanager, source: alertmanager, key: {file: FOLDER/alerts.key}}
"""
ZERO = "0001-01-01T00:00:00Z"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "prometheus.key").write_text(KEY)
    (tmp_path / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    async with intake(database_url, tmp_path) as made:
        yield made


async def send(house: House, *names: str, ends: datetime | str | None = None) -> None:
    """What Prometheus sends of alerts that fire: each ends four minutes from now, unless something else is said."""
    end = ends or house.clock.now() + timedelta(minutes=4)
    alerts: list[dict[str, Any]] = [
        {
            "labels": {"alertname": name, "service": "approvals", "odd": "a\x00b"},
            "annotations": {"summary": f"{name}, look"},
            "startsAt": NOW.isoformat(),
            "endsAt": end if isinstance(end, str) else end.isoformat(),
        }
        for name in names
    ]
    response = await house.client.post(f"/v1/hooks/prometheus/{KEY}/api/v2/alerts", json=alerts)
    assert response.status_code == 200, response.text


async def told(house: House) -> list[tuple[str, str]]:
    return [(event["title"].partition(",")[0], event["status"]) for event in await house.events()]


async def timers(house: House) -> int:
    [row] = await house.rows("SELECT count(*) AS n FROM timers WHERE kind = 'lapse'")
    return int(row["n"])


async def test_an_alert_that_is_not_repeated_is_over_at_its_end(house: House) -> None:
    for _ in range(3):
        await send(house, "A", "B")
        await house.forward(minutes=1)
    assert await timers(house) == 2, "one for each alert, moved on with every repetition"
    for _ in range(4):
        await send(house, "B")
        await house.forward(minutes=1)
    fired, over = [event for event in await house.events() if event["title"].startswith("A")][-2:]
    assert (over["status"], over["dedup_key"]) == ("resolved", fired["dedup_key"])
    assert (over["integration_id"], over["service"]) == ("prometheus", "approvals")
    assert datetime.fromisoformat(over["ended_at"]) == NOW + timedelta(minutes=6)
    assert datetime.fromisoformat(over["received_at"]) == NOW + timedelta(minutes=6)
    assert ("B", "resolved") not in await told(house), "it is still repeated"
    assert len(await house.rows("SELECT 1 FROM quarantine")) == 0
    await house.forward(hours=1)
    assert (await told(house)).count(("A", "resolved")) == 1
    assert (await told(house))[-1] == ("B", "resolved")
    assert await timers(house) == 0


async def test_an_end_that_is_told_is_not_told_again(house: House) -> None:
    await send(house, "A")
    await house.forward(minutes=1)
    await send(house, "A", ends=house.clock.now())
    assert await timers(house) == 0
    await house.forward(hours=1)
    assert await told(house) == [("A", "firing"), ("A", "resolved")]


@pytest.mark.parametrize("end", [ZERO, "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59Z"])
async def test_without_an_end_an_alert_stays_open(house: House, end: str) -> None:
    await send(house, "A", ends=NOW + timedelta(minutes=4))
    await send(house, "A", ends=end)
    await house.forward(days=2)
    assert await told(house) == [("A", "firing")] * 2


async def test_an_alert_of_alertmanager_stays_open_until_alertmanager_ends_it(house: House) -> None:
    alert = {"status": "firing", "labels": {"alertname": "A"}, "endsAt": (NOW + timedelta(minutes=4)).isoformat()}
    await house.client.post(f"/v1/hooks/alertmanager/{ALERTS}", json={"version": "4", "alerts": [alert]})
    await house.forward(days=2)
    assert [event["status"] for event in await house.events()] == ["firing"]


async def test_where_tocsin_was_away_what_prometheus_repeats_is_waited_for(house: House) -> None:
    await send(house, "A", "B")
    await house.jump_to(NOW + timedelta(hours=1))
    assert ("A", "resolved") not in await told(house)
    await house.forward(minutes=1)
    await send(house, "A")
    await house.forward(minutes=3, seconds=30)
    assert [one for one in await told(house) if one[1] == "resolved"] == [("B", "resolved")]


async def test_of_an_integration_that_is_gone_no_end_is_told_but_that_none_will_be(
    house: House, tmp_path: Path
) -> None:
    body = {"id": "second", "name": "Second", "source": "prometheus", "options": {}}
    await house.call("POST", "/v1/integrations", json=body)
    key = (await house.call("POST", "/v1/integrations/second/keys")).json()["key"]
    alert = {"labels": {"alertname": "A"}, "endsAt": (NOW + timedelta(minutes=4)).isoformat()}
    taken = await house.client.post(f"/v1/hooks/prometheus/{key}/api/v2/alerts", json=[alert])
    assert (taken.status_code, await timers(house)) == (200, 1)
    await house.call("DELETE", "/v1/integrations/second")
    await house.forward(minutes=5)
    fired, noted = await house.events()
    assert (fired["status"], noted["type"], await timers(house)) == ("firing", "tocsin.trigger.noted.v1", 0)
    assert noted["dedup_key"] == fired["dedup_key"]


async def test_two_replicas_end_an_alert_once_and_never_one_that_is_just_repeated(
    house: House, database_url: str, tmp_path: Path
) -> None:
    settings = IntakeSettings(database_url=SecretStr(database_url), config_dir=tmp_path)
    second = await build(settings, clock=house.clock, chance=Chance(8))
    await second.start()
    names = [f"A{number}" for number in range(20)]
    try:
        await keep_outbox(second)
        await send(house, *names)
        house.clock.set(NOW + timedelta(minutes=4))
        await asyncio.gather(*(send(house, *order) for order in (names[:10], names[9::-1], names[:10])))
        await house.jump_to(NOW + timedelta(minutes=4, seconds=1))
    finally:
        await second.stop()
    events = await told(house)
    assert dict(events) == {name: "firing" if name in names[:10] else "resolved" for name in names}
    ended = [name for name, status in events if status == "resolved"]
    assert len(ended) == len(set(ended))
