"""``/v1/notices`` and ``/v1/maintenance``: tools' owners announce, maintenance is announced, moved and called off."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.intake.sources.native_page import EXAMPLES
from tests.integration.intake_support import ALERTS, NATIVE, House, intake

HEADERS = {"Authorization": f"Bearer {NATIVE}"}
SHORT = {name: value for name, value in EXAMPLES["maintenance"].items() if name != "kind"}
CALENDAR = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Somebody//
BEGIN:VEVENT
UID:disks@example.org
SEQUENCE:2
DTSTART;TZID=Europe/Berlin:20260307T230000
DTEND;TZID=Europe/Berlin:20260308T020000
SUMMARY:Moving to new disks
X-TOCSIN-TEAM:platform
END:VEVENT
BEGIN:VEVENT
UID:network@example.org
DTSTART:20260309T220000Z
DTEND:20260309T230000Z
SUMMARY:New switches
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as made:
        yield made


async def test_a_notice_of_a_tools_owner_needs_no_kind(house: House) -> None:
    notice = {name: value for name, value in EXAMPLES["tool"].items() if name != "kind"}
    response = await house.client.post("/v1/notices", json=[notice, {**notice, "state": "up"}], headers=HEADERS)
    assert response.status_code == 202
    assert [(event["kind"], event["tool"], event["status"]) for event in await house.events()] == [
        ("tool", "sap", "firing"),
        ("tool", "sap", "resolved"),
    ]


async def test_a_notice_without_its_window_is_refused_with_what_to_change(house: House) -> None:
    response = await house.client.post(
        "/v1/notices", json={"tool": "sap", "title": "SAP", "state": "will_be_down"}, headers=HEADERS
    )
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert "needs a window" in response.json()["detail"]


@pytest.mark.parametrize(("path", "kind"), [("/v1/notices", "maintenance"), ("/v1/maintenance", "tool")])
async def test_each_address_takes_its_own_kind_only(house: House, path: str, kind: str) -> None:
    response = await house.client.post(path, json=EXAMPLES[kind], headers=HEADERS)
    assert (response.status_code, response.json()["reason"]) == (422, "kind-not-allowed")


async def test_a_maintenance_is_announced_moved_and_called_off_by_its_own_id(house: House) -> None:
    moved = {**SHORT, "sequence": 2, "window": {"starts_at": "2026-03-08T22:00:00+01:00"}}
    for body in (SHORT, moved):
        response = await house.client.post("/v1/maintenance", json=body, headers=HEADERS)
        assert response.status_code == 202, response.text
    response = await house.client.delete("/v1/maintenance/CHG-7731", headers=HEADERS)
    assert response.status_code == 202
    announced, again, cancelled = await house.events()
    assert {event["dedup_key"] for event in (announced, again, cancelled)} == {"CHG-7731"}
    assert again["window"] == {"starts_at": "2026-03-08T21:00:00Z", "ends_at": None}
    assert (announced["sequence"], again["sequence"]) == (None, 2)
    assert (cancelled["status"], cancelled["ending"]) == ("resolved", "cancelled")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("cancelled", ("resolved", "cancelled")),
        ("Canceled", ("resolved", "cancelled")),
        ("completed", ("resolved", "completed")),
        ("resolved", ("resolved", None)),
        ("in-progress", ("firing", None)),
        ("planned", ("firing", None)),
    ],
)
async def test_the_state_may_be_said_in_the_words_of_maintenance(house: House, status: str, told: Any) -> None:
    response = await house.client.post("/v1/maintenance", json={**SHORT, "status": status}, headers=HEADERS)
    assert response.status_code == 202
    (event,) = await house.events()
    assert (event["status"], event["ending"]) == told


@pytest.mark.parametrize("field", ["window", "assigned_team"])
async def test_an_announcement_needs_window_and_team_and_a_cancellation_neither(house: House, field: str) -> None:
    body = {name: value for name, value in SHORT.items() if name != field}
    response = await house.client.post("/v1/maintenance", json=body, headers=HEADERS)
    assert response.status_code == 422
    assert field in response.json()["detail"]
    ended = await house.client.post("/v1/maintenance", json={**body, "status": "cancelled"}, headers=HEADERS)
    assert ended.status_code == 202


async def test_a_calendar_is_as_many_maintenances_as_it_has_events(house: House) -> None:
    headers = {**HEADERS, "Content-Type": "text/calendar; charset=utf-8"}
    response = await house.client.post("/v1/maintenance", content=CALENDAR, headers=headers)
    assert response.status_code == 202
    disks, network = await house.events()
    assert (disks["dedup_key"], disks["sequence"], disks["assigned_team"]) == ("disks@example.org", 2, "platform")
    assert disks["window"] == {"starts_at": "2026-03-07T22:00:00Z", "ends_at": "2026-03-08T01:00:00Z"}
    assert (network["status"], network["ending"]) == ("resolved", "cancelled")


async def test_a_calendar_that_cannot_be_read_is_kept_and_told_of(house: House) -> None:
    headers = {**HEADERS, "Content-Type": "text/calendar"}
    response = await house.client.post("/v1/maintenance", content=b"BEGIN:VCALENDAR\nEND:VCALENDAR", headers=headers)
    assert response.status_code == 422
    assert "holds no event" in response.json()["detail"]
    assert len(await house.rows("SELECT * FROM quarantine")) == 1


async def test_calling_off_needs_the_key_of_a_native_integration(house: House) -> None:
    for headers, status in (({}, 401), ({"Authorization": f"Bearer {ALERTS}"}, 403)):
        response = await house.client.delete("/v1/maintenance/CHG-7731", headers=headers)
        assert response.status_code == status
    assert await house.events() == []


async def test_an_id_may_hold_slashes_and_what_the_request_claims_of_its_body_counts_for_nothing(house: House) -> None:
    headers = {**HEADERS, "Content-Type": "text/calendar", "Content-Encoding": "gzip"}
    response = await house.client.delete("/v1/maintenance/example.com:WO%2F12/20260307T220000Z", headers=headers)
    assert response.status_code == 202
    (event,) = await house.events()
    assert event["dedup_key"] == "example.com:WO/12/20260307T220000Z"
