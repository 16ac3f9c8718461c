"""What routing rules can ask of a trigger, field by field, and what they answer."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.documents import parse
from libs.common.errors import Misconfigured
from services.escalator.domain.conditions import Described, During, When, checks
from services.escalator.domain.policies import RoutingFile

TRIGGER = Described(
    "telemetry",
    "alertmanager",
    service="checkout",
    services=("checkout", "payments"),
    tool="sap",
    tenants=("acme",),
    provider="azure",
    integration="alertmanager-eu",
    title="Checkout answers 5xx on db-17",
    description="Error rate 12 %",
    labels={"env": "Production", "team": ""},
)
MONDAY = datetime(2026, 6, 1, 9, 15, tzinfo=UTC)


def _holds(when: dict[str, Any], at: datetime = MONDAY) -> bool:
    return all(check.held for check in checks(When.model_validate(when), TRIGGER, "service_down", at))


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({"integration": "alertmanager-eu"}, True),
        ({"integration": ["alertmanager-us"]}, False),
        ({"provider": "azure"}, True),
        ({"provider": "twilio"}, False),
        ({"service": "payments"}, True),
        ({"title": {"contains": "5XX"}}, True),
        ({"title": {"contains": ["4xx", "timeout"]}}, False),
        ({"title": {"equals": "checkout answers 5xx on DB-17"}}, True),
        ({"title": {"equals": "checkout"}}, False),
        ({"title": {"matches": r"\bdb-\d+$"}}, True),
        ({"title": {"matches": "^db"}}, False),
        ({"title": {"contains": "5xx", "matches": "^db"}}, False),
        ({"description": {"contains": "error rate"}}, True),
        ({"labels": {"env": {"equals": ["staging", "production"]}}}, True),
        ({"labels": {"env": {"equals": "staging"}}}, False),
        ({"labels": {"region": {"contains": "eu"}}}, False),
        ({"labels": {"region": {"matches": "^$"}}}, True),
        ({"any": [{"service": "search"}, {"tool": "sap", "tenant": "acme"}]}, True),
        ({"any": [{"service": "search"}, {"tool": "sap", "tenant": "globex"}]}, False),
        ({"not": {"tenant": "globex"}}, True),
        ({"not": [{"tenant": "globex"}, {"tool": "sap"}]}, False),
        ({"kind": "telemetry", "not": {"any": [{"tool": "sap"}]}}, False),
    ],
)
def test_a_question_holds_or_not(when: dict[str, Any], matches: bool) -> None:
    assert _holds(when) is matches


NIGHT = {"days": "fr", "hours": "22:00-06:00", "zone": "Europe/Berlin"}
CHRISTMAS = {"from": "2026-12-24", "until": "2026-12-26", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("during", "at", "holds"),
    [
        ({"days": "mo-fr", "hours": "09:00-17:00"}, "2026-06-01T09:00", True),
        ({"days": "mo-fr", "hours": "09:00-17:00"}, "2026-06-01T17:00", False),
        ({"days": "mo-fr", "hours": "09:00-17:00"}, "2026-06-06T10:00", False),
        (NIGHT, "2026-06-05T19:59", False),
        (NIGHT, "2026-06-05T20:00", True),  # 22:00 in Berlin, where it is summer
        (NIGHT, "2026-06-06T03:59", True),  # Saturday morning belongs to Friday's night
        (NIGHT, "2026-06-06T04:00", False),
        (NIGHT, "2026-06-06T20:30", False),
        (NIGHT, "2026-12-04T21:30", True),
        (NIGHT, "2026-12-04T20:30", False),
        (CHRISTMAS, "2026-12-23T22:59", False),
        (CHRISTMAS, "2026-12-23T23:00", True),
        (CHRISTMAS, "2026-12-26T22:59", True),
        (CHRISTMAS, "2026-12-26T23:00", False),
        ({**CHRISTMAS, "hours": "20:00-04:00", "zone": "UTC"}, "2026-12-27T03:00", True),
        ({**CHRISTMAS, "hours": "20:00-04:00", "zone": "UTC"}, "2026-12-24T03:00", False),
        ([{"days": "sa"}, {"days": "mo"}], "2026-06-01T12:00", True),
        ({}, "2026-06-01T00:00", True),
        # the hour that Berlin's clocks show twice, and the one that they skip
        ({"hours": "02:00-03:00", "zone": "Europe/Berlin"}, "2026-10-25T00:30", True),
        ({"hours": "02:00-03:00", "zone": "Europe/Berlin"}, "2026-10-25T01:30", True),
        ({"hours": "02:00-03:00", "zone": "Europe/Berlin"}, "2026-03-29T01:00", False),
    ],
)
def test_a_time_of_the_wall_clock_begins_on_its_day(during: Any, at: str, holds: bool) -> None:
    assert _holds({"during": during}, datetime.fromisoformat(at).replace(tzinfo=UTC)) is holds


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
)
MOMENTS = st.integers(0, 4_102_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CLOCK = st.times().map(lambda when: f"{when:%H:%M}")
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")


@given(MOMENTS, st.sampled_from(ZONES), CLOCK, CLOCK, st.sets(st.integers(0, 6), min_size=1))
def test_a_time_holds_where_the_wall_clock_shows_one_that_began_on_one_of_its_days(
    at: datetime, zone: str, begin: str, end: str, days: set[int]
) -> None:
    during = During.model_validate({"days": [WEEKDAYS[day] for day in days], "hours": f"{begin}-{end}", "zone": zone})
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    starts = [datetime.combine(wall.date() - timedelta(days=ago), time.fromisoformat(begin)) for ago in (0, 1)]
    length = (datetime.fromisoformat(f"2026-01-02T{end}") - datetime.fromisoformat(f"2026-01-01T{begin}")) % timedelta(
        days=1
    )
    reach = length or timedelta(days=1)
    assert during.holds(at) is any(start <= wall < start + reach and start.weekday() in days for start in starts)


@given(MOMENTS, st.sampled_from(ZONES), CLOCK, CLOCK)
def test_a_time_and_the_rest_of_the_day_share_no_moment_and_leave_none_out(
    at: datetime, zone: str, begin: str, end: str
) -> None:
    one, other = (During(hours=hours, zone=zone) for hours in (f"{begin}-{end}", f"{end}-{begin}"))
    assert one.holds(at) is not other.holds(at) or begin == end


def test_every_answer_says_what_was_seen_and_what_was_wanted() -> None:
    when = When.model_validate(
        {
            "service": ["search", "checkout"],
            "tenant": "globex",
            "labels": {"env": {"contains": "prod"}},
            "during": {"days": "mo-fr", "hours": "22:00-06:00"},
            "any": [{"kind": "ticket"}, {"kind": "tool"}],
            "not": {"provider": "azure"},
        }
    )
    said = [check.sentence for check in checks(when, TRIGGER, "service_down", MONDAY)]
    assert said == [
        "service is checkout, payments; wanted: search or checkout.",
        "tenant is acme; wanted: globex, so this does not hold.",
        "during is mo 2026-06-01 09:15 in UTC; wanted: mo, tu, we, th, fr 22:00-06:00 in UTC, so this does not hold.",
        "labels.env is “Production”; wanted: contains “prod”.",
        "any: 0 of 2 holds, but one must hold.",
        "not: 1 of 1 holds, but none may hold.",
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("title: {matches: '(a'}", "routing.yaml:6: routing.rules[0].when.title.matches: '(a': a group is not closed"),
        ("title: {}", "name at least one of equals, contains and matches"),
        ("during: {days: xx}", "routing.yaml:6: routing.rules[0].when.during.days: 'xx'"),
        ("during: {zone: Mars/Base}", "'Mars/Base' is no IANA time zone"),
        ("during: {from: 2026-12-26, until: 2026-12-24}", "until lies before from"),
        ("during: {since: 2026-12-26}", "no such key"),
        ("not: {tenants: acme}", "did you mean tenant?"),
        ("severity: urgent", "routing.yaml:6: routing.rules[0].when.severity"),
        ("not: {not: {not: {not: {kind: tool}}}}", "more than 4 times"),
    ],
)
def test_a_mistake_in_a_rule_names_file_line_and_rule(line: str, sentence: str) -> None:
    text = f"""routing:
  rules:
    - id: one
      name: One
      when:
        {line}
      first: on-shift
      ladder: standard
      clocks: standard
  default: {{first: on-shift, ladder: standard, clocks: standard}}
  quarantine: on-shift
  categories:
    {{telemetry: service_down, maintenance: maintenance, ticket: process_blocked, provider: provider_unavailable, tool: tool_unavailable}}
"""
    with pytest.raises(Misconfigured) as caught:
        parse("routing.yaml", text).load(RoutingFile)
    assert sentence in str(caught.value)
