"""Which addresses are of use, and in what form."""

import pytest

from services.notifier.domain.addresses import mailbox, normal, phone


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+15005550010", "+15005550010"),
        (" +1 (500) 555-0010 ", "+15005550010"),
        ("0049 30 901820", "+4930901820"),
        ("+49 (0)30 901820", "+4930901820"),
        ("tel:+351.912.345.678", "+351912345678"),
        ("030 901820", None),
        ("+0123456789", None),
        ("+1234567890123456", None),
        ("+1500CALLME", None),
        ("", None),
    ],
)
def test_a_number_is_brought_into_its_international_form(text: str, number: str | None) -> None:
    assert phone(text) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Rafael@Example.COM", "Rafael@example.com"),
        ("mailto:a.b+tag@example.com", "a.b+tag@example.com"),
        ("a@b", "a@b"),
        ("no-at.example.com", None),
        ("a@b, c@d", None),
        ("a@b\r\nBcc: c@d", None),
        ("a..b@example.com", None),
        ("Rafael <r@example.com>", None),
    ],
)
def test_only_a_single_plain_mailbox_is_written_to(text: str, address: str | None) -> None:
    assert mailbox(text) == address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("U024BE7LH", "U024BE7LH"),
        (" w012a3cde ", "W012A3CDE"),
        ("<@U024BE7LH>", "U024BE7LH"),
        ("<#C024BE91L|ops>", "C024BE91L"),
        ("https://acme.slack.com/team/U024BE7LH", "U024BE7LH"),
        ("https://acme.slack.com/archives/C024BE91L", "C024BE91L"),
        ("https://app.slack.com/client/T0000001/C024BE91L", "C024BE91L"),
        ("https://acme.slack.com/archives/C024BE91L/p1764000000000100", None),  # a message
        ("https://slack.com.example/team/U024BE7LH", None),
        ("#ops", None),
        ("@rafael", None),
        ("rafael@example.com", None),
        ("D024BE7LH", None),
        ("T0000001", None),
        ("", None),
    ],
)
def test_slack_is_written_to_by_the_id_of_a_member_or_channel(text: str, found: str | None) -> None:
    assert normal("slack", text) == found


def test_each_channel_has_its_own_form() -> None:
    assert normal("sms", "r@example.com") is None
    assert normal("email", "+15005550010") is None
    assert normal("chat", " #ops ") == "#ops"
