"""Notification rules of other tools become chains and quiet hours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from libs.common.documents import parse
from services.cli.importers.chains import outside
from services.cli.importers.turns import WEEK
from services.oncall.domain.people import QuietHours, quiet_mask
from services.oncall.domain.reach import quiet_until
from services.oncall.handlers.configuration import PeopleFile
from tests.unit.cli.test_importers import converted, half_hours


@pytest.mark.parametrize(
    ("tool", "person", "high", "low"),
    [
        ("pagerduty", "ada-okoye", ["sms", {"email": "0s"}, {"voice": "2m"}, {"sms.2": "10m"}, {"sms": "15m"}], ["email"]),
        ("pagerduty", "bruno-sa", ["sms"], None),
        ("opsgenie", "ada", ["sms", {"voice": "3m"}, {"email": "59m"}], ["email"]),
        ("opsgenie", "bruno", ["voice"], ["email"]),
        ("opsgenie", "chen", ["voice"], ["voice"]),
        ("grafana-oncall", "ada", ["sms", {"voice": "90s"}, {"email": "5m"}], ["slack", {"email": "5m"}]),
        ("grafana-oncall", "bruno", ["email"], ["email"]),
    ],
)  # fmt: skip
def test_notification_rules_become_chains_by_urgency(
    tool: str, person: str, high: list[Any], low: list[Any] | None
) -> None:
    people = yaml.safe_load(converted(tool)[1]["people.yaml"])["people"]
    chain = next(one["chain"] for one in people if one["id"] == person)
    assert (chain["high"], chain.get("low")) == (high, low)


def test_somebody_without_rules_that_can_be_carried_over_has_no_chain() -> None:
    people = {one["id"]: one for one in yaml.safe_load(converted("pagerduty")[1]["people.yaml"])["people"]}
    assert not {"chen-li", "dora-klein"} & {name for name, one in people.items() if "chain" in one}


def test_hours_in_which_a_rule_does_not_count_are_quiet_on_the_clock_of_its_user() -> None:
    text = converted("opsgenie")[1]["people.yaml"]
    people = {one.id: one for one in parse("people.yaml", text).load(PeopleFile).people}
    assert people["bruno"].quiet_hours == ()  # another rule counts at night
    ada, chen = people["ada"], people["chen"]
    assert (ada.zone, chen.zone) == ("Europe/Madrid", "Europe/Madrid")
    for at in half_hours("2026-03-23T00:00Z", 14):  # the clocks change on the 29th
        wall = at.astimezone(ZoneInfo("Europe/Madrid"))
        minute = wall.hour * 60 + wall.minute
        assert (quiet_until(ada, at) is None) == (wall.weekday() < 5 and 480 <= minute < 1110), wall
        assert (quiet_until(chen, at) is None) == (420 <= minute < 1320), wall


@given(st.lists(st.tuples(st.integers(0, WEEK - 1), st.integers(1, WEEK)), min_size=1, max_size=4))
def test_quiet_hours_are_all_of_the_week_that_a_rule_leaves(mask: list[tuple[int, int]]) -> None:
    told = {minute % WEEK for begin, lasts in mask for minute in range(begin, begin + lasts)}
    quiet = [QuietHours.model_validate(one) for one in outside(mask)]
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    spans = quiet_mask(quiet).spans(monday, monday + timedelta(weeks=1), ZoneInfo("UTC")) if quiet else []
    found = {
        minute
        for begin, end in spans
        for minute in range((begin - monday) // timedelta(minutes=1), (end - monday) // timedelta(minutes=1))
    }
    assert found & set(range(WEEK)) == set(range(WEEK)) - told
