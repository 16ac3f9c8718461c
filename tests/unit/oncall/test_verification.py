"""A code verifies a contact: when one may be sent, and what one that is given is worth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given as anything
from hypothesis import strategies as st

from services.oncall.domain.verification import (
    LASTS,
    MOST_AN_HOUR,
    MOST_TRIES,
    PAUSE,
    Verification,
    asked,
    code_of,
    given,
    may_ask,
)

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
CODE_ID = UUID(int=1)
SENT = asked(Verification(), CODE_ID, "042917", NOW)


@pytest.mark.parametrize(
    ("known", "code", "after", "reason"),
    [
        (SENT, "042917", timedelta(0), "verified"),
        (SENT, "042917", LASTS - timedelta(seconds=1), "verified"),
        (SENT, "042917", LASTS, "expired"),
        (SENT, "042918", timedelta(0), "wrong"),
        (replace(SENT, tries=MOST_TRIES - 1), "042917", timedelta(0), "verified"),
        (replace(SENT, tries=MOST_TRIES), "042917", timedelta(0), "spent"),
        (asked(SENT, UUID(int=2), "777777", NOW), "042917", timedelta(0), "wrong"),
        (Verification(), "042917", timedelta(0), "never_asked"),
    ],
)
def test_what_a_code_is_worth(known: Verification, code: str, after: timedelta, reason: str) -> None:
    assert given(known, code, "ann", NOW + after)[0] == reason


def test_a_code_is_good_once_and_says_who_gave_it_when() -> None:
    reason, known = given(SENT, "042917", "ann", NOW + PAUSE)
    assert (reason, known.verified_at, known.verified_by) == ("verified", NOW + PAUSE, "ann")
    assert given(known, "042917", "ann", NOW + PAUSE)[0] == "never_asked"


def test_the_code_is_not_kept() -> None:
    assert "042917" not in repr(SENT)
    assert SENT.digest != asked(Verification(), UUID(int=2), "042917", NOW).digest, "equal codes have different digests"


def test_wrong_codes_are_counted_and_another_code_counts_anew() -> None:
    known = SENT
    for tries in range(1, MOST_TRIES + 1):
        reason, known = given(known, "000000", "ann", NOW)
        assert (reason, known.tries) == ("wrong", tries)
    assert given(known, "042917", "ann", NOW)[0] == "spent"
    assert given(asked(known, UUID(int=3), "123456", NOW + PAUSE), "123456", "ann", NOW + PAUSE)[0] == "verified"


def test_codes_are_sent_a_minute_apart() -> None:
    assert may_ask(Verification(), NOW) == ("asked", timedelta(0))
    assert may_ask(SENT, NOW + timedelta(seconds=45)) == ("too_soon", timedelta(seconds=15))
    assert may_ask(SENT, NOW + PAUSE) == ("asked", timedelta(0))


@anything(st.lists(st.integers(0, 7200), max_size=60))
def test_no_hour_that_is_counted_has_more_codes_than_allowed(waits: list[int]) -> None:
    known, now, sent = Verification(), NOW, list[datetime]()
    for number, wait in enumerate(waits):
        now += timedelta(seconds=wait)
        reason, longer = may_ask(known, now)
        if reason == "asked":
            known = asked(known, UUID(int=number), "111111", now)
            sent.append(now)
        else:
            assert timedelta(0) < longer <= timedelta(hours=1)
            assert may_ask(known, now + longer)[0] == "asked"
    begun = known.counted_from
    assert known.asked == sum(at >= begun for at in sent if begun) <= MOST_AN_HOUR


@anything(st.integers(0, 2**120))
def test_a_code_has_six_digits(chance: int) -> None:
    code = code_of(chance)
    assert len(code) == 6
    assert code.isdecimal()
