"""How people are reached, in words."""

from datetime import timedelta

import pytest

from services.statuspage.domain import reach
from services.statuspage.domain.reach import Step

M5 = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("people", "unverified", "without", "text"),
    [
        (19, 3, 0, "Three of 19 people have contacts that nobody verified"),
        (19, 1, 0, "One of 19 people has contacts that nobody verified"),
        (19, 19, 0, "All 19 people have contacts that nobody verified"),
        (19, 0, 0, "Every contact of all 19 people is verified"),
        (1, 0, 0, "Every contact of everybody is verified"),
        (1, 1, 0, "One of one person has contacts that nobody verified"),
        (19, 2, 1, "Two of 19 people have contacts that nobody verified; one has no contact at all"),
        (2, 0, 2, "Two of two people have no contact at all"),
        (0, 0, 0, "There is nobody yet"),
    ],
)
def test_the_first_line_counts_people_by_what_is_wrong(people: int, unverified: int, without: int, text: str) -> None:
    assert reach.summary(people, unverified, without) == text


@pytest.mark.parametrize(
    ("contacts", "unverified", "text"),
    [
        (0, 0, "You have no contact at all"),
        (1, 1, "Your contact is not verified"),
        (2, 1, "One of your two contacts is not verified"),
        (2, 2, "Two of your two contacts are not verified"),
        (2, 0, "Every contact of yours is verified"),
    ],
)
def test_somebody_alone_is_told_of_themselves(contacts: int, unverified: int, text: str) -> None:
    assert reach.own_summary(contacts, unverified) == text


@pytest.mark.parametrize(
    ("steps", "channels", "high", "text"),
    [
        ([], ["sms", "email"], True, "SMS at once, then e-mail if that fails"),
        ([("sms", None), ("email", M5)], ["sms", "email"], True, "SMS at once, e-mail after 5 minutes"),
        (
            [("email", None)],
            ["sms", "email", "sms"],
            True,
            "E-mail at once, then SMS and second SMS if all of these fail",
        ),
        ([("email", None)], ["sms", "email", "sms"], False, "E-mail at once"),
        ([("sms.2", None), ("sms", None)], ["sms", "sms"], False, "Second SMS at once, then SMS if that fails"),
    ],
)
def test_a_chain_says_what_comes_when(steps: list[Step], channels: list[str], high: bool, text: str) -> None:
    assert reach.chain(steps, channels, high=high) == text


@pytest.mark.parametrize(
    ("days", "hours", "text"),
    [
        (["mo", "tu", "we", "th", "fr"], "22:00-07:00", "Mon to Fri, 22:00 to 07:00"),
        (["sa", "su"], "00:00-00:00", "Sat and Sun, all day"),
        (["mo", "we", "th", "fr"], "12:00-13:00", "Mon and Wed to Fri, 12:00 to 13:00"),
        (["mo", "tu", "we", "th", "fr", "sa", "su"], "22:00-07:00", "every day, 22:00 to 07:00"),
    ],
)
def test_quiet_hours_name_days_and_times(days: list[str], hours: str, text: str) -> None:
    assert reach.quiet(days, hours) == text


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("042917", "042917"),
        (" 042 917 ", "042917"),
        ("042-917", "042917"),
        ("42917", None),
        ("", None),
        ("٠٤٢٩١٧", None),
    ],
)
def test_a_code_is_six_digits_however_they_are_grouped(typed: str, code: str | None) -> None:
    assert reach.code_of(typed) == code
