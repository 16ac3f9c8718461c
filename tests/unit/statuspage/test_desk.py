"""What the console says, and what an action would do."""

from dataclasses import asdict, replace
from datetime import timedelta

from libs.common.events.base import Actor
from libs.common.events.deliveries import DeliverySent
from libs.common.events.incidents import Incident, Obligation
from services.statuspage.domain import climb, desk
from services.statuspage.domain.climb import Candidate, Prospect
from services.statuspage.domain.fold import Message, message_of
from tests.support.statuspage import M30, NOW, at, incident, obligations, paging, rungs, uid

NAMES = {"person:stefania": "Stefania"}


def page(person: str, rung: int) -> Message:
    found = paging(17, rung, at(9, 10 + rung), person, role="on-shift")[1]
    assert isinstance(found, DeliverySent)
    return message_of(found)


def offered(given: Incident, *, may_act: bool = True) -> set[str]:
    return {name for name, wanted in asdict(desk.actions(given, may_act=may_act)).items() if wanted}


def test_the_ladder_says_what_is_done_current_next_and_later() -> None:
    given = incident(17, at(9, 15), rung=2, rungs=rungs([at(9, 15), at(9, 20)]))
    steps = climb.ladder(given, [], NAMES)
    assert [step.state for step in steps] == ["done", "current", "next", "later", "later", "later"]
    assert steps[2].at == at(9, 30)
    assert [step.at for step in steps[3:]] == [at(9, 40), at(9, 55), at(10, 10)]
    assert steps[4].who == "The CAO and the Head of Engineering"


def test_the_next_rung_names_whom_it_would_page_at_this_moment() -> None:
    given = incident(17, at(9, 15), rung=1, rungs=rungs([at(9, 15)]))
    prospect = Prospect((Candidate("Helena", "service-responsible", backup_for="Abdul"),))
    steps = climb.ladder(given, [], NAMES, prospect)
    assert [step.people for step in steps[:3]] == [(), ("Helena (for Abdul)",), ()]


def test_an_acknowledged_incident_has_no_next_rung_on_its_ladder() -> None:
    given = incident(17, at(9, 15), state="acknowledged", rung=1, rungs=rungs([at(9, 15)]))
    assert [step.state for step in climb.ladder(given, [], NAMES)] == ["current", *["off"] * 5]


def test_escalating_says_first_whom_it_pages() -> None:
    given = incident(17, at(9, 15), rung=4, rungs=rungs([at(9, 15), at(9, 20), at(9, 30), at(9, 40)]))
    holders = Prospect((Candidate("Marguerite", "role:cao"), Candidate("Henrik", "role:head-of-engineering")))
    assert climb.escalation(given, holders, NAMES) == (
        "Pages Marguerite (the CAO) and Henrik (the Head of Engineering) now."
    )
    assert climb.escalation(given, Prospect(problem="oncall is away."), NAMES) == (
        "Pages the CAO and the Head of Engineering now. Who that is cannot be told at the moment: oncall is away."
    )
    assert climb.escalation(given, Prospect(), NAMES).startswith("Nobody can be found for the CAO")


def test_a_ladder_that_starts_over_says_that_its_first_rung_is_next() -> None:
    fired = list(rungs([at(9, 15), at(9, 16), at(9, 17), at(9, 18), at(9, 19), at(9, 20)]))
    fired[0] = fired[0].model_copy(update={"state": "due", "due_at": at(9, 50)})
    steps = climb.ladder(incident(17, at(9, 15), rung=6, rungs=tuple(fired)), [], NAMES)
    assert [step.state for step in steps] == ["next", "done", "done", "done", "done", "current"]
    assert steps[0].at == at(9, 50)


def test_on_top_of_the_ladder_escalating_pages_the_last_rung_again() -> None:
    fired = [at(9, 15), at(9, 16), at(9, 17), at(9, 18), at(9, 19), at(9, 20)]
    given = incident(17, at(9, 15), rung=6, rungs=rungs(fired))
    assert (
        climb.escalation(given, Prospect((Candidate("Paola", "role:coo"),)), NAMES)
        == "Pages Paola (the COO) now again."
    )
    assert desk.actions(given, may_act=True).escalate


def test_resolving_says_who_gets_the_closing_word() -> None:
    given = incident(17, at(9, 15))
    assert desk.effect("resolve", given, 1, "", NOW).startswith(
        "Ends the incident. Sends the closing word to the one person who was reached"
    )
    assert "the two people who were reached" in desk.effect("resolve", given, 2, "", NOW)


