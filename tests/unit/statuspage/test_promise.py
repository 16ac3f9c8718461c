"""When the next word is due."""

from datetime import timedelta

import pytest

from libs.common.events.incidents import Obligation
from services.statuspage.domain.promise import promise, promise_of
from tests.support.statuspage import M30, NOW, at, incident, obligations


@pytest.mark.parametrize(
    ("minutes", "late", "text"),
    [
        (12, False, "Next update by 10:00 UTC, in 12 minutes"),
        (1, False, "Next update by 09:49 UTC, in 1 minute"),
        (0.5, False, "Next update by 09:48 UTC, any moment now"),
        (-0.5, False, "Next update by 09:47 UTC, any moment now"),
        (-4, True, "The update promised by 09:44 UTC is late by 4 minutes"),
        (-90, True, "The update promised by 08:18 UTC is late by 1 hour 30 minutes"),
    ],
)
def test_a_promise_says_its_time_and_shows_late_when_it_is_late(minutes: float, late: bool, text: str) -> None:
    found = promise_of(NOW + timedelta(minutes=minutes), NOW)
    assert (found.late, found.text) == (late, text)


def test_the_earliest_promise_towards_readers_counts() -> None:
    one = incident(1, at(9, 15), obligations=obligations(at(9, 15), at(10)))
    other = incident(2, at(9, 30), obligations=obligations(at(9, 30), at(9, 55)))
    found = promise([one, other], NOW)
    assert found
    assert found.by == at(9, 55)


def test_what_the_team_owes_itself_or_what_was_waived_is_no_promise_to_readers() -> None:
    internal = Obligation(kind="team_status", state="due", owed_by="person", due_at=at(9, 50), every=M30)
    waived = Obligation(kind="client_update", state="waived", owed_by="system", due_at=at(9, 50), every=M30)
    assert promise([incident(1, at(9, 15), obligations=(internal, waived))], NOW) is None
