"""What Twilio calls back with, as it is read and as it counts: forms like the real ones, and forms that nobody has sent yet."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Malformed, Unsupported
from services.notifier.domain.callback import RANKS, Callback, Standing, of_answer, of_status
from services.notifier.domain.twilio import CALLS, MESSAGES
from services.notifier.sources.base import FORM, Arrival
from services.notifier.sources.twilio import read

ATTEMPT = "01936000-0000-7000-8000-0000000000aa"
RAFAEL, OURS = "+4915112345678", "+15005550006"
CALL = {"CallSid": "CA9", "Direction": "outbound-api", "To": RAFAEL, "Called": RAFAEL, "From": OURS}


def reading(form: dict[str, str], path: str = "/v1/callbacks/twilio/status") -> Callback:
    return read(Arrival.of(path, {"Content-Type": f"{FORM}; charset=UTF-8"}, urlencode(form).encode()))


@pytest.mark.parametrize(
    ("body", "action", "incident"),
    [
        ("ACK 4711", "acknowledge", 4711),
        ("ack", "acknowledge", None),
        ("  Resolve #9. ", "resolve", 9),
        ("Msg", None, None),
        ("", None, None),
    ],
)
def test_an_sms_is_from_its_sender_and_its_words_are_the_command(body: str, action: str, incident: int) -> None:
    form = {"MessageSid": "SM1", "SmsStatus": "received", "From": "+49 151 12345678", "To": OURS, "Body": body}
    found = reading(form, "/v1/callbacks/twilio/sms")
    assert (found.kind, found.key, found.channel, found.address) == ("reply", "SM1", "sms", RAFAEL)
    assert (found.action, found.incident, found.words) == (action, incident, body)


def test_what_twilio_answers_itself_is_left_to_it() -> None:
    form = {"MessageSid": "SM1", "SmsStatus": "received", "From": RAFAEL, "Body": "STOP", "OptOutType": "STOP"}
    found = reading(form, "/v1/callbacks/twilio/sms")
    assert (found.kind, found.action) == ("other", None)


@pytest.mark.parametrize("status", MESSAGES)
def test_each_state_of_a_message_has_a_key_of_its_own_and_is_about_whom_it_was_sent_to(status: str) -> None:
    form = {"MessageSid": "SM2", "MessageStatus": status, "To": RAFAEL, "From": OURS}
    found = reading(form, f"/v1/callbacks/twilio/status?attempt={ATTEMPT}")
    assert (found.kind, found.key, found.address) == ("status", f"SM2:{status}", RAFAEL)
    assert (found.state, found.reported, found.attempt) == (MESSAGES[status], status, UUID(ATTEMPT))
    assert found.action is None


@pytest.mark.parametrize(
    ("code", "lost", "link"),
    [
        ("30003", "undelivered", "https://www.twilio.com/docs/errors/30003"),
        ("30005", "invalid_address", "https://www.twilio.com/docs/errors/30005"),
        ("21610", "opted_out", "https://www.twilio.com/docs/errors/21610"),
        ("99999", "undelivered", "https://www.twilio.com/docs/errors/99999"),
        ("", "undelivered", ""),
        ("9" * 5000, "undelivered", ""),
        ("²", "undelivered", ""),
    ],
)
def test_a_lost_message_says_why_and_where_it_is_explained(code: str, lost: str, link: str) -> None:
    found = reading({"MessageSid": "SM2", "MessageStatus": "undelivered", "To": RAFAEL, "ErrorCode": code})
    assert (found.state, found.lost, found.link) == ("lost", lost, link)
    assert found.reason.endswith("The recipient's next contact is due.")


@pytest.mark.parametrize(
    ("digits", "step", "action", "ask", "key"),
    [
        ("1", "", "acknowledge", None, "CA9"),
        ("1", "resolve", "acknowledge", None, "CA9"),
        ("2", "", None, "sure", "CA9"),
        ("2", "resolve", "resolve", None, "CA9:resolve"),
        ("9", "", None, "again", "CA9"),
        ("*", "resolve", None, "again", "CA9"),
        ("7", "", None, "again", "CA9"),
        ("", "", None, "again", "CA9"),
    ],
)
def test_one_key_takes_an_incident_and_two_end_it(digits: str, step: str, action: str, ask: str, key: str) -> None:
    path = f"/v1/callbacks/twilio/voice?attempt={ATTEMPT}" + (f"&step={step}" if step else "")
    found = reading({**CALL, "CallStatus": "in-progress", "Digits": digits}, path)
    assert (found.kind, found.action, found.ask, found.key) == ("press", action, ask, key)
    assert (found.address, found.words) == (RAFAEL, digits)


@pytest.mark.parametrize(
    ("direction", "human"),
    [("outbound-api", RAFAEL), ("outbound-dial", RAFAEL), ("inbound", OURS), (None, RAFAEL)],
)
def test_the_human_is_whom_we_called_or_who_called_us(direction: str | None, human: str) -> None:
    form = {**CALL, "Digits": "1", "Direction": direction or ""}
    if direction is None:
        del form["Direction"]
    assert reading(form).address == human


def test_whom_we_called_is_known_by_either_name() -> None:
    form = {"CallSid": "CA9", "Direction": "outbound-api", "Called": RAFAEL, "Digits": "1"}
    assert reading(form).address == RAFAEL


@pytest.mark.parametrize(
    ("status", "by", "state", "lost"),
    [
        ("queued", "", "taken", None),
        ("initiated", "", "taken", None),
        ("ringing", "", "taken", None),
        ("in-progress", "", "answered", None),
        ("in-progress", "human", "arrived", None),
        ("in-progress", "machine_start", "lost", "voicemail"),
        ("completed", "", "arrived", None),
        ("completed", "human", "arrived", None),
        ("completed", "unknown", "arrived", None),
        ("completed", "machine_end_beep", "lost", "voicemail"),
        ("completed", "machine_end_silence", "lost", "voicemail"),
        ("completed", "machine_end_other", "lost", "voicemail"),
        ("completed", "fax", "lost", "voicemail"),
        ("busy", "", "lost", "no_answer"),
        ("no-answer", "", "lost", "no_answer"),
        ("canceled", "", "lost", "no_answer"),
        ("failed", "", "lost", "undelivered"),
        ("teleported", "", None, None),
    ],
)
def test_a_call_reaches_a_human_or_counts_as_lost_and_never_acknowledges(
    status: str, by: str, state: str | None, lost: str | None
) -> None:
    form = {**CALL, "CallStatus": status, "SequenceNumber": "3", "CallbackSource": "call-progress-events"}
    found = reading(form | ({"AnsweredBy": by} if by else {}))
    assert (found.kind, found.key, found.address) == ("status", "CA9:3", RAFAEL)
    assert (found.state, found.lost, found.action) == (state, lost, None)
    assert ("next contact is due" in found.reason) is (state == "lost")
    assert ("acknowledges nothing" in found.reason) is (state == "arrived" and status == "completed")


@pytest.mark.parametrize(("by", "state"), [("human", "arrived"), ("machine_start", "lost"), ("unknown", "answered")])
def test_who_picked_up_may_come_by_itself(by: str, state: str) -> None:
    found = reading({"CallSid": "CA9", "AccountSid": "AC1", "AnsweredBy": by, "MachineDetectionDuration": "2900"})
    assert (found.kind, found.key, found.state) == ("status", "CA9:detected", state)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"AccountSid": "AC1"},
        {"MessageStatus": "delivered"},
        {"Body": "ACK", "From": RAFAEL},
        {"Body": "ACK", "MessageSid": "SM1"},
        {"CallSid": "CA9"},
        {"CallSid": "", "Digits": "1"},
    ],
)
def test_a_form_that_lacks_what_it_needs_is_refused_with_the_field(form: dict[str, str]) -> None:
    with pytest.raises(Malformed, match="The form has no"):
        reading(form)


def test_an_attempt_that_is_no_id_and_a_type_that_is_no_form_are_refused() -> None:
    with pytest.raises(Malformed, match="no id"):
        reading({"MessageSid": "SM2", "MessageStatus": "sent"}, "/v1/callbacks/twilio/status?attempt=12")
    with pytest.raises(Unsupported):
        read(Arrival.of("/v1/callbacks/twilio/sms", {"content-type": "application/json"}, b"{}"))


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=8), st.text(max_size=30))
def test_no_form_crashes_the_reader(form: dict[str, str], path: str) -> None:
    known = {"CallSid": "CA9"} if len(form) % 2 else {"MessageSid": "SM1", "From": "x"}
    try:
        found = reading(form | known, f"/v1/callbacks/twilio/{path}")
    except Malformed:
        return
    assert found.key


def test_states_never_go_back_whatever_their_order() -> None:
    def stands(**fields: Any) -> Standing:
        return Standing(fields.get("state", "sent"), fields.get("confirmed", False))

    def after(status: str, standing: Standing) -> str:
        return of_status(reading({**CALL, "CallStatus": status, "SequenceNumber": "0"}), standing).reason

    assert after("ringing", stands(state="sending")) == "accepted"
    assert after("completed", stands(state="sending")) == "confirmed"
    assert after("in-progress", stands()) == "settled"
    assert after("busy", stands()) == "next_contact"
    assert (
        of_status(reading({**CALL, "CallStatus": "busy"}), Standing("sent", confirmed=False, wanted=False)).reason
        == "lost"
    )
    assert after("completed", stands()) == "confirmed"
    for status in CALLS:
        assert after(status, stands(confirmed=True)) == "settled"
        assert after(status, stands(state="failed")) == "settled"
    assert of_status(reading({**CALL, "CallStatus": "busy"}), None).reason == "unknown_message"
    assert RANKS["arrived"] == RANKS["lost"] == max(RANKS.values())


def test_an_answer_says_what_it_does_and_why_it_does_nothing() -> None:
    def said(words: str) -> Callback:
        return reading({"MessageSid": "SM1", "From": RAFAEL, "Body": words})

    assert of_answer(said("ack"), 12).reason == "acknowledges"
    assert of_answer(said("resolve"), 12).reason == "resolves"
    assert of_answer(said("hello"), None).reason == "not_understood"
    assert of_answer(said("ack 13"), None).reason == "not_paged"
    assert of_answer(said("ack"), 12, repeated=True).reason == "repeat"
    assert of_answer(reading({**CALL, "Digits": "2"}), 12).reason == "asks"
