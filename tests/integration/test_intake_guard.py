"""Signed bodies, repeated deliveries and limits, through the front door."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.intake.sources.registry import all_sources
from tests.integration.intake_support import NOW, House, intake

CONFIG = """
integrations:
  - {id: sentry, name: Sentry, source: sentry, key: {file: FOLDER/sentry.key}, options: {verify: {scheme: sentry, secrets: [
      {file: FOLDER/new.secret}, {file: FOLDER/old.secret}]}}}
  - {id: zendesk, name: Zendesk, source: zendesk, key: {file: FOLDER/zendesk.key}, options: {verify: {scheme: zendesk, secrets: [
      {file: FOLDER/new.secret}]}}}
  - {id: unset, name: Unset, source: jira, key: {file: FOLDER/jira.key}, options: {verify: {scheme: jira, secrets: [
      {env: TOCSIN_TEST_SECRET_THAT_IS_NOT_SET}]}}}
  - {id: alertmanager, name: A, source: alertmanager, key: {file: FOLDER/alertmanager.key}, options: {rate_limit: 2}}
  - {id: native, name: N, source: native, key: {file: FOLDER/native2.key}, options: {rate_limit: 2}}
"""


def key_of(source: str) -> str:
    return (source + "1" * 32)[:32]


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    for source in ("sentry", "zendesk", "jira", "alertmanager"):
        (tmp_path / f"{source}.key").write_text(key_of(source))
    (tmp_path / "native2.key").write_text(key_of("native"))
    (tmp_path / "new.secret").write_text("new-secret\n")
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
