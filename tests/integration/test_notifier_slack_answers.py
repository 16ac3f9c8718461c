"""What people press and type in Slack: who may act, that it happens once, and what the messages say afterwards."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from libs.common.events.deliveries import ReplyReceived
from libs.common.events.directory import PersonChanged
from libs.common.events.notifications import NotificationsWithdrawn
from services.notifier.channels.base import Accepted
from services.notifier.handlers.editing import edited
from tests.integration.notifier_desk import SLACK, SLACK_SECRETS, Desk, running_desk
from tests.support.fake_slack import HELENA, OPS, RAFAEL, STRANGER, Refusal, command, press, signed
from tests.unit.notifier.requests import INCIDENT, NOW, client, incident, person, request

INTERACTIONS = "/v1/callbacks/slack/interactions"
COMMANDS = "/v1/callbacks/slack/commands"
EVENTS = "/v1/callbacks/slack/events"
OTHER = UUID("01936000-0000-7000-8000-00000000000d")
DIRECT = f"D{RAFAEL[1:]}"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SLACK_SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, SLACK) as running:
        await running.publish(
            PersonChanged(id="rafael", name="Rafael", slack=(RAFAEL,), at=NOW),
            PersonChanged(id="helena", name="Helena", slack=(HELENA,), at=NOW),
        )
        yield running


async def post(desk: Desk, path: str, body: str, **changes: Any) -> httpx.Response:
    """Post as Slack does, now by the desk's clock; ``changes`` are of the signing, or headers."""
    headers = signed(body, **({"at": desk.clock.now()} | {k: v for k, v in changes.items() if k in {"at", "secret"}}))
    answer = await desk.http.post(path, content=body, headers={**headers, **changes.get("headers", {})})
    await desk.settle()
    return answer


def button(desk: Desk, conversation: str, action: str, user: str, **changes: str) -> str:
    """The press of a button of the newest message there."""
    message = desk.slack.in_conversation(conversation)[-1]
    return press(message, f"tocsin:{action}", user, f"{desk.slack.url}/actions/T0000001/1/x", **changes)


def shown(desk: Desk, conversation: str) -> str:
    """What the first message there says now, and which buttons it has."""
    return str(desk.slack.in_conversation(conversation)[0]["blocks"])


