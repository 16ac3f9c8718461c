"""Warnings: an owner hears of a doubt before it begins, once, and once more when it is near."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oncall.domain.finding import Finding
from services.oncall.domain.outlook import NEAR, Known, outlook, owner_of
from services.oncall.domain.spans import Span
from tests.unit.oncall.company import MORNING, directory, entries

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LOOK = timedelta(minutes=10)


def doubt(begins: datetime, lasts: timedelta = HOUR, subject: str = "rota:default") -> Finding:
    return Finding("gap", subject, begins, begins + lasts, None, "nobody is primary")


def looks(times: list[timedelta], found: list[Span]) -> list[tuple[timedelta, str]]:
    """What is told at each of the looks, at ``times`` after the morning, while the doubts are ``found``."""
    known: tuple[Known, ...] = ()
    told: list[tuple[timedelta, str]] = []
    for after in times:
        now = MORNING + after
        ahead = [doubt(max(begin, now), end - max(begin, now)) for begin, end in found if end > now]
        seen = outlook(ahead, known, now)
        known = seen.known
        told += [(after, one.reason) for one in seen.warned]
    return told


def test_a_doubt_that_is_far_is_told_at_the_second_look_and_again_when_it_is_near() -> None:
    far = (MORNING + 5 * DAY, MORNING + 6 * DAY)
    times = [LOOK * number for number in range(int(7 * DAY / LOOK))]
    assert looks(times, [far]) == [(LOOK, "still_there"), (4 * DAY, "begins_soon")]


def test_a_doubt_that_is_near_is_told_at_once_and_once() -> None:
    near = (MORNING + NEAR, MORNING + 2 * DAY)
    assert looks([LOOK * 0, LOOK, DAY], [near]) == [(LOOK * 0, "begins_soon")]


def test_a_contact_that_nobody_verified_is_told_once_and_left_time_for() -> None:
    known: tuple[Known, ...] = ()
    told = []
    for number in range(300):
        now = MORNING + number * LOOK
        raw = Finding("unverified_contact", "rota:default", now, now + 14 * DAY, "ann", "nobody verified it")
        seen = outlook([raw], known, now)
        known = seen.known
        told += [(number, one.reason) for one in seen.warned]
    assert told == [(1, "still_there")]


def test_what_was_put_right_before_the_second_look_is_not_told() -> None:
    first = outlook([doubt(MORNING + 5 * DAY)], (), MORNING)
    assert first.warned == ()
    second = outlook([], [Known(None, one.finding) for one in first.known], MORNING + LOOK)
    assert (second.warned, second.known) == ((), ())


def test_each_of_two_gaps_of_one_rota_is_a_doubt_of_its_own() -> None:
    gaps = [(MORNING + 5 * DAY, MORNING + 6 * DAY), (MORNING + 8 * DAY, MORNING + 9 * DAY)]
    assert looks([LOOK * 0, LOOK, 2 * LOOK], gaps) == [(LOOK, "still_there")] * 2


@given(st.integers(0, 13 * 24), st.integers(1, 72), st.integers(1, 20))
def test_whatever_lasts_is_told_once_before_it_is_near_and_once_after(begins: int, lasts: int, minutes: int) -> None:
    span = (MORNING + begins * HOUR, MORNING + (begins + lasts) * HOUR)
    every = timedelta(minutes=15 * minutes)
    times = [every * number for number in range(int(timedelta(days=17) / every))]
    told = looks(times, [span])
    reasons = [reason for _, reason in told]
    assert reasons in (["begins_soon"], ["still_there", "begins_soon"], ["still_there"], [])
    if begins * HOUR <= NEAR:
        assert told[0] == (timedelta(0), "begins_soon")
    elif begins * HOUR > NEAR + 2 * every:
        assert reasons[0] == "still_there"
        assert told[0][0] < begins * HOUR


@pytest.mark.parametrize(
    ("subject", "owner"),
    [
        ("rota:default", "person:helena"),
        ("on-shift", "person:helena"),
        ("role:pm", "team:platform"),
        ("role:devops", "role:devops"),
        ("service:orphan", "role:devops"),
        ("role:admiral", "role:devops"),
    ],
)
def test_a_doubt_is_told_to_whoever_owns_its_subject(subject: str, owner: str) -> None:
    known = entries()
    rota = {**known["rota"][0], "owner": "helena"}
    role = [{**one, "owner": "team:platform"} if one["id"] == "pm" else one for one in known["role"]]
    assert owner_of(directory(rota=[rota], role=role), doubt(MORNING, subject=subject)) == owner
