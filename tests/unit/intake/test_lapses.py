"""Alerts that are over once nobody repeats them: which ones, when, and what is told then."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.lapse import AWAY, LEAST, MOST, Lapse, Verdict, judge
from services.intake.sources.base import Arrival
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import NOW, integration, only, read, texts_of

MINUTE = timedelta(minutes=1)
ALERT: dict[str, Any] = {
    "labels": {"alertname": "QueueStuck", "service": "approvals"},
    "annotations": {"summary": "The approval queue stands still"},
    "startsAt": "2026-03-02T09:11:00Z",
    "endsAt": "2026-03-02T09:19:00Z",
    "generatorURL": "https://prometheus.example.org/graph",
}


def lapse(**changed: Any) -> Lapse | None:
    return only(read("prometheus", [{**ALERT, **changed}])).lapse


def test_an_alert_of_prometheus_is_over_at_its_end_unless_it_is_repeated() -> None:
    found = lapse()
    assert found is not None
    assert found.at == datetime(2026, 3, 2, 9, 19, tzinfo=UTC)
    assert found.note[0]["labels"] == ALERT["labels"]


@pytest.mark.parametrize(
    "ends",
    [None, "", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "soon", "2026-03-02T09:15:00Z", "2031-01-01T00:00:00Z"],
)  # fmt: skip
def test_without_an_end_an_alert_stays_open_and_after_its_end_it_is_over_already(ends: str | None) -> None:
    assert lapse(endsAt=ends) == Lapse()


def test_alertmanager_and_grafana_say_themselves_when_an_alert_is_over() -> None:
    for source in ("alertmanager", "grafana"):
        body = json.loads(json.dumps(all_sources()[source].example))
        body["alerts"][0] |= {"status": "firing", "endsAt": "2026-03-02T09:19:00Z"}
        assert only(read(source, body)).lapse is None


texts = st.text(max_size=12) | st.sampled_from(["\x00", "a\x00b", "  x ", "ä"])


@given(labels=st.dictionaries(texts, texts, min_size=1, max_size=4), summary=texts, ahead=st.integers(1, 10**7))
def test_what_is_told_then_ends_the_same_alert(labels: dict[str, str], summary: str, ahead: int) -> None:
    ends = NOW + timedelta(seconds=ahead)
    raw = {**ALERT, "labels": labels, "annotations": {"summary": summary}, "endsAt": ends.isoformat()}
    fired = only(read("prometheus", [raw]))
    assert fired.lapse is not None
    assert fired.lapse.at == ends
    body = json.dumps(fired.lapse.note).encode()
    assert "\x00" not in "".join(texts_of(fired.lapse.note)), "PostgreSQL can hold it"
    later = Arrival({}, body, integration("prometheus"), ends)
    over = only(all_sources()["prometheus"].read(later))
    assert (over.status, over.dedup_key, over.ended_at) == ("resolved", fired.dedup_key, ends)
    assert replace(over, status="firing", ended_at=None, lapse=fired.lapse, group=fired.group) == replace(
        fired, labels=over.labels, title=over.title, service=over.service
    )


@pytest.mark.parametrize(
    ("late", "given_", "patient", "verdict"),
    [
        (0.0, 4.0, False, Verdict("not_repeated")),
        (0.5, 4.0, False, Verdict("not_repeated")),
        (3.0, 4.0, False, Verdict("tocsin_was_away", NOW + 4 * MINUTE)),
        (3.0, 0.1, False, Verdict("tocsin_was_away", NOW + LEAST)),
        (3.0, 9000, False, Verdict("tocsin_was_away", NOW + MOST)),
        (3.0, 4.0, True, Verdict("not_repeated")),
    ],
)
def test_where_tocsin_was_away_a_sender_gets_one_more_time(
    late: float, given_: float, patient: bool, verdict: Verdict
) -> None:
    assert AWAY < MINUTE
    assert judge(NOW - late * MINUTE, NOW, given_ * MINUTE, patient=patient) == verdict
