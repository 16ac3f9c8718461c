"""From a request to messages that arrived: contacts, retries, effects that happen once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from libs.common.db.migrate import check_models
from libs.common.db.tables import COMMON
from libs.common.events.deliveries import (
    DeliveryAddressed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
)
from libs.common.events.notifications import NotificationsWithdrawn, Skipped
from services.notifier.store import Base
from services.notifier.store.tables import Attempt
from tests.integration.notifier_desk import LOCAL, REAL, SECRETS, Desk, running_desk
from tests.support.fake_twilio import Refusal
from tests.unit.notifier.requests import INCIDENT, NOW, client, incident, person, request

RAFAEL = "+15005550010"


@pytest.fixture
async def local(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_desk(database_url, tmp_path, LOCAL) as desk:
        yield desk


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, REAL) as running:
        yield running


async def test_the_migrations_make_the_tables_that_the_models_say(local: Desk) -> None:
    database = local.service.platform.database
    assert await check_models(database.url, database.schema, [COMMON, Base.metadata]) == []


async def test_a_page_is_one_message_and_the_ledger_says_why(local: Desk) -> None:
    await local.publish(request("page", person()))
    [addressed] = local.told(DeliveryAddressed)
    assert [one.ref for one in addressed.addressees] == ["person:rafael"]
    [sent] = local.told(DeliverySent)
    assert (sent.channel, sent.provider, sent.address, sent.attempt) == ("sms", "local", RAFAEL, 1)
    assert sent.text == "P1 #12 Checkout is down. Reply ACK 12. https://status.example/console/incidents/12"
    assert sent.why == "Sent to Rafael as the one on shift, rung 1 (First to hear)"
    assert sent.at == NOW
    assert [attempt.state for attempt in await local.attempts()] == ["sent"]


async def test_a_request_that_comes_twice_is_told_once(local: Desk) -> None:
    asked = request("page", person())
    again = request("page", person(), number=2, slot=asked.slot)
    await local.publish(asked, asked, again)
    assert len(local.told(DeliverySent)) == 1
    assert local.told(DeliveryExhausted) == []


async def test_two_replicas_send_each_message_once(database_url: str, tmp_path: Path) -> None:
    async with running_desk(database_url, tmp_path, LOCAL, replicas=2) as desk:
        people = [person(f"P{n}", ("sms", f"+1500555{n:04}")) for n in range(20)]
        await desk.publish(*(request("page", *people, number=n) for n in range(1, 6)))
        sent = desk.told(DeliverySent)
    assert len(sent) == 100
    assert len({(one.slot, one.recipient.ref) for one in sent}) == 100


async def test_nobody_to_tell_is_said_at_once_with_the_reasons(local: Desk) -> None:
    skipped = Skipped(ref="on-shift", name="Abdul", reason="no_contact", detail="Abdul has no contact")
    await local.publish(request("page", skipped=(skipped,)))
    [addressed] = local.told(DeliveryAddressed)
    assert addressed.skipped == (skipped,)
    [exhausted] = local.told(DeliveryExhausted)
    assert (exhausted.reason, exhausted.rung) == ("nobody_found", 1)
    assert exhausted.detail == "Abdul: Abdul has no contact"


async def test_the_channel_that_is_the_incident_is_not_used_and_the_record_says_so(desk: Desk) -> None:
    await desk.publish(request("page", person(), incident=incident(provider="Twilio")))
    [failed] = desk.told(DeliveryFailed)
    assert (failed.channel, failed.provider, failed.reason, failed.retry_at) == (
        "sms",
        "twilio",
        "channel_is_the_incident",
        None,
    )
    [sent] = desk.told(DeliverySent)
    assert (sent.channel, sent.provider, sent.address) == ("email", "smtp", "rafael@example.com")
    assert desk.twilio.requests == 0
    assert len(desk.mail.mails) == 1


async def test_a_passing_failure_is_tried_again_after_the_provider_s_own_delay(desk: Desk) -> None:
    desk.twilio.refusals += [Refusal(503, 20503), Refusal(429, 20429, retry_after=20)]
    await desk.publish(request("page", person()))
    await desk.forward(seconds=1)
    first, second = desk.told(DeliveryFailed)
    assert (first.reason, second.reason) == ("provider_error", "provider_throttled")
    assert first.retry_at is not None
    assert (first.retry_at - NOW).total_seconds() == 1
    assert second.retry_at is not None
    assert (second.retry_at - NOW).total_seconds() == 21
    assert desk.told(DeliverySent) == []
    await desk.forward(seconds=20)
    [sent] = desk.told(DeliverySent)
    assert (sent.provider, sent.attempt) == ("twilio", 3)
    assert len(desk.twilio.messages) == 1


async def test_what_a_replica_that_is_gone_left_is_sent_though_nobody_is_woken_for_it(desk: Desk) -> None:
    desk.twilio.refusals.append(Refusal(503, 20503))
    await desk.publish(request("page", person()))
    async with desk.service.platform.uow.begin() as tx:  # due in a second, says the ledger; now, says another's commit
        await tx.session.execute(update(Attempt).values(due_at=NOW))
    await desk.settle()
    [sent] = desk.told(DeliverySent)
    assert sent.attempt == 2


async def test_a_channel_that_refuses_for_good_gives_way_to_the_next_contact(desk: Desk) -> None:
    desk.twilio.refuse_to[RAFAEL] = Refusal(400, 21211, "not a number")
    await desk.publish(request("page", person()))
    [failed] = desk.told(DeliveryFailed)
    assert (failed.reason, failed.retry_at) == ("invalid_address", None)
    assert "21211" in failed.detail
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["email"]
    assert desk.told(DeliveryExhausted) == []


async def test_a_page_turns_to_the_next_contact_while_the_provider_is_down(desk: Desk) -> None:
    desk.twilio.refuse_to[RAFAEL] = Refusal(503, 20503)
    await desk.publish(request("page", person()))
    await desk.forward(seconds=90)
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["email"]
    tried = [event.retry_at for event in desk.told(DeliveryFailed)]
    assert [(at - NOW).total_seconds() if at else None for at in tried] == [1, 4, 12, 27, 57, 87, None]


async def test_when_every_channel_of_everybody_failed_the_ladder_is_told(desk: Desk) -> None:
    desk.twilio.refuse_to[RAFAEL] = Refusal(400, 21610, "unsubscribed")
    desk.twilio.refuse_to["+15005550011"] = Refusal(400, 21211, "no such number")
    people = [person("Rafael", ("sms", RAFAEL)), person("Helena", ("sms", "+15005550011"))]
    await desk.publish(request("page", *people))
    [exhausted] = desk.told(DeliveryExhausted)
    assert exhausted.reason == "unreachable"
    assert "Rafael: Twilio 21610: unsubscribed" in exhausted.detail
    assert "Helena: Twilio 21211: no such number" in exhausted.detail
    assert {event.reason for event in desk.told(DeliveryFailed)} == {"opted_out", "invalid_address"}


async def test_one_who_was_reached_is_enough(desk: Desk) -> None:
    desk.twilio.refuse_to[RAFAEL] = Refusal(400, 21211)
    people = [person("Rafael", ("sms", RAFAEL)), person("Helena", ("sms", "+15005550011"))]
    await desk.publish(request("page", *people))
    assert [sent.recipient.name for sent in desk.told(DeliverySent)] == ["Helena"]
    assert desk.told(DeliveryExhausted) == []


async def test_somebody_without_any_contact_is_unreachable_and_not_forgotten(local: Desk) -> None:
    nobody = person("Abdul").model_copy(update={"contacts": ()})
    await local.publish(request("page", nobody))
    [exhausted] = local.told(DeliveryExhausted)
    assert (exhausted.reason, exhausted.detail) == ("unreachable", "Abdul: no contact")


async def test_what_is_withdrawn_while_it_waits_is_not_sent(desk: Desk) -> None:
    desk.twilio.refuse_to[RAFAEL] = Refusal(503, 20503)
    await desk.publish(request("page", person()), request("status", client(), number=2, next_by=NOW))
    withdrawn = NotificationsWithdrawn(
        subject_id=INCIDENT, purposes=("page", "reminder", "missed"), reason="acknowledged", at=NOW
    )
    await desk.publish(withdrawn)
    await desk.forward(minutes=10)
    assert [event.reason for event in desk.told(DeliveryFailed)] == ["provider_error", "withdrawn"]
    assert desk.twilio.messages == []
    assert [sent.purpose for sent in desk.told(DeliverySent)] == ["status"]
    assert desk.told(DeliveryExhausted) == []


async def test_a_client_s_e_mail_carries_the_promise_and_threads_with_the_incident(desk: Desk) -> None:
    asked = request("status", client(), obligation="client_update", since=NOW, next_by=NOW.replace(hour=15))
    await desk.publish(asked)
    [mail] = desk.mail.mails
    assert mail["To"] == "Clara <clara@client.example>"
    assert mail["References"] == f"<incident-{INCIDENT}@example.com>"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "No change since 14:00 UTC." in body.get_content()
    assert "Next update by 15:00 UTC." in body.get_content()


async def test_many_recipients_are_told_beside_each_other(desk: Desk) -> None:
    desk.twilio.delay = 0.1
    people = [person(f"P{n}", ("sms", f"+1500555{n:04}")) for n in range(60)]
    await desk.publish(request("page", *people))
    assert len(desk.told(DeliverySent)) == 60
    assert len(desk.twilio.messages) == 60
