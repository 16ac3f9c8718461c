"""Maintenance that recurs: of several announcements of one event the newest counts, and what is no more is cancelled."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.series import Known, Revised, ahead, revise, split
from services.intake.domain.trigger import Reading, Version
from services.intake.sources.base import Arrival
from services.intake.sources.native import SOURCE
from tests.unit.intake.support import NOW, integration
from tests.unit.intake.test_notices_ics import calendar

KEY = "w"
WEEKLY = "UID:w\nDTSTART:20260303T220000Z\nDURATION:PT1H\nSUMMARY:Patches"
RULE = "RRULE:FREQ=WEEKLY"
STAMP = "DTSTAMP:20260301T080000Z"
LATER = "DTSTAMP:20260301T090000Z"
ONE, TWO, THREE, FOUR, FIVE = (
    f"w/{day}T220000Z" for day in ("20260303", "20260310", "20260317", "20260324", "20260331")
)


def said(*events: str, now: datetime = NOW, method: str = "") -> Reading:
    """What a calendar of these events says, as an integration with the native format posts it."""
    arrival = Arrival({"content-type": "text/calendar"}, calendar(*events, method=method), integration("native"), now)
    return SOURCE.read(arrival)


def event(*more: str, rule: str = RULE) -> str:
    return "\n".join([WEEKLY, *([rule] if rule else []), *more])


def part(day: str, *more: str) -> str:
    return "\n".join(
        [f"UID:w\nRECURRENCE-ID:{day}T220000Z\nDTSTART:{day}T220000Z\nDURATION:PT1H\nSUMMARY:Patches", *more]
    )


def told(reading: Reading, known: Known | None = None, now: datetime = NOW) -> Revised:
    (series,) = reading.series
    return revise(series, split(reading)[series.key], known, now)


def known_of(revised: Revised) -> Known:
    assert revised.known is not None
    return revised.known


def ends(revised: Revised) -> list[tuple[str, str | None]]:
    return [(one.dedup_key, one.ending) for one in revised.triggers if one.status == "resolved"]


FIRST = told(said(event("SEQUENCE:1", STAMP)))


def test_the_first_announcement_is_remembered_with_its_occurrences() -> None:
    assert (FIRST.reason, list(known_of(FIRST).told)) == ("new", [ONE, TWO, THREE, FOUR, FIVE])
    assert ends(FIRST) == []


@pytest.mark.parametrize(
    ("newer", "gone"),
    [
        (event("SEQUENCE:2", "EXDATE:20260310T220000Z"), [TWO]),
        (event("SEQUENCE:1", LATER, "EXDATE:20260310T220000Z"), [TWO]),
        (event("SEQUENCE:2", rule="RRULE:FREQ=WEEKLY;UNTIL=20260318T000000Z"), [FOUR, FIVE]),
        (event("SEQUENCE:2", rule="RRULE:FREQ=WEEKLY;INTERVAL=2"), [TWO, FOUR]),
        (event("SEQUENCE:2", rule=""), [ONE, TWO, THREE, FOUR, FIVE]),
        (event("SEQUENCE:2", "STATUS:CANCELLED", rule=""), [ONE, TWO, THREE, FOUR, FIVE]),
    ],
)
def test_what_a_newer_version_has_no_more_is_cancelled_by_the_same_key(newer: str, gone: list[str]) -> None:
    revised = told(said(newer), known_of(FIRST))
    assert revised.newest
    assert [pair for pair in ends(revised) if pair[0] != "w"] == [(key, "cancelled") for key in gone]
    assert not set(gone) & set(known_of(revised).told)
    again = told(said(newer), known_of(revised))
    assert [pair for pair in ends(again) if pair[0] != "w"] == [], "and once"


def test_a_series_that_is_called_off_by_its_uid_alone_cancels_every_occurrence() -> None:
    revised = told(said(event("SEQUENCE:2", rule=""), method="CANCEL"), known_of(FIRST))
    assert {key for key, _ in ends(revised)} == {"w", ONE, TWO, THREE, FOUR, FIVE}


@pytest.mark.parametrize("older", [event("SEQUENCE:0", LATER), event("SEQUENCE:1", "DTSTAMP:20260228T080000Z")])
def test_an_older_version_that_comes_late_changes_nothing(older: str) -> None:
    newest = told(said(event("SEQUENCE:1", STAMP, "EXDATE:20260310T220000Z")))
    revised = told(said(older), known_of(newest))
    assert (revised.reason, revised.triggers, revised.newest) == ("older_version", (), False)
    assert {one.reason for one in revised.passed} == {"no-news"}
    assert known_of(revised) == known_of(newest)


def test_an_occurrence_that_was_cancelled_alone_stays_so_until_the_event_says_something_newer() -> None:
    alone = told(said(part("20260317", "SEQUENCE:2", "STATUS:CANCELLED")), known_of(FIRST))
    assert (alone.reason, ends(alone), alone.newest) == ("single_occurrence", [(THREE, "cancelled")], False)
    repeated = told(said(event("SEQUENCE:1", STAMP)), known_of(alone))
    assert [one.dedup_key for one in repeated.triggers] == [ONE, TWO, FOUR, FIVE]
    assert [one.trigger.dedup_key for one in repeated.passed if one.trigger] == [THREE]
    renewed = told(said(event("SEQUENCE:3")), known_of(repeated))
    assert THREE in [one.dedup_key for one in renewed.triggers if one.status == "firing"]


def test_an_older_change_of_one_occurrence_is_passed_over() -> None:
    moved = told(said(part("20260317", "SEQUENCE:3")), known_of(FIRST))
    late = told(said(part("20260317", "SEQUENCE:2", "STATUS:CANCELLED")), known_of(moved))
    assert (late.triggers, [one.reason for one in late.passed]) == ((), ["no-news"])


def test_what_is_over_is_not_cancelled_and_what_runs_is() -> None:
    running = datetime.fromisoformat("2026-03-10T22:30:00Z")
    revised = told(said(event("SEQUENCE:2", rule="RRULE:FREQ=WEEKLY;COUNT=1"), now=running), known_of(FIRST), running)
    assert [key for key, _ in ends(revised)] == [TWO, THREE, FOUR, FIVE]


def test_an_event_that_never_recurred_is_not_remembered() -> None:
    revised = told(said(event("SEQUENCE:2", rule="")))
    assert (revised.reason, revised.known, len(revised.triggers)) == ("does_not_recur", None, 1)


def test_occurrences_are_announced_as_they_come_near_each_once() -> None:
    known, keys = known_of(FIRST), []
    for day in range(1, 40):
        now = NOW + timedelta(days=day)
        reading = said(event("SEQUENCE:1", STAMP), now=now)
        fresh, known = ahead(reading.series[0], reading.triggers, known, now)
        keys += [one.dedup_key for one in fresh]
    assert keys == [
        f"w/{day}T220000Z" for day in ("20260407", "20260414", "20260421", "20260428", "20260505", "20260512")
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 4))), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_in_whatever_order_versions_come_what_is_open_in_the_end_is_what_the_newest_says(
    versions: list[tuple[int, set[int]]], random: object
) -> None:
    days = ("20260303", "20260310", "20260317", "20260324", "20260331")
    newest: dict[int, set[int]] = {}
    for sequence, dropped in versions:
        newest.setdefault(sequence, dropped)
    arrivals = [(sequence, newest[sequence]) for sequence, _ in versions]
    getattr(random, "shuffle")(arrivals)  # noqa: B009 - hypothesis' own type is not exported
    known: Known | None = None
    firing: set[str] = set()
    for sequence, dropped in arrivals:
        skipped = [f"EXDATE:{days[number]}T220000Z" for number in sorted(dropped)]
        revised = told(said(event(f"SEQUENCE:{sequence}", STAMP, *skipped)), known)
        known = revised.known
        for one in revised.triggers:
            (firing.add if one.status == "firing" else firing.discard)(one.dedup_key)
    last = newest[max(newest)]
    assert firing == {f"w/{day}T220000Z" for number, day in enumerate(days) if number not in last}


@pytest.mark.parametrize(
    ("first", "second", "older"),
    [
        (Version(1), Version(2), True),
        (Version(2), Version(1), False),
        (Version(1, NOW), Version(1, NOW + timedelta(seconds=1)), True),
        (Version(1, NOW), Version(1), False),
        (Version(1), Version(1, NOW), False),
        (Version(2, NOW), Version(1, NOW + timedelta(days=1)), False),
    ],
)
def test_the_sequence_counts_and_then_the_stamp(first: Version, second: Version, older: bool) -> None:
    assert first.is_older_than(second) is older
