"""A page by phone: what is said, what keys do, and what becomes of a call that reaches nobody."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from libs.common.events.deliveries import (
    DeliveryConfirmed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
    ReplyReceived,
)
from libs.common.events.notifications import NotificationsWithdrawn
from tests.integration.notifier_desk import CALLS, PUBLIC_URL, SECRETS, Desk, running_desk
from tests.support.fake_twilio import call_form, detection_form, press_form, signed_headers
from tests.unit.notifier.requests import INCIDENT, NOW, client, person, request

RAFAEL = "+15005550010"
BY_PHONE = (("voice", RAFAEL), ("email", "rafael@example.com"))


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, CALLS) as running:
        yield running


def asked(call: Mapping[str, Any], name: str) -> str:
    """What Twilio was asked for, as one text."""
    return " ".join(call["asked"].get(name, []))


def said(text: str) -> str:
    """What is heard of TwiML."""
    root = ET.fromstring(text)  # noqa: S314 - our own answer
    return " ".join(say.text or "" for say in root.iter("Say"))


def keys_of(text: str) -> str:
    """Where a key that is pressed goes, below the public address."""
    gather = ET.fromstring(text).find("Gather")  # noqa: S314 - our own answer
    assert gather is not None
    return gather.attrib["action"].removeprefix(PUBLIC_URL)


async def told(desk: Desk, path: str, form: dict[str, str], **signing: str) -> tuple[int, str]:
    """Twilio calls back at ``path``."""
    headers = signed_headers(PUBLIC_URL + path, form, **signing)
    answer = await desk.http.post(path, content=urlencode(form), headers=headers)
    await desk.settle()
    return answer.status_code, answer.text


async def press(desk: Desk, text: str, digits: str) -> str:
    """A key in the call that said ``text``; the TwiML that follows."""
    status, answer = await told(desk, keys_of(text), press_form(desk.twilio.calls[0], digits))
    assert status == 200, answer
    return answer


async def state(desk: Desk, status: str, sequence: int = 0, by: str = "") -> None:
    """Twilio tells what became of the first call."""
    call = desk.twilio.calls[0]
    path = asked(call, "StatusCallback").removeprefix(PUBLIC_URL)
    assert (await told(desk, path, call_form(call, status, sequence, by)))[0] == 204


async def paged(desk: Desk, **changes: Any) -> dict[str, Any]:
    """Rafael's phone rings; the call as Twilio was asked for it."""
    await desk.publish(request("page", person("Rafael", *BY_PHONE), **changes))
    [call] = desk.twilio.calls
    return call


async def test_a_page_by_phone_says_what_is_down_and_asks_to_be_told_everything(desk: Desk) -> None:
    call = await paged(desk)
    assert (call["to"], call["from"]) == (RAFAEL, "+15005550006")
    assert "This is Tocsin, calling Rafael. Incident 1 2: Checkout is down." in said(call["twiml"])
    assert "Press 1 to take it. Press 2 to resolve it. Press 9 to hear this again." in said(call["twiml"])
    assert 'language="en-GB"' in call["twiml"]
    [attempt] = await desk.attempts()
    states = f"{PUBLIC_URL}/v1/callbacks/twilio/status?attempt={attempt.id}"
    wanted = {
        "Timeout": "25",
        "StatusCallback": states,
        "StatusCallbackEvent": "answered completed",
        "MachineDetection": "Enable",
        "AsyncAmd": "true",
        "AsyncAmdStatusCallback": states,
    }
    assert {name: asked(call, name) for name in wanted} == wanted
    [sent] = desk.told(DeliverySent)
    assert (sent.channel, sent.provider_id) == ("voice", call["sid"])


async def test_digit_1_acknowledges_and_nobody_else_is_paged(desk: Desk) -> None:
    later = person("Rafael", *BY_PHONE)
    second = later.contacts[1].model_copy(update={"after": timedelta(minutes=5)})
    patient = later.model_copy(update={"contacts": (later.contacts[0], second)})
    await desk.publish(request("page", patient))
    answer = await press(desk, desk.twilio.calls[0]["twiml"], "1")
    assert said(answer) == "You have incident 1 2 now. Nobody else is paged. Goodbye."
    [received] = desk.told(ReplyReceived)
    assert (received.subject_id, received.action, received.channel) == (INCIDENT, "acknowledge", "voice")
    assert (received.sender.ref, received.text) == ("person:rafael", "1")
    assert len(desk.told(DeliveryConfirmed)) == 1
    gone = NotificationsWithdrawn(subject_id=INCIDENT, purposes=("page",), reason="acknowledged", at=NOW)
    await desk.publish(gone)
    await state(desk, "completed", 2)
    await desk.forward(minutes=30)
    assert desk.mail.mails == []
    assert len(desk.twilio.calls) == 1


