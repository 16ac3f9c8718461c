"""What would happen, as it is asked and as a person reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.statuspage.domain.asked import Asked, NotAsked, usual
from services.statuspage.domain.foresight import Answer, Played, Step, heard, shown, taker, told, unheard
from services.statuspage.domain.search import NoMoment

AT = datetime(2026, 11, 29, 23, 50, tzinfo=UTC)
ROUTE = {
    "category": "service_down", "rule": "telemetry", "first": ["on-shift"], "rules": [],
    "ladder": {"id": "standard", "name": "Six rungs", "rungs": []}, "clocks": {"id": "standard", "name": "Standard"},
}  # fmt: skip


def step(minutes: int, purpose: str | None = "page", **more: Any) -> dict[str, Any]:
    after = timedelta(minutes=minutes)
    what = more.pop(
        "what", "tocsin.incident.escalation_due.v1" if purpose == "page" else "tocsin.incident.communication_due.v1"
    )
    return {
        "at": AT + after,
        "after": after,
        "what": what,
        "text": "…",
        "purpose": purpose,
        "refs": ["pm"] if purpose else [],
        **more,
    }


def played(*steps: dict[str, Any]) -> Played:
    until = AT + timedelta(hours=1)
    return Played.model_validate(
        {"at": AT, "until": until, "cut": False, "route": ROUTE, "context": {}, "steps": steps}
    )


def answer(*people: str) -> Answer:
    channels = [{"channel": "sms", "address": "+15550100"}, {"channel": "email", "address": "a@example.com"}]
    return Answer.model_validate(
        {
            "recipients": [
                {"ref": f"person:{name}", "name": name.capitalize(), "role": "pm", "contacts": channels}
                for name in people
            ]
        }
    )


@pytest.mark.parametrize(
    ("said", "title", "why"),
    [
        (
            {"rung": 2, "rung_name": "Responsible", "reason": "unacknowledged"},
            "Rung 2: Responsible",
            "nobody acknowledged in time",
        ),
        (
            {
                "purpose": "missed",
                "obligation": "team_status",
                "reason": "missed",
                "due_at": AT + timedelta(minutes=30),
            },
            "Missed: team status",
            "it did not come by 00:20 UTC",
        ),
        (
            {"purpose": "reminder", "reason": "window_over", "due_at": AT},
            "Reminder: the end of the window",
            "the window was to end by 23:50 UTC yesterday",
        ),
        ({"purpose": "call", "obligation": "incident_call", "reason": "no_news"}, "Incident call", "it is due"),
        (
            {"purpose": "status", "obligation": "client_update", "reason": "no_news"},
            "Client update",
            "it is due, and nobody wrote an update meanwhile",
        ),
        ({"purpose": "closing", "reason": "resolved"}, "Closing word", "the incident is over"),
        ({"purpose": None, "what": "tocsin.incident.acknowledged.v1"}, "Acknowledged: the escalation stops", ""),
    ],
)
def test_each_step_has_a_name_and_a_reason(said: dict[str, Any], title: str, why: str) -> None:
    found = Step.model_validate(step(30, **{"purpose": "page", **said}))
    assert (found.title, found.why) == (title, why)


def test_the_closing_word_goes_to_everyone_who_heard_anything_before_each_once() -> None:
    question = played(step(0, rung=1, slot="rung-1"), step(5, "status"), step(9, "closing"), step(9, None))
    found = heard(question, [answer("ann"), answer("bob", "ann"), Answer(), Answer()])
    assert [[person.name for person in each.people] for each in found] == [["Ann"], ["Bob", "Ann"], ["Ann", "Bob"], []]
    assert found[0].people[0].channels == "SMS, then e-mail"


def test_the_first_rung_that_nobody_hears_is_named_once() -> None:
    question = played(
        step(0, rung=1, slot="rung-1"), step(5, rung=2, slot="rung-2"), step(6, "status", slot="status-1")
    )
    found = heard(question, [Answer(), Answer(), Answer()])
    assert unheard(found, []) == "rung-1"
    assert unheard(found, ["rung-1"]) == "rung-2"
    assert unheard(found, ["rung-1", "rung-2"]) is None


def test_who_was_paged_last_before_then_is_the_one_who_takes_it() -> None:
    question = played(step(0, rung=1, slot="rung-1"), step(5, rung=2, slot="rung-2"), step(15, rung=3, slot="rung-3"))
    found = heard(question, [answer("ann"), answer("bob", "cid"), answer("dan")])
    assert taker(found, AT + timedelta(minutes=7)) == "bob"
    assert taker(found, AT + timedelta(minutes=15)) == "dan"
    assert taker((), AT) is None


def test_lines_that_say_again_what_a_message_says_are_left_out() -> None:
    question = played(step(0, rung=1, slot="rung-1"), step(0, None, what="tocsin.incident.obligation_moved.v1"))
    found = heard(question, [answer("ann"), Answer()])
    assert len(list(shown(found))) == 1
    assert [one.recipients[0].name for one in told(question, found, None).steps] == ["Ann"]


def test_what_the_form_holds_is_asked_of_the_escalator() -> None:
    asked = Asked(
        kind="maintenance", service="", tenant="acme", at="2026-11-29T23:50", begins="2026-11-30T01:00", assigned_team="platform",
        acknowledge_after="7", resolve_after="soon", lasting="2h",
    )  # fmt: skip
    assert asked.complete
    assert asked.further
    assert asked.body() == {
        "situation": {
            "kind": "maintenance",
            "assigned_team": "platform",
            "tenants": ["acme"],
            "window": {"starts_at": "2026-11-30T01:00:00+00:00"},
        },
        "at": "2026-11-29T23:50:00+00:00",
        "acknowledge_after": "7m",
        "lasting": "2h",
    }
    assert usual(AT).at == "2026-11-29T23:51"
    assert not Asked(kind="telemetry").complete
    with pytest.raises(NoMoment):
        Asked(kind="telemetry", at="soon").body()


def test_what_rules_ask_of_content_and_source_is_asked_too_and_odd_labels_are_told() -> None:
    asked = Asked(
        kind="telemetry", at="2026-11-29T23:50", source="alertmanager", integration="monitoring", provider="azure",
        category="system_down", description="no answer", labels="team=shop, region = eu\nempty=,",
    )  # fmt: skip
    assert asked.further
    assert asked.body()["situation"] == {
        "kind": "telemetry", "source": "alertmanager", "integration": "monitoring", "provider": "azure",
        "category": "system_down", "description": "no answer",
        "labels": {"team": "shop", "region": "eu", "empty": ""},
    }  # fmt: skip
    for odd in ("shop", "=shop", "team=shop, eu"):
        with pytest.raises(NotAsked, match="Write labels as name=value"):
            Asked(kind="telemetry", at="2026-11-29T23:50", labels=odd).body()
