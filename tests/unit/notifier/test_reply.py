"""What an answer means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.reply import Command, confirmation, parse, unknown


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("ack", Command("acknowledge", None)),
        ("ACK 12", Command("acknowledge", 12)),
        ("Ack!", Command("acknowledge", None)),
        (" resolve #12 ", Command("resolve", 12)),
        ("ack12", None),
        ("ACK: 4711", Command("acknowledge", 4711)),
        ("Acknowledged.", Command("acknowledge", None)),
        ("RESOLVED no. 7", Command("resolve", 7)),
        ('"ACK 12"', None),
        ("'ACK 12", Command("acknowledge", 12)),
        ("ACK 12 I am on it", None),
        ("Msg", None),
        ("", None),
        ("12", None),
        ("do not ack", None),
        ("nack 12", None),
    ],
)
def test_a_reply_is_a_command_only_where_it_says_so(text: str, command: Command | None) -> None:
    assert parse(text) == command


@given(st.text())
def test_any_text_is_a_command_or_none(text: str) -> None:
    parse(text)


def test_the_answer_names_the_incident_that_was_taken() -> None:
    assert confirmation(Command("acknowledge", None), 12, "Checkout is down").startswith("You have #12")
    assert "#12 (Checkout is down)" in confirmation(Command("resolve", 12), 12, "Checkout is down")
    assert "#9" in unknown(Command("resolve", 9))
