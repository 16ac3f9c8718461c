"""Signed bodies, repeated deliveries and limits, through the front door."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import event

from libs.common.chance import Chance
from services.intake.__main__ import build
from services.intake.handlers.keep import drop_old
from services.intake.settings import IntakeSettings
from services.intake.sources.registry import all_sources
from tests.integration.intake_support import NOW, House, intake, no_database

CONFIG = """
integrations:
  - {id: sentry, name: Sentry, source: sentry, key: {file: FOLDER/sentry.key}, options: {verify: {scheme: sentry, secrets: [
      {file: FOLDER/new.secret}, {file: FOLDER/old.secret}]}}}
  - {id: zendesk, name: Zendesk, source: zendesk, key: {file: FOLDER/zendesk.key}, options: {verify: {scheme: zendesk, secrets: [
      {file: FOLDER/new.secret}]}}}
  - {id: unset, name: Unset, source: jira, key: {file: FOLDER/jira.key}, options: {verify: {scheme: jira, secrets: [
      {env: TOCSIN_TEST_SECRET_THAT_IS_NOT_SET}]}}}
  - {id: grafana, name: Grafana, source: grafana, key: {file: FOLDER/grafana.key}, options: {verify: {scheme: grafana, secrets: [
      {file: FOLDER/new.secret}]}}}
  - {id: pd, name: P, source: pagerduty, key: {file: FOLDER/pagerduty.key}, options: {verify: {scheme: github, secrets: [
      {file: FOLDER/new.secret}]}}}
  - {id: og, name: O, source: opsgenie, key: {file: FOLDER/opsgenie.key}, options: {verify: {scheme: github, secrets: [
      {file: FOLDER/new.secret}]}}}
  - {id: ping, name: Ping, source: heartbeat, key: {file: FOLDER/heartbeat.key}, options: {verify: {scheme: standard-webhooks, secrets: [
      {file: FOLDER/standard.secret}]}}}
  - {id: alertmanager, name: A, source: alertmanager, key: {file: FOLDER/alertmanager.key}, options: {rate_limit: 2}}
  - {id: native, name: N, source: native, key: {file: FOLDER/native2.key}, options: {rate_limit: 2}}