async def test_a_button_acknowledges_and_the_message_says_who(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    answer = await post(desk, INTERACTIONS, button(desk, DIRECT, "acknowledge", RAFAEL))
    assert (answer.status_code, answer.text) == (200, "")
    [received] = desk.told(ReplyReceived)
    assert (received.subject_id, received.action, received.channel) == (INCIDENT, "acknowledge", "slack")
    assert (received.sender.ref, received.sender.name) == ("person:rafael", "Rafael")
    assert "Acknowledged by Rafael, 14:00 UTC" in shown(desk, DIRECT)
    assert desk.slack.messages[0]["text"].startswith("Acknowledged by Rafael, 14:00 UTC\n#12 Checkout is down")
    assert "tocsin:acknowledge" not in shown(desk, DIRECT)
    assert "tocsin:resolve" in shown(desk, DIRECT)
    [(path, said)] = desk.slack.responses
    assert (path, said["response_type"], said["replace_original"]) == ("/actions/T0000001/1/x", "ephemeral", False)
    assert said["text"].startswith("You have #12 now (Checkout is down).")


async def test_in_a_channel_whoever_presses_acts_and_not_whom_the_message_was_to(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", OPS))))
    await post(desk, INTERACTIONS, button(desk, OPS, "resolve", HELENA))
    [received] = desk.told(ReplyReceived)
    assert (received.action, received.sender.ref) == ("resolve", "person:helena")
    assert "Resolved by Helena, 14:00 UTC" in shown(desk, OPS)
    assert "tocsin:" not in shown(desk, OPS).replace("tocsin:state", "")


async def test_a_press_that_slack_posts_again_counts_once(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    body = button(desk, DIRECT, "acknowledge", RAFAEL)
    await post(desk, INTERACTIONS, body)
    again = await post(
        desk, INTERACTIONS, body, headers={"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    )
    assert again.status_code == 200
    assert len(desk.told(ReplyReceived)) == 1
    assert len(desk.slack.responses) == 1
    assert shown(desk, DIRECT).count("Acknowledged by") == 1


async def test_a_stranger_in_the_channel_changes_nothing_and_hears_what_to_do(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", OPS))))
    answer = await post(desk, INTERACTIONS, button(desk, OPS, "acknowledge", STRANGER))
    assert answer.status_code == 200
    assert desk.told(ReplyReceived) == []
    assert "tocsin:acknowledge" in shown(desk, OPS)
    [(_, said)] = desk.slack.responses
    assert f"{{slack: {STRANGER}}}" in said["text"]
    assert said["response_type"] == "ephemeral"


async def test_who_left_the_house_or_is_two_people_acts_no_more(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", OPS))))
    await desk.publish(PersonChanged(id="helena", name="Helena", removed=True, slack=(HELENA,), at=NOW))
    await desk.publish(PersonChanged(id="double", name="Double", slack=(RAFAEL,), at=NOW))
    for user in (HELENA, RAFAEL):
        await post(desk, INTERACTIONS, button(desk, OPS, "acknowledge", user))
    assert desk.told(ReplyReceived) == []
    assert len(desk.slack.responses) == 2


async def test_whatever_road_it_was_taken_by_every_message_says_so(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL)), person("Helena", ("slack", OPS))))
    withdrawn = NotificationsWithdrawn(subject_id=INCIDENT, purposes=("page",), reason="acknowledged", at=NOW)
    await desk.publish(withdrawn)
    for conversation in (DIRECT, OPS):
        assert "Acknowledged, 14:00 UTC" in shown(desk, conversation)
    await desk.forward(minutes=3)
    await post(desk, INTERACTIONS, button(desk, OPS, "resolve", HELENA))
    await desk.publish(withdrawn.model_copy(update={"reason": "resolved"}))
    for conversation in (DIRECT, OPS):
        assert "Acknowledged, 14:00 UTC" in shown(desk, conversation)
        assert "Resolved by Helena, 14:03 UTC" in shown(desk, conversation)
        assert shown(desk, conversation).count("Resolved") == 1


async def test_an_older_edit_that_arrives_late_is_followed_by_the_newer_one(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    [older] = await desk.attempts()
    await post(desk, INTERACTIONS, button(desk, DIRECT, "acknowledge", RAFAEL))
    assert desk.slack.methods.count("chat.update") == 1
    async with desk.service.platform.uow.begin() as tx:
        await edited(tx, older, Accepted("as it was before the press"))
    await desk.settle()
    assert desk.slack.methods.count("chat.update") == 2
    assert "Acknowledged by Rafael" in shown(desk, DIRECT)


async def test_while_slack_is_away_the_message_is_changed_later(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    desk.slack.refusals += [Refusal("service_unavailable", 503), Refusal("ratelimited", 429, retry_after=60)]
    await post(desk, INTERACTIONS, button(desk, DIRECT, "acknowledge", RAFAEL))
    assert "Acknowledged" not in shown(desk, DIRECT)
    for _ in range(2):  # once for each time that Slack asked to wait
        await desk.forward(minutes=2)
    assert "Acknowledged by Rafael, 14:00 UTC" in shown(desk, DIRECT)


async def test_a_command_is_about_what_was_told_to_the_one_or_in_the_channel(desk: Desk) -> None:
    later = incident(id=OTHER, number=13, title="Search is down")
    await desk.publish(request("page", person("Helena", ("sms", "+15005550010"))))
    await desk.publish(request("page", person("Rafael", ("slack", OPS)), number=2, subject_id=OTHER, incident=later))
    answer = await post(desk, COMMANDS, command("ack 12", HELENA, channel="C0ELSEWHERE"))
    assert answer.json()["response_type"] == "ephemeral"
    assert answer.json()["text"].startswith("You have #12 now (Checkout is down).")
    here = await post(desk, COMMANDS, command("resolve", HELENA, trigger_id="2"))
    assert here.json()["text"].startswith("#13 (Search is down) is being resolved.")
    found = [(one.subject_id, one.action, one.sender.ref) for one in desk.told(ReplyReceived)]
    assert found == [(INCIDENT, "acknowledge", "person:helena"), (OTHER, "resolve", "person:helena")]
    assert "Resolved by Helena" in shown(desk, OPS)


UNDOABLE = [
    ("ack 99", RAFAEL, "neither you nor this channel of #99"),
    ("ack 12", HELENA, "neither you nor this channel of #12"),
    ("ack 12", STRANGER, "does not know who you are"),
    ("help", RAFAEL, "`/tocsin ack 12` takes incident 12"),
    ("", STRANGER, "`/tocsin ack 12` takes incident 12"),
    ("resolve the moon", RAFAEL, "`/tocsin resolve 12` ends it"),
]


async def test_a_command_that_cannot_be_followed_is_explained(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    for number, (text, user, said) in enumerate(UNDOABLE):
        answer = await post(desk, COMMANDS, command(text, user, trigger_id=str(number)))
        assert said in answer.json()["text"], text
    assert desk.told(ReplyReceived) == []


async def test_a_command_that_comes_twice_counts_once(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    first, second = [await post(desk, COMMANDS, command("ack 12", RAFAEL)) for _ in range(2)]
    assert first.json() == second.json()
    assert len(desk.told(ReplyReceived)) == 1


async def test_what_slack_did_not_sign_just_now_changes_nothing(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    body, now = button(desk, DIRECT, "acknowledge", RAFAEL), desk.clock.now().timestamp()
    forged = {
        "other secret": signed(body, now, "guessed"),
        "stale": signed(body, now - 301),
        "early": signed(body, now + 301),
        "none": {"Content-Type": "application/x-www-form-urlencoded"},
        "no number": signed(body, now) | {"X-Slack-Request-Timestamp": "now"},
        "other body": signed(body + "&x=1", now),
        "not ascii": signed(body, now) | {"X-Slack-Signature": "v0=\u00e9"},
    }
    for what, headers in forged.items():
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = await desk.http.post(INTERACTIONS, content=body, headers=encoded)
        assert answer.status_code == 403, what
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    await desk.settle()
    assert desk.told(ReplyReceived) == []
    assert desk.slack.responses == []
    assert "tocsin:acknowledge" in shown(desk, DIRECT)


async def test_the_secret_before_still_counts_while_it_is_rotated(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    body = button(desk, DIRECT, "acknowledge", RAFAEL)
    assert (await post(desk, INTERACTIONS, body, secret="the-secret-before")).status_code == 200
    assert len(desk.told(ReplyReceived)) == 1


async def test_the_handshake_gets_its_challenge_back(desk: Desk) -> None:
    body = '{"token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "type": "url_verification"}'
    answer = await post(desk, EVENTS, body, headers={"Content-Type": "application/json"})
    assert answer.json() == {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}


async def test_an_answer_goes_nowhere_but_to_slack(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    message = desk.slack.in_conversation(DIRECT)[0]
    for url in (
        f"http://127.0.0.1:{desk.twilio.port}/steal",
        f"{desk.slack.url}.evil.example/x",
        "file:///etc/passwd",
        f"{desk.slack.url}/\x00",
        "",
    ):
        body = press(message, "tocsin:acknowledge", STRANGER, url, action_ts=f"{len(url)}.1")
        assert (await post(desk, INTERACTIONS, body)).status_code == 200
    assert desk.slack.responses == []
    assert desk.twilio.requests == 0


async def test_a_client_s_message_has_no_buttons_and_a_forged_press_of_one_does_nothing(desk: Desk) -> None:
    await desk.publish(request("page", client("Clara", ("slack", OPS))))
    [message] = desk.slack.messages
    assert "tocsin:" not in str(message["blocks"])
    [attempt] = await desk.attempts()
    forged = {
        **message,
        "blocks": [
            {
                "type": "actions",
                "elements": [
                    {
                        "action_id": "tocsin:resolve",
                        "value": str(attempt.id),
                        "text": {"type": "plain_text", "text": "Resolve"},
                    }
                ],
            }
        ],
    }
    await post(desk, INTERACTIONS, press(forged, "tocsin:resolve", RAFAEL, f"{desk.slack.url}/x"))
    assert desk.told(ReplyReceived) == []
