"""Quiet hours: what waits, and what becomes of it when they are over."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.incidents import Purpose
from services.notifier.domain.quiet import WAITS, Settled, Waiting, hold, settle

NIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
SEVEN = NIGHT + timedelta(hours=8)
HOUR = timedelta(hours=1)


def waiting(number: int, purpose: Purpose, **said: Any) -> Waiting:
    fields = {"held_at": NIGHT + number * HOUR / 2, "until": SEVEN, **said}
    return Waiting(UUID(int=number), purpose, **fields)


def fates(found: list[Settled]) -> list[tuple[int, str]]:
    return [(one.id.int, one.fate) for one in found]


def test_every_purpose_waits_or_not_and_what_asks_to_act_does_not() -> None:
    assert set(WAITS) == set(get_args(Purpose))
    assert {purpose for purpose, waits in WAITS.items() if not waits} == {
        "page",
        "missed",
        "call",
        "closing",
        "verification",
    }


@given(st.sampled_from(get_args(Purpose)), st.none() | st.timedeltas(-HOUR, 9 * HOUR))
def test_no_page_is_ever_held_whatever_a_request_says(purpose: Purpose, ends: timedelta | None) -> None:
    reason = hold(purpose, None if ends is None else NIGHT + ends, NIGHT)
    if purpose in {"page", "missed", "call", "closing", "verification"}:
        assert reason == "never_held"
    else:
        assert (reason == "held") == (ends is not None and ends > timedelta(0))


@pytest.mark.parametrize(
    ("those", "closed", "found"),
    [
        ([waiting(1, "notice")], None, [(1, "released")]),
        ([waiting(1, "notice", withdrawn=True)], None, [(1, "withdrawn")]),
        ([waiting(1, "notice", until=SEVEN + HOUR)], None, []),
        ([waiting(1, "reminder", due_at=SEVEN - HOUR)], None, [(1, "too_late")]),
        ([waiting(1, "reminder", due_at=SEVEN + HOUR)], None, [(1, "released")]),
        ([waiting(1, "reminder", due_at=SEVEN + HOUR)], NIGHT + HOUR, [(1, "overtaken")]),
        ([waiting(1, "status"), waiting(2, "status")], None, [(1, "overtaken"), (2, "released")]),
        ([waiting(1, "update", words="A"), waiting(2, "status")], None, [(1, "bundled"), (2, "released")]),
        ([waiting(1, "update", words="A")], NIGHT + HOUR, [(1, "overtaken")]),
        ([waiting(4, "rca_status")], NIGHT + HOUR, [(4, "released")]),
        ([waiting(1, "notice"), waiting(2, "notice")], NIGHT + HOUR, [(1, "released"), (2, "released")]),
    ],
)
def test_what_becomes_of_what_waited(
    those: list[Waiting], closed: datetime | None, found: list[tuple[int, str]]
) -> None:
    assert fates(settle(those, SEVEN, closed)) == found


def test_the_last_of_several_carries_the_words_of_all() -> None:
    those = [
        waiting(0, "update", words="We found it."),
        waiting(1, "status"),
        waiting(2, "update", words="We fixed it."),
    ]
    *_, last = settle(those, SEVEN, None)
    assert (last.fate, last.words) == ("released", "23:00 UTC: We found it.\n\n00:00 UTC: We fixed it.")
    (alone,) = settle([those[2]], SEVEN, None)
    assert alone.words is None, "the words of one stand as they are"


messages = st.lists(
    st.tuples(
        st.sampled_from([purpose for purpose, waits in WAITS.items() if waits]),
        st.integers(0, 20),
        st.integers(1, 12),
        st.booleans(),
        st.sampled_from([None, "some words"]),
    ),
    max_size=12,
)


@given(messages, st.none() | st.integers(0, 30))
def test_everything_held_is_settled_once_at_the_end_of_its_quiet_hours(
    held: list[tuple[Purpose, int, int, bool, str | None]], closed: int | None
) -> None:
    those = [
        waiting(
            number, purpose, held_at=NIGHT + at * HOUR, until=NIGHT + (at + lasts) * HOUR, withdrawn=gone, words=words
        )
        for number, (purpose, at, lasts, gone, words) in enumerate(held)
    ]
    closed_at = None if closed is None else NIGHT + closed * HOUR
    left, when, released = list(those), dict[UUID, datetime](), set[UUID]()
    for now in sorted({one.until for one in those}):
        known = [one for one in left if one.held_at < now]
        for settled in settle(known, now, closed_at if closed_at and closed_at <= now else None):
            assert settled.id not in when
            when[settled.id] = now
            released |= {settled.id} if settled.fate == "released" else set()
        left = [one for one in left if one.id not in when]
    assert when == {one.id: one.until for one in those}
    notices = {one.id for one in those if one.purpose == "notice" and not one.withdrawn}
    assert notices <= released, "nothing takes the place of a notice"
    assert not released & {one.id for one in those if one.withdrawn}
