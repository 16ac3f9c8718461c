"""Trying out what Slack posts: the real bodies where a collection of them stands beside the project, held to what its manifest derives."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import yaml

from libs.common.events.deliveries import ReplyReceived
from libs.common.events.directory import PersonChanged
from tests.integration.notifier_desk import SLACK, SLACK_SECRETS, Desk, running_desk
from tests.support.fake_slack import OPS, RAFAEL, STRANGER, command, press, signed
from tests.unit.intake.real_bodies import PAYLOADS
from tests.unit.notifier.requests import NOW, person, request

ROOT = "/v1/callbacks/slack"
[MANIFEST] = re.findall(r"```yaml\n(display_information:.+?)```", Path("docs/slack.md").read_text(), re.DOTALL)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SLACK_SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, SLACK) as running:
        await running.publish(PersonChanged(id="rafael", name="Rafael", slack=(RAFAEL,), at=NOW))
        yield running


async def tried(desk: Desk, path: str, body: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """What the preview says of a body, signed now unless ``headers`` say otherwise."""
    said = signed(body, desk.clock.now()) | (headers or {})
    trial = {"path": f"{ROOT}/{path}", "headers": said, "body": body}
    answer = await desk.http.post("/v1/callbacks/preview", json=trial, headers=await desk.key())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def real(name: str) -> str | None:
    file = PAYLOADS / "slack" / name
    return file.read_text() if file.exists() else None


async def test_a_button_that_was_really_pressed_is_read_as_its_manifest_derives(desk: Desk) -> None:
    body = real("block_actions.txt")
    if body is None:
        return
    payload = json.loads(dict(parse_qsl(body))["payload"])
    [action] = payload["actions"]
    found = await tried(desk, "interactions", body)
    derived = {
        "kind": "press",
        "dedup_key": f"{action['action_ts']}:{payload['user']['id']}",
        "place": payload["channel"]["id"],
        "link": payload["response_url"],
        "address": payload["user"]["id"],
        "words": action["value"],
        "action": None,
    }
    assert {name: found["read"][name] for name in derived} == derived
    assert "'a' with the value 'click_me_123' is none of Tocsin's" in found["read"]["why"]
    assert (found["signature"]["holds"], found["would"]["reason"]) == (True, "nothing_asked")


async def test_the_same_body_with_a_button_of_ours_acts(desk: Desk) -> None:
    body = real("block_actions.txt")
    if body is None:
        return
    await desk.publish(request("page", person("Rafael", ("slack", OPS))))
    [attempt] = await desk.attempts()
    payload = json.loads(dict(parse_qsl(body))["payload"])
    payload["user"]["id"] = RAFAEL
    for name, wanted in (("acknowledge", "acknowledges"), ("resolve", "resolves")):
        payload["actions"][0] |= {"action_id": f"tocsin:{name}", "value": str(attempt.id)}
        found = await tried(desk, "interactions", urlencode({"payload": json.dumps(payload)}))
        assert (found["read"]["action"], found["read"]["attempt"]) == (name, str(attempt.id))
        assert (found["would"]["reason"], found["would"]["incident"]) == (wanted, 12)


async def test_a_command_that_was_really_typed_is_read_as_its_manifest_derives(desk: Desk) -> None:
    body = real("slash_command.txt")
    if body is None:
        return
    form = dict(parse_qsl(body.strip(), keep_blank_values=True))
    found = await tried(desk, "commands", body)
    derived = {
        "kind": "command",
        "dedup_key": form["trigger_id"],
        "place": form["channel_id"],
        "link": form["response_url"],
        "words": form["text"] or None,
        "address": form["user_id"],
        "action": None,
    }
    assert {name: found["read"][name] for name in derived} == derived
    assert (found["signature"]["holds"], found["would"]["reason"]) == (True, "not_understood")


async def test_the_real_handshake_is_one(desk: Desk) -> None:
    body = real("url_verification.json")
    if body is None:
        return
    found = await tried(desk, "events", body, JSON)
    assert (found["read"]["kind"], found["read"]["challenge"]) == ("handshake", json.loads(body)["challenge"])
    assert found["would"]["reason"] == "handshake"
    answer = await desk.http.post(f"{ROOT}/events", content=body, headers=signed(body, desk.clock.now()) | JSON)
    assert answer.json() == {"challenge": json.loads(body)["challenge"]}


async def test_a_preview_foresees_who_may_do_what_and_changes_nothing(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", OPS))))
    [message] = desk.slack.messages
    by_rafael = press(message, "tocsin:acknowledge", RAFAEL, "https://hooks.slack.com/actions/1")
    by_nobody = press(message, "tocsin:acknowledge", STRANGER, "https://hooks.slack.com/actions/1")
    foreseen = [
        ("interactions", by_rafael, "acknowledges", "Incident 12 is acknowledged"),
        ("interactions", by_nobody, "stranger", f"knows nobody by {STRANGER}"),
        ("commands", command("resolve 12", RAFAEL), "resolves", "Incident 12 is resolved"),
        ("commands", command("ack 13", RAFAEL), "not_paged", "for incident 13"),
        ("commands", command("help", STRANGER), "not_understood", "what can be answered"),
    ]
    for path, body, reason, sentence in foreseen:
        found = await tried(desk, path, body)
        assert found["would"]["reason"] == reason
        assert sentence in found["would"]["sentence"]
    await desk.settle()
    assert desk.told(ReplyReceived) == []
    await desk.http.post(f"{ROOT}/interactions", content=by_rafael, headers=signed(by_rafael, desk.clock.now()))
    assert (await tried(desk, "interactions", by_rafael))["would"]["reason"] == "repeat"


async def test_the_app_s_manifest_to_paste_leads_to_addresses_that_there_are(desk: Desk) -> None:
    manifest = yaml.safe_load(MANIFEST)
    [slash] = manifest["features"]["slash_commands"]
    addresses = [slash["url"], manifest["settings"]["interactivity"]["request_url"]]
    routes = desk.service.app.openapi()["paths"]
    for address in addresses:
        assert "post" in routes[urlsplit(address).path]
    assert slash["command"] == "/tocsin"
    assert {"chat:write", "commands", "im:history"} <= set(manifest["oauth_config"]["scopes"]["bot"])


async def test_what_is_wrong_is_said(desk: Desk) -> None:
    body = command("ack", RAFAEL)
    wrong = [
        (signed(body, desk.clock.now(), "guessed"), "is it the app's signing secret?"),
        (signed(body, desk.clock.now().timestamp() - 1200), "It was signed 1200 s from this clock's time"),
        ({"X-Slack-Signature": ""}, "It has no X-Slack-Signature"),
    ]
    for headers, why in wrong:
        found = await tried(desk, "commands", body, headers)
        assert not found["signature"]["holds"]
        assert why in found["signature"]["why"]
        assert found["would"]["sentence"].startswith("Nothing: it would be refused with 403")
    assert (await tried(desk, "interactions", "payload=%7B"))["problem"] == "The payload is no JSON."
