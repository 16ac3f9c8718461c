"""Heartbeats: when one is missing, and what a deadline means that comes late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.heartbeat import AWAY, PATIENCE, Heartbeat, Judgement, Said, State, judge
from services.intake.sources.heartbeat import note
from tests.unit.intake.support import only, read

T = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JOB = Heartbeat("job", "job", "Job", 5 * MINUTE, MINUTE, enabled=True, since=T, last_at=None, missing_since=None)
"""Its time runs out at T + 6 minutes."""


@pytest.mark.parametrize(
    ("heartbeat", "state", "expected_by"),
    [
        (JOB, "beating", T + 6 * MINUTE),
        (replace(JOB, last_at=T + 2 * MINUTE), "beating", T + 8 * MINUTE),
        (replace(JOB, since=T + 4 * MINUTE, last_at=T + 2 * MINUTE), "beating", T + 10 * MINUTE),
        (replace(JOB, since=None), "waiting", None),
        (replace(JOB, missing_since=T + 6 * MINUTE), "missing", T + 6 * MINUTE),
        (replace(JOB, enabled=False), "disabled", None),
        (replace(JOB, enabled=False, missing_since=T + 6 * MINUTE), "disabled", None),
    ],
)
def test_a_heartbeat_says_how_it_is_and_when_it_is_expected(
    heartbeat: Heartbeat, state: State, expected_by: datetime | None
) -> None:
    assert (heartbeat.state, heartbeat.expected_by) == (state, expected_by)


@pytest.mark.parametrize(
    ("heartbeat", "minutes", "judgement"),
    [
        (JOB, 6.0, Judgement("missed")),
        (JOB, 6.5, Judgement("missed")),
        (JOB, 7.0, Judgement("tocsin_was_away", T + 9 * MINUTE)),
        (replace(JOB, every=24 * 60 * MINUTE, grace=0 * MINUTE), 24 * 60 + 60.0, Judgement("tocsin_was_away", T + 1501 * MINUTE)),
        (JOB, 5.9, Judgement("in_time", T + 6 * MINUTE)),
        (replace(JOB, last_at=T + 5 * MINUTE), 6.0, Judgement("in_time", T + 11 * MINUTE)),
        (replace(JOB, since=None), 6.0, Judgement("not_expected")),
        (replace(JOB, enabled=False), 6.0, Judgement("not_expected")),
        (replace(JOB, missing_since=T + 6 * MINUTE), 7.0, Judgement("missing_already")),
        (replace(JOB, missing_since=T + 6 * MINUTE, since=T + 8 * MINUTE), 14.0, Judgement("missed")),
    ],
)  # fmt: skip
def test_a_deadline_means_what_it_means(heartbeat: Heartbeat, minutes: float, judgement: Judgement) -> None:
    now = T + minutes * MINUTE
    planned = min(now, heartbeat.next_look or now)
    assert judge(heartbeat, now, planned, patient=False) == judgement


def test_patience_is_had_once() -> None:
    judgement = judge(JOB, T + 20 * MINUTE, T + 6 * MINUTE, patient=False)
    assert judgement.look_again_at == T + 22 * MINUTE
    assert judge(JOB, T + 22 * MINUTE, T + 22 * MINUTE, patient=True).missed
    assert judge(JOB, T + 40 * MINUTE, T + 22 * MINUTE, patient=True).missed, "even if Tocsin was away again"


instants = st.integers(0, 100_000).map(lambda seconds: T + timedelta(seconds=seconds))
lengths = st.integers(1, 90_000).map(lambda seconds: timedelta(seconds=seconds))
heartbeats = st.builds(
    Heartbeat,
    st.just("job"),
    st.just("job"),
    st.just("Job"),
    lengths,
    lengths,
    enabled=st.booleans(),
    since=st.none() | instants,
    last_at=st.none() | instants,
    missing_since=st.none() | instants,
)


@given(heartbeat=heartbeats, now=instants, late=lengths, patient=st.booleans())
def test_a_trigger_fires_only_after_silence_and_an_unanswered_wait_always_ends(
    heartbeat: Heartbeat, now: datetime, late: timedelta, *, patient: bool
) -> None:
    judgement = judge(heartbeat, now, now - late, patient=patient)
    heard = [at for at in (heartbeat.since, heartbeat.last_at) if at]
    if judgement.missed:
        assert heartbeat.enabled
        assert heard
        assert all(now - at >= heartbeat.every + heartbeat.grace for at in heard)
        assert patient or late <= AWAY
    if judgement.reason == "tocsin_was_away":
        assert judgement.look_again_at is not None
        assert judgement.look_again_at - now >= PATIENCE
        assert judge(heartbeat, judgement.look_again_at, judgement.look_again_at, patient=True).missed
    if judgement.reason == "in_time":
        assert judgement.look_again_at == heartbeat.expected_by
    waited_for = heartbeat.enabled and bool(heard) and heartbeat.missing_since is None
    assert waited_for == (judgement.look_again_at is not None or judgement.missed) or heartbeat.missing_since


@given(heartbeat=heartbeats, now=instants)
def test_who_was_heard_of_in_time_is_never_missing(heartbeat: Heartbeat, now: datetime) -> None:
    fresh = replace(heartbeat, enabled=True, last_at=now, missing_since=None)
    soon = now + heartbeat.every + heartbeat.grace - timedelta(seconds=1)
    assert fresh.expected_by is None or not judge(fresh, soon, soon, patient=True).missed


@given(name=st.text(min_size=1, max_size=20), heartbeat=heartbeats, message=st.text(max_size=20))
def test_missing_and_back_are_of_one_alert_whatever_its_name(name: str, heartbeat: Heartbeat, message: str) -> None:
    named = replace(heartbeat, name=name.strip() or "x", said=Said(message=message, tags=("a",)))
    fired, over = (only(read("heartbeat", note(named, turn))) for turn in ("missing", "back"))
    assert (fired.status, over.status, fired.dedup_key) == ("firing", "resolved", over.dedup_key)
    gone = only(read("heartbeat", note(named, "withdrawn", "its heartbeat was deleted by Olga")))
    assert (gone.status, gone.dedup_key, gone.withdrawn) == (
        "resolved",
        over.dedup_key,
        "its heartbeat was deleted by Olga",
    )
    assert over.withdrawn == fired.withdrawn == "", "what is back is well"
