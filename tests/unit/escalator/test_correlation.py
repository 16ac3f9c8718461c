from uuid import UUID

import pytest

from services.escalator.domain.correlation import Attach, Decision, Drop, End, KnownAlert, Open, correlate
from tests.unit.escalator.builders import a_trigger

ONE, TWO = UUID(int=1), UUID(int=2)


def known(
    key: str, incident: UUID = ONE, number: int = 1, service: str = "checkout", firing: bool = True
) -> KnownAlert:
    return KnownAlert(incident, number, key, service, firing)


@pytest.mark.parametrize(
    ("status", "alerts", "firing", "decision"),
    [
        ("firing", [], 0, Open("first_seen")),
        ("firing", [known("a")], 1, Attach(ONE, "repeat")),
        ("firing", [known("a", firing=False)], 1, Attach(ONE, "refired")),
        ("firing", [known("b")], 1, Attach(ONE, "same_group")),
        ("firing", [known("b", service="search")], 1, Open("first_seen")),
        ("firing", [known("unrelated")], 1, Open("first_seen")),
        ("firing", [known("b", TWO, 2), known("c", ONE, 1)], 1, Attach(ONE, "same_group")),
        ("firing", [known("b", ONE, 1), known("a", TWO, 2)], 1, Attach(TWO, "repeat")),
        ("resolved", [], 0, Drop("unknown_alert")),
        ("resolved", [known("b")], 1, Drop("unknown_alert")),
        ("resolved", [known("a", firing=False)], 1, Drop("already_resolved")),
        ("resolved", [known("a")], 2, End(ONE, "alerts_remain")),
        ("resolved", [known("a")], 1, End(ONE, "last_alert_resolved")),
    ],
)
def test_what_becomes_of_a_trigger(status: str, alerts: list[KnownAlert], firing: int, decision: Decision) -> None:
    trigger = a_trigger(status, "a", group={"key": "g", "siblings": ["a", "b", "c"]})
    assert correlate(trigger, alerts, firing) == decision


def test_a_trigger_that_came_alone_joins_nothing_of_another_key() -> None:
    assert correlate(a_trigger(dedup_key="a"), [known("b")], 1) == Open("first_seen")
