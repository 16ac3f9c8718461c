"""Cases of our own through the drivers that play on a whole Tocsin: each is told in the words that cases use, with other values."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cases.case import Case
from tests.cases.decisions import DECISIONS
from tests.cases.run import Played, play
from tests.cases.stage import THEATRE
from tests.support.postgres import PostgresServer


@pytest.fixture(autouse=True, scope="module")
def theatre(postgres_server: PostgresServer) -> Iterator[None]:
    """Stages on the server of this process."""
    THEATRE.use(postgres_server)
    yield
    THEATRE.close()


def played(kind: str, given: dict[str, Any], when: dict[str, Any], expect: dict[str, Any]) -> Played:
    return play(Case("OWN-2", "a case of our own", "own", kind, "portable", given, when, expect))


def sms(*delays: float) -> list[dict[str, Any]]:
    return [{"delay_min": delay, "channel": "sms"} for delay in delays]


def at(second: float, user: str, channel: str = "sms", **more: Any) -> dict[str, Any]:
    return {"at_s": second, "user": user, "channel": channel, **more}


STEPS = {"repeat": 1, "steps": [{"delay_min": 7, "targets": ["ida"]}, {"delay_min": 4, "targets": ["ole", "una"]}]}
RULES = {"ida": sms(0, 5), "ole": sms(0), "una": [{"delay_min": 0, "channel": "email"}]}
CLIMB = {"events": [{"at_s": 0, "event": "alert 'pumps'"}, {"at_s": 700, "event": "una acks"}]}


def test_a_ladder_is_climbed_and_an_acknowledgement_ends_it() -> None:
    expect = {
        "notifications": [
            at(0, "ida", contains="pumps"), at(300, "ida"), at(420, "ole"), at(420, "una", "email"), at(660, "ida"),
        ],
        "total": 5,
        "until_s": 2000,
        "alert_state": "acknowledged",
    }  # fmt: skip
    one = played("escalation.timeline", {"policy": STEPS, "user_rules": RULES}, CLIMB, expect)
    assert (one.outcome, one.why) == ("passed", "")


def test_after_an_outage_each_contact_is_used_once() -> None:
    events = ["alert 'pumps'", "engine stops", "engine runs again"]
    when = {"events": [{"at_s": second, "event": text} for second, text in zip((0, 5, 400), events, strict=True)]}
    given = {"policy": {"steps": [{"delay_min": None, "targets": ["ida"]}]}, "user_rules": {"ida": sms(0, 1, 3, 6)}}
    one = played("escalation.timeline", given, when, {"notifications": [at(0, "ida"), at(400, "ida")], "until_s": 900})
    assert (one.outcome, one.why) == ("passed", "")


def test_a_page_that_does_not_come_when_it_should_fails_the_case() -> None:
    expect = {"notifications": [at(0, "ida"), at(300, "ida"), at(450, "ole"), at(450, "una", "email")]}
    when = {"events": [{"at_s": 0, "event": "alert 'pumps'"}]}
    one = played("escalation.timeline", {"policy": STEPS, "user_rules": RULES}, when, expect)
    assert one.outcome == "failed"
    assert "(420.0, 'ole', 'sms')" in one.why


def test_a_monitor_that_is_not_heard_of_pages_until_it_beats_again() -> None:
    given = {
        "policy": {"steps": [{"delay_min": None, "targets": ["ida"]}]},
        "user_rules": {"ida": sms(0, 3)},
        "monitors": [{"name": "backup", "timeout_min": 20}],
    }
    when = {"events": [{"at_s": 0, "event": "beat on backup"}, {"at_s": 1230, "event": "beat on backup"}]}
    expect = {"notifications": [at(1200, "ida", contains="backup")], "total": 1, "until_s": 1500}
    one = played("escalation.timeline", given, when, expect)
    assert (one.outcome, one.why) == ("passed", "")


def test_a_schedule_that_is_replaced_for_a_while_decides_who_is_paged() -> None:
    windows = [{"days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], "start": "00:00", "end": "00:00"}]
    given = {
        "schedule": {"time_zone": "UTC", "layers": [{"user": "ida", "windows": windows}]},
        "policy": {"steps": [{"targets": ["schedule"]}]},
    }
    when = {
        "events": [
            {"event": "alert 'pumps' created"},
            {"event": "replacement window set to ole; manual escalate"},
            {"event": "replacement windows cleared; manual escalate"},
        ]
    }
    told = [{"after": one, "users": [user]} for one, user in (("alert", "ida"), ("first", "ole"), ("second", "ida"))]
    one = played("escalation.timeline", given, when, {"notifications": told})
    assert (one.outcome, one.why) == ("passed", "")


UNREADABLE = {
    "an event": ({"policy": STEPS, "user_rules": RULES}, ["the moon rises"]),
    "a channel": ({"policy": STEPS, "user_rules": {**RULES, "ole": [{"delay_min": 0, "channel": "pigeon"}]}}, ["alert 'x'"]),
    "an option": ({"policy": {**STEPS, "jitter_s": 4}, "user_rules": RULES}, ["alert 'x'"]),
    "a target": ({"policy": STEPS, "user_rules": {"ida": sms(0)}}, ["alert 'x'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_timeline_that_nobody_can_play_is_not_yet_there(name: str) -> None:
    given, events = UNREADABLE[name]
    one = played("escalation.timeline", given, {"events": events}, {"notifications": []})
    assert one.outcome == "not yet there"
    assert one.why


@pytest.mark.parametrize(
    ("given", "trait"),
    [
        ({"policy": {"steps": []}, "user_rules": {"ida": sms(0)}}, "an empty ladder"),
        ({"policy": {"steps": [{"targets": ["ida"]}]}, "user_rules": {"ida": sms(4, 8)}}, "a contact that waits"),
    ],
)
def test_a_set_up_that_is_refused_by_decision_says_so(given: dict[str, Any], trait: str) -> None:
    one = played("escalation.timeline", given, {"events": ["alert 'x'"]}, {"notifications": []})
    assert (one.outcome, one.why) == ("by decision", str(DECISIONS[trait]))


def test_keys_belong_to_their_service_and_the_end_of_nothing_is_nothing() -> None:
    given = {"services": {"docks": "user ida", "cranes": "user ole"}}
    fire = [
        {"s": "docks", "summary": "wind", "dedup": "k"}, {"s": "docks", "summary": "gale", "dedup": "k"},
        {"s": "cranes", "summary": "wind", "dedup": "k"}, {"s": "cranes", "summary": "fog", "action": "close"},
    ]  # fmt: skip
    expect = {"notifications": {"ida": ["wind"], "ole": ["wind"]}, "new_alerts": {"docks": 1, "cranes": 1}, "never": ["fog"]}  # fmt: skip
    one = played("dedup.sequence", given, {"fire": fire}, expect)
    assert (one.outcome, one.why) == ("passed", "")


def test_what_is_done_twice_changes_nothing_the_second_time() -> None:
    given = {"alerts": ["#1 wind", "#2 fog"]}
    when = {"sequence": ["ack #2", "ack #2 again", "close #2", "close #1", "close #1 again"]}
    replies = ["Acknowledged #2", "already acknowledged", "Closed #2", "Closed #1", "already closed"]
    one = played("ack.idempotence", given, when, {"replies": replies})
    assert (one.outcome, one.why) == ("passed", "")
