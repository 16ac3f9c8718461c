"""What a call says, and the TwiML that says it."""

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.incidents import Purpose
from services.notifier.channels import twiml
from services.notifier.domain.speech import ELSEWHERE, MENU, digits, done, ear, menu, sure
from services.notifier.domain.wording import Places, word
from services.notifier.rendering import Renderer
from tests.unit.notifier.requests import NOW, client, incident, person, request

PLACES = Places("https://status.example/console/incidents/{number}", "https://status.example")
RENDERER = Renderer()
KEYS = "https://tocsin.example/v1/callbacks/twilio/voice?attempt=1&x=2"


def said(purpose: Purpose, **fields: Any) -> str:
    recipient = fields.pop("to", person())
    return RENDERER.render("voice", word(request(purpose, recipient, **fields), recipient, PLACES, NOW)).text


def test_a_page_says_who_calls_and_what_is_down_with_its_number_digit_by_digit() -> None:
    assert said("page", incident=incident(number=4711)) == (
        "This is Tocsin, calling Rafael. Incident 4 7 1 1: Checkout is down. You are needed: the incident just opened."
    )


def test_a_code_is_said_digit_by_digit_and_twice() -> None:
    text = said("verification", incident=None, title="Your code", code="042917", due_at=NOW + timedelta(minutes=10))
    assert text.count("0, 4, 2, 9, 1, 7") == 2
    assert "042917" not in text
    assert "It is good until 14:10 UTC." in text


def test_nothing_is_read_out_that_only_an_eye_can_use() -> None:
    title = "`checkout_api` <down> #1 | see https://grafana.example/d/1?x=2 *now*\x00\x1b[31m"
    text = said("page", incident=incident(title=title))
    assert "http" not in text
    assert not set(text) & set("`_<>#|*\x00\x1b[]")
    assert "checkout api down 1 see a link now" in text
    assert "#" not in said("update", words="See #12", promise="") + said("status")


def test_words_are_heard_in_full_units_and_long_ones_end_with_a_hint() -> None:
    assert "after 30 minutes" in said("closing", incident=incident(state="resolved", resolved_at=NOW))
    text = said("update", words="We found it. " * 300)
    assert len(text) < 1300
    assert "and more" in text


def test_whoever_is_outside_hears_nothing_of_the_house() -> None:
    text = said("status", to=client("Clara", ("voice", "+15005550010")), since=NOW, public_title="Orders are slow")
    assert text.startswith("This is Tocsin, calling Clara. Incident 1 2: Orders are slow. No change since 14:00 UTC.")


def test_keys_are_offered_where_they_do_something() -> None:
    assert menu(answerable=True, reachable=True) == MENU
    assert menu(answerable=True, reachable=False) == ELSEWHERE
    assert "Press 9" in menu(answerable=False, reachable=True)
    assert menu(answerable=False, reachable=False) == ""
    assert digits(4711) == "4 7 1 1"
    assert done("acknowledge", 12) == "You have incident 1 2 now. Nobody else is paged. Goodbye."
    assert sure(12) == "Press 2 again to resolve incident 1 2, or 1 to take it."


def test_a_message_is_said_twice_and_asks_for_one_key() -> None:
    root = ET.fromstring(twiml.message("Fish & <chips>", MENU, "en-GB", KEYS))  # noqa: S314 - our own
    [gather] = root.findall("Gather")
    assert gather.attrib | {"timeout": ""} == {
        "input": "dtmf",
        "numDigits": "1",
        "timeout": "",
        "finishOnKey": "",
        "action": KEYS,
        "method": "POST",
    }
    [say] = gather.findall("Say")
    assert (say.text, say.attrib) == (f"Fish & <chips> {MENU}", {"language": "en-GB", "loop": "2"})
    assert [one.tag for one in root] == ["Gather", "Say"]


def test_without_an_address_for_keys_a_call_only_speaks() -> None:
    root = ET.fromstring(twiml.message("Hello", ELSEWHERE, "en-US", None))  # noqa: S314 - our own
    assert [(one.tag, one.text) for one in root] == [("Say", f"Hello {ELSEWHERE}"), ("Say", "Goodbye.")]


def test_a_question_leads_to_its_own_step_and_last_words_hang_up() -> None:
    root = ET.fromstring(twiml.question(sure(12), "en-US", KEYS))  # noqa: S314 - our own
    [gather] = root.findall("Gather")
    assert gather.attrib["action"] == f"{KEYS}&step=resolve"
    end = ET.fromstring(twiml.last(done("resolve", 12), "en-US"))  # noqa: S314 - our own
    assert [one.tag for one in end] == ["Say", "Hangup"]


@given(st.text(max_size=6000), st.sampled_from([KEYS, None]))
def test_whatever_stands_in_a_title_the_twiml_is_whole_and_fits(text: str, keys: str | None) -> None:
    said_aloud = twiml.message(ear(text), MENU, "en-US", keys)
    assert len(said_aloud) <= twiml.LONGEST
    ET.fromstring(said_aloud)  # noqa: S314 - our own


@pytest.mark.parametrize("title", ["&" * 1200, '"' * 1200, "<&>" * 400])
def test_what_grows_when_it_is_escaped_is_cut(title: str) -> None:
    said_aloud = twiml.message(title, MENU, "en-US", KEYS)
    assert len(said_aloud) <= twiml.LONGEST
    assert "Press 1 to take it." in said_aloud
    assert len("".join(ET.fromstring(said_aloud).itertext())) > 300  # noqa: S314 - our own


def test_a_title_of_one_endless_word_is_still_heard() -> None:
    assert ear("x" * 5000, 200) == "x" * 200 + ", and more"