def test_clocks_that_run_come_first_and_a_missed_one_shows_late() -> None:
    missed = Obligation(kind="team_status", state="due", owed_by="person", due_at=at(9, 45), every=M30)
    over = Obligation(kind="incident_call", state="waived", owed_by="system", due_at=None, every=M30)
    next_one = Obligation(kind="client_update", state="due", owed_by="system", due_at=at(10), every=M30, count=2)
    found = desk.clocks(incident(17, at(9, 15), obligations=(over, next_one, missed)), NOW)
    assert [(clock.kind, clock.late) for clock in found] == [
        ("team_status", True), ("client_update", False), ("incident_call", False),
    ]  # fmt: skip
    assert [clock.note for clock in found] == ["not sent yet", "sent twice", "no longer owed"]


def test_who_acknowledged_is_marked_among_the_reached() -> None:
    by = Actor(kind="person", id="stefania", name="Stefania", via="sms")
    given = incident(17, at(9, 15), state="acknowledged", acknowledged_by=by)
    found = desk.reached(given, [page("helena", 2), page("stefania", 1)], NAMES)
    assert [(person.name, person.acknowledged) for person in found] == [("Stefania", True), ("Helena", False)]


def test_the_closing_word_does_not_hide_as_what_somebody_was_told() -> None:
    paged = page("helena", 2)
    closing = replace(paged, role="person:helena", purpose="closing", at=NOW, notification_id=uid(1))
    assert desk.reached(incident(17, at(9)), [closing, paged], NAMES)[0].role == "whoever is on shift"
    assert desk.reached(incident(17, at(9)), [closing], NAMES)[0].role == ""


def test_what_nobody_took_burns_first_then_the_worst_then_the_oldest() -> None:
    taken = incident(1, at(8), state="acknowledged")
    mild, worst = incident(2, at(8), severity="warning"), incident(3, at(9))
    over = incident(4, at(7), state="resolved", resolved_at=at(8))
    assert [one.number for one in desk.worst_first([taken, mild, worst, over])] == [3, 2, 1]


def test_the_first_line_of_the_console_counts_what_nobody_took() -> None:
    open_one, taken = incident(1, at(9)), incident(2, at(9), state="acknowledged")
    burning = [desk.burning(one, "", (), NOW) for one in (open_one, taken)]
    assert desk.summary([]) == "Nothing burns"
    assert desk.summary(burning[:1]) == "One incident is open, and nobody has taken it"
    assert desk.summary(burning) == "Two incidents are open; nobody has taken one of them"
    assert desk.summary(burning[1:]) == "One incident is open, and somebody is on it"


def test_a_viewer_is_offered_no_action_and_a_resolved_incident_its_root_cause_analysis() -> None:
    given = incident(1, at(9), rungs=rungs([at(9)]), rung=1)
    assert offered(given) == {"acknowledge", "verdict", "update", "escalate", "resolve"}
    assert offered(given, may_act=False) == set()
    over = given.model_copy(update={"state": "resolved"})
    assert offered(over) == {"rca"}
    assert offered(over, may_act=False) == set()
    nothing = over.model_copy(update={"verdict": "false_positive"})
    assert offered(nothing) == set()


def test_the_form_of_the_root_cause_analysis_says_by_when_it_is_owed() -> None:
    owed = Obligation(
        kind="rca", state="due", owed_by="system", due_at=NOW + timedelta(hours=24), every=timedelta(hours=24)
    )
    over = incident(1, at(9), state="resolved", obligations=(owed,))
    assert desk.effect("rca", over, 1, "", NOW).endswith("Due by 09:48 UTC tomorrow, in 1 day.")


def test_an_update_sets_each_audiences_promise_forward() -> None:
    found = desk.update_promises(incident(1, at(9, 15), obligations=obligations(at(9, 15), at(10))), NOW)
    assert found == {
        "team": NOW + M30, "client": NOW + M30, "tenant": NOW + timedelta(hours=1),
    }  # fmt: skip


def test_search_finds_by_number_title_service_and_tenant_together() -> None:
    given = incident(17, at(9), title="HTTP 5xx", tenants=("acme",))
    assert desk.matches(given, "Invoicing does not work", "#17 acme", "all")
    assert desk.matches(given, "", "5XX invoicing", "open")
    assert not desk.matches(given, "", "globex", "all")
    assert not desk.matches(given, "", "", "resolved")
