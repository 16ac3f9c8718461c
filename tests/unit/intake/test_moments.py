"""Instants in the words of mails: told rightly, in whatever order and language, and never guessed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.moments import DateOrder, moments, window_of, zone_named

NEAR = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def told(text: str, order: DateOrder = "", zone: ZoneInfo | None = None) -> list[str]:
    return [f"{found.at:%Y-%m-%d %H:%M}" for found in moments(text, zone or UTC, order, NEAR)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-07T22:00:00Z", ["2026-03-07 22:00"]),
        ("2026-03-07T22:00:00.123+01:00", ["2026-03-07 21:00"]),
        ("2026-03-07 22:00:00 +0000 UTC", ["2026-03-07 22:00"]),
        ("2026-03-07 22:00:00+00:00 UTC", ["2026-03-07 22:00"]),
        ("Sat, 7 Mar 2026 08:00:00 GMT to Sat, 7 Mar 2026 14:00:00 GMT", ["2026-03-07 08:00", "2026-03-07 14:00"]),
        ("07-Mar-2026 19:00 to 08-Mar-2026 01:00 ( Central )", ["2026-03-08 01:00", "2026-03-08 07:00"]),
        ("Mar 07, 22:00 - Mar 08, 02:00 UTC", ["2026-03-07 22:00", "2026-03-08 02:00"]),
        ("Nov 23, 12:00 - 14:30 UTC", ["2025-11-23 12:00", "2025-11-23 14:30"]),
        ("Saturday, March 14, 2026 at 8:00 PM to 11:30 PM UTC", ["2026-03-14 20:00", "2026-03-14 23:30"]),
        ("between 23:00 UTC on 31 Dec 2026 and 02:00 UTC on 1 Jan 2027", ["2026-12-31 23:00", "2027-01-01 02:00"]),
        ("22:00 bis 23:30 Uhr MEZ am 7. März 2026", ["2026-03-07 21:00", "2026-03-07 22:30"]),
        ("am 7. März 2026 von 22:00 Uhr bis 23:30 Uhr MEZ", ["2026-03-07 21:00", "2026-03-07 22:30"]),
        ("le 7 mars 2026 de 22h00 à 23h30 CET", ["2026-03-07 21:00", "2026-03-07 22:30"]),
        ("el 7 de marzo de 2026 a las 22:00 UTC", ["2026-03-07 22:00"]),
        ("7 maart 2026 22:00 (UTC+02:00)", ["2026-03-07 20:00"]),
        ("2026-03-07 23:00 - 01:00 UTC", ["2026-03-07 23:00", "2026-03-08 01:00"]),
        ("2026-03-07 22:00 US/Pacific", ["2026-03-08 06:00"]),
        ("12:00 Pacific Time, Jan 5 2026", ["2026-01-05 20:00"]),
        ("10 July 2026 22:00 ET", ["2026-07-11 02:00"]),
        ("12:00 AM 3/14/2026", ["2026-03-14 00:00"]),
        ("14/3/2026 10:00", ["2026-03-14 10:00"]),
        ("14.3.2026 10:00", ["2026-03-14 10:00"]),
        ("3/11/2026 10:00", []),
        ("31 February 2026 10:00", []),
        ("25:61 on 7 March 2026", []),
        ("call 1-508-621-1888 at any time, 24/7", []),
        ("version 10.2.17:8080 of 2026", []),
        ("", []),
    ],
)
def test_an_instant_is_read_as_it_is_meant(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(("order", "expected"), [("MDY", "2026-03-11 22:00"), ("DMY", "2026-11-03 22:00")])
def test_the_writers_order_of_day_and_month_decides(order: DateOrder, expected: str) -> None:
    assert told("3/11/2026 10:00 PM", order) == [expected]


def test_a_time_without_a_zone_is_one_of_the_readers() -> None:
    assert told("7 March 2026 22:00", zone=BERLIN) == ["2026-03-07 21:00"]
    assert told("7 July 2026 22:00", zone=BERLIN) == ["2026-07-07 20:00"]


def test_a_window_that_ends_before_it_begins_has_no_end() -> None:
    assert window_of(moments("2026-03-08 22:00 UTC until 2026-03-07 22:00 UTC")) == (
        datetime(2026, 3, 8, 22, tzinfo=UTC),
        None,
    )
    assert window_of([]) is None
    assert zone_named("Europe/Nowhere") is None


FORMS = (
    "%Y-%m-%d %H:%M UTC",
    "%d %B %Y, %H:%M UTC",
    "%B %d, %Y at %I:%M %p UTC",
    "%H:%M GMT on %a, %d %b %Y",
    "%d-%b-%Y %H:%M ( GMT )",
    "%d.%m.%Y %H:%M Uhr UTC",
    "%Y/%m/%d %H:%M:%S Z",
)


@given(
    at=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - drawn without a zone, then in UTC
    lasts=st.integers(1, 60 * 24 * 30),
    form=st.sampled_from(FORMS),
    between=st.sampled_from([" to ", " - ", " until ", "\nEnd: "]),
)
def test_two_instants_in_any_form_are_a_window(at: datetime, lasts: int, form: str, between: str) -> None:
    starts_at = at.replace(second=0, microsecond=0, tzinfo=UTC)
    ends_at = starts_at + timedelta(minutes=lasts)
    text = f"From {starts_at:{form}}{between}{ends_at:{form}}."

    assert window_of(moments(text)) == (starts_at, ends_at)


@given(text=st.text(max_size=200) | st.text("0123456789:/.- +TZaprmjUCGE,\n", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for found in moments(text, BERLIN, "DMY", NEAR):
        assert found.at.tzinfo is UTC
