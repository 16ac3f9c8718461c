"""Which alarms are collected under a maintenance: only what surely belongs to it, and only while its window lasts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import Window
from services.escalator.domain.collecting import Covering, collector, covering, covers
from tests.unit.escalator.builders import OPENED, a_trigger, an_incident

HOUR = timedelta(hours=1)
NOW = OPENED + HOUR
WINDOW = Window(starts_at=OPENED, ends_at=OPENED + 2 * HOUR)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def maintenance(
    services: str = "documents search", tenants: str = "", window: Window = WINDOW, of: UUID = FIRST
) -> Covering:
    return Covering(of, frozenset(services.split()), frozenset(tenants.split()), window)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"service": "documents"}, True),
        ({"service": "documents", "services": ("documents", "search")}, True),
        ({"service": "documents", "services": ("documents", "checkout")}, False),
        ({"service": "checkout"}, False),
        ({"service": None}, False),
        ({"service": "documents", "kind": "ticket"}, False),
        ({"service": "documents", "kind": "provider"}, False),
        ({"service": "documents", "tenants": ("acme",)}, True),
    ],
)
def test_all_services_of_an_alarm_must_be_in_maintenance(said: dict[str, Any], expected: bool) -> None:
    assert covers(maintenance(), a_trigger(**said), NOW) is expected


@pytest.mark.parametrize(
    ("tenants", "expected"), [(("acme",), True), (("acme", "globex"), False), (("globex",), False), ((), False)]
)
def test_a_maintenance_of_some_tenants_covers_alarms_of_these_only(
    tenants: tuple[str, ...],
    expected: bool,
) -> None:
    assert covers(maintenance(tenants="acme initech"), a_trigger(service="documents", tenants=tenants), NOW) is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (OPENED - timedelta(seconds=1), False),
        (OPENED, True),
        (OPENED + 2 * HOUR - timedelta(seconds=1), True),
        (OPENED + 2 * HOUR, False),
    ],
)
def test_only_the_window_counts(now: datetime, expected: bool) -> None:
    assert covers(maintenance(), a_trigger(service="documents"), now) is expected


def test_without_a_known_end_it_covers_until_somebody_says_that_it_is_over() -> None:
    endless = maintenance(window=Window(starts_at=OPENED))
    assert covers(endless, a_trigger(service="documents"), NOW + 1000 * HOUR)


def test_of_several_the_one_that_ends_last_collects() -> None:
    longer = maintenance(of=SECOND, window=Window(starts_at=OPENED, ends_at=OPENED + 3 * HOUR))
    endless = maintenance(of=UUID(int=3), window=Window(starts_at=OPENED))
    alarm = a_trigger(service="documents")
    assert collector(alarm, [maintenance(), longer], NOW) == longer
    assert collector(alarm, [endless, longer], NOW) == endless
    assert collector(alarm, [maintenance("checkout")], NOW) is None
    assert collector(alarm, [], NOW) is None


def test_an_incident_that_is_no_maintenance_covers_nothing() -> None:
    assert covering(an_incident()) is None


NAMES = st.sets(st.sampled_from(["a", "b", "c"]))


@given(NAMES, NAMES, NAMES, NAMES, st.integers(-200, 200))
def test_nothing_doubtful_is_ever_collected(
    services: set[str], tenants: set[str], of: set[str], whose: set[str], minutes: int
) -> None:
    now = OPENED + timedelta(minutes=minutes)
    alarm = a_trigger(service=min(of, default=None), services=tuple(sorted(of)), tenants=tuple(sorted(whose)))
    if covers(maintenance(" ".join(services), " ".join(tenants)), alarm, now):
        assert of
        assert of <= services
        assert not tenants or (whose and whose <= tenants)
        assert WINDOW.starts_at <= now < OPENED + 2 * HOUR
