"""Cases of our own about groups, maintenances, limits and refusals, through the drivers of their kinds."""

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


Said = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]


def played(said: Said) -> Played:
    kind, given, when, expect = said
    return play(Case("OWN-4", "a case of our own", "own", kind, "portable", given, when, expect))


PROVIDER = ["provider rejects the message permanently", "engine cycles again"]
ONE_RULE = {"user_rules": {"ida": [{"delay_min": 0, "channel": "sms"}]}}
MINUTE = {"limit": "2 per 60 s per integration"}
QUICK = {"route": {"group_by": ["alertname"], "group_wait_s": 0, "group_interval_s": 60, "repeat_interval_s": 600}}
PUSH = {"events": [{"at_s": 1, "push": [{"alertname": "flood", "starts_s": 0}]}]}
FLOOD = {"between_s": [1, 2], "alerts": [{"alertname": "flood", "starts_s": 0}]}

PASSING: dict[str, Said] = {
    "three of a group": (
        "grouping.sequence", {"route": "one", "grouping": "same group"}, {"events": ["alert 1", "alert 2", "alert 3"]},
        {"groups": 1, "escalations_started": 1},
    ),
    "what is told at once": ("grouping.timeline", QUICK, PUSH, {"notifications": [FLOOD], "tolerance_s": 0.5}),
    "one body": (
        "grouping.groups", {"route": {"receiver": "all"}, "alerts": [{"job": "a"}, {"job": "b"}, {"job": "a"}]}, {},
        {"groups": [{"alerts": [0, 2]}, {"alerts": [1]}]},
    ),
    "a limit": (
        "http.sequence", MINUTE, {"requests": ["POST alert", "POST alert", "POST alert"]},
        {"statuses": [200, 200, 429], "alerts_created": 2},
    ),
    "a limit of pings": (
        "http.sequence", MINUTE, {"requests": ["POST heartbeat", "GET heartbeat", "GET heartbeat"]},
        {"statuses": [200, 200, 429]},
    ),
    "keys": (
        "http.sequence", {"integration": "summary, dedup, close"},
        {"requests": [{"summary": "one", "dedup": "a"}, {"summary": "two", "dedup": "a"}, {"dedup": "a", "close": True}]},
        {"responses": [204, 204, 204], "alerts_after_2": 1, "final": [{"summary": "one", "status": "closed"}]},
    ),
    "who was first": (
        "http.sequence", {"incident": "one"}, {"replies": ["ida: claim all", "ole: claim <message id>", "ole: claim all"]},
        {
            "responses": ["claimed (1): 7", "claimed, previously claimed by ida", "No active incidents to claim."],
            "incident_active": [0, 0, 0],
        },
    ),
    "one's own": (
        "http.sequence", {"resource": "users/<name>"}, {"requests": ["as the user", "as another user", "no user name"]},
        {"statuses": [200, 403, 401]},
    ),
    "a refusal": ("delivery.retry", ONE_RULE, {"events": ["alert 'fog'", *PROVIDER]}, {"attempts": 1}),
    "a maintenance": (
        "maintenance", {"integration": "i"}, {"sequence": ["start maintenance 3 h", "alert arrives"]},
        {"results": ["ok"], "state": {"mode": "maintenance", "duration_s": 10800}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_a_case_that_holds_passes(name: str) -> None:
    one = played(PASSING[name])
    assert (one.outcome, one.why) == ("passed", "")


OTHERWISE: dict[str, Said] = {
    "groups": ("grouping.timeline", QUICK, PUSH, {"notifications": [{**FLOOD, "between_s": [31, 32]}]}),
    "a limit for each key": (
        "http.sequence", {"limit": "1 per 60 s per organisation"},
        {"requests": ["POST alert to integration 1", "POST alert to integration 2"]}, {"statuses": [200, 429]},
    ),
    "alarms of a maintenance": (
        "maintenance", {"integration": "i"}, {"sequence": ["start maintenance 2 h", "alert arrives", "stop maintenance"]},
        {"after_stop": {"alert_group": "resolved by maintenance end"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("trait", OTHERWISE)
def test_what_was_decided_otherwise_says_so(trait: str) -> None:
    one = played(OTHERWISE[trait])
    assert (one.outcome, one.why) == ("by decision", str(DECISIONS[trait]))


def test_a_case_that_does_not_hold_fails() -> None:
    one = played(("http.sequence", MINUTE, {"requests": ["POST alert"]}, {"statuses": [429]}))
    assert one.outcome == "failed"
    one = played(("grouping.sequence", {"route": "one"}, {"events": ["alert 1", "alert 2"]}, {"groups": 2}))
    assert one.outcome == "failed"


UNREAD: dict[str, Said] = {
    "a limit of hours": ("http.sequence", {"limit": "5 per 3600 s"}, {"requests": ["POST alert"]}, {"statuses": [200]}),
    "a request": ("http.sequence", MINUTE, {"requests": ["PATCH alert"]}, {"statuses": [200]}),
    "a threshold": ("grouping.sequence", {"rule": {"threshold": 9}}, {"events": ["alert 1"]}, {"groups": 0}),
    "a silence": ("grouping.timeline", QUICK, {"events": [{"at_s": 1, "silence": {}}]}, {"notifications": [FLOOD]}),
    "a mode": ("maintenance", {"integration": "i", "mode": "debug"}, {"sequence": ["start maintenance 1 h"]}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREAD)
def test_what_nobody_can_play_is_not_yet_there(name: str) -> None:
    one = played(UNREAD[name])
    assert one.outcome == "not yet there"
    assert one.why
