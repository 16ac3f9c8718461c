from datetime import datetime
from typing import Literal

import pytest

from libs.common.errors import Conflict
from libs.common.events.base import Actor
from libs.common.events.incidents import Incident, Update
from services.escalator.domain import incident as states
from services.escalator.domain.incident import Moved, Unmoved
from tests.unit.escalator.builders import OPENED, RAFAEL, STEFANIA, an_incident, minutes, plan

CLOCKS = plan().clocks


def after(move: states.Move) -> Incident:
    assert isinstance(move, Moved)
    return move.incident


def acknowledged(by: Actor = STEFANIA) -> Incident:
    return after(states.acknowledge(an_incident(), by, OPENED + minutes(2)))


def resolved(reason: Literal["resolved_by_hand", "source_resolved"] = "resolved_by_hand") -> Incident:
    return after(states.resolve(an_incident(), STEFANIA, OPENED + minutes(9), CLOCKS, reason))


def false_positive() -> Incident:
    return after(states.judge(an_incident(), "false_positive", STEFANIA, OPENED + minutes(3), CLOCKS))


def test_acknowledging_says_who_has_it_and_since_when() -> None:
    taken = acknowledged()
    assert (taken.state, taken.acknowledged_by, taken.acknowledged_at) == (
        "acknowledged",
        STEFANIA,
        OPENED + minutes(2),
    )


def test_acknowledging_again_by_the_same_person_is_a_quiet_repeat() -> None:
    again = STEFANIA.model_copy(update={"via": "console"})
    assert states.acknowledge(acknowledged(), again, OPENED) == Unmoved("acknowledged_already")


def test_acknowledging_what_another_has_says_who_and_since_when() -> None:
    with pytest.raises(Conflict, match=r"Stefania has incident 42 since 09:17 UTC; write an update"):
        states.acknowledge(acknowledged(), RAFAEL, OPENED + minutes(5))


def test_what_is_over_cannot_be_acknowledged() -> None:
    with pytest.raises(Conflict, match=r"Incident 42 is over since 09:24 UTC"):
        states.acknowledge(resolved(), RAFAEL, OPENED + minutes(20))


@pytest.mark.parametrize("before", [an_incident(), acknowledged()], ids=["open", "acknowledged"])
def test_an_open_or_acknowledged_incident_can_be_resolved(before: Incident) -> None:
    over = after(states.resolve(before, RAFAEL, OPENED + minutes(30), CLOCKS, "resolved_by_hand"))
    assert (over.state, over.resolved_by, over.resolved_at) == ("resolved", RAFAEL, OPENED + minutes(30))
    assert not [rung for rung in over.rungs if rung.state in {"pending", "due"}]


def test_resolving_twice_is_a_quiet_repeat() -> None:
    assert states.resolve(resolved(), RAFAEL, OPENED, CLOCKS, "resolved_by_hand") == Unmoved("resolved_already")


def test_confirming_changes_only_the_verdict() -> None:
    before = an_incident()
    assert after(states.judge(before, "confirmed", STEFANIA, OPENED, CLOCKS)) == before.model_copy(
        update={"verdict": "confirmed"}
    )


def test_a_false_positive_is_over_and_owes_nothing_not_even_an_rca() -> None:
    over = false_positive()
    assert (over.state, over.verdict) == ("resolved", "false_positive")
    assert {each.state for each in over.obligations} == {"waived"}
    assert "rca" not in {each.kind for each in over.obligations}
    assert not [rung for rung in over.rungs if rung.state in {"pending", "due"}]


def test_a_confirmed_incident_may_still_turn_out_a_false_positive() -> None:
    confirmed = after(states.judge(an_incident(), "confirmed", STEFANIA, OPENED, CLOCKS))
    assert after(states.judge(confirmed, "false_positive", STEFANIA, OPENED, CLOCKS)).state == "resolved"


def test_a_false_positive_that_its_source_resolved_before_owes_no_rca_any_more() -> None:
    over = after(states.judge(resolved("source_resolved"), "false_positive", RAFAEL, OPENED, CLOCKS))
    assert {each.state for each in over.obligations} == {"waived"}
    assert over.resolved_by == STEFANIA


def test_the_same_verdict_twice_is_a_quiet_repeat() -> None:
    assert states.judge(false_positive(), "false_positive", RAFAEL, OPENED, CLOCKS) == Unmoved("same_verdict")


def test_a_false_positive_is_not_confirmed_afterwards() -> None:
    with pytest.raises(Conflict, match="open a new incident"):
        states.judge(false_positive(), "confirmed", RAFAEL, OPENED, CLOCKS)


def test_a_maintenance_owes_no_rca() -> None:
    over = after(states.resolve(an_incident(kind="maintenance"), RAFAEL, OPENED, CLOCKS, "resolved_by_hand"))
    assert "rca" not in {each.kind for each in over.obligations}


def update(
    at: datetime, text: str = "Restarting.", audiences: tuple[Literal["team", "tenant", "client"], ...] = ("team",)
) -> Update:
    return Update(text=text, by="Rafael", at=at, audiences=audiences)


def test_only_an_update_for_tenants_or_clients_is_public() -> None:
    inside = after(states.post(an_incident(), update(OPENED)))
    assert (inside.last_update, inside.last_public_update) == (update(OPENED), None)
    outside = update(OPENED, "We are on it.", ("team", "client"))
    assert after(states.post(inside, outside)).last_public_update == outside


def test_the_same_update_sent_twice_is_one() -> None:
    told = after(states.post(an_incident(), update(OPENED)))
    assert states.post(told, update(OPENED + minutes(1))) == Unmoved("same_update")
    assert isinstance(states.post(told, update(OPENED + minutes(2))), Moved)
    assert isinstance(states.post(told, update(OPENED + minutes(1), "Restarted.")), Moved)


def test_the_rca_ends_its_own_status() -> None:
    issued = after(states.issue_rca(resolved(), "https://wiki/rca-42", OPENED + minutes(60)))
    [rca] = [each for each in issued.obligations if each.kind == "rca"]
    assert (issued.rca_url, rca.state, rca.due_at) == ("https://wiki/rca-42", "sent", None)
    assert states.issue_rca(issued, "https://wiki/rca-42", OPENED) == Unmoved("same_rca")


def test_an_rca_before_the_end_is_refused_with_what_to_do() -> None:
    with pytest.raises(Conflict, match="resolve it first"):
        states.issue_rca(an_incident(), "https://wiki/rca-42", OPENED)


def test_a_false_positive_needs_no_rca() -> None:
    with pytest.raises(Conflict, match="needs no root cause analysis"):
        states.issue_rca(false_positive(), "https://wiki/rca-42", OPENED)


def test_what_is_over_cannot_be_escalated() -> None:
    states.refuse_escalation(acknowledged(), OPENED)
    with pytest.raises(Conflict, match="open a new one"):
        states.refuse_escalation(resolved(), OPENED + minutes(10))


def test_an_incident_is_as_bad_as_its_worst_alert_and_concerns_whom_any_of_them_does() -> None:
    base = an_incident(severity="warning", tenants=("acme",))
    worse = states.widened(base, states.Report("telemetry", "x", severity="critical", tenants=("globex", "acme")))
    assert (worse.severity, worse.tenants) == ("critical", ("acme", "globex"))
    everyone = states.widened(base, states.Report("telemetry", "x", severity="info"))
    assert (everyone.severity, everyone.tenants) == ("warning", ())
