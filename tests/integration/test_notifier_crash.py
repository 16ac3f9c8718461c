"""The one window: a sender that dies between a provider's answer and its own commit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from libs.common.events.deliveries import DeliveryExhausted, DeliveryFailed, DeliverySent
from libs.common.events.incidents import Purpose
from libs.common.events.notifications import Recipient
from services.notifier.handlers.sending import Sending
from services.notifier.timers import LEASE, Sender
from tests.integration.notifier_desk import IMPATIENT, LOCAL, REAL, SECRETS, Desk, running_desk
from tests.support.fake_twilio import Refusal
from tests.unit.notifier.requests import client, person, request

MAILED = ("email", "rafael@example.com")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, secrets: None) -> AsyncIterator[Desk]:
    async with running_desk(database_url, tmp_path, REAL, replicas=2) as running:
        yield running


def sender_of(desk: Desk, replica: int) -> Sender:
    return next(one for one in desk.services[replica].components if isinstance(one, Sender))


async def crash_after_the_answer(desk: Desk, purpose: Purpose, *people: Recipient) -> None:
    """The first replica's sender has the provider's answer and dies before it is written down; then the second one starts."""
    dying, living = sender_of(desk, 0), sender_of(desk, 1)
    await living.stop()
    answered = asyncio.Event()

    async def die(*_: object) -> None:
        answered.set()
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sending, "record", die)
        await desk.hand_in(request(purpose, *people))
        async with asyncio.timeout(60):
            await answered.wait()
        stopping = asyncio.create_task(dying.stop())
        await asyncio.sleep(0.05)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
    desk.services[0].components = tuple(one for one in desk.services[0].components if one is not dying)
    await living.start()


async def test_a_page_that_went_out_at_twilio_is_found_and_not_sent_again(desk: Desk) -> None:
    await crash_after_the_answer(desk, "page", person())
    assert len(desk.twilio.messages) == 1
    await desk.settle()
    assert desk.told(DeliverySent) == []
    desk.clock.advance(LEASE)
    await desk.settle()
    [sent] = desk.told(DeliverySent)
    assert (sent.channel, sent.provider_id) == ("sms", desk.twilio.messages[0]["sid"])
    assert len(desk.twilio.messages) == 1
    assert desk.mail.mails == []


async def test_a_page_that_never_reached_twilio_is_sent_after_the_lease(desk: Desk) -> None:
    desk.twilio.refusals.append(Refusal(503, 20503))
    await crash_after_the_answer(desk, "page", person())
    assert desk.twilio.messages == []
    desk.clock.advance(LEASE)
    await desk.settle()
    assert len(desk.told(DeliverySent)) == 1
    assert len(desk.twilio.messages) == 1


async def test_a_page_by_e_mail_that_may_have_gone_out_goes_on_to_the_next_contact(desk: Desk) -> None:
    await crash_after_the_answer(desk, "page", person("Rafael", MAILED, ("sms", "+15005550010")))
    desk.clock.advance(LEASE)
    await desk.settle()
    assert len(desk.mail.mails) == 1
    [failed] = desk.told(DeliveryFailed)
    assert (failed.channel, failed.reason, failed.retry_at) == ("email", "uncertain", None)
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["sms"]
    assert [attempt.state for attempt in await desk.attempts()] == ["uncertain", "sent"]


async def test_where_no_contact_is_left_the_ladder_goes_on(desk: Desk) -> None:
    await crash_after_the_answer(desk, "page", person("Rafael", MAILED))
    desk.clock.advance(LEASE)
    await desk.settle()
    assert len(desk.mail.mails) == 1
    assert [event.reason for event in desk.told(DeliveryExhausted)] == ["unreachable"]


async def test_a_status_by_e_mail_is_repeated_as_the_same_message(desk: Desk) -> None:
    await crash_after_the_answer(desk, "status", client())
    desk.clock.advance(LEASE)
    await desk.settle()
    assert len(desk.told(DeliverySent)) == 1
    assert len(desk.mail.mails) == 2
    assert len({mail["Message-ID"] for mail in desk.mail.mails}) == 1


async def test_a_lookup_that_twilio_does_not_answer_is_tried_again_before_anything_is_sent(desk: Desk) -> None:
    await crash_after_the_answer(desk, "page", person())
    desk.twilio.refusals += [Refusal(503, 20503), Refusal(503, 20503)]
    desk.clock.advance(LEASE)
    await desk.settle()
    assert [event.reason for event in desk.told(DeliveryFailed)] == ["uncertain"]
    await desk.forward(seconds=30)
    assert len(desk.told(DeliverySent)) == 1
    assert len(desk.twilio.messages) == 1


async def test_an_answer_that_was_lost_on_the_way_does_not_page_twice(desk: Desk) -> None:
    desk.twilio.lose_answers = 1
    await desk.publish(request("page", person()))
    await desk.forward(seconds=1)
    assert [event.reason for event in desk.told(DeliveryFailed)] == ["provider_error"]
    assert len(desk.told(DeliverySent)) == 1
    assert len(desk.twilio.messages) == 1


async def test_a_timeout_of_the_mail_server_is_not_followed_by_a_second_page(
    database_url: str, tmp_path: Path, secrets: None
) -> None:
    async with running_desk(database_url, tmp_path, IMPATIENT, replicas=2) as desk:
        desk.mail.stall = 3600.0
        await desk.publish(request("page", person("Rafael", MAILED, ("sms", "+15005550010"))))
        await desk.forward(seconds=1)
        assert [event.reason for event in desk.told(DeliveryFailed)] == ["timed_out", "uncertain"]
        assert [sent.channel for sent in desk.told(DeliverySent)] == ["sms"]
        assert len(desk.mail.mails) == 1


async def test_the_local_outbox_has_no_window(database_url: str, tmp_path: Path) -> None:
    async with running_desk(database_url, tmp_path, LOCAL, replicas=2) as local:
        await crash_after_the_answer(local, "page", person())
        local.clock.advance(LEASE + timedelta(seconds=1))
        await local.settle()
        [sent] = local.told(DeliverySent)
        headers = await local.key("viewer")
        shown = (await local.http.get("/v1/outbox", headers=headers)).json()["messages"]
    assert [UUID(message["id"]) for message in shown] == [UUID(sent.provider_id)]
