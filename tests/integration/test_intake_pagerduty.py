"""PagerDuty's Events API, as its callers know it."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.drop_in_support import GENIE, ROUTING, SLOW, drop_in, told
from tests.integration.intake_support import House, no_database

V1 = "/generic/2010-04-15/create_event.json"
PAYLOAD = {"summary": "The disk of srv01 is full", "source": "srv01", "severity": "critical"}
INVALID = {"status": "invalid event", "message": "Event object is invalid"}
THROTTLED = {
    "status": "throttle exceeded",
    "message": "Requests for this service are arriving too quickly. Please retry later.",
}


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with drop_in(database_url, tmp_path) as made:
        yield made


async def post(house: House, body: object, path: str = "/v2/enqueue", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await house.client.post(path, content=content, headers={"Content-Type": "application/json", **names})


def event(action: str = "trigger", **more: Any) -> dict[str, Any]:
    body = {"routing_key": ROUTING, "event_action": action, "dedup_key": "srv01/disk", **more}
    return {**body, "payload": PAYLOAD} if action == "trigger" and "payload" not in more else body


async def test_an_alert_fires_is_acknowledged_and_resolves_and_each_answer_names_its_key(house: House) -> None:
    for action in ("trigger", "acknowledge", "resolve"):
        response = await post(house, event(action), "/v2/enqueue/" if action == "acknowledge" else "/v2/enqueue")
        assert response.status_code == 202
        assert response.json() == {"status": "success", "message": "Event processed", "dedup_key": "srv01/disk"}
    assert await told(house) == [
        ("srv01/disk", "firing"),
        ("srv01/disk", "acknowledged"),
        ("srv01/disk", "resolved"),
    ]


async def test_a_trigger_without_a_key_is_given_one_that_no_other_has(house: House) -> None:
    body = event()
    del body["dedup_key"]
    keys = [(await post(house, body)).json()["dedup_key"] for _ in range(2)]
    assert await told(house) == [(keys[0], "firing"), (keys[1], "firing")]
    assert keys[0] != keys[1]
    [kept, _] = await house.rows("SELECT headers FROM deliveries ORDER BY id")
    assert kept["headers"]["x-tocsin-alias"] == keys[0], "what is replayed gets the same key"


async def test_the_key_may_come_as_a_header_and_its_secret_part_is_never_kept(house: House) -> None:
    body = event()
    del body["routing_key"]
    assert (await post(house, body, X_Routing_Key=ROUTING)).status_code == 202
    escaped = json.dumps(event()).replace(ROUTING, "".join(f"\\u{ord(letter):04x}" for letter in ROUTING))
    for one in (json.dumps(event()).encode(), escaped.encode()):
        assert (await post(house, one)).status_code == 202
    kept = await house.rows("SELECT body, headers FROM deliveries ORDER BY id")
    assert len(kept) == 3
    for row in kept:
        assert ROUTING[8:].encode() not in row["body"]
        assert "\\u0070" not in row["body"].decode()
        assert not any(ROUTING in value for value in row["headers"].values())


@pytest.mark.parametrize("path", ["/v2/change/enqueue", "/v2/change/enqueue/"])
async def test_a_change_is_kept_and_opens_nothing(house: House, path: str) -> None:
    body = {"routing_key": ROUTING, "payload": {"summary": "Build 220", "source": "ci"}}
    response = await post(house, body, path)
    assert (response.status_code, response.json()) == (
        202,
        {"status": "success", "message": "Change event processed"},
    )
    assert await told(house) == []
    [kept] = await house.rows("SELECT triggers, body FROM deliveries")
    assert (kept["triggers"], json.loads(kept["body"])["payload"]["summary"]) == (0, "Build 220")


async def test_the_first_version_of_the_api_answers_as_it_did(house: House) -> None:
    body = {"service_key": ROUTING, "event_type": "trigger", "description": "FAILURE", "details": {"ping": "1500ms"}}
    response = await post(house, body, V1)
    assert response.status_code == 200
    key = response.json()["incident_key"]
    assert response.json() == {"status": "success", "message": "Event processed", "incident_key": key}
    body = {"service_key": ROUTING, "event_type": "resolve", "incident_key": key}
    assert (await post(house, body, V1)).status_code == 200
    assert await told(house) == [(key, "firing"), (key, "resolved")]


async def test_what_alertmanager_leaves_empty_and_sends_too_much_is_taken(house: House) -> None:
    assert (await post(house, event(payload={**PAYLOAD, "summary": ""}))).status_code == 202
    assert (await post(house, event("resolve", payload=PAYLOAD))).status_code == 202
    assert (await post(house, event(payload={**PAYLOAD, "summary": "x" * 2_000}))).status_code == 202
    first, second, third = await house.events()
    assert (first["title"], second["status"], len(third["title"])) == ("srv01/disk", "resolved", 300)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"event_action": None}, "'event_action' is missing or blank"),
        ({"payload": None}, "'payload' is missing or blank"),
        ({"payload": {"source": "srv01", "severity": "info"}}, "'payload.summary' is missing or blank"),
        ({"payload": {**PAYLOAD, "source": " "}}, "'payload.source' is missing or blank"),
        ({"payload": {**PAYLOAD, "severity": None}}, "'payload.severity' is missing or blank"),
        (
            {"payload": {**PAYLOAD, "severity": "urgent"}},
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
        ),
        ({"event_action": "resolve", "dedup_key": ""}, "'dedup_key' is missing or blank"),
        (
            {"dedup_key": "k" * 256},
            "Length of 'dedup_key' is incorrect (should be less than or equal to 255 characters)",
        ),
        (
            {"event_action": "fire"},
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')",
        ),
    ],
)
async def test_an_event_that_breaks_a_rule_is_refused_in_pagerdutys_words_and_kept(
    house: House, change: dict[str, Any], error: str
) -> None:
    response = await post(house, {**event(), **change})
    assert (response.status_code, response.json()) == (400, {**INVALID, "errors": [error]})
    assert await told(house) == [("", "quarantined")]
    [row] = await house.rows("SELECT detail FROM quarantine")
    assert error in row["detail"]


@pytest.mark.parametrize("path", ["/v2/enqueue", "/v2/change/enqueue/"])
async def test_a_method_that_there_is_not_is_refused_in_pagerdutys_words(house: House, path: str) -> None:
    response = await house.client.request("GET", path)
    assert (response.status_code, response.json()) == (405, {**INVALID, "errors": ["Only POST is supported here."]})


@pytest.mark.parametrize("body", [b'{"routing_key": "%s", ' % ROUTING.encode(), b"[1]", b""])
async def test_what_is_no_json_is_unrecognized_and_kept_where_the_sender_is_known(house: House, body: bytes) -> None:
    response = await post(house, body, X_Routing_Key=ROUTING)
    assert response.status_code == 400
    assert response.json() == {
        "status": "Unrecognized object",
        "message": "Event object format is unrecognized",
        "errors": ["JSON parse error"],
    }
    assert len(await house.rows("SELECT 1 FROM quarantine")) == 1


async def test_a_broken_body_is_kept_by_the_key_that_can_be_found_in_it(house: House) -> None:
    assert (await post(house, json.dumps(event()).encode()[:-1])).status_code == 400
    [row] = await house.rows("SELECT integration_id FROM quarantine")
    assert row["integration_id"] == "pager"


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("", "'routing_key' is missing or blank"),
        ("short", "Length of 'routing_key' is incorrect (should be 32 characters)"),
        ("z" * 32, "Invalid routing key"),
        (GENIE, "This key is of an integration of the source opsgenie"),
    ],
)
async def test_a_key_that_is_not_good_is_400_as_at_pagerduty_and_nothing_is_kept(
    house: House, key: str, error: str
) -> None:
    response = await post(house, {**event(), "routing_key": key})
    assert response.status_code == 400
    assert response.json()["errors"][0].startswith(error)
    assert await house.rows("SELECT 1 FROM deliveries") == []


@pytest.mark.parametrize("kilobytes", [512, 3_000])
async def test_over_512_kilobytes_are_413_however_they_come(house: House, kilobytes: int) -> None:
    body = json.dumps(event(payload={**PAYLOAD, "custom_details": {"log": "x" * kilobytes * 1024}})).encode()

    async def streamed() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    packed = await post(house, gzip.compress(body), Content_Encoding="gzip")
    for response in (
        await post(house, body),
        await house.client.post("/v2/enqueue", content=streamed()),
        packed,
    ):
        assert (response.status_code, response.json()["status"]) == (413, "invalid event")


async def test_too_much_at_once_is_throttled_with_the_code_of_each_version(house: House) -> None:
    await post(house, {**event(), "routing_key": SLOW})
    second = await post(house, {**event(), "routing_key": SLOW})
    assert (second.status_code, second.json()) == (429, THROTTLED)
    assert int(second.headers["retry-after"]) >= 1
    first = await post(house, {"service_key": SLOW, "event_type": "trigger", "description": "x"}, V1)
    assert (first.status_code, first.json()) == (403, THROTTLED)


async def test_without_a_database_nothing_is_accepted_and_the_sender_comes_back(house: House) -> None:
    async with no_database(house):
        response = await post(house, event())
    assert (response.status_code, response.json()["status"]) == (503, "internal error")
    assert "retry-after" in response.headers


async def test_a_compressed_event_is_read_and_kept_unpacked(house: House) -> None:
    assert (await post(house, gzip.compress(json.dumps(event()).encode()), Content_Encoding="gzip")).status_code == 202
    [kept] = await house.rows("SELECT body FROM deliveries")
    assert json.loads(kept["body"])["dedup_key"] == "srv01/disk"
    assert ROUTING[8:].encode() not in kept["body"]