async def test_a_key_that_is_told_twice_counts_once_and_is_answered_the_same(desk: Desk) -> None:
    call = await paged(desk)
    assert await press(desk, call["twiml"], "1") == await press(desk, call["twiml"], "1")
    assert len(desk.told(ReplyReceived)) == 1


async def test_what_ends_an_incident_is_asked_twice(desk: Desk) -> None:
    call = await paged(desk)
    question = await press(desk, call["twiml"], "2")
    assert "Press 2 again to resolve incident 1 2, or 1 to take it." in said(question)
    assert desk.told(ReplyReceived) == []
    answer = await press(desk, question, "2")
    assert "Incident 1 2 is being resolved." in said(answer)
    assert [received.action for received in desk.told(ReplyReceived)] == ["resolve"]


@pytest.mark.parametrize("key", ["9", "*", "5", "#", ""])
async def test_any_other_key_says_the_message_again(desk: Desk, key: str) -> None:
    call = await paged(desk)
    again = await press(desk, call["twiml"], key)
    assert said(again) == said(call["twiml"])
    assert keys_of(again) == keys_of(call["twiml"])
    assert desk.told(ReplyReceived) == []


@pytest.mark.parametrize(
    ("status", "reason", "detail"),
    [
        ("no-answer", "no_answer", "nobody picked up"),
        ("busy", "no_answer", "the line was busy"),
        ("canceled", "no_answer", "the call was canceled before anybody picked up"),
        ("failed", "undelivered", "the call could not be connected"),
    ],
)
async def test_a_call_that_nobody_takes_goes_on_to_the_next_contact_at_once(
    desk: Desk, status: str, reason: str, detail: str
) -> None:
    await paged(desk)
    for _ in range(2):
        await state(desk, status, 1)
    [failed] = desk.told(DeliveryFailed)
    assert (failed.reason, failed.detail) == (reason, f"twilio: {detail}")
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["voice", "email"]


async def test_voicemail_counts_as_not_reached_and_says_so(desk: Desk) -> None:
    await paged(desk)
    await state(desk, "in-progress", 1)
    assert desk.told(DeliveryConfirmed) == []
    await state(desk, "completed", 2, by="machine_end_beep")
    [failed] = desk.told(DeliveryFailed)
    assert (failed.reason, failed.detail) == ("voicemail", "twilio: voicemail took the call (machine_end_beep)")
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["voice", "email"]


async def test_a_machine_that_is_found_out_during_the_call_has_the_next_contact_used_at_once(desk: Desk) -> None:
    call = await paged(desk)
    path = asked(call, "AsyncAmdStatusCallback").removeprefix(PUBLIC_URL)
    assert (await told(desk, path, detection_form(call, "machine_start")))[0] == 204
    assert [one.reason for one in desk.told(DeliveryFailed)] == ["voicemail"]
    await state(desk, "completed", 2, by="machine_start")
    assert len(desk.told(DeliveryFailed)) == 1
    assert len(desk.mail.mails) == 1


async def test_whoever_presses_a_key_is_no_machine_whatever_is_said_later(desk: Desk) -> None:
    call = await paged(desk)
    await press(desk, call["twiml"], "9")
    await state(desk, "completed", 2, by="machine_start")
    assert desk.told(DeliveryFailed) == []
    assert desk.mail.mails == []


async def test_a_call_that_was_heard_is_confirmed_and_never_acknowledged_by_that(desk: Desk) -> None:
    await paged(desk)
    await state(desk, "completed", 2, by="human")
    await state(desk, "in-progress", 1)
    await state(desk, "no-answer", 0)
    [confirmed] = desk.told(DeliveryConfirmed)
    assert confirmed.channel == "voice"
    assert not [*desk.told(DeliveryFailed), *desk.told(DeliveryExhausted)]
    assert desk.told(ReplyReceived) == []


