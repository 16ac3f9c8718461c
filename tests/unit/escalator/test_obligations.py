from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import ObligationKind, Window
from libs.common.events.incidents import Incident, Obligation, Update
from services.escalator.domain import incident as states
from services.escalator.domain import obligations
from services.escalator.domain.obligations import News
from tests.unit.escalator.builders import OPENED, RAFAEL, STEFANIA, an_incident, minutes, plan

GRACE = timedelta(seconds=60)


def of(incident: Incident, kind: ObligationKind) -> Obligation:
    return next(each for each in incident.obligations if each.kind == kind)


def dues(incident: Incident) -> dict[str, timedelta]:
    return {each.kind: each.due_at - OPENED for each in incident.obligations if each.due_at}


def update(at: datetime, *audiences: obligations.Audience, text: str = "We found the cause.") -> Update:
    return Update(text=text, by="Rafael", at=at, audiences=audiences)


def test_the_promises_of_the_process_begin_when_the_incident_opens() -> None:
    assert dues(an_incident()) == {
        "team_status": minutes(30),
        "client_update": minutes(30),
        "tenant_status": minutes(60),
        "incident_call": minutes(60),
    }


def test_a_maintenance_owes_its_status_from_its_begin_and_the_rest_from_its_end() -> None:
    window = Window(starts_at=OPENED + minutes(600), ends_at=OPENED + minutes(720))
    assert dues(an_incident(kind="maintenance", window=window)) == {
        "maintenance_status": minutes(660),
        "team_status": minutes(750),
        "client_update": minutes(750),
        "incident_call": minutes(780),
    }


def test_a_maintenance_without_a_known_end_owes_everything_from_its_begin() -> None:
    window = Window(starts_at=OPENED + minutes(600))
    assert dues(an_incident(kind="maintenance", window=window))["team_status"] == minutes(630)


def test_a_maintenance_that_has_begun_already_counts_from_when_it_was_heard_of() -> None:
    window = Window(starts_at=OPENED - minutes(20), ends_at=OPENED - minutes(10))
    assert dues(an_incident(kind="maintenance", window=window))["maintenance_status"] == minutes(60)


@pytest.mark.parametrize(
    ("late", "state", "outcome", "late_by"),
    [(0, "sent", "sent_on_time", None), (60, "sent", "sent_on_time", None), (61, "late", "sent_late", 61)],
)
def test_what_the_system_owes_is_sent_and_due_again_from_now(
    late: int, state: str, outcome: str, late_by: int | None
) -> None:
    before = of(an_incident(), "client_update")
    now = OPENED + minutes(30) + timedelta(seconds=late)
    came = obligations.come_due(before, GRACE, now)
    expected = timedelta(seconds=late_by) if late_by else None
    assert (came.obligation.state, came.outcome, came.late_by, came.obligation.late_by) == (
        state,
        outcome,
        expected,
        expected,
    )
    assert (came.obligation.due_at, came.obligation.last_sent_at, came.obligation.count) == (now + minutes(30), now, 1)


def test_what_a_person_owes_is_missed_and_not_counted_as_sent() -> None:
    came = obligations.come_due(of(an_incident(), "team_status"), GRACE, OPENED + minutes(30))
    assert (came.outcome, came.obligation.state, came.obligation.count) == ("missed", "late", 0)
    assert came.obligation.last_sent_at is None
    assert came.obligation.due_at == OPENED + minutes(60)


@given(gaps=st.lists(st.integers(min_value=0, max_value=200_000), min_size=1, max_size=20))
def test_after_any_outage_an_obligation_comes_once_and_is_next_due_a_full_period_later(gaps: list[int]) -> None:
    obligation = of(an_incident(), "tenant_status")
    for count, gap in enumerate(gaps, start=1):
        assert obligation.due_at
        now = obligation.due_at + timedelta(seconds=gap)
        obligation = obligations.come_due(obligation, GRACE, now).obligation
        assert obligation.due_at == now + minutes(60)
        assert obligation.count == count


