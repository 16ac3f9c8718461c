from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import Window
from libs.common.events.incidents import Incident
from services.escalator.domain import incident as states
from services.escalator.domain import ladder
from services.escalator.domain.ladder import Fire, GiveUp, Step, Still
from tests.unit.escalator.builders import OPENED, RAFAEL, an_incident, minutes, plan


def ring(incident: Incident, now: datetime | None = None) -> tuple[Step, Incident, datetime]:
    """The ladder's timer rings, on time unless ``now`` says otherwise: the step, the incident after it, and the time."""
    due = ladder.next_at(incident, plan())
    assert due is not None
    at = now or due
    step = ladder.at_timer(incident, plan(), due, at)
    return step, ladder.fired(incident, plan(), step, at) if isinstance(step, Fire) else incident, at


def acknowledged(incident: Incident) -> Incident:
    moved = states.acknowledge(incident, RAFAEL, OPENED)
    assert isinstance(moved, states.Moved)
    return moved.incident


def test_six_rungs_fire_in_order_at_their_delays() -> None:
    incident, times = an_incident(), []
    assert incident.rungs[0].fired_at == OPENED
    for number in range(2, 7):
        step, incident, at = ring(incident)
        assert step == Fire(number, "unacknowledged", f"rung-{number}")
        times.append(at - OPENED)
    assert times == [minutes(5), minutes(15), minutes(25), minutes(40), minutes(55)]
    assert [rung.roles for rung in incident.rungs[3:]] == [
        ("role:devops", "role:helpdesk"),
        ("role:cao", "role:head-of-engineering"),
        ("role:coo", "role:cto"),
    ]


def test_the_whole_ladder_starts_over_three_times_and_is_then_given_up() -> None:
    incident = an_incident()
    fired: list[Fire] = []
    for _ in range(100):
        step, incident, at = ring(incident)
        if not isinstance(step, Fire):
            break
        fired.append(step)
    assert step == GiveUp(rounds=4)
    assert [each.number for each in fired] == [2, 3, 4, 5, 6, *([1, 2, 3, 4, 5, 6] * 3)]
    assert len({each.slot for each in fired}) == len(fired)
    again = fired[5]
    assert (again.number, again.reason, again.slot) == (1, "repeated", "rung-1.2")
    assert at - OPENED == 4 * minutes(55 + 30)


def test_an_acknowledged_ladder_is_still() -> None:
    incident = an_incident()
    due = ladder.next_at(incident, plan())
    assert due is not None
    taken = acknowledged(incident)
    assert [rung.state for rung in taken.rungs] == ["done", *["cancelled"] * 5]
    assert ladder.next_at(taken, plan()) is None
    assert ladder.at_timer(taken, plan(), due, due) == Still("not_open")


def test_a_timer_that_the_ladder_no_longer_waits_for_does_nothing() -> None:
    incident = an_incident()
    assert ladder.at_timer(incident, plan(), OPENED + minutes(4), OPENED + minutes(5)) == Still("not_this_timer")


def test_after_an_outage_a_rung_fires_once_late_and_the_next_counts_from_then() -> None:
    step, incident, _ = ring(an_incident(), OPENED + minutes(185))
    assert step == Fire(2, "unacknowledged", "rung-2", late_by=minutes(180))
    assert ladder.next_at(incident, plan()) == OPENED + minutes(195)


def test_a_few_seconds_are_not_called_late() -> None:
    step, _, _ = ring(an_incident(), OPENED + minutes(5) + timedelta(seconds=59))
    assert step == Fire(2, "unacknowledged", "rung-2", late_by=None)


@pytest.mark.parametrize("reason", ["nobody_found", "unreachable"])
def test_when_nobody_of_a_rung_can_be_told_the_next_comes_at_once(reason: ladder.ExhaustedReason) -> None:
    incident = an_incident()
    step = ladder.at_exhausted(incident, "rung-1", reason)
    assert step == Fire(2, reason, "rung-2")
    assert isinstance(step, Fire)
    after = ladder.fired(incident, plan(), step, OPENED + minutes(1))
    assert ladder.next_at(after, plan()) == OPENED + minutes(11)


def test_an_older_firing_that_reached_nobody_moves_nothing() -> None:
    _, incident, _ = ring(an_incident())
    assert ladder.at_exhausted(incident, "rung-1", "unreachable") == Still("older_firing")