"""


def key_of(source: str) -> str:
    return (source + "1" * 32)[:32]


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    for source in ("sentry", "zendesk", "jira", "alertmanager", "grafana", "heartbeat", "pagerduty", "opsgenie"):
        (tmp_path / f"{source}.key").write_text(key_of(source))
    (tmp_path / "native2.key").write_text(key_of("native"))
    (tmp_path / "new.secret").write_text("new-secret\n")
    (tmp_path / "standard.secret").write_text("whsec_bmV3")
    (tmp_path / "old.secret").write_text("old-secret\n")
    (tmp_path / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    async with intake(database_url, tmp_path) as made:
        yield made


def example(source: str) -> bytes:
    return json.dumps(all_sources()[source].example).encode()


async def post(house: House, source: str, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await house.client.post(f"/v1/hooks/{source}/{key_of(source)}", content=body, headers=named)


def sentrys(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


@pytest.mark.parametrize("secret", ["new-secret", "old-secret"])
async def test_a_body_signed_with_the_new_or_the_old_secret_is_taken(house: House, secret: str) -> None:
    body = example("sentry")
    response = await post(house, "sentry", body, sentry_hook_signature=sentrys(body, secret))
    assert response.status_code == 202
    assert len(await house.events()) == 1


async def test_a_body_that_is_not_signed_or_was_changed_is_refused_and_not_kept(house: House) -> None:
    body = example("sentry")
    spaced = json.dumps(json.loads(body), indent=1).encode()
    answers = [
        await post(house, "sentry", body),
        await post(house, "sentry", body, sentry_hook_signature=sentrys(body, "other")),
        await post(house, "sentry", spaced, sentry_hook_signature=sentrys(body, "new-secret")),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert await house.rows("SELECT 1 FROM deliveries") == []


async def test_a_delivery_that_comes_again_is_answered_and_not_taken_twice(house: House) -> None:
    body = example("sentry")
    headers: dict[str, Any] = {"sentry_hook_signature": sentrys(body, "new-secret"), "request_id": "r-1"}
    first, second = await post(house, "sentry", body, **headers), await post(house, "sentry", body, **headers)
    other = await post(house, "sentry", body, **headers | {"request_id": "r-2"})
    assert [answer.status_code for answer in (first, second, other)] == [202, 200, 202]
    assert second.json()["ignored"][0]["reason"] == "repeated"
    assert len(await house.events()) == 2


@asynccontextmanager
async def second_replica(house: House, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another intake on the same database."""
    settings = IntakeSettings(database_url=SecretStr(database_url), config_dir=house.folder)
    service = await build(settings, clock=house.clock, chance=Chance(8))
    await service.start()
    try:
        transport = httpx.ASGITransport(app=service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://second") as client:
            yield client
    finally:
        await service.stop()


async def test_what_one_replica_took_another_does_not_take_again(house: House, database_url: str) -> None:
    body, path = example("sentry"), f"/v1/hooks/sentry/{key_of('sentry')}"
    signature = sentrys(body, "new-secret")
    async with second_replica(house, database_url) as other:

        async def both(name: str) -> list[int]:
            """The statuses of the same delivery to both at once."""
            headers = {"Sentry-Hook-Signature": signature, "Request-ID": name}
            posts = [one.post(path, content=body, headers=headers) for one in (house.client, other)]
            return sorted(answer.status_code for answer in await asyncio.gather(*posts))

        assert (await post(house, "sentry", body, sentry_hook_signature=signature, request_id="r")).status_code == 202
        assert await both("r") == [200, 200]
        for number in range(5):
            assert await both(f"r-{number}") == [200, 202]
    assert len(await house.rows("SELECT 1 FROM deliveries")) == 6
    assert len(await house.rows("SELECT 1 FROM triggers")) == 6


async def test_a_delivery_that_could_not_be_committed_is_not_remembered(house: House) -> None:
    body = example("sentry")
    headers: dict[str, str] = {"sentry_hook_signature": sentrys(body, "new-secret"), "request_id": "r-1"}
    await post(house, "sentry", body, **headers | {"request_id": "before"})
    async with no_database(house):
        assert (await post(house, "sentry", body, **headers)).status_code == 503
    assert (await post(house, "sentry", body, **headers)).status_code == 202
    assert (await post(house, "sentry", body, **headers)).status_code == 200


async def test_one_that_was_refused_may_come_again(house: House) -> None:
    """Somebody may have mended the integration meanwhile."""
    body = b'{"nothing": "that sentry sends"}'
    headers: dict[str, str] = {"sentry_hook_signature": sentrys(body, "new-secret"), "request_id": "r-1"}
    statuses = [(await post(house, "sentry", body, **headers)).status_code for _ in range(2)]
    assert (statuses, len(await house.rows("SELECT 1 FROM quarantine"))) == ([422, 422], 2)


async def test_what_is_known_of_signed_deliveries_goes_with_the_bodies_and_others_leave_nothing(house: House) -> None:
    body = example("sentry")
    long = "r" * 5_000
    headers: dict[str, str] = {"sentry_hook_signature": sentrys(body, "new-secret"), "request_id": long}
    await post(house, "native", example("native"))
    await post(house, "sentry", body, sentry_hook_signature=headers["sentry_hook_signature"])
    assert await house.rows("SELECT 1 FROM signed_deliveries") == [], "neither says what it would be known by"
    await post(house, "sentry", body, **headers)
    assert (await post(house, "sentry", body, **headers)).status_code == 200
    house.clock.advance(timedelta(days=29))
    async with house.uow.begin() as tx:
        await drop_old(tx, timedelta(days=30))
    assert (await post(house, "sentry", body, **headers)).status_code == 200
    house.clock.advance(timedelta(days=2))
    async with house.uow.begin() as tx:
        await drop_old(tx, timedelta(days=30))
    assert await house.rows("SELECT 1 FROM signed_deliveries") == []


async def test_who_signs_nothing_pays_for_nothing(house: House) -> None:
    said: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    engine = house.uow.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await post(house, "native", example("native"))
    wrote = [one.split()[2] for one in said if one.startswith("INSERT")]
    assert wrote == ["deliveries", "triggers", "outbox"]
    body = example("sentry")
    await post(house, "sentry", body, sentry_hook_signature=sentrys(body, "new-secret"), request_id="r-1")
    assert sum("signed_deliveries" in one for one in said) == 1, "who does pays one statement"


async def test_a_recorded_delivery_of_a_sender_that_signs_the_time_alone_is_not_taken_again(house: House) -> None:
    body, stamp = example("grafana"), str(int(NOW.timestamp()))
    signature = hmac.new(b"new-secret", f"{stamp}:".encode() + body, "sha256").hexdigest()
    headers = {"x_grafana_alerting_signature": signature, "x_grafana_alerting_signature_timestamp": stamp}
    statuses = [(await post(house, "grafana", body, **headers)).status_code for _ in range(2)]
    later = str(int(NOW.timestamp()) + 1)
    signature = hmac.new(b"new-secret", f"{later}:".encode() + body, "sha256").hexdigest()
    fresh = {"x_grafana_alerting_signature": signature, "x_grafana_alerting_signature_timestamp": later}
    statuses.append((await post(house, "grafana", body, **fresh)).status_code)
    assert statuses == [202, 200, 202]


@pytest.mark.parametrize("path", ["/v2/enqueue", "/v2/alerts"])
async def test_a_recorded_call_of_a_drop_in_api_is_answered_and_not_taken_again(house: House, path: str) -> None:
    payload = {"summary": "Stuck", "source": "queue", "severity": "error"}
    source = "pagerduty" if path == "/v2/enqueue" else "opsgenie"
    event = {"event_action": "trigger", "dedup_key": "q", "payload": payload, "message": "Stuck", "alias": "q"}
    body = json.dumps(event).encode()
    headers = {
        "X-Routing-Key": key_of(source),
        "Authorization": f"GenieKey {key_of(source)}",
        "X-Hub-Signature-256": "sha256=" + sentrys(body, "new-secret"),
    }
    statuses = []
    for name in ("d-1", "d-1", "d-2"):
        answer = await house.client.post(path, content=body, headers=headers | {"X-GitHub-Delivery": name})
        statuses.append((answer.status_code, answer.json().get("dedup_key", "q")))
    assert statuses == [(202, "q")] * 3
    assert len(await house.events()) == 2
    unsigned = {name: value for name, value in headers.items() if name != "X-Hub-Signature-256"}
    assert (await house.client.post(path, content=body, headers=unsigned)).status_code in (400, 401)


async def test_a_recorded_ping_is_no_sign_of_life(house: House) -> None:
    now = NOW.timestamp()

    def signed(at: float) -> dict[str, str]:
        text = f"m-{at:.0f}.{at:.0f}.".encode()
        given = base64.b64encode(hmac.new(base64.b64decode("bmV3"), text, "sha256").digest()).decode()
        return {"webhook_id": f"m-{at:.0f}", "webhook_timestamp": f"{at:.0f}", "webhook_signature": f"v1,{given}"}

    assert (await post(house, "heartbeat", b"")).status_code == 401
    first = await post(house, "heartbeat", b"", **signed(now))
    house.clock.advance(timedelta(minutes=1))
    again = await post(house, "heartbeat", b"", **signed(now))
    fresh = await post(house, "heartbeat", b"", **signed(now + 60))
    assert [answer.status_code for answer in (first, again, fresh)] == [200] * 3
    assert first.json()["last_at"] == again.json()["last_at"] < fresh.json()["last_at"]


async def test_a_ping_of_opsgenies_by_get_is_signed_too_and_counts_once(house: House) -> None:
    genie = {"Authorization": f"GenieKey {key_of('opsgenie')}"}

    def signed(body: bytes, name: str) -> dict[str, str]:
        return genie | {"X-Hub-Signature-256": "sha256=" + sentrys(body, "new-secret"), "X-GitHub-Delivery": name}

    body = json.dumps({"name": "backup", "interval": 10, "intervalUnit": "minutes"}).encode()
    made = [await house.client.post("/v2/heartbeats", content=body, headers=signed(body, "make")) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 409]
    ping = "/v2/heartbeats/backup/ping"
    assert (await house.client.get(ping, headers=genie)).status_code == 401
    assert (await house.client.get("/v2/heartbeats/backup", headers=genie)).json()["data"]["lastPingTime"] is None
    seen = []
    for name in ("p-1", "p-1", "p-2"):
        answer = await house.client.get(ping, headers=signed(b"", name))
        assert (answer.status_code, answer.json()["result"]) == (202, "PONG - Heartbeat received")
        shown = await house.client.get("/v2/heartbeats/backup", headers=genie)
        seen.append(shown.json()["data"]["lastPingTime"])
        house.clock.advance(timedelta(minutes=1))
    assert seen[0] == seen[1] < seen[2]
    off = "/v2/heartbeats/backup/disable"
    assert (await house.client.post(off, headers=genie)).status_code == 401
    statuses = [(await house.client.post(off, headers=signed(b"", "off"))).status_code for _ in range(2)]
    assert statuses == [200, 409]


def zendesks(body: bytes, at: datetime) -> dict[str, str]:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    given = base64.b64encode(hmac.new(b"new-secret", stamp.encode() + body, "sha256").digest()).decode()
    return {"x_zendesk_webhook_signature": given, "x_zendesk_webhook_signature_timestamp": stamp}


@pytest.mark.parametrize(("minutes", "status"), [(0, 202), (-4, 202), (4, 202), (-6, 401), (6, 401)])
async def test_a_signed_time_counts_for_five_minutes(house: House, minutes: int, status: int) -> None:
    body = example("zendesk")
    response = await post(house, "zendesk", body, **zendesks(body, NOW + timedelta(minutes=minutes)))
    assert response.status_code == status


async def test_without_its_secret_a_signed_integration_takes_nothing_and_the_sender_comes_back(house: House) -> None:
    response = await post(house, "jira", example("jira"))
    assert response.status_code == 503
    assert response.json()["type"].endswith("secret-missing")


@pytest.mark.parametrize(("source", "status"), [("alertmanager", 503), ("native", 429)])
async def test_too_many_bodies_with_a_key_are_answered_as_their_sender_expects(
    house: House, source: str, status: int
) -> None:
    answers = [await post(house, source, example(source)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, status]
    assert answers[-1].headers["retry-after"] == "30"
    assert len(await house.rows("SELECT 1 FROM deliveries")) == 2
    house.clock.advance(timedelta(seconds=30))
    assert (await post(house, source, example(source))).status_code == 202
    assert (await post(house, "zendesk", b"{}")).status_code == 401
