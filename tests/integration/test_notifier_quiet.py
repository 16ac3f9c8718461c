"""Chains that follow after a while, and quiet hours that hold what can wait, on a real database and bus with real providers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from libs.common.events.base import Contact
from libs.common.events.deliveries import DeliveryExhausted, DeliveryFailed, DeliverySent
from libs.common.events.incidents import Purpose
from libs.common.events.notifications import NotificationRequested, NotificationsWithdrawn, Recipient
from tests.integration.notifier_desk import LOCAL, REAL, SECRETS, Desk, running_desk
from tests.support.fake_twilio import Refusal
from tests.unit.notifier.requests import INCIDENT, NOW, incident, person, request

MINUTE = timedelta(minutes=1)
SMS, MAIL = "+15005550010", "rafael@example.com"
MORNING = NOW + timedelta(hours=8)


@pytest.fixture
async def local(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_desk(database_url, tmp_path, LOCAL) as desk:
        yield desk


@pytest.fixture
async def real(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, REAL) as desk:
        yield desk


def chained(*steps: tuple[str, str, int | None], name: str = "Rafael") -> Recipient:
    """Rafael with a chain: channel, address, and after how many minutes."""
    contacts = tuple(
        Contact(channel=channel, address=address, after=None if after is None else after * MINUTE)
        for channel, address, after in steps
    )
    return person(name).model_copy(update={"contacts": contacts})


CHAIN = chained(("sms", SMS, None), ("email", MAIL, 5))


def quiet(name: str = "Rafael", **changes: Any) -> Recipient:
    """Rafael in quiet hours until the morning."""
    return person(name, ("email", MAIL), quiet_until=MORNING, **changes)


def told(purpose: Purpose, recipient: Recipient, number: int = 1, **changes: Any) -> NotificationRequested:
    return request(purpose, recipient, number=number, **({"obligation": "client_update"} | changes))


def acknowledged() -> NotificationsWithdrawn:
    return NotificationsWithdrawn(
        subject_id=INCIDENT, purposes=("page", "reminder", "missed"), reason="acknowledged", at=NOW
    )


def sent(desk: Desk) -> list[tuple[str, float]]:
    """Through which channel a message went out, and after how many minutes."""
    return [(one.channel, (one.at - NOW) / MINUTE) for one in desk.told(DeliverySent)]


async def timers(desk: Desk) -> int:
    async with desk.service.platform.uow.read() as session:
        found: int = await session.scalar(text("SELECT count(*) FROM timers"))
        return found


# Chains -------------------------------------------------------------------------------------------------------------


async def test_who_stays_silent_is_told_through_the_next_contact_after_a_while(local: Desk) -> None:
    await local.publish(request("page", chained(("sms", SMS, None), ("email", MAIL, 5), ("sms", "+15005550011", 9))))
    assert sent(local) == [("sms", 0)]
    await local.forward(minutes=4)
    assert sent(local) == [("sms", 0)]
    await local.forward(minutes=20)
    assert sent(local) == [("sms", 0), ("email", 5), ("sms", 9)]
    assert local.told(DeliveryExhausted) == []
    assert await timers(local) == 0


async def test_an_acknowledgement_ends_the_chain(local: Desk) -> None:
    await local.publish(request("page", CHAIN))
    await local.forward(minutes=4)
    await local.publish(acknowledged())
    assert await timers(local) == 0
    await local.forward(minutes=20)
    assert sent(local) == [("sms", 0)]


async def test_a_contact_that_fails_brings_the_next_forward_and_it_comes_once(real: Desk) -> None:
    real.twilio.refusals = [Refusal(400, 21211, "not a valid phone number")]
    await real.publish(request("page", CHAIN))
    assert sent(real) == [("email", 0)]
    await real.forward(minutes=20)
    assert sent(real) == [("email", 0)]
    assert len(real.mail.mails) == 1
    assert real.told(DeliveryExhausted) == []


async def test_a_chain_is_exhausted_once_its_last_step_failed_without_waiting_for_its_delays(real: Desk) -> None:
    real.twilio.refusals = [Refusal(400, 21211, "not a valid phone number")]
    real.mail.refuse_rcpt = ["550 5.1.1 no such mailbox"]
    await real.publish(request("page", CHAIN))
    (exhausted,) = real.told(DeliveryExhausted)
    assert (exhausted.at, exhausted.reason) == (NOW, "unreachable")
    await real.forward(minutes=20)
    assert len(real.told(DeliveryExhausted)) == 1


async def test_a_chain_whose_later_step_fails_is_not_exhausted_where_an_earlier_one_got_through(real: Desk) -> None:
    real.mail.refuse_rcpt = ["550 5.1.1 no such mailbox"]
    await real.publish(request("page", CHAIN))
    await real.forward(minutes=20)
    assert sent(real) == [("sms", 0)]
    assert [one.reason for one in real.told(DeliveryFailed)] == ["invalid_address"]
    assert real.told(DeliveryExhausted) == []


async def test_a_step_through_a_channel_that_is_not_there_is_passed_over_with_the_reason(local: Desk) -> None:
    await local.publish(request("page", chained(("sms", SMS, None), ("voice", SMS, 2), ("email", MAIL, 5))))
    await local.forward(minutes=20)
    assert sent(local) == [("sms", 0), ("email", 2)]
    assert [(one.channel, one.reason) for one in local.told(DeliveryFailed)] == [("voice", "channel_not_configured")]


async def test_a_step_that_was_due_while_nothing_ran_comes_once_and_late(database_url: str, tmp_path: Path) -> None:
    async with running_desk(database_url, tmp_path, LOCAL, replicas=2) as desk:
        await desk.publish(
            request("page", CHAIN),
            request(
                "page", chained(("sms", "+15005550012", None), ("email", "b@example.com", 5), name="Ben"), number=2
            ),
        )
        desk.clock.set(NOW + timedelta(hours=2))
        await desk.settle()
        assert sorted(sent(desk)) == [("email", 120), ("email", 120), ("sms", 0), ("sms", 0)]


# Quiet hours --------------------------------------------------------------------------------------------------------


async def test_quiet_hours_hold_a_reminder_but_not_a_page(local: Desk) -> None:
    due = MORNING + timedelta(hours=1)
    await local.publish(
        told("reminder", quiet(), number=1, obligation="team_status", due_at=due),
        request("page", quiet(), number=2),
        told("missed", quiet(), number=3, obligation="team_status"),
        told("closing", quiet(), number=4, incident=incident(number=13)),
    )
    assert sorted(one.purpose for one in local.told(DeliverySent)) == ["closing", "missed", "page"]
    (held,) = local.told(DeliveryFailed)
    assert (held.purpose, held.reason, held.retry_at) == ("reminder", "quiet_hours", MORNING)
    assert held.detail == "held in quiet hours until 22:00 UTC"


async def test_what_was_held_comes_once_when_quiet_hours_end_and_says_so(database_url: str, tmp_path: Path) -> None:
    async with running_desk(database_url, tmp_path, LOCAL, replicas=2) as desk:
        asked = told("notice", quiet(), incident=None, title="A swap is offered", words="Mon to Tue.")
        await desk.publish(asked, asked)
        await desk.forward(hours=7, minutes=59)
        assert desk.told(DeliverySent) == []
        await desk.forward(hours=2)
        (one,) = desk.told(DeliverySent)
        assert one.at == MORNING
        assert "Held in your quiet hours since 14:00 UTC." in one.text
        assert await timers(desk) == 0
        assert desk.told(DeliveryExhausted) == []


async def test_the_updates_of_a_night_come_as_one_message_with_the_words_of_all(local: Desk) -> None:
    await local.publish(told("update", quiet(), number=1, words="We found it."))
    await local.forward(minutes=30)
    await local.publish(told("status", quiet(), number=2))
    await local.forward(minutes=30)
    await local.publish(told("update", quiet(), number=3, words="We fixed it."))
    await local.forward(hours=10)
    (one,) = local.told(DeliverySent)
    assert "14:00 UTC: We found it." in one.text
    assert "15:00 UTC: We fixed it." in one.text
    dropped = [fact.detail for fact in local.told(DeliveryFailed) if fact.reason == "withdrawn"]
    assert dropped == ["its words come with newer ones", "newer news took its place"]


async def test_what_is_moot_when_quiet_hours_end_does_not_come(local: Desk) -> None:
    due = NOW + timedelta(hours=1)
    await local.publish(
        told("reminder", quiet(), number=1, obligation="team_status", due_at=due),
        told("update", quiet(), number=2, words="We found it."),
    )
    await local.forward(hours=1)
    await local.publish(told("closing", quiet(), number=3, obligation=None))
    await local.forward(hours=10)
    assert [one.purpose for one in local.told(DeliverySent)] == ["closing"]
    assert {one.detail for one in local.told(DeliveryFailed) if one.reason == "withdrawn"} == {
        "what it reminds of was due meanwhile",
        "newer news took its place",
    }


async def test_what_is_withdrawn_while_it_waits_is_dropped_at_once(local: Desk) -> None:
    await local.publish(told("reminder", quiet(), obligation="team_status", due_at=MORNING + MINUTE))
    await local.publish(acknowledged())
    assert [one.reason for one in local.told(DeliveryFailed)] == ["quiet_hours", "withdrawn"]
    assert await timers(local) == 0
    await local.forward(hours=10)
    assert local.told(DeliverySent) == []


async def test_nobody_counts_as_unreachable_while_a_message_waits_for_one(real: Desk) -> None:
    real.mail.refuse_rcpt = ["550 5.1.1 no such mailbox"] * 2
    await real.publish(request("update", person("Ada", ("email", "ada@example.com")), quiet(), words="We found it."))
    assert real.told(DeliveryExhausted) == []
    await real.forward(hours=10)
    (exhausted,) = real.told(DeliveryExhausted)
    assert exhausted.at == MORNING


async def test_a_message_that_was_held_goes_another_way_with_the_same_words(real: Desk) -> None:
    both = person("Rafael", ("sms", SMS), ("email", MAIL), quiet_until=MORNING)
    await real.publish(told("update", both, number=1, words="We found it."))
    await real.publish(told("update", both, number=2, words="We fixed it."))
    real.twilio.refusals = [Refusal(400, 21211, "not a valid phone number")]
    await real.forward(hours=10)
    (mail,) = real.mail.mails
    body = mail.get_body(("plain",))
    assert body is not None
    assert "We found it." in body.get_content()
    assert "We fixed it." in body.get_content()
    assert "Held in your quiet hours" in body.get_content()
