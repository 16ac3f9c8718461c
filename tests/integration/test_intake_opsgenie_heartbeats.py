"""Opsgenie's Heartbeat API, as its callers know it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.drop_in_support import GENIE, OTHER, SLOW_GENIE, drop_in, genie, told
from tests.integration.intake_support import VIEWER, House
from tests.unit.intake.test_every_source import JSON

BACKUP: dict[str, Any] = {
    "name": "backup/srv01",
    "interval": 10,
    "intervalUnit": "minutes",
    "enabled": True,
    "description": "See the runbook.",
    "alertMessage": "The backup of srv01 stands still",
    "alertTags": ["night"],
    "alertPriority": "P2",
    "ownerTeam": {"name": "payments"},
}
PATH = "/v2/heartbeats/backup%2Fsrv01"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with drop_in(database_url, tmp_path) as made:
        yield made


async def call(house: House, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    response = await genie(house, method, path, body)
    assert response.status_code == status, response.text
    answer = response.json()
    assert isinstance(answer.pop("took"), float)
    UUID(answer.pop("requestId"))
    return answer


async def test_silence_fires_in_the_senders_words_and_the_next_ping_resolves_it(house: House) -> None:
    made = await call(house, "POST", "/v2/heartbeats", BACKUP, 201)
    assert (made["data"]["enabled"], made["data"]["expired"]) == (True, False)
    await house.forward(hours=1)
    assert await told(house) == [], "its time runs from the first ping on"
    assert await call(house, "GET", f"{PATH}/ping", status=202) == {"result": "PONG - Heartbeat received"}
    await house.forward(minutes=10)
    [fired] = await house.events()
    assert (fired["dedup_key"], fired["status"], fired["severity"]) == ("heartbeat:backup/srv01", "firing", "error")
    assert (fired["title"], fired["integration_id"]) == ("The backup of srv01 stands still", "genie")
    assert "See the runbook." in fired["description"]
    assert fired["labels"]["tags"] == "night"
    assert (await call(house, "GET", PATH))["data"]["expired"] is True
    await call(house, "POST", f"{PATH}/ping", {}, 202)
    assert await told(house) == [("heartbeat:backup/srv01", "firing"), ("heartbeat:backup/srv01", "resolved")]
    delivery = (await house.events())[0]["delivery_id"]
    again = await house.call("POST", f"/v1/deliveries/{delivery}/replay", json={"dry_run": True})
    assert (again.json()["understood"], again.json()["differences"]) == (True, [])
    shown = (await call(house, "GET", PATH))["data"]
    assert shown == {
        **{name: value for name, value in BACKUP.items() if name != "ownerTeam"},
        "expired": False,
        "lastPingTime": "2026-03-02T10:25:00Z",
    }


@pytest.mark.parametrize("path", ["/v2/heartbeats/a%2Fb/ping", "/v2/heartbeats/a/b/ping", "/v2/heartbeats/a%2Fb/ping/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
async def test_a_ping_finds_its_heartbeat_however_the_name_is_written(house: House, method: str, path: str) -> None:
    await call(house, "POST", "/v2/heartbeats/", {**BACKUP, "name": "a/b"}, 201)
    await call(house, method, path, status=202)
    assert (await call(house, "GET", "/v2/heartbeats/a%2Fb/"))["data"]["lastPingTime"] == "2026-03-02T09:15:00Z"


async def test_a_heartbeat_is_changed_switched_listed_and_removed(house: House) -> None:
    await call(house, "POST", "/v2/heartbeats", {"name": "x", "interval": 1, "intervalUnit": "days"}, 201)
    assert (await call(house, "GET", "/v2/heartbeats/x"))["data"] == {
        "name": "x",
        "description": "",
        "interval": 1,
        "intervalUnit": "days",
        "enabled": True,
        "expired": False,
        "alertMessage": "x is expired",
        "alertTags": [],
        "alertPriority": "P3",
        "lastPingTime": None,
    }
    await call(house, "GET", "/v2/heartbeats/x/ping", status=202)
    changed = await call(house, "PATCH", "/v2/heartbeats/x", {"interval": 5, "intervalUnit": "minutes"})
    assert (changed["data"]["interval"], changed["data"]["intervalUnit"]) == (5, "minutes")
    off = await call(house, "POST", "/v2/heartbeats/x/disable")
    assert off["data"] == {"name": "x", "enabled": False, "expired": False}
    await house.forward(hours=1)
    assert await told(house) == []
    on = await call(house, "POST", "/v2/heartbeats/x/enable/")
    assert on["data"]["enabled"] is True
    [listed] = (await call(house, "GET", "/v2/heartbeats"))["data"]["heartbeats"]
    assert (listed["name"], listed["interval"]) == ("x", 5)
    [seen] = (await house.call("GET", "/v1/heartbeats", VIEWER)).json()
    assert (seen["integration_id"], seen["name"], seen["state"]) == ("genie", "x", "beating")
    await call(house, "DELETE", "/v2/heartbeats/x")
    await house.forward(hours=1)
    assert await told(house) == []
    assert (await call(house, "GET", "/v2/heartbeats/"))["data"] == {"heartbeats": []}
    actions = [line["action"] for line in (await house.call("GET", "/v1/audit")).json()]
    assert actions[:5] == [f"heartbeat {word}" for word in ("removed", "enabled", "disabled", "changed", "created")]


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("DELETE", PATH, "its heartbeat was deleted by Genie"),
        ("POST", f"{PATH}/disable", "its heartbeat was disabled by Genie"),
        ("PATCH", PATH, "its heartbeat was disabled by Genie"),
    ],
)
async def test_what_is_missing_when_its_caller_waits_no_more_is_withdrawn_once(
    house: House, method: str, path: str, why: str
) -> None:
    await call(house, "POST", "/v2/heartbeats", BACKUP, 201)
    await call(house, "GET", f"{PATH}/ping", status=202)
    await house.forward(hours=1)
    await call(house, method, path, {"enabled": False} if method == "PATCH" else None)
    if method != "DELETE":
        await call(house, method, path, {"enabled": False} if method == "PATCH" else None)
        assert (await call(house, "GET", PATH))["data"]["expired"] is False
    await house.forward(hours=1)
    assert await told(house) == [("heartbeat:backup/srv01", "firing"), ("heartbeat:backup/srv01", "resolved")]
    assert (await house.events())[-1]["withdrawn"] == why


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "intervalUnit"}),
        ({**BACKUP, "interval": 0}, {"interval"}),
        ({**BACKUP, "interval": 10**9}, {"interval"}),
        ({**BACKUP, "interval": True}, {"interval"}),
        ({**BACKUP, "intervalUnit": "weeks", "alertPriority": "P9"}, {"intervalUnit", "alertPriority"}),
        ({**BACKUP, "enabled": "yes"}, {"enabled"}),
    ],
)
async def test_a_heartbeat_that_cannot_be_is_refused_with_what_to_change(
    house: House, body: Any, fields: set[str]
) -> None:
    answer = await call(house, "POST", "/v2/heartbeats", body, 422)
    assert answer["message"] == "Request body is not processable. Please check the errors."
    assert set(answer["errors"]) == fields
    assert (await call(house, "GET", "/v2/heartbeats"))["data"] == {"heartbeats": []}


async def test_errors_are_opsgenies_own(house: House) -> None:
    await call(house, "POST", "/v2/heartbeats", BACKUP, 201)
    assert set((await call(house, "POST", "/v2/heartbeats", BACKUP, 422))["errors"]) == {"name"}
    assert "does not exist" in (await call(house, "GET", "/v2/heartbeats/nobody", status=404))["message"]
    for method, path in (("PATCH", "nobody"), ("DELETE", "nobody"), ("POST", "nobody/enable")):
        await call(house, method, f"/v2/heartbeats/{path}", {}, 404)
    await call(house, "POST", "/v2/heartbeats/nobody", status=405)
    await call(house, "POST", "/v2/heartbeats", [], 400)
    answer = await house.client.get("/v2/heartbeats/backup/ping")
    assert (answer.status_code, answer.json()["message"]) == (401, "Could not authenticate")
    assert (await genie(house, "GET", PATH, key=OTHER)).status_code == 404, "another key's are others"
    await genie(house, "GET", "/v2/heartbeats/x/ping", key=SLOW_GENIE)
    slow = await genie(house, "GET", "/v2/heartbeats/x/ping", key=SLOW_GENIE)
    assert (slow.status_code, slow.headers["x-ratelimit-state"]) == (429, "THROTTLED")
    large = b'{"name": "' + b"x" * 600_000 + b'"}'
    headers = {"Authorization": f"GenieKey {GENIE}"}
    assert (await house.client.post("/v2/heartbeats", content=large, headers=headers)).status_code == 413


async def test_a_ping_of_an_unknown_name_is_answered_as_opsgenie_does_and_makes_nothing(house: House) -> None:
    await call(house, "GET", "/v2/heartbeats/nobody/ping", status=202)
    assert (await call(house, "GET", "/v2/heartbeats"))["data"] == {"heartbeats": []}


async def test_the_heartbeats_of_callers_stay_when_the_configuration_is_taken_in_anew(house: House) -> None:
    await call(house, "POST", "/v2/heartbeats", {**BACKUP, "name": "genie"}, 201)
    body = {"id": "agent", "name": "Agent", "source": "heartbeat", "options": {}}
    assert (await house.call("POST", "/v1/integrations", json=body)).status_code == 201
    assert (await call(house, "GET", "/v2/heartbeats/genie"))["data"]["name"] == "genie"


@FEW
@given(
    name=st.text(max_size=20),
    action=st.sampled_from(["", "/ping", "/enable", "/disable", "/x"]),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    body=st.fixed_dictionaries({}, optional=dict.fromkeys(BACKUP, JSON)) | JSON,
    escaped=st.booleans(),
)
async def test_no_call_is_an_error_of_ours(
    house: House, *, name: str, action: str, method: str, body: Any, escaped: bool
) -> None:
    written = quote(name.encode("utf-8", "replace"), safe="" if escaped else "/")
    for path in (f"/v2/heartbeats/{written}{action}", "/v2/heartbeats"):
        asks = {"name": name, "interval": 1, "intervalUnit": "hours", **body} if isinstance(body, dict) else body
        headers = {"Authorization": f"GenieKey {GENIE}"}
        response = await house.client.request(method, path, content=json.dumps(asks).encode(), headers=headers)
        assert response.status_code < 500, response.text
        assert path == "/v2/heartbeats" or "requestId" in response.json()
