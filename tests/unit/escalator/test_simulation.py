"""What would happen, played on a course that nobody keeps."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import Window
from libs.common.events.incidents import CommunicationDue, EscalationDue
from services.escalator.domain.incident import Report
from services.escalator.domain.simulation import MOST_FACTS, Acts, Simulated, simulate
from tests.unit.escalator.builders import OPENED, minutes, policies

TELEMETRY = Report("telemetry", "Checkout answers 5xx", service="checkout")
SPANS = st.integers(0, 600).map(minutes)


def played(report: Report = TELEMETRY, hours: float = 6, **acts: Any) -> Simulated:
    return simulate(policies(), report, None, OPENED, OPENED + timedelta(hours=hours), Acts(**acts))


def rungs(found: Simulated) -> list[tuple[int, int, str]]:
    """Number, minutes since the opening, reason."""
    fired = [told for told in found.told if isinstance(told, EscalationDue)]
    return [(told.rung, (told.at - OPENED) // minutes(1), str(told.reason)) for told in fired]


def messages(found: Simulated, *purposes: str) -> list[tuple[int, str, str | None]]:
    sent = [told for told in found.told if isinstance(told, CommunicationDue)]
    return [
        ((told.at - OPENED) // minutes(1), told.purpose, told.obligation)
        for told in sent
        if not purposes or told.purpose in purposes
    ]


def test_unanswered_the_whole_ladder_is_climbed_and_starts_over() -> None:
    assert rungs(played())[:8] == [
        (1, 0, "opened"),
        (2, 5, "unacknowledged"),
        (3, 15, "unacknowledged"),
        (4, 25, "unacknowledged"),
        (5, 40, "unacknowledged"),
        (6, 55, "unacknowledged"),
        (1, 85, "repeated"),
        (2, 90, "unacknowledged"),
    ]
    (given_up,) = [told for told in played(hours=8).told if told.reason == "ladder_exhausted"]
    assert given_up.at == OPENED + 4 * minutes(55) + 4 * minutes(30)


def test_whoever_acknowledges_is_reminded_and_a_miss_is_told_to_others() -> None:
    found = played(hours=1, acknowledge_after=minutes(7), person="rafael")
    assert rungs(found) == [(1, 0, "opened"), (2, 5, "unacknowledged")]
    assert messages(found, "reminder", "missed") == [
        (25, "reminder", "team_status"),
        (30, "missed", "team_status"),
        (55, "reminder", "team_status"),
        (60, "missed", "team_status"),
    ]
    reminder = next(told for told in found.told if isinstance(told, CommunicationDue))
    assert reminder.audience == ("person:rafael",)


def test_who_writes_in_time_is_neither_reminded_nor_late() -> None:
    found = played(hours=3, acknowledge_after=minutes(2), update_every=minutes(20))
    assert messages(found, "reminder", "missed") == []


def test_rungs_that_nobody_hears_are_followed_at_once() -> None:
    found = played(hours=1, unheard=frozenset({"rung-1", "rung-2", "rung-4"}))
    assert rungs(found)[:5] == [
        (1, 0, "opened"),
        (2, 0, "nobody_found"),
        (3, 0, "nobody_found"),
        (4, 10, "unacknowledged"),
        (5, 10, "nobody_found"),
    ]


def test_a_maintenance_is_quiet_until_its_window_ends() -> None:
    window = Window(starts_at=OPENED + minutes(60), ends_at=OPENED + minutes(180))
    found = played(Report("maintenance", "Upgrade", assigned_team="platform", window=window), hours=4)
    assert rungs(found)[:2] == [(1, 0, "opened"), (2, 185, "unacknowledged")]
    assert messages(found, "status")[:2] == [
        (120, "status", "maintenance_status"),
        (180, "status", "maintenance_status"),
    ]
    assert (180, "reminder", None) in messages(found)


def test_more_than_anybody_reads_is_cut_and_says_so() -> None:
    found = played(hours=14 * 24, update_every=minutes(1))
    assert (found.cut, len(found.told)) == (True, MOST_FACTS)


@given(st.none() | SPANS, st.none() | SPANS, st.none() | st.integers(5, 90).map(minutes))
def test_whatever_people_do_time_goes_forward_and_nothing_fires_that_is_over(
    acknowledged: timedelta | None, over: timedelta | None, every: timedelta | None
) -> None:
    if acknowledged is not None and over is not None and over < acknowledged:
        acknowledged, over = over, acknowledged
    found = played(hours=12, acknowledge_after=acknowledged, resolve_after=over, update_every=every)
    moments = [told.at for told in found.told]
    assert moments == sorted(moments)
    assert moments[-1] <= OPENED + timedelta(hours=12)
    assert [told.incident.version for told in found.told] == list(range(1, len(found.told) + 1))
    stop = min((end for end in (acknowledged, over) if end is not None), default=timedelta(days=1))
    assert all(timedelta(minutes=at) <= stop for _, at, _ in rungs(found))
    if over is not None:
        assert all(
            at * minutes(1) <= over for at, purpose, _ in messages(found) if purpose not in {"closing", "rca_status"}
        )
    slots = [told.slot for told in found.told if isinstance(told, EscalationDue | CommunicationDue)]
    assert len(set(slots)) == len(slots)


@pytest.mark.parametrize("person", ["rafael", None])
def test_the_closing_word_goes_to_whom_only_the_reader_knows(person: str | None) -> None:
    found = played(hours=2, resolve_after=minutes(20), person=person)
    (closing,) = [told for told in found.told if isinstance(told, CommunicationDue) and told.purpose == "closing"]
    assert (closing.at, closing.audience) == (OPENED + minutes(20), ())