def test_on_the_last_rung_there_is_none_above() -> None:
    incident = an_incident()
    for _ in range(5):
        _, incident, _ = ring(incident)
    assert ladder.at_exhausted(incident, "rung-6", "unreachable") == Still("last_rung")
    assert ladder.next_at(incident, plan()) == OPENED + minutes(85)


def test_nobody_found_for_an_acknowledged_incident_moves_nothing() -> None:
    assert ladder.at_exhausted(acknowledged(an_incident()), "rung-1", "nobody_found") == Still("not_open")


def test_a_person_may_escalate_before_the_time() -> None:
    incident = an_incident()
    step = ladder.by_hand(incident, None, OPENED + minutes(1))
    assert step == Fire(2, "escalated_by_hand", "rung-2")
    assert isinstance(step, Fire)
    after = ladder.fired(incident, plan(), step, OPENED + minutes(1))
    assert ladder.next_at(after, plan()) == OPENED + minutes(11)
    assert ladder.by_hand(after, None, OPENED + minutes(1) + timedelta(seconds=5)) == Still("just_escalated")
    assert ladder.by_hand(after, 2, OPENED + minutes(9)) == Still("fired_already")
    assert ladder.by_hand(after, None, OPENED + minutes(9)) == Fire(3, "escalated_by_hand", "rung-3")


def test_escalating_an_acknowledged_incident_calls_for_help_without_starting_the_ladder() -> None:
    taken = acknowledged(an_incident())
    step = ladder.by_hand(taken, None, OPENED + minutes(1))
    assert isinstance(step, Fire)
    after = ladder.fired(taken, plan(), step, OPENED + minutes(1))
    assert after.rung == 2
    assert ladder.next_at(after, plan()) is None


def test_on_top_of_the_ladder_escalating_pages_the_last_rung_again() -> None:
    incident = an_incident()
    for _ in range(5):
        _, incident, now = ring(incident)
    step = ladder.by_hand(incident, None, now + minutes(10))
    assert step == Fire(6, "escalated_by_hand", "rung-6.2")
    assert isinstance(step, Fire)
    after = ladder.fired(incident, plan(), step, now + minutes(10))
    assert ladder.next_at(after, plan()) == now + minutes(40)
    assert after.rungs[0].state == "due"


def test_a_ladder_that_does_not_repeat_is_given_up_after_its_last_delay() -> None:
    once = plan().model_copy(update={"repeat": None})
    incident = an_incident()
    for _ in range(5):
        due = ladder.next_at(incident, once)
        assert due is not None
        step = ladder.at_timer(incident, once, due, due)
        assert isinstance(step, Fire)
        incident = ladder.fired(incident, once, step, due)
    due = ladder.next_at(incident, once)
    assert due == OPENED + minutes(70)
    assert ladder.at_timer(incident, once, due, due) == GiveUp(rounds=1)


WINDOW = Window(starts_at=OPENED + minutes(600), ends_at=OPENED + minutes(720))


def test_an_announced_maintenance_pages_nobody_further_before_its_end() -> None:
    incident = an_incident(kind="maintenance", window=WINDOW)
    assert incident.rungs[0].fired_at == OPENED
    assert ladder.next_at(incident, plan()) == OPENED + minutes(725)


def test_a_maintenance_that_nobody_was_found_for_does_not_wait() -> None:
    incident = an_incident(kind="maintenance", window=WINDOW)
    assert ladder.at_exhausted(incident, "rung-1", "nobody_found") == Fire(2, "nobody_found", "rung-2")


def test_an_announced_outage_of_a_tool_is_escalated_from_its_begin() -> None:
    incident = an_incident(kind="tool", tool="sap", window=WINDOW)
    assert ladder.next_at(incident, plan()) == OPENED + minutes(605)


@given(delays=st.lists(st.integers(min_value=0, max_value=86_400), min_size=30, max_size=30))
def test_however_late_its_timers_are_a_ladder_fires_one_rung_at_a_time_and_ends(delays: list[int]) -> None:
    incident, slots, now = an_incident(), ["rung-1"], OPENED
    for delay in delays:
        due = ladder.next_at(incident, plan())
        assert due is not None
        assert due >= now
        now = due + timedelta(seconds=delay)
        step = ladder.at_timer(incident, plan(), due, now)
        if isinstance(step, GiveUp):
            break
        assert isinstance(step, Fire)
        assert step.number == incident.rung % 6 + 1
        slots.append(step.slot)
        incident = ladder.fired(incident, plan(), step, now)
        assert [rung.state for rung in incident.rungs].count("due") <= 1
    assert len(slots) == len(set(slots)) == 24
