"""Webhooks of PagerDuty, Opsgenie and tools that know Slack alone, through HTTP."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.integration.drop_in_support import told
from tests.integration.intake_support import House, intake
from tests.unit.intake.support import sample

SECRET = "a secret that PagerDuty shows once"
PAGER, GENIE, SLACK = "pagerwebhook" + "1" * 20, "geniewebhook" + "2" * 20, "slackwebhook" + "3" * 20
CONFIG = """
integrations:
  - id: pager
    name: Pager
    source: pagerduty_webhook
    options: {verify: {scheme: pagerduty, secrets: [{file: FOLDER/secret}]}}
    key: {file: FOLDER/pager.key}
  - {id: genie, name: Genie, source: opsgenie_webhook, key: {file: FOLDER/genie.key}}
  - {id: slack, name: Slack, source: slack, key: {file: FOLDER/slack.key}}
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    for name, value in (("secret", SECRET), ("pager.key", PAGER), ("genie.key", GENIE), ("slack.key", SLACK)):
        (tmp_path / name).write_text(value)
    (tmp_path / "integrations.yaml").write_text(CONFIG.replace("FOLDER", str(tmp_path)))
    async with intake(database_url, tmp_path) as made:
        yield made


async def webhook(house: House, body: bytes, delivery: str, secret: str = SECRET) -> httpx.Response:
    """What PagerDuty posts: signed by two secrets, of which one may be new."""
    mark = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-PagerDuty-Signature": f"v1={'0' * 64},v1={mark}",
        "X-Webhook-Id": delivery,
        "X-Tocsin-Key": PAGER,
        "Content-Type": "application/json",
    }
    return await house.client.post("/v1/hooks/pagerduty_webhook", content=body, headers=headers)


async def test_pagerdutys_incidents_are_followed_once_and_only_where_they_are_signed(house: House) -> None:
    for number, name in enumerate(["acknowledged", "annotated", "resolved"]):
        response = await webhook(house, sample(f"pagerduty_webhook/{name}"), f"delivery-{number}")
        assert response.status_code == 202
    assert (await webhook(house, sample("pagerduty_webhook/resolved"), "delivery-2")).status_code == 200
    assert (await webhook(house, sample("pagerduty_webhook/resolved"), "delivery-3", "another")).status_code == 401
    assert (await webhook(house, sample("pagerduty_webhook/ping"), "delivery-4")).status_code == 200
    assert await told(house) == [("PINC001", "acknowledged"), ("PINC001", "noted"), ("PINC001", "resolved")]


async def test_the_answer_names_what_was_said_of_which_alert(house: House) -> None:
    body = json.loads(sample("opsgenie_webhook/acknowledge"))
    response = await house.client.post(f"/v1/hooks/opsgenie_webhook/{GENIE}", json=body)
    assert response.json()["remarks"] == [{"kind": "acknowledged", "dedup_key": "approvals/queue"}]


async def test_one_body_that_fires_notes_and_ends_is_told_in_this_order(house: House) -> None:
    incident = {"id": "P1", "title": "Queue stuck"}

    def message(kind: str, data: dict[str, Any]) -> dict[str, Any]:
        return {"type": f"incident.{kind}", "data": data}

    body = {
        "messages": [
            message("resolve", {"incident": incident}),
            message("acknowledge", {"incident": incident}),
            message("trigger", {"incident": incident}),
        ]
    }
    await webhook(house, json.dumps(body).encode(), "delivery-1")
    assert await told(house) == [("P1", "firing"), ("P1", "acknowledged"), ("P1", "resolved")]


@pytest.mark.parametrize("form", [False, True])
async def test_a_tool_that_posts_to_slack_reads_ok(house: House, *, form: bool) -> None:
    for status, color in (("FIRING:1", "danger"), ("RESOLVED", "good")):
        body = {"channel": "#ops", "attachments": [{"title": f"[{status}] Queue stuck", "color": color}]}
        posted: dict[str, Any] = {"json": body}
        if form:
            posted = {
                "content": urlencode({"payload": json.dumps(body)}),
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            }
        response = await house.client.post(f"/v1/hooks/slack/{SLACK}", **posted)
        assert (response.status_code, response.text) == (200, "ok")
        assert response.headers["content-type"].startswith("text/plain")
    (first, firing), (second, resolved) = await told(house)
    assert (firing, resolved, first) == ("firing", "resolved", second)


async def test_a_message_to_slack_without_words_is_kept(house: House) -> None:
    assert (await house.client.post(f"/v1/hooks/slack/{SLACK}", json={"text": " "})).status_code == 422
    assert [word for _, word in await told(house)] == ["quarantined"]
