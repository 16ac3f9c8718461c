"""What is peculiar to one provider: Twilio's errors and limits, and what an e-mail carries."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.notifier.channels.base import Absent, Accepted, GiveUp, Outcome, Retry
from services.notifier.channels.smtp import SmtpChannel, Submission
from services.notifier.channels.twilio_sms import TwilioSms
from services.notifier.channels.twilio_voice import Calling, TwilioVoice
from tests.contract.test_channels import TIMEOUT, message, twilio_account
from tests.support.fake_twilio import FakeTwilio, Refusal, running_twilio
from tests.support.programs import free_port
from tests.support.smtp import running_smtp

NINE_SECONDS = timedelta(seconds=9)
"""From the double's ``Date`` on."""
SMS = message("sms", "+15005550010")
CALL = message("voice", "+15005550010")
MAIL = message("email", "rafael@example.com")


def twilio(fake: FakeTwilio) -> TwilioSms:
    return TwilioSms(twilio_account(fake), from_="+15005550006")


async def send_refused(refusal: Refusal) -> Outcome:
    async with running_twilio() as fake:
        fake.refusals.append(refusal)
        channel = twilio(fake)
        try:
            return await channel.send(SMS)
        finally:
            await channel.close()


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Refusal(400, 21211), "invalid_address"),
        (Refusal(400, 21614), "invalid_address"),
        (Refusal(400, 21610), "opted_out"),
        (Refusal(400, 21408), "rejected"),
        (Refusal(400, 99999), "rejected"),
        (Refusal(401, 20003), "rejected"),
    ],
)
async def test_twilio_refuses_for_good(refusal: Refusal, reason: str) -> None:
    outcome = await send_refused(refusal)
    assert isinstance(outcome, GiveUp)
    assert outcome.reason == reason
    assert str(refusal.code) in outcome.detail


@pytest.mark.parametrize(
    ("refusal", "reason", "after", "unsure"),
    [
        (Refusal(429, 20429, retry_after=7), "provider_throttled", timedelta(seconds=7), False),
        (Refusal(429, 20429), "provider_throttled", None, False),
        (Refusal(429, 20429, retry_after="Tue, 24 Nov 2026 14:00:09 GMT"), "provider_throttled", NINE_SECONDS, False),
        (Refusal(429, 20429, retry_after="soon"), "provider_throttled", None, False),
        (Refusal(400, 21611), "provider_throttled", None, False),
        (Refusal(500, 20500), "provider_error", None, True),
        (Refusal(503, 20503), "provider_error", None, False),
    ],
)
async def test_twilio_may_take_it_later(refusal: Refusal, reason: str, after: timedelta | None, unsure: bool) -> None:
    outcome = await send_refused(refusal)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.after, outcome.unsure) == (reason, after, unsure)


async def test_a_message_whose_answer_was_lost_is_found_again_at_twilio() -> None:
    async with running_twilio() as fake:
        fake.lose_answers = 1
        channel = twilio(fake)
        outcome = await channel.send(SMS)
        found = await channel.lookup(SMS, ())
        await channel.close()
    assert isinstance(outcome, Retry)
    assert outcome.unsure
    assert found == Accepted(fake.messages[0]["sid"])


async def test_the_same_words_sent_before_are_another_message_at_twilio() -> None:
    async with running_twilio() as fake:
        channel = twilio(fake)
        earlier = await channel.send(SMS)
        assert isinstance(earlier, Accepted)
        assert await channel.lookup(SMS, {earlier.provider_id}) == Absent()
        await channel.close()


async def test_twilio_is_asked_to_confirm_where_it_can_reach_us() -> None:
    async with running_twilio() as fake:
        channel = TwilioSms(
            twilio_account(fake),
            messaging_service_sid="MG1",
            status_callback="https://tocsin.example/v1/callbacks/twilio/status",
        )
        await channel.send(SMS)
        await channel.close()
    [sent] = fake.messages
    assert sent["status_callback"] == f"https://tocsin.example/v1/callbacks/twilio/status?attempt={SMS.key}"
    assert (sent["messaging_service_sid"], sent["from"]) == ("MG1", None)


def calling(fake: FakeTwilio, **changes: Any) -> TwilioVoice:
    return TwilioVoice(twilio_account(fake), Calling("+15005550006", **changes))


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Refusal(400, 13224, "Invalid phone number"), GiveUp("invalid_address", "Twilio 13224: Invalid phone number")),
        (Refusal(400, 21215, "No permission"), GiveUp("rejected", "Twilio 21215: No permission")),
        (Refusal(401, 20003, "Authenticate"), GiveUp("rejected", "Twilio 20003: Authenticate")),
        (Refusal(429, 20429, retry_after=7), Retry("provider_throttled", "Twilio answered 429", timedelta(seconds=7))),
        (Refusal(400, 10004, "Too many calls"), Retry("provider_throttled", "Twilio 10004: Too many calls")),
        (Refusal(503, 20503, "Away"), Retry("provider_error", "Twilio 20503: Away")),
    ],
)
async def test_twilio_says_of_a_call_what_it_says_of_a_message(refusal: Refusal, expected: Outcome) -> None:
    async with running_twilio() as fake:
        fake.refusals.append(refusal)
        channel = calling(fake)
        assert await channel.send(CALL) == expected
        await channel.close()