async def test_what_twilio_did_not_sign_changes_nothing(desk: Desk) -> None:
    call = await paged(desk)
    keys = keys_of(call["twiml"])
    states = asked(call, "StatusCallback").removeprefix(PUBLIC_URL)
    assert (await told(desk, keys, press_form(call, "1"), secret="guessed"))[0] == 403
    assert (await told(desk, states, call_form(call, "busy"), secret="guessed"))[0] == 403
    assert desk.told(ReplyReceived) == []
    assert desk.told(DeliveryFailed) == []


async def test_a_call_whose_answer_was_lost_is_found_at_twilio_and_not_made_again(desk: Desk) -> None:
    desk.twilio.lose_answers = 1
    await paged(desk)
    await desk.forward(minutes=5)
    assert len(desk.twilio.calls) == 1
    [sent] = desk.told(DeliverySent)
    assert sent.provider_id == desk.twilio.calls[0]["sid"]


async def test_a_client_s_contact_hears_news_and_can_end_nothing(desk: Desk) -> None:
    await desk.publish(request("status", client("Clara", ("voice", RAFAEL)), since=NOW))
    [call] = desk.twilio.calls
    assert "Press 1" not in said(call["twiml"])
    assert "You were not paged by this call" in said(await press(desk, call["twiml"], "1"))
    assert said(await press(desk, call["twiml"], "2")) == said(call["twiml"])
    assert desk.told(ReplyReceived) == []


async def test_a_code_is_said_and_neither_kept_nor_said_again(desk: Desk) -> None:
    asks: dict[str, Any] = {
        "incident": None,
        "title": "Your code",
        "code": "042917",
        "due_at": NOW + timedelta(minutes=10),
    }
    await desk.publish(request("verification", person("Rafael", ("voice", RAFAEL)), **asks))
    [call] = desk.twilio.calls
    assert said(call["twiml"]).count("0, 4, 2, 9, 1, 7") == 2
    assert "<Gather" not in call["twiml"]
    [attempt] = await desk.attempts()
    assert "0, 4" not in attempt.text
    keys = f"/v1/callbacks/twilio/voice?attempt={attempt.id}"
    status, again = await told(desk, keys, press_form(call, "9"))
    assert status == 200
    assert "0, 4" not in again


async def test_what_is_told_at_another_address_of_ours_is_understood_all_the_same(desk: Desk) -> None:
    call = await paged(desk)
    sid = f"?attempt={(await desk.attempts())[0].id}"
    status, answer = await told(desk, f"/v1/callbacks/twilio/voice{sid}", call_form(call, "completed", 2, "human"))
    assert (status, list(ET.fromstring(answer))) == (200, [])  # noqa: S314 - our own answer
    assert len(desk.told(DeliveryConfirmed)) == 1
    status, answer = await told(desk, f"/v1/callbacks/twilio/sms{sid}", press_form(call, "1"))
    assert said(answer) == "You have incident 1 2 now. Nobody else is paged. Goodbye."


async def test_a_stranger_s_call_is_answered_politely(desk: Desk) -> None:
    form = press_form({"sid": "CA" + "f" * 32, "to": RAFAEL, "from": "+15005550006"}, "9")
    status, answer = await told(desk, "/v1/callbacks/twilio/voice", form)
    assert (status, said(answer)) == (200, "Tocsin does not know this call. Goodbye.")


LOCAL_CALLS = """
channels:
  - {id: voice, name: Phone calls, provider: local}
"""


async def test_the_local_outbox_shows_calls_and_takes_the_key_that_would_be_pressed(
    database_url: str, tmp_path: Path
) -> None:
    async with running_desk(database_url, tmp_path, LOCAL_CALLS) as desk:
        key = await desk.key()
        await desk.publish(request("page", person("Rafael", ("voice", RAFAEL))))
        [shown] = (await desk.http.get("/v1/outbox", headers=key)).json()["messages"]
        assert shown["channel"] == "voice"
        assert shown["text"].endswith("Press 1 to take it. Press 2 to resolve it. Press 9 to hear this again.")
        answer = await desk.http.post(f"/v1/outbox/{shown['id']}/reply", json={"text": "1"}, headers=key)
        assert answer.json()["answer"] == "You have incident 1 2 now. Nobody else is paged. Goodbye."
        await desk.settle()
        assert [one.action for one in desk.told(ReplyReceived)] == ["acknowledge"]
