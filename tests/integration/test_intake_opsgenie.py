"""Opsgenie's Alert API, as its callers know it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from services.intake.handlers.keep import drop_old
from tests.integration.drop_in_support import GENIE, OTHER, ROUTING, SLOW_GENIE, drop_in, genie, told
from tests.integration.intake_support import House, no_database

ALERT: dict[str, Any] = {
    "message": "The disk of srv01 is full",
    "alias": "srv01/disk",
    "priority": "P1",
    "entity": "storage",
    "tags": ["disk"],
    "details": {"region": "eu1"},
}


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with drop_in(database_url, tmp_path) as made:
        yield made


async def data(house: House, path: str, key: str = GENIE) -> Any:
    response = await genie(house, "GET", path, key=key)
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"data", "took", "requestId"}
    return response.json()["data"]


async def done(house: House, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """A call that is taken; what became of it."""
    response = await genie(house, method, path, body)
    assert response.status_code == 202, response.text
    answer = response.json()
    assert answer["result"] == "Request will be processed"
    assert isinstance(answer["took"], float)
    status: dict[str, Any] = await data(house, f"/v2/alerts/requests/{UUID(answer['requestId'])}")
    return status


async def create(house: House, **more: Any) -> dict[str, Any]:
    return await done(house, "POST", "/v2/alerts", {**ALERT, **more})


async def test_an_alert_is_created_acknowledged_and_closed_and_tells_so_each_time(house: House) -> None:
    status = await create(house)
    alert = await data(house, f"/v2/alerts/{status['alertId']}")
    assert (status["action"], status["isSuccess"], status["status"]) == ("Create", True, "Created alert")
    assert (status["alias"], status["integrationId"]) == ("srv01/disk", "genie")
    assert {name: alert[name] for name in ("status", "acknowledged", "count", "priority", "tags", "details")} == {
        "status": "open",
        "acknowledged": False,
        "count": 1,
        "priority": "P1",
        "tags": ["disk"],
        "details": {"region": "eu1"},
    }
    alias = "/v2/alerts/srv01%2Fdisk"
    await done(house, "POST", f"{alias}/acknowledge?identifierType=alias", {"user": "ann", "note": "Looking."})
    assert (await data(house, f"{alias}?identifierType=alias"))["owner"] == "ann"
    await done(house, "POST", f"{alias}/close?identifierType=alias", {"user": "ann", "note": "Fixed."})
    assert (await data(house, f"/v2/alerts/{alert['tinyId']}?identifierType=tiny"))["status"] == "closed"
    assert await told(house) == [
        ("srv01/disk", "firing"),
        ("srv01/disk", "acknowledged"),
        ("srv01/disk", "noted"),
        ("srv01/disk", "resolved"),
    ]
    fired, acknowledged, noted, _ = await house.events()
    assert (fired["title"], fired["severity"], fired["service"]) == (ALERT["message"], "critical", "storage")
    assert (acknowledged["by"], acknowledged["note"], noted["note"]) == ("ann", "Looking.", "Fixed.")


@pytest.mark.parametrize(
    "path",
    [
        "/v2/alerts/srv01%2Fdisk/close?identifierType=alias",
        "/v2/alerts/srv01%2Fdisk/close/?identifierType=alias",
        "/v2/alerts/srv01/disk/close?identifierType=alias",
        "/v2/alerts/srv01/disk/close/?identifierType=alias",
    ],
)
async def test_an_alias_is_found_however_a_client_writes_it(house: House, path: str) -> None:
    assert (await genie(house, "POST", "/v2/alerts/", ALERT)).status_code == 202
    assert (await done(house, "POST", path))["status"] == "Closed alert"
    assert await told(house) == [("srv01/disk", "firing"), ("srv01/disk", "resolved")]


@pytest.mark.parametrize("alias", ["a/close", "notes", "tags/1", "Ä %2F?#", "count"])
async def test_an_alias_that_looks_like_a_call_is_an_alias(house: House, alias: str) -> None:
    await create(house, alias=alias)
    path = f"/v2/alerts/{quote(alias, safe='')}"
    if alias != "count":
        assert (await data(house, f"{path}?identifierType=alias"))["alias"] == alias
    assert (await done(house, "POST", f"{path}/close?identifierType=alias"))["isSuccess"]
    assert (await told(house))[-1] == (alias, "resolved")


async def test_an_open_alias_counts_and_a_closed_one_opens_a_new_alert(house: House) -> None:
    first, again = await create(house), await create(house, message="Something else")
    assert first["alertId"] == again["alertId"]
    alert = await data(house, f"/v2/alerts/{first['alertId']}")
    assert (alert["count"], alert["message"]) == (2, ALERT["message"])
    await done(house, "POST", f"/v2/alerts/{first['alertId']}/close")
    fresh = await create(house)
    assert fresh["alertId"] != first["alertId"]
    assert (await data(house, "/v2/alerts/srv01%2Fdisk?identifierType=alias"))["id"] == fresh["alertId"]
    assert len(await data(house, "/v2/alerts")) == 2


async def test_twenty_creations_at_once_are_one_alert(house: House) -> None:
    responses = await asyncio.gather(*(genie(house, "POST", "/v2/alerts", ALERT) for _ in range(20)))
    assert {response.status_code for response in responses} == {202}
    [alert] = await data(house, "/v2/alerts")
    assert alert["count"] == 20
    assert len(await told(house)) == 20


async def test_an_alert_without_an_alias_has_its_id_as_one(house: House) -> None:
    status = await done(house, "POST", "/v2/alerts", {"message": "Something is wrong"})
    assert status["alias"] == status["alertId"]
    await done(house, "POST", f"/v2/alerts/{status['alertId']}/close")
    assert await told(house) == [(status["alias"], "firing"), (status["alias"], "resolved")]


async def test_closing_what_nobody_knows_is_taken_and_the_request_says_so(house: House) -> None:
    for path in (
        "/v2/alerts/never/close?identifierType=alias",
        "/v2/alerts/7/close?identifierType=tiny",
        f"/v2/alerts/{UUID(int=7)}/close",
        "/v2/alerts/no-uuid/close",
    ):
        status = await done(house, "POST", path)
        assert (status["isSuccess"], status["status"], status["alertId"]) == (False, "Alert does not exist", "")
    assert await told(house) == [("never", "resolved")], "only an alias can be one that intake has forgotten"


async def test_tags_details_and_notes_change_the_alert_and_stand_on_the_timeline(house: House) -> None:
    alert = f"/v2/alerts/{(await create(house))['alertId']}"
    await done(house, "POST", f"{alert}/tags", {"tags": ["prod", "disk"], "user": "ann"})
    await done(house, "DELETE", f"{alert}/tags?tags=disk,x")
    await done(house, "POST", f"{alert}/details", {"details": {"rack": "7"}})
    await done(house, "DELETE", f"{alert}/details?keys=region")
    await done(house, "POST", f"{alert}/notes", {"note": "It was the log.", "user": "ann"})
    shown = await data(house, alert)
    assert (shown["tags"], shown["details"]) == (["prod"], {"rack": "7"})
    notes = [(event["by"], event["note"]) for event in await house.events() if "note" in event]
    assert notes == [
        ("ann", "add tags: prod, disk"),
        ("", "remove tags: disk, x"),
        ("", "add details: rack=7"),
        ("", "remove details: region"),
        ("ann", "It was the log."),
    ]


async def test_what_is_asked_of_people_stands_on_the_timeline_and_who_has_the_alert_is_shown(house: House) -> None:
    alert = f"/v2/alerts/{(await create(house))['alertId']}"
    await done(house, "POST", f"{alert}/acknowledge", {"user": "ann"})
    taken = await data(house, alert)
    await done(house, "POST", f"{alert}/assign", {"owner": {"username": "bob@example.org"}, "user": "ann"})
    assigned = await data(house, alert)
    await done(house, "POST", f"{alert}/unacknowledge", {"user": "ann", "note": "Not mine."})
    given_back = await data(house, alert)
    shown = [(one["acknowledged"], one["owner"]) for one in (taken, assigned, given_back)]
    assert shown == [(True, "ann"), (True, "bob@example.org"), (False, "")]
    snoozed = await done(house, "POST", f"{alert}/snooze", {"endTime": "2026-03-02T12:00:00Z"})
    escalated = await done(house, "POST", f"{alert}/escalate/", {"escalation": {"name": "Night shift"}})
    assert [snoozed["status"], escalated["status"]] == ["Noted on the incident", "Noted on the incident"]
    notes = [(event["by"], event["note"]) for event in await house.events() if event.get("note")]
    assert notes == [
        ("ann", "assign to bob@example.org"),
        ("ann", "unacknowledge"),
        ("ann", "Not mine."),
        ("", "snooze until 2026-03-02T12:00:00Z"),
        ("", "escalate to Night shift"),
    ]


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        ("snooze", {}, "endTime"),
        ("snooze", {"endTime": "soon"}, "endTime"),
        ("escalate", {"escalation": {}}, "name"),
        ("assign", {"user": "ann"}, "username"),
    ],
)
async def test_what_is_asked_of_people_must_say_what(house: House, call: str, body: dict[str, Any], field: str) -> None:
    await create(house)
    response = await genie(house, "POST", f"/v2/alerts/srv01%2Fdisk/{call}?identifierType=alias", body)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == [field]


async def test_a_deleted_alert_is_gone_and_its_incident_over(house: House) -> None:
    alert = (await create(house))["alertId"]
    assert (await done(house, "DELETE", f"/v2/alerts/{alert}"))["status"] == "Deleted alert"
    assert (await genie(house, "GET", f"/v2/alerts/{alert}")).status_code == 404
    assert (await told(house))[-1] == ("srv01/disk", "resolved")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/alerts/x/responders"),
        ("POST", "/v2/alerts/x/actions/Restart"),
        ("POST", "/v2/alerts/x/attachments"),
        ("GET", "/v2/alerts/x/notes"),
        ("GET", "/v2/alerts/x/logs"),
        ("GET", "/v2/alerts/x/attachments/1"),
        ("PUT", "/v2/alerts/x/priority"),
        ("GET", "/v2/alerts/saved-searches"),
        ("POST", "/v2/alerts/saved-searches"),
        ("DELETE", "/v2/alerts/saved-searches/1"),
    ],
)
async def test_what_tocsin_cannot_do_is_never_said_to_be_done(house: House, method: str, path: str) -> None:
    response = await genie(house, method, path, {} if method in ("POST", "PUT") else None)
    assert (response.status_code, response.json()["code"]) == (403, 40302)
    assert await house.rows("SELECT 1 FROM deliveries") == []


async def test_a_method_that_there_is_not_is_refused_in_opsgenies_words(house: House) -> None:
    for path in ("/v2/alerts", "/v2/alerts/", "/v2/alerts/x/close"):
        response = await genie(house, "PATCH", path, {})
        assert response.status_code == 405
        assert response.json().keys() == {"message", "took", "requestId"}


async def test_lists_are_sought_sorted_counted_and_cut(house: House) -> None:
    for number in range(3):
        await create(house, alias=f"a{number}", message=f"Disk {number} is 100% full", tags=[f"t{number}"])
    await done(house, "POST", "/v2/alerts/a1/close?identifierType=alias")

    async def found(query: str, more: str = "") -> list[str]:
        alerts = await data(house, f"/v2/alerts?sort=alias&order=asc&query={quote(query)}{more}")
        return [alert["alias"] for alert in alerts]

    assert await found("status:open") == ["a0", "a2"]
    assert await found("status: open AND alias: a2") == ["a2"]
    assert await found('message: "disk 1" priority=P1') == ["a1"]
    assert await found("tag:t2") == ["a2"]
    assert await found("100%") == ["a0", "a1", "a2"]
    assert await found("", "&limit=1&offset=1") == ["a1"]
    assert await data(house, "/v2/alerts/count?query=status%3Dclosed") == {"count": 1}
    for query in ("status: open OR status: closed", "NOT x", "(a)", "createdAt > 1", "colour: red"):
        response = await genie(house, "GET", f"/v2/alerts?query={quote(query)}")
        assert response.status_code == 422, query
        assert response.json()["errors"]["query"]


async def test_an_integration_sees_its_own_alerts_alone(house: House) -> None:
    status = await create(house)
    assert await data(house, "/v2/alerts", OTHER) == []
    for path in (status["alertId"], "srv01%2Fdisk?identifierType=alias", "1?identifierType=tiny"):
        assert (await genie(house, "GET", f"/v2/alerts/{path}", key=OTHER)).status_code == 404
    [call] = await house.rows("SELECT id FROM drop_in_calls")
    assert (await genie(house, "GET", f"/v2/alerts/requests/{call['id']}", key=OTHER)).status_code == 404
    await genie(house, "POST", f"/v2/alerts/{status['alertId']}/close", key=OTHER)
    assert (await data(house, f"/v2/alerts/{status['alertId']}"))["status"] == "open"


@pytest.mark.parametrize(("key", "status", "code"), [("z" * 32, 401, None), ("", 401, None), (ROUTING, 403, 40301)])
async def test_a_key_that_is_not_good_is_told_as_opsgenie_tells_it(
    house: House, key: str, status: int, code: int | None
) -> None:
    response = await genie(house, "POST", "/v2/alerts", ALERT, key)
    assert (response.status_code, response.json().get("code")) == (status, code)
    assert {"message", "took", "requestId"} <= set(response.json())
    assert await house.rows("SELECT 1 FROM deliveries") == []


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        (b"{}", 422, {"message": "Message can not be empty."}),
        (b'{"message": "  "}', 422, {"message": "Message can not be empty."}),
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"", 400, None),
    ],
)
async def test_an_alert_that_cannot_be_understood_is_kept(
    house: House, body: bytes, status: int, errors: dict[str, str] | None
) -> None:
    headers = {"Authorization": f"GenieKey {GENIE}"}
    response = await house.client.post("/v2/alerts", content=body, headers=headers)
    assert (response.status_code, response.json().get("errors")) == (status, errors)
    assert await told(house) == [("", "quarantined")]
    assert await house.rows("SELECT 1 FROM drop_in_calls") == []


async def test_answers_carry_opsgenies_headers_and_too_much_is_429(house: House) -> None:
    first = await genie(house, "POST", "/v2/alerts", ALERT, SLOW_GENIE)
    second = await genie(house, "POST", "/v2/alerts", ALERT, SLOW_GENIE)
    assert (first.status_code, first.headers["x-ratelimit-state"]) == (202, "OK")
    assert (second.status_code, second.headers["x-ratelimit-state"]) == (429, "THROTTLED")
    assert {"x-response-time", "x-request-id", "x-ratelimit-period-in-sec"} <= set(first.headers)
    assert int(second.headers["retry-after"]) >= 1


async def test_a_body_over_512_kilobytes_and_a_missing_database_are_told_so(house: House) -> None:
    large = await genie(house, "POST", "/v2/alerts", {**ALERT, "description": "x" * 512 * 1024})
    assert (large.status_code, "requestId" in large.json()) == (413, True)
    async with no_database(house):
        response = await genie(house, "POST", "/v2/alerts", ALERT)
    assert (response.status_code, "retry-after" in response.headers) == (503, True)


async def test_a_call_and_its_alert_go_when_their_time_is_over(house: House) -> None:
    status = await create(house)
    kept = await create(house, alias="still open")
    await done(house, "POST", f"/v2/alerts/{status['alertId']}/close")
    house.clock.advance(timedelta(days=31))
    async with house.uow.begin() as tx:
        await drop_old(tx, timedelta(days=30))
    assert await house.rows("SELECT 1 FROM drop_in_calls") == []
    assert [row["id"] for row in await house.rows("SELECT id FROM drop_in_alerts")] == [UUID(kept["alertId"])]


async def test_what_is_kept_says_which_call_it_was(house: House) -> None:
    await create(house)
    await done(house, "POST", "/v2/alerts/srv01%2Fdisk/close?identifierType=alias", {"user": "ann"})
    rows = await house.rows("SELECT headers, body FROM deliveries ORDER BY id")
    assert [row["headers"]["x-tocsin-call"] for row in rows] == ["create", "close"]
    assert [row["headers"]["x-tocsin-alias"] for row in rows] == ["srv01/disk", "srv01/disk"]
    assert json.loads(rows[1]["body"]) == {"user": "ann"}


async def test_nobody_can_make_a_call_of_another_by_a_header(house: House) -> None:
    headers = {"Authorization": f"GenieKey {GENIE}", "X-Tocsin-Call": "close", "X-Tocsin-Alias": "x"}
    await house.client.post("/v2/alerts", json=ALERT, headers=headers)
    assert await told(house) == [("srv01/disk", "firing")]


async def test_another_replica_answers_for_what_this_one_took(house: House) -> None:
    response = await genie(house, "POST", "/v2/alerts", ALERT)
    async with drop_in(house.uow.database.url, house.folder) as another:
        status = await data(another, f"/v2/alerts/requests/{response.json()['requestId']}")
        assert (await data(another, f"/v2/alerts/{status['alertId']}"))["alias"] == "srv01/disk"
