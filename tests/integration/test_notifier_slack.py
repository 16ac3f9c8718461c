"""Messages in Slack: what stands in a channel and in a direct message, and what is kept of a code."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.events.base import Contact
from libs.common.events.deliveries import DeliveryFailed, DeliverySent
from tests.integration.notifier_desk import SLACK, SLACK_SECRETS, Desk, running_desk
from tests.support.fake_slack import OPS, RAFAEL, Refusal
from tests.unit.notifier.requests import NOW, incident, person, request

DIRECT = f"D{RAFAEL[1:]}"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SLACK_SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, SLACK) as running:
        yield running


async def test_a_page_goes_out_to_a_member_and_is_told_as_sent(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("slack", f"<@{RAFAEL}>"))))
    [message] = desk.slack.in_conversation(DIRECT)
    assert message["blocks"][0]["text"]["text"] == "[#12] Checkout is down - P1 page"
    [sent] = desk.told(DeliverySent)
    assert (sent.channel, sent.provider, sent.address) == ("slack", "slack", RAFAEL)
    assert sent.provider_id == f"{DIRECT}/{message['ts']}"
    assert "You are needed: the incident just opened." in sent.text


async def test_in_a_channel_news_stands_under_the_page_and_a_page_by_itself(desk: Desk) -> None:
    ops = person("Rafael", ("slack", OPS))
    await desk.publish(request("page", ops))
    await desk.publish(request("update", ops, number=2, words="We look into it."))
    await desk.publish(request("page", ops, number=3, rung=2, slot="rung-2"))
    await desk.publish(request("closing", ops, number=4))
    page, update, second, closing = desk.slack.in_conversation(OPS)
    assert ("thread_ts" in page, update["thread_ts"]) == (False, page["ts"])
    assert "thread_ts" not in second
    assert (closing["thread_ts"], closing["reply_broadcast"], update["reply_broadcast"]) == (page["ts"], True, False)


async def test_in_a_direct_message_everything_stands_by_itself(desk: Desk) -> None:
    rafael = person("Rafael", ("slack", RAFAEL))
    await desk.publish(request("page", rafael))
    await desk.publish(request("update", rafael, number=2, words="We look into it."))
    assert [message.get("thread_ts") for message in desk.slack.in_conversation(DIRECT)] == [None, None]


async def test_an_answer_that_was_lost_is_looked_for_and_nothing_goes_out_twice(desk: Desk) -> None:
    desk.slack.lose_answers = 1
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL))))
    await desk.forward(minutes=2)
    [sent] = desk.told(DeliverySent)
    [message] = desk.slack.messages
    assert sent.provider_id == f"{DIRECT}/{message['ts']}"


async def test_where_slack_refuses_for_good_the_next_contact_is_due(desk: Desk) -> None:
    desk.slack.refusals.append(Refusal("account_inactive"))
    await desk.publish(request("page", person("Rafael", ("slack", RAFAEL), ("email", "rafael@example.com"))))
    [failed] = desk.told(DeliveryFailed)
    assert failed.detail == "Slack account_inactive: the app was removed from the workspace: install it again"
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["email"]


async def test_an_incident_that_is_slack_itself_is_not_told_there(desk: Desk) -> None:
    rafael = person("Rafael", ("slack", RAFAEL), ("sms", "+15005550010"))
    await desk.publish(request("page", rafael, incident=incident(provider="Slack")))
    [failed] = desk.told(DeliveryFailed)
    assert failed.reason == "channel_is_the_incident"
    assert desk.slack.messages == []


async def test_a_code_comes_by_slack_and_is_kept_nowhere(desk: Desk) -> None:
    rafael = person("Rafael").model_copy(update={"contacts": (Contact(channel="slack", address=RAFAEL),)})
    asked = request(
        "verification", rafael, incident=None, code="042917", due_at=NOW, title="Confirm that this reaches you"
    )
    await desk.publish(asked)
    [message] = desk.slack.messages
    assert "042917" in str(message["blocks"])
    [attempt] = await desk.attempts()
    assert "042917" not in f"{attempt.text}{attempt.html}{attempt.blocks}"
