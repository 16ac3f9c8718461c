"""What is announced beforehand: a new announcement moves it, a repeat and an older one change nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import Window
from libs.common.events.incidents import Incident
from services.escalator.domain import incident as states
from services.escalator.domain import ladder, maintenance, obligations
from services.escalator.domain.announcement import Announced, Changed, Unmoved, announced, changed, past
from services.escalator.domain.incident import Moved, Report
from services.escalator.domain.windows import held_until, planned_begin, runs_from
from tests.unit.escalator.builders import OPENED, RAFAEL, an_incident, minutes, plan

HOUR = timedelta(hours=1)
WINDOW = Window(starts_at=OPENED + 10 * HOUR, ends_at=OPENED + 12 * HOUR)
LATER = Window(starts_at=OPENED + 30 * HOUR, ends_at=OPENED + 33 * HOUR)
RECORD = UUID("01976f3a-0000-7000-8000-0000000000aa")
REPORT = Report(
    kind="maintenance",
    title="New disks",
    service="documents",
    services=("documents", "search"),
    assigned_team="platform",
    window=WINDOW,
)
SAID = Announced(REPORT)


def planned(window: Window | None = WINDOW, **said: Any) -> Incident:
    fields = {"kind": "maintenance", "title": "New disks", "service": "documents", "services": ("documents", "search")}
    made = an_incident(**{**fields, "assigned_team": "platform", "window": window, **said})
    return maintenance.recorded(made, RECORD, "CHG-1", OPENED)


def record(incident: Incident) -> tuple[str, int]:
    assert incident.maintenance is not None
    return incident.maintenance.state, incident.maintenance.revision


def moved_to(incident: Incident, window: Window, now: datetime = OPENED) -> Incident:
    said = announced(incident, Announced(replace(REPORT, window=window)), SAID, now)
    assert isinstance(said, Changed)
    assert said.reason == "window_moved"
    return said.incident


def test_a_repeat_changes_nothing() -> None:
    assert announced(planned(), SAID, SAID, OPENED) == Unmoved("same_announcement")
    assert announced(planned(), SAID, None, OPENED) == Unmoved("same_announcement")


def test_another_window_moves_the_same_record() -> None:
    after = moved_to(planned(), LATER)
    assert (after.window, record(after)) == (LATER, ("planned", 1))
    assert after.maintenance is not None
    assert after.maintenance.id == RECORD


def test_another_title_is_a_change_of_details() -> None:
    said = announced(planned(), Announced(replace(REPORT, title="Newer disks")), SAID, OPENED)
    assert isinstance(said, Changed)
    assert (said.reason, said.incident.title, said.incident.window) == ("details_changed", "Newer disks", WINDOW)


def test_a_repeat_does_not_undo_what_an_operator_changed_meanwhile() -> None:
    by_hand = changed(planned(), {"window": LATER, "assigned_team": "network"}, OPENED)
    assert isinstance(by_hand, Changed)
    assert announced(by_hand.incident, SAID, SAID, OPENED) == Unmoved("same_announcement")
    renamed = announced(by_hand.incident, Announced(replace(REPORT, title="Newer disks")), SAID, OPENED)
    assert isinstance(renamed, Changed)
    assert (renamed.incident.window, renamed.incident.assigned_team) == (LATER, "network")


@pytest.mark.parametrize(("sequence", "passed_over"), [(2, True), (3, False), (4, False), (None, False)])
def test_a_lower_sequence_is_older_and_passed_over(sequence: int | None, passed_over: bool) -> None:
    before = Announced(REPORT, sequence=3)
    said = announced(planned(), Announced(replace(REPORT, window=LATER), sequence=sequence), before, OPENED)
    assert isinstance(said, Unmoved) is passed_over


def test_an_outage_that_was_announced_begins_when_its_owner_says_that_it_is_so_now() -> None:
    tool = an_incident(kind="tool", tool="sap", title="SAP", window=WINDOW)
    coming = Announced(Report(kind="tool", title="SAP", tool="sap", service="checkout", window=WINDOW))
    down = Announced(replace(coming.report, window=None))
    now = OPENED + HOUR
    said = announced(tool, down, coming, now)
    assert isinstance(said, Changed)
    assert said.incident.window == Window(starts_at=now, ends_at=WINDOW.ends_at)
    assert announced(said.incident, down, down, now + HOUR) == Unmoved("same_announcement")


@pytest.mark.parametrize(
    ("said", "before", "reason"),
    [
        (SAID, None, None),
        (
            replace(SAID, report=replace(REPORT, window=Window(starts_at=OPENED - HOUR, ends_at=OPENED))),
            None,
            "window_past",
        ),
        (SAID, SAID, "ended_here_already"),
        (SAID, replace(SAID, firing=False), None),
        (replace(SAID, report=replace(REPORT, window=LATER)), SAID, None),
        (replace(SAID, sequence=1), replace(SAID, sequence=2, firing=False), "older_sequence"),
    ],
)
def test_what_is_over_opens_nothing_again(said: Announced, before: Announced | None, reason: str | None) -> None:
    assert past(said, before, OPENED) == reason


def test_a_maintenance_begins_and_is_over() -> None:
    incident = planned()
    assert planned_begin(incident) == WINDOW.starts_at
    running = maintenance.begun(incident, WINDOW.starts_at)
    assert (record(running), planned_begin(running)) == (("running", 1), None)
    over = states.resolve(running, RAFAEL, OPENED + 11 * HOUR, plan().clocks, "resolved_by_hand")
    assert isinstance(over, Moved)
    assert (over.reason, record(over.incident)) == ("maintenance_over", ("over", 2))


def test_a_maintenance_that_is_resolved_before_it_begins_was_called_off() -> None:
    off = states.resolve(planned(), RAFAEL, OPENED, plan().clocks, "source_resolved")
    assert isinstance(off, Moved)
    assert (off.reason, record(off.incident)) == ("maintenance_cancelled", ("cancelled", 1))


@pytest.mark.parametrize(("ending", "state"), [("cancelled", "cancelled"), ("completed", "over"), (None, "over")])
def test_how_a_running_maintenance_ended_is_what_its_sender_says(ending: Any, state: str) -> None:
    running = maintenance.begun(planned(), WINDOW.starts_at)
    off = states.resolve(running, RAFAEL, OPENED + 11 * HOUR, plan().clocks, "source_resolved", ending)
    assert isinstance(off, Moved)
    assert record(off.incident)[0] == state


def test_a_false_positive_was_no_maintenance_at_all() -> None:
    judged = states.judge(planned(), "false_positive", RAFAEL, OPENED, plan().clocks)
    assert isinstance(judged, Moved)
    assert record(judged.incident)[0] == "cancelled"


def test_what_is_moved_away_while_it_runs_is_planned_again() -> None:
    running = maintenance.begun(planned(), WINDOW.starts_at)
    assert record(moved_to(running, LATER, WINDOW.starts_at + minutes(5)))[0] == "planned"


def test_a_rung_that_is_held_waits_for_the_new_end() -> None:
    before = planned()
    after = ladder.retimed(before, moved_to(before, LATER), plan(), OPENED)
    assert LATER.ends_at is not None
    assert ladder.next_at(after, plan()) == LATER.ends_at + minutes(5)


def test_promises_wait_for_the_new_window() -> None:
    before = planned()
    after = moved_to(before, LATER)
    due = {each.kind: each.due_at for each in obligations.retimed(before, after, OPENED)}
    assert LATER.ends_at is not None
    assert due["maintenance_status"] == LATER.starts_at + HOUR
    assert due["team_status"] == LATER.ends_at + minutes(30)


def test_a_promise_that_runs_goes_on_where_only_the_end_is_put_off() -> None:
    now = WINDOW.starts_at + minutes(90)
    running = maintenance.begun(planned(), WINDOW.starts_at)
    sent = [
        obligations.come_due(each, minutes(1), WINDOW.starts_at + HOUR).obligation
        if each.kind == "maintenance_status"
        else each
        for each in running.obligations
    ]
    running = running.model_copy(update={"obligations": tuple(sent)})
    after = moved_to(running, Window(starts_at=WINDOW.starts_at, ends_at=OPENED + 15 * HOUR), now)
    due = {each.kind: each.due_at for each in obligations.retimed(running, after, now)}
    assert due["maintenance_status"] == WINDOW.starts_at + 2 * HOUR
    assert due["team_status"] == OPENED + 15 * HOUR + minutes(30)


def test_a_ladder_that_runs_after_the_planned_end_is_held_again_when_the_end_is_put_off() -> None:
    before = planned()
    now = OPENED + 12 * HOUR + minutes(1)
    after = moved_to(before, Window(starts_at=WINDOW.starts_at, ends_at=OPENED + 14 * HOUR), now)
    assert ladder.next_at(ladder.retimed(before, after, plan(), now), plan()) == OPENED + 14 * HOUR + minutes(5)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 500), st.integers(1, 500), st.integers(0, 6000))
def test_after_a_move_nothing_is_due_before_the_window_lets_it(
    start: int, new_start: int, length: int, new_length: int, at: int
) -> None:
    now = OPENED + minutes(at)
    old = Window(starts_at=OPENED + minutes(start), ends_at=OPENED + minutes(start + length))
    new = Window(starts_at=OPENED + minutes(new_start), ends_at=OPENED + minutes(new_start + new_length))
    before = planned(old)
    said = changed(before, {"window": new}, now)
    if isinstance(said, Unmoved):
        return
    after = ladder.retimed(before, said.incident, plan(), now)
    was = {each.kind: each.due_at for each in before.obligations}
    for each in obligations.retimed(before, after, now):
        begins = runs_from(after, each.kind)
        if begins > now:
            assert each.due_at == begins + each.every
        else:
            begins_now = now + each.every
            assert each.due_at in {was[each.kind], begins_now}, "it runs on, or begins now"
    next_at = ladder.next_at(after, plan())
    assert next_at is not None
    if held_until(after) > now:
        assert next_at == held_until(after) + minutes(5)