async def test_a_call_only_speaks_where_twilio_cannot_reach_us() -> None:
    async with running_twilio() as fake:
        channel = calling(fake)
        await channel.send(replace(CALL, answerable=True))
        await channel.close()
    [call] = fake.calls
    assert "<Gather" not in call["twiml"]
    assert "Answer in the console, or to the SMS if you got one." in call["twiml"]
    assert not {"StatusCallback", "MachineDetection", "AsyncAmd"} & call["asked"].keys()


async def test_machines_are_looked_for_only_where_that_is_wanted() -> None:
    async with running_twilio() as fake:
        channel = calling(fake, states="https://tocsin.example/status", machine_detection=False)
        await channel.send(CALL)
        await channel.close()
    [call] = fake.calls
    assert call["asked"]["StatusCallback"] == [f"https://tocsin.example/status?attempt={CALL.key}"]
    assert not {"MachineDetection", "AsyncAmd"} & call["asked"].keys()


async def test_a_call_is_known_by_the_id_that_nobody_else_has() -> None:
    async with running_twilio() as fake:
        channel = calling(fake)
        other = TwilioVoice(twilio_account(fake), Calling("+15005550007"))
        earlier = await channel.send(CALL)
        elsewhere = await other.send(CALL)
        assert isinstance(earlier, Accepted)
        assert isinstance(elsewhere, Accepted)
        assert await channel.lookup(CALL, {earlier.provider_id}) == Absent()
        fake.lose_answers = 1
        lost = await channel.send(CALL)
        assert isinstance(lost, Retry)
        assert lost.unsure
        assert await channel.lookup(CALL, {earlier.provider_id}) == Accepted(fake.calls[2]["sid"])
        for one in (channel, other):
            await one.close()


async def test_a_provider_that_cannot_be_reached_took_nothing_for_certain() -> None:
    port = free_port()
    sms = twilio(FakeTwilio(port=port))
    mail = SmtpChannel(Submission("127.0.0.1", port, "none", "tocsin@example.com", timeout=TIMEOUT))
    for outcome in (await sms.send(SMS), await mail.send(MAIL)):
        assert isinstance(outcome, Retry)
        assert (outcome.reason, outcome.unsure) == ("provider_unreachable", False)
    await sms.close()


async def test_an_e_mail_is_threaded_marked_as_automatic_and_the_same_at_every_try() -> None:
    async with running_smtp() as server:
        channel = SmtpChannel(Submission("127.0.0.1", server.port, "none", "tocsin@example.com"))
        first = await channel.send(MAIL)
        again = await channel.send(MAIL)
        await channel.send(replace(MAIL, key="another"))
    assert first == again
    mails = server.mails
    assert [mail["Message-ID"] for mail in mails] == [
        f"<{MAIL.key}@example.com>",
        f"<{MAIL.key}@example.com>",
        "<another@example.com>",
    ]
    assert {mail["References"] for mail in mails} == {"<incident-12@example.com>"}
    assert mails[0]["Auto-Submitted"] == "auto-generated"
    assert mails[0]["To"] == "Rafael <rafael@example.com>"
    assert mails[0]["From"] == "Tocsin <tocsin@example.com>"
    assert mails[0]["Subject"] == MAIL.headline
    assert [part.get_content_type() for part in mails[0].iter_parts()] == ["text/plain", "text/html"]
    assert server.recipients[0] == "rafael@example.com"


async def test_what_an_e_mail_says_comes_through_in_any_script() -> None:
    said = replace(MAIL, name="Zoë Ж", headline="[#12] Касса – down\r\nBcc: x@example.com", text="не работает…")
    async with running_smtp() as server:
        channel = SmtpChannel(Submission("127.0.0.1", server.port, "none", "tocsin@example.com"))
        assert isinstance(await channel.send(said), Accepted)
    [mail] = server.mails
    assert mail["Subject"] == "[#12] Касса – down Bcc: x@example.com"
    assert mail["Bcc"] is None
    assert mail["To"].addresses[0].display_name == "Zoë Ж"
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "не работает…"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("550 5.1.1 no such user", GiveUp("invalid_address", "SMTP 550: 5.1.1 no such user")),
        ("552 5.2.2 mailbox full", GiveUp("rejected", "SMTP 552: 5.2.2 mailbox full")),
        ("450 4.2.1 rate limited", Retry("provider_throttled", "SMTP 450: 4.2.1 rate limited")),
        ("421 4.3.2 closing", Retry("provider_error", "SMTP 421: 4.3.2 closing")),
    ],
)
async def test_the_mail_server_decides_by_its_code(answer: str, expected: Outcome) -> None:
    async with running_smtp() as server:
        server.refuse_rcpt.append(answer)
        channel = SmtpChannel(Submission("127.0.0.1", server.port, "none", "tocsin@example.com"))
        assert await channel.send(MAIL) == expected


async def test_credentials_are_never_sent_in_the_clear() -> None:
    async with running_smtp() as server:
        where = Submission(
            "127.0.0.1", server.port, "starttls", "tocsin@example.com", username="u", password="p", timeout=TIMEOUT
        )
        outcome = await SmtpChannel(where).send(MAIL)
    assert outcome == GiveUp("rejected", "SMTP STARTTLS extension not supported by server.")
    assert server.mails == []
