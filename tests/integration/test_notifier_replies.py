"""What people answer, and what providers say of messages later."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from libs.common.events.deliveries import (
    DeliveryConfirmed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
    ReplyReceived,
)
from tests.integration.notifier_desk import PUBLIC_URL, REAL, SECRETS, Desk, running_desk
from tests.support.fake_twilio import reply_form, signed_headers, status_form
from tests.unit.intake.real_bodies import PAYLOADS
from tests.unit.notifier.requests import INCIDENT, client, incident, person, request

SMS = "/v1/callbacks/twilio/sms"
STATUS = "/v1/callbacks/twilio/status"
RAFAEL = "+15005550010"
OTHER = UUID("01936000-0000-7000-8000-00000000000d")


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, REAL) as running:
        yield running


async def reply(desk: Desk, text: str, sender: str = RAFAEL, sid: str = "SM1", **signing: str) -> str:
    """What Twilio is told to send back."""
    form = reply_form(sender, text, sid)
    headers = signed_headers(PUBLIC_URL + SMS, form, **signing)
    answer = await desk.http.post(SMS, content=urlencode(form), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/xml")
    await desk.settle()
    message = ET.fromstring(answer.text).find("Message")  # noqa: S314 - our own answer
    assert message is not None
    return message.text or ""


async def say_status(desk: Desk, sid: str, status: str, attempt: str = "", error: tuple[int, str] | None = None) -> int:
    form = status_form(sid, status, RAFAEL, error)
    path = f"{STATUS}?attempt={attempt}" if attempt else STATUS
    answer = await desk.http.post(path, content=urlencode(form), headers=signed_headers(PUBLIC_URL + path, form))
    await desk.settle()
    return answer.status_code


async def test_ack_is_about_the_latest_page_to_that_number(desk: Desk) -> None:
    later = incident(id=OTHER, number=13, title="Search is down")
    await desk.publish(request("page", person()))
    await desk.forward(seconds=5)
    await desk.publish(request("page", person(), number=2, subject_id=OTHER, incident=later))
    await desk.publish(request("status", client("Clara", ("sms", RAFAEL)), number=3))
    answer = await reply(desk, "ack")
    assert answer.startswith("You have #13 now (Search is down).")
    [received] = desk.told(ReplyReceived)
    assert (received.subject_id, received.action, received.channel) == (OTHER, "acknowledge", "sms")
    assert (received.sender.ref, received.sender.name) == ("person:rafael", "Rafael")


async def test_a_number_names_the_incident(desk: Desk) -> None:
    later = incident(id=OTHER, number=13)
    await desk.publish(request("page", person()), request("page", person(), number=2, subject_id=OTHER, incident=later))
    await reply(desk, " resolve #12 ")
    [received] = desk.told(ReplyReceived)
    assert (received.subject_id, received.action) == (INCIDENT, "resolve")


async def test_a_callback_that_comes_twice_counts_once_and_is_answered_the_same(desk: Desk) -> None:
    await desk.publish(request("page", person()))
    assert await reply(desk, "ACK 12") == await reply(desk, "ACK 12")
    assert len(desk.told(ReplyReceived)) == 1


@pytest.mark.parametrize(
    ("text", "sender", "said"),
    [
        ("ACK 99", RAFAEL, "has not paged this number for #99"),
        ("ACK", "+15005550099", "has not paged this number lately"),
        ("who is this?", RAFAEL, "Reply ACK to take the incident"),
        ("", RAFAEL, "Reply ACK to take the incident"),
    ],
)
async def test_what_cannot_be_acted_on_is_explained(desk: Desk, text: str, sender: str, said: str) -> None:
    await desk.publish(request("page", person()))
    assert said in await reply(desk, text, sender)
    assert desk.told(ReplyReceived) == []


async def test_a_shared_key_s_signature_counts_too(desk: Desk) -> None:
    await desk.publish(request("page", person()))
    await reply(desk, "ACK", secret=SECRETS["SHARED"], shared_key="webhooks_sharedkey_1")
    assert len(desk.told(ReplyReceived)) == 1


@pytest.mark.parametrize(
    "what", ["other token", "other address", "changed form", "none", "unknown shared key", "downgrade"]
)
async def test_what_twilio_did_not_sign_changes_nothing(desk: Desk, what: str) -> None:
    await desk.publish(request("page", person()))
    form = reply_form(RAFAEL, "ACK")
    address = PUBLIC_URL + SMS
    headers = {
        "other token": lambda: signed_headers(address, form, secret="guessed"),
        "other address": lambda: signed_headers("http://internal:8704" + SMS, form),
        "changed form": lambda: signed_headers(address, {**form, "Body": "nothing"}),
        "none": lambda: {"Content-Type": "application/x-www-form-urlencoded"},
        "unknown shared key": lambda: signed_headers(address, form, secret="mine", shared_key="mine"),
        "downgrade": lambda: signed_headers(address, form, secret=SECRETS["SHARED"]),
    }[what]()
    answer = await desk.http.post(SMS, content=urlencode(form), headers=headers)
    await desk.settle()
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert desk.told(ReplyReceived) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (b"no form at all", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % n for n in range(300)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_no_form_is_refused(desk: Desk, body: bytes, content_type: str, status: int) -> None:
    answer = await desk.http.post(SMS, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status


async def test_a_delivered_message_is_confirmed_once(desk: Desk) -> None:
    await desk.publish(request("page", person()))
    sid = desk.twilio.messages[0]["sid"]
    for status in ("sent", "delivered", "delivered"):
        assert await say_status(desk, sid, status) == 204
    [confirmed] = desk.told(DeliveryConfirmed)
    assert (confirmed.recipient.ref, confirmed.channel, confirmed.provider_id) == ("person:rafael", "sms", sid)


async def test_a_message_that_was_lost_on_the_way_goes_on_to_the_next_contact(desk: Desk) -> None:
    await desk.publish(request("page", person()))
    sid = desk.twilio.messages[0]["sid"]
    for _ in range(2):
        await say_status(desk, sid, "undelivered", error=(30003, "Unreachable destination handset"))
    [failed] = desk.told(DeliveryFailed)
    assert (failed.reason, failed.detail) == ("undelivered", "twilio 30003: Unreachable destination handset")
    assert [sent.channel for sent in desk.told(DeliverySent)] == ["sms", "email"]


async def test_where_what_was_sent_is_lost_and_nothing_is_left_the_ladder_is_told(desk: Desk) -> None:
    await desk.publish(request("page", person("Rafael", ("sms", RAFAEL))))
    await say_status(desk, desk.twilio.messages[0]["sid"], "failed", error=(30005, "Unknown handset"))
    [exhausted] = desk.told(DeliveryExhausted)
    assert exhausted.reason == "unreachable"


async def test_a_confirmation_before_the_answer_closes_the_window(desk: Desk) -> None:
    desk.twilio.lose_answers = 1
    await desk.publish(request("page", person()))
    [message] = desk.twilio.messages
    path = message["status_callback"].removeprefix(PUBLIC_URL)
    await say_status(desk, message["sid"], "delivered", attempt=path.partition("attempt=")[2])
    await desk.forward(minutes=5)
    assert len(desk.told(DeliverySent)) == 1
    assert len(desk.told(DeliveryConfirmed)) == 1
    assert len(desk.twilio.messages) == 1


async def test_a_status_of_a_stranger_s_message_is_taken_and_changes_nothing(desk: Desk) -> None:
    assert await say_status(desk, "SMffffffffffffffffffffffffffffffff", "delivered") == 204
    assert desk.told(DeliveryConfirmed) == []


def real(name: str) -> dict[str, str]:
    """What Twilio really posted, where a collection of such bodies stands beside the project."""
    file = PAYLOADS / "twilio" / f"{name}.txt"
    return dict(parse_qsl(file.read_text().strip(), keep_blank_values=True)) if file.exists() else {}


async def post_real(desk: Desk, path: str, form: dict[str, str]) -> int:
    answer = await desk.http.post(path, content=urlencode(form), headers=signed_headers(PUBLIC_URL + path, form))
    await desk.settle()
    return answer.status_code


async def test_answers_as_twilio_really_posts_them_are_understood(desk: Desk) -> None:
    acknowledge, small_talk = real("inbound_sms_ack"), real("inbound_sms")
    if not acknowledge:
        return
    number = int(acknowledge["Body"].split()[1])
    await desk.publish(
        request("page", person("Rafael", ("sms", acknowledge["From"])), incident=incident(number=number))
    )
    assert await post_real(desk, SMS, {**small_talk, "From": acknowledge["From"]}) == 200
    assert desk.told(ReplyReceived) == []
    for _ in range(2):
        assert await post_real(desk, SMS, {**acknowledge, "MessageSid": "SM2"}) == 200
    [received] = desk.told(ReplyReceived)
    assert (received.action, received.subject_id) == ("acknowledge", INCIDENT)


async def test_states_as_twilio_really_posts_them_are_understood(desk: Desk) -> None:
    delivered, undelivered = real("status_callback_delivered"), real("status_callback_undelivered")
    if not delivered:
        return
    await desk.publish(request("page", person()), request("page", person("Helena"), number=2))
    first, second = (message["sid"] for message in desk.twilio.messages)
    for _ in range(2):
        assert await post_real(desk, STATUS, {**delivered, "MessageSid": first}) == 204
        assert await post_real(desk, STATUS, {**undelivered, "MessageSid": second}) == 204
    [confirmed] = desk.told(DeliveryConfirmed)
    assert confirmed.provider_id == first
    [failed] = desk.told(DeliveryFailed)
    assert failed.reason == "undelivered"
    assert undelivered["ErrorCode"] in failed.detail
    assert undelivered["ErrorMessage"] in failed.detail