@pytest.mark.parametrize(
    ("audiences", "kinds"),
    [
        (("team",), {"team_status"}),
        (("team", "client"), {"team_status", "client_update"}),
        (("team", "tenant"), {"team_status", "tenant_status"}),
        (("team", "tenant", "client"), {"team_status", "tenant_status", "client_update"}),
    ],
)
def test_an_update_sets_the_promises_to_its_audiences_forward(
    audiences: tuple[obligations.Audience, ...], kinds: set[str]
) -> None:
    now = OPENED + minutes(20)
    kept = obligations.kept_by_update(an_incident().obligations, audiences, now)
    assert {each.kind for each in kept} == kinds
    assert all(each.state == "sent" and each.due_at == now + each.every and each.count == 1 for each in kept)


def test_an_update_before_a_maintenance_does_not_pull_its_promises_nearer() -> None:
    window = Window(starts_at=OPENED + minutes(600), ends_at=OPENED + minutes(720))
    incident = an_incident(kind="maintenance", window=window)
    audiences: tuple[obligations.Audience, ...] = ("team", "tenant")
    kept = obligations.kept_by_update(incident.obligations, audiences, OPENED + minutes(5))
    assert {each.kind: each.due_at for each in kept} == {
        "team_status": OPENED + minutes(750),
        "maintenance_status": OPENED + minutes(660),
    }


def test_an_update_after_a_miss_says_how_late_it_came() -> None:
    missed = obligations.come_due(of(an_incident(), "team_status"), GRACE, OPENED + minutes(30)).obligation
    audiences: tuple[obligations.Audience, ...] = ("team",)
    [kept] = obligations.kept_by_update((missed,), audiences, OPENED + minutes(37))
    assert (kept.state, kept.late_by, kept.due_at) == ("sent", minutes(7), OPENED + minutes(67))


def test_an_owner_is_reminded_before_it_is_due() -> None:
    incident = an_incident()
    policies = plan().clocks
    team, client = policies.of("team_status"), policies.of("client_update")
    assert team
    assert client
    assert obligations.remind_at(of(incident, "team_status"), team) == OPENED + minutes(25)
    assert obligations.remind_at(of(incident, "client_update"), client) is None
    assert obligations.remind_at(obligations.waived(of(incident, "team_status")), team) is None


def test_the_owner_is_who_acknowledged_else_who_heard_first() -> None:
    incident = an_incident()
    assert obligations.with_owner(("owner", "pm"), incident) == ("first", "pm")
    moved = states.acknowledge(incident, STEFANIA, OPENED)
    assert isinstance(moved, states.Moved)
    assert obligations.with_owner(("owner",), moved.incident) == ("person:stefania",)


def test_without_news_a_message_says_since_when_and_never_invents_words() -> None:
    obligation = of(an_incident(), "client_update")
    assert obligations.news(obligation, None, OPENED) == News(None, OPENED)
    said = update(OPENED + minutes(10), "team", "client")
    assert obligations.news(obligation, said, OPENED) == News("We found the cause.", said.at)
    sent = obligations.come_due(obligation, GRACE, OPENED + minutes(30)).obligation
    assert obligations.news(sent, said, OPENED) == News(None, said.at)


def test_after_the_resolve_only_the_rca_is_owed() -> None:
    moved = states.resolve(an_incident(), RAFAEL, OPENED + minutes(45), plan().clocks, "resolved_by_hand")
    assert isinstance(moved, states.Moved)
    assert {each.kind: each.state for each in moved.incident.obligations} == {
        "team_status": "waived",
        "client_update": "waived",
        "tenant_status": "waived",
        "incident_call": "waived",
        "rca": "due",
    }
    assert dues(moved.incident) == {"rca": minutes(45) + timedelta(hours=24)}


def test_a_client_update_keeps_the_status_of_the_rca() -> None:
    moved = states.resolve(an_incident(), RAFAEL, OPENED, plan().clocks, "resolved_by_hand")
    assert isinstance(moved, states.Moved)
    kept = obligations.kept_by_update(moved.incident.obligations, ("team", "client"), OPENED + minutes(60))
    assert [(each.kind, each.due_at) for each in kept] == [("rca", OPENED + minutes(60) + timedelta(hours=24))]


def test_a_waived_obligation_is_not_due() -> None:
    with pytest.raises(ValueError, match="is not due"):
        obligations.come_due(obligations.waived(of(an_incident(), "client_update")), GRACE, OPENED)
