import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.intake.sources.native_page import EXAMPLES
from tests.integration.intake_support import ALERTS, NATIVE, NOW, OPERATOR, House, intake
from tests.unit.intake.support import sample


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as made:
        yield made


async def test_each_alert_of_an_alertmanager_body_is_committed_as_a_trigger_before_202(house: House) -> None:
    response = await house.post_alerts(sample("alertmanager/mixed"))
    assert response.status_code == 202
    told = response.json()
    assert [(t["dedup_key"], t["status"]) for t in told["triggers"]] == [
        ("a4c1e2d3b5f60701", "firing"),
        ("a4c1e2d3b5f60702", "resolved"),
        ("a4c1e2d3b5f60703", "firing"),
    ]
    events = await house.events()
    assert [event["trigger_id"] for event in events] == [t["trigger_id"] for t in told["triggers"]]
    assert {event["type"] for event in events} == {"tocsin.trigger.received.v1"}
    assert {event["delivery_id"] for event in events} == {told["delivery_id"]}
    assert events[0]["integration_id"] == "alertmanager"
    assert events[0]["received_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert events[0]["service"] == "documents"


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
async def test_each_of_the_five_kinds_is_taken_in_the_native_shape(house: House, kind: str) -> None:
    response = await house.post_triggers(EXAMPLES[kind])
    assert response.status_code == 202
    (event,) = await house.events()
    assert (event["kind"], event["title"]) == (kind, EXAMPLES[kind]["title"])


async def test_an_array_of_triggers_is_committed_in_its_order(house: House) -> None:
    response = await house.post_triggers([EXAMPLES["tool"], EXAMPLES["ticket"], EXAMPLES["telemetry"]])
    assert response.status_code == 202
    assert [event["kind"] for event in await house.events()] == ["tool", "ticket", "telemetry"]


async def test_the_key_may_come_in_a_header_of_its_own(house: House) -> None:
    body = json.dumps(EXAMPLES["telemetry"])
    for path in ("/v1/triggers", "/v1/hooks/native"):
        response = await house.client.post(path, content=body, headers={"X-Tocsin-Key": NATIVE})
        assert response.status_code == 202
    assert len(await house.events()) == 2


async def test_the_raw_body_is_kept_byte_for_byte_and_its_credentials_are_not(house: House) -> None:
    body = json.dumps(EXAMPLES["telemetry"], indent=3).encode() + b"\n\n"
    headers = {"Authorization": f"Bearer {NATIVE}", "X-Api-Key": "hush", "User-Agent": "cron/7"}
    response = await house.client.post("/v1/triggers", content=body, headers=headers)
    (row,) = await house.rows("SELECT * FROM deliveries")
    assert str(row["id"]) == response.json()["delivery_id"]
    assert row["body"] == body
    assert row["headers"]["user-agent"] == "cron/7"
    assert NATIVE not in json.dumps(row["headers"])
    assert "hush" not in json.dumps(row["headers"])


async def test_a_body_that_cannot_be_read_is_kept_told_of_and_answered_with_what_to_change(house: House) -> None:
    body = b'{"version": "4", "alerts": [\x00\xff'
    response = await house.post_alerts(body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["reason"] == "invalid-encoding"
    assert "kept" in problem["detail"]
    (row,) = await house.rows("SELECT q.*, d.body FROM quarantine q JOIN deliveries d ON d.id = q.delivery_id")
    assert str(row["id"]) == problem["quarantine_id"]
    assert row["body"] == body
    (event,) = await house.events()
    assert event["type"] == "tocsin.trigger.quarantined.v1"
    assert (event["reason"], event["delivery_id"]) == ("invalid-encoding", problem["delivery_id"])


async def test_a_wrong_field_is_422_and_named_by_its_pointer(house: House) -> None:
    response = await house.post_triggers({**EXAMPLES["tool"], "state": "sideways"})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["#/state"]
    assert len(await house.rows("SELECT * FROM quarantine")) == 1


async def test_the_good_alerts_of_a_partly_broken_body_count_and_the_body_is_kept_for_the_rest(house: House) -> None:
    response = await house.post_alerts(sample("alertmanager/one_of_three_broken"))
    assert response.status_code == 202
    told = response.json()
    assert len(told["triggers"]) == 2
    assert [problem["pointer"] for problem in told["problems"]] == ["#/alerts/1/labels"]
    assert [event["type"] for event in await house.events()] == [
        "tocsin.trigger.received.v1",
        "tocsin.trigger.received.v1",
        "tocsin.trigger.quarantined.v1",
    ]
    (row,) = await house.rows("SELECT * FROM quarantine")
    assert (str(row["id"]), row["triggers"]) == (told["quarantine_id"], 2)


async def test_a_group_without_alerts_is_understood_and_opens_nothing(house: House) -> None:
    response = await house.post_alerts(sample("alertmanager/empty_group"))
    assert (response.status_code, response.json()["triggers"]) == (202, [])
    assert await house.events() == []
    assert len(await house.rows("SELECT * FROM deliveries")) == 1


async def test_a_ticket_below_p1_opens_nothing_and_the_answer_says_why(house: House) -> None:
    response = await house.post_triggers({**EXAMPLES["ticket"], "priority": "P2"})
    assert response.status_code == 202
    assert [ignored["reason"] for ignored in response.json()["ignored"]] == ["not-p1"]
    assert await house.events() == []


async def test_the_same_bytes_again_are_a_normal_repeat_with_the_same_dedup_key(house: House) -> None:
    first = await house.post_alerts(sample("alertmanager/firing"))
    second = await house.post_alerts(sample("alertmanager/firing"))
    assert (first.status_code, second.status_code) == (202, 202)
    keys = [event["dedup_key"] for event in await house.events()]
    assert keys == ["a4c1e2d3b5f60701"] * 2
    assert first.json()["delivery_id"] != second.json()["delivery_id"]


async def test_nul_characters_reach_neither_the_events_nor_stop_the_commit(house: House) -> None:
    odd = {"title": "a\x00b", "description": "the words \\u0000 are none", "labels": {"k\x00": "v\x00"}}
    response = await house.post_triggers({**EXAMPLES["telemetry"], **odd})
    assert response.status_code == 202
    (event,) = await house.events()
    assert event["title"] == "a␀b"
    assert event["description"] == "the words \\u0000 are none"
    assert event["labels"] == {"k␀": "v␀"}


async def test_any_media_type_is_read_as_json(house: House) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
        headers = {"Content-Type": media_type}
        path = f"/v1/hooks/alertmanager/{ALERTS}"
        response = await house.client.post(path, content=sample("alertmanager/firing"), headers=headers)
        assert response.status_code == 202


@pytest.mark.parametrize("key", ["nobodyknowsthis1nobodyknowsthis1", "short", ALERTS[:8] + "x" * 24])
async def test_a_key_that_nobody_has_is_401_and_nothing_is_kept(house: House, key: str) -> None:
    response = await house.post_alerts(sample("alertmanager/firing"), key)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-type"] == "application/problem+json"
    assert key not in response.text
    assert await house.rows("SELECT * FROM deliveries") == []


async def test_without_a_key_the_answer_says_how_to_send_one(house: House) -> None:
    response = await house.client.post("/v1/triggers", json=EXAMPLES["tool"])
    assert response.status_code == 401
    assert "Authorization" in response.json()["detail"]


async def test_a_key_of_another_source_is_403_and_the_answer_names_the_source_alone(house: House) -> None:
    response = await house.post_alerts(sample("alertmanager/firing"), NATIVE)
    assert response.status_code == 403
    assert "source native" in response.json()["detail"]
    assert "monitoring" not in response.text.lower()
    other = await house.post_triggers(EXAMPLES["tool"], ALERTS)
    assert other.status_code == 403
    assert "/v1/hooks/alertmanager" in other.json()["detail"]


async def test_an_unknown_source_is_404_and_the_answer_says_which_there_are(house: House) -> None:
    response = await house.client.post(f"/v1/hooks/carrier-pigeon/{ALERTS}", content=b"{}")
    assert response.status_code == 404
    assert all(name in response.json()["detail"] for name in ("alertmanager", "native"))


async def test_a_body_over_the_limit_is_413(house: House) -> None:
    response = await house.post_triggers(b'{"title": "' + b"x" * (1024 * 1024) + b'"}')
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_body_of_a_thousand_alerts_is_taken_whole(house: House) -> None:
    alerts = [{"status": "firing", "fingerprint": f"f{n}", "labels": {"alertname": "Many"}} for n in range(1000)]
    response = await house.post_alerts({"version": "4", "groupKey": "g", "alerts": alerts})
    assert response.status_code == 202
    assert len(response.json()["triggers"]) == 1000
    assert [event["dedup_key"] for event in await house.events()] == [f"f{n}" for n in range(1000)]


async def test_an_operator_sees_what_is_in_quarantine_with_its_body(house: House) -> None:
    problem = (await house.post_alerts(b'{"alerts": 7}')).json()
    await house.post_alerts(b"\xff\x00")
    page = (await house.call("GET", "/v1/quarantine?limit=1", OPERATOR)).json()
    assert [entry["reason"] for entry in page["quarantine"]] == ["invalid-encoding"]
    older = (await house.call("GET", f"/v1/quarantine?limit=1&cursor={page['next_cursor']}", OPERATOR)).json()
    assert [entry["id"] for entry in older["quarantine"]] == [problem["quarantine_id"]]
    assert older["next_cursor"] is None
    detail = (await house.call("GET", f"/v1/quarantine/{problem['quarantine_id']}", OPERATOR)).json()
    assert (detail["delivery"]["body"], detail["delivery"]["encoding"]) == ('{"alerts": 7}', "utf-8")
    assert detail["problems"][0]["pointer"] == "#/alerts"
    newest = page["quarantine"][0]["delivery_id"]
    assert (await house.call("GET", f"/v1/deliveries/{newest}", OPERATOR)).json()["encoding"] == "base64"
    raw = await house.call("GET", f"/v1/deliveries/{newest}/body", OPERATOR)
    assert raw.content == b"\xff\x00"
    assert raw.headers["content-disposition"].startswith("attachment")


async def test_bodies_that_were_damaged_on_their_way_are_answered_and_never_lost(house: House) -> None:
    chance = random.Random(20260302)
    originals = [sample("alertmanager/mixed"), json.dumps(EXAMPLES["maintenance"]).encode()]
    for _ in range(150):
        body = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(body))
            body[at : at + chance.randint(0, 4)] = chance.choice(
                [b"", b"\x00", b"\xff", b"\\u0000", b"{", b"9e999", b'"']
            )
        alerts = chance.random() < 0.5
        response = await (house.post_alerts(bytes(body)) if alerts else house.post_triggers(bytes(body)))
        assert response.status_code in {202, 400, 422}, response.text
    assert len(await house.rows("SELECT id FROM deliveries")) == 150
