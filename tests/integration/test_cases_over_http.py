"""Cases of our own about what the HTTP API answers, through the drivers of their kinds."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cases.case import Case
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
    return play(Case("OWN-3", "a case of our own", "own", kind, "portable", given, when, expect))


SHIFT = {"type": "rolling_users", "duration_s": 3600, "frequency": "weekly", "interval": 1, "by_day": ["TU"]}
REQUESTS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "any letters": ({"labels": {"alertname": "Ebbe", "kai": "Süd–Ost ⚓"}}, "POST alerts", {"accepted": True}),
    "too large": ({"limit_bytes": 4096}, {"method": "POST", "body_bytes": 5000}, {"status": 413, "alerts_created": 0}),
    "just right": ({"limit_bytes": 4096}, {"method": "POST", "body_bytes": 4096}, {"status": 200, "alerts_created": 1}),
    "a strange key": ({"integration_key": "invalid"}, {"method": "POST", "body": {"title": "x"}}, {"status": 403}),
    "a place": ({"shift": SHIFT}, {"rolling_users": [["<valid user>"], ["<valid user>"], ["nemo"]]},
                {"status": 400, "json": {"rolling_users": {"2": ["unknown"]}}}),
    "who left": ({"token_owner": "deactivated user"}, "GET incidents", {"status": 401}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_the_case_says(name: str) -> None:
    given, asked, expect = REQUESTS[name]
    one = played("http.request", given, {"request": asked}, expect)
    assert (one.outcome, one.why) == ("passed", "")


def test_a_request_that_is_answered_otherwise_fails() -> None:
    one = played("http.request", {"token_owner": "active user"}, {"request": "GET incidents"}, {"status": 403})
    assert one.outcome == "failed"


@pytest.mark.parametrize(
    ("given", "asked"),
    [({"cookie": "stale"}, "GET incidents"), ({"token_owner": "a ghost"}, "GET incidents"), ({"limit_bytes": 9}, {"method": "POST"})],
)  # fmt: skip
def test_a_request_that_nobody_can_make_is_not_yet_there(given: dict[str, Any], asked: Any) -> None:
    assert played("http.request", given, {"request": asked}, {"status": 200}).outcome == "not yet there"


INCIDENT = {"resource": "incident (alert group)"}
ENDS = [
    {"state": "firing", "status": 200, "after": "resolved"},
    {"state": "acknowledged", "status": 200, "after": "resolved"},
]
TAKEN = [
    {"state": "firing", "status": 200, "after": "acknowledged"},
    {"state": "resolved", "status": 400, "detail": "it is over"},
]


STATES: dict[str, tuple[str, list[dict[str, Any]], str]] = {
    "what holds": ("resolve", ENDS, "passed"),
    "a repeat": ("acknowledge", [*TAKEN, {"state": "acknowledged", "status": 400}], "by decision"),
    "a state that there is not": (
        "acknowledge",
        [*TAKEN, {"state": "acknowledged and attached", "status": 400}],
        "not yet there",
    ),
    "what does not hold": ("acknowledge", [{"state": "resolved", "status": 200}], "failed"),
}


@pytest.mark.parametrize("name", STATES)
def test_each_state_allows_what_it_does(name: str) -> None:
    action, rows, outcome = STATES[name]
    one = played("http.state_matrix", INCIDENT, {"action": action}, {"rows": rows})
    assert one.outcome == outcome, one.why


def test_fields_of_a_ladder_are_refused_as_the_case_says() -> None:
    rows = [
        {"valid": True, "status": 201},
        {"steps": 0, "status": 400},
        {"targets": [], "status": 400},
        {"delay_min": -3, "status": 400},
        {"repeat": -2, "status": 400, "description": "Repeat cannot be negative"},
    ]
    one = played("http.field_matrix", {"resource": "escalation plan"}, {"action": "create"}, {"rows": rows})
    assert (one.outcome, one.why) == ("passed", "")
    odd = [{"colour": "mauve", "status": 400}]
    assert played("http.field_matrix", {"resource": "ladder"}, {}, {"rows": odd}).outcome == "not yet there"
