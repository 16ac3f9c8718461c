"""What is peculiar to Slack: its errors, threads, blocks, and finding a message again by our key."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.notifier.channels.base import Absent, Accepted, GiveUp, Retry, Unknowable
from services.notifier.channels.slack import SlackChannel
from tests.contract.test_channels import TIMEOUT, message
from tests.support.fake_slack import OPS, RAFAEL, TOKEN, FakeSlack, Refusal, running_slack
from tests.support.programs import free_port

TO_RAFAEL = message("slack", RAFAEL)
TO_OPS = message("slack", OPS)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with running_slack() as fake:
        yield fake


@pytest.fixture
async def channel(slack: FakeSlack) -> AsyncIterator[SlackChannel]:
    made = SlackChannel(token=TOKEN, api_url=f"{slack.url}/api/", timeout=TIMEOUT)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("refusal", "reason", "said"),
    [
        (Refusal("channel_not_found"), "invalid_address", "another workspace"),
        (Refusal("user_not_found"), "invalid_address", "user_not_found"),
        (Refusal("is_archived"), "invalid_address", "archived"),
        (Refusal("not_in_channel"), "rejected", "/invite"),
        (Refusal("invalid_auth"), "rejected", "token"),
        (Refusal("token_revoked"), "rejected", "install the app again"),
        (Refusal("account_inactive"), "rejected", "install it again"),
        (Refusal("missing_scope", more={"needed": "chat:write", "provided": "im:write"}), "rejected", "chat:write"),
        (Refusal("invalid_blocks"), "rejected", "invalid_blocks"),
        (Refusal("a_word_of_next_year"), "rejected", "a_word_of_next_year"),
    ],
)
async def test_slack_refuses_for_good_and_the_sentence_says_what_to_do(
    slack: FakeSlack, channel: SlackChannel, refusal: Refusal, reason: str, said: str
) -> None:
    slack.refusals.append(refusal)
    outcome = await channel.send(TO_RAFAEL)
    assert isinstance(outcome, GiveUp)
    assert outcome.reason == reason
    assert said in outcome.detail
    assert slack.methods == ["chat.postMessage"]


@pytest.mark.parametrize(
    ("refusal", "reason", "after", "unsure"),
    [
        (Refusal("ratelimited", 429, retry_after=7), "provider_throttled", timedelta(seconds=7), False),
        (Refusal("ratelimited"), "provider_throttled", None, False),
        (Refusal(None, 429, retry_after=3), "provider_throttled", timedelta(seconds=3), False),
        (Refusal("service_unavailable"), "provider_error", None, False),
        (Refusal(None, 503), "provider_error", None, False),
        (Refusal("internal_error"), "provider_error", None, True),
        (Refusal("fatal_error", 500), "provider_error", None, True),
        (Refusal(None, 502), "provider_error", None, True),
        (Refusal(None), "provider_error", None, True),
    ],
)
async def test_slack_may_take_it_later(
    slack: FakeSlack, channel: SlackChannel, refusal: Refusal, reason: str, after: timedelta | None, *, unsure: bool
) -> None:
    slack.refusals.append(refusal)
    outcome = await channel.send(TO_RAFAEL)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.after, outcome.unsure) == (reason, after, unsure)
    assert slack.methods == ["chat.postMessage"]


async def test_a_wrong_token_is_told_for_what_it_is(slack: FakeSlack) -> None:
    made = SlackChannel(token="xoxb-other", api_url=f"{slack.url}/api/", timeout=TIMEOUT)
    outcome = await made.send(TO_RAFAEL)
    await made.close()
    assert outcome == GiveUp("rejected", "Slack invalid_auth: the token is wrong")


async def test_slack_that_cannot_be_reached_took_nothing_for_certain() -> None:
    made = SlackChannel(token=TOKEN, api_url=f"http://127.0.0.1:{free_port()}/api/", timeout=TIMEOUT)
    outcome = await made.send(TO_RAFAEL)
    await made.close()
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.unsure) == ("provider_unreachable", False)


@pytest.mark.parametrize("address", [RAFAEL, OPS])
async def test_a_message_whose_answer_was_lost_is_found_by_its_key(
    slack: FakeSlack, channel: SlackChannel, address: str
) -> None:
    slack.lose_answers = 1
    lost = message("slack", address)
    outcome = await channel.send(lost)
    assert isinstance(outcome, Retry)
    assert outcome.unsure
    for number in range(150):
        await channel.send(replace(lost, key=str(UUID(int=100 + number))))
    found = await channel.lookup(lost, ())
    assert found == Accepted(f"{slack.messages[0]['channel']}/{slack.messages[0]['ts']}")
    assert await channel.lookup(replace(lost, key=str(UUID(int=99))), ()) == Absent()


async def test_a_member_is_written_to_directly(slack: FakeSlack, channel: SlackChannel) -> None:
    outcome = await channel.send(TO_RAFAEL)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id.startswith(f"D{RAFAEL[1:]}/")


async def test_an_app_that_may_not_read_cannot_say_what_went_out(slack: FakeSlack, channel: SlackChannel) -> None:
    slack.refusals.append(Refusal("missing_scope", more={"needed": "channels:history"}))
    found = await channel.lookup(TO_OPS, ())
    assert isinstance(found, Unknowable)
    assert not found.passing
    assert "channels:history" in found.detail


async def test_what_follows_stands_in_the_thread_and_is_found_there(slack: FakeSlack, channel: SlackChannel) -> None:
    first = await channel.send(TO_OPS)
    assert isinstance(first, Accepted)
    under = replace(TO_OPS, key=str(UUID(int=8)), root=first.provider_id)
    second = await channel.send(under)
    assert slack.messages[1]["thread_ts"] == slack.messages[0]["ts"]
    assert slack.messages[1]["reply_broadcast"] is False
    assert await channel.lookup(under, ()) == second
    await channel.send(replace(under, key=str(UUID(int=9)), broadcast=True))
    assert slack.messages[2]["reply_broadcast"] is True


async def test_where_the_thread_is_gone_it_is_a_message_of_its_own(slack: FakeSlack, channel: SlackChannel) -> None:
    outcome = await channel.send(replace(TO_OPS, root=f"{OPS}/1763000000.000100"))
    assert isinstance(outcome, Accepted)
    assert "thread_ts" not in slack.messages[0]


async def test_the_text_for_notifications_is_escaped_and_short(slack: FakeSlack, channel: SlackChannel) -> None:
    await channel.send(replace(TO_OPS, text="<!channel> R&D is down " + "x" * 5000))
    assert slack.messages[0]["text"].startswith("&lt;!channel&gt; R&amp;D is down xxx")
    assert len(slack.messages[0]["text"]) < 4000
