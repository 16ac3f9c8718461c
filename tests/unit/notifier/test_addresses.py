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


def test_each_channel_has_its_own_form() -> None:
    assert normal("sms", "r@example.com") is None
    assert normal("email", "+15005550010") is None
    assert normal("chat", " #ops ") == "#ops"
