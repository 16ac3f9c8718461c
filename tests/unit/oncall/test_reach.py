"""How somebody is reached: chains by urgency, and quiet hours that end when the clock on the wall says so."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.common.events.incidents import Purpose
from services.oncall.domain.people import Person
from services.oncall.domain.reach import AT_ONCE, MANNERS, Manner, contacts_for, quiet_until
from services.oncall.domain.resolve import Context, resolve
from services.oncall.domain.walltime import hours_of, instant_of
from tests.unit.oncall.company import MORNING, directory
from tests.unit.oncall.test_layers import zones

LOW = Manner("low", waits=True)
CONTACTS = [{"sms": "+15550100"}, {"email": "ann@example.com"}, {"sms": "+15550199"}]
MINUTE = timedelta(minutes=1)


def ann(**said: Any) -> Person:
    return Person.model_validate({"id": "ann", "name": "Ann", "contacts": CONTACTS, **said})


def order(person: Person, manner: Manner) -> list[tuple[str, timedelta | None]]:
    return [(contact.address, contact.after) for contact in contacts_for(person, manner)]


@pytest.mark.parametrize(
    ("chain", "manner", "found"),
    [
        ({}, AT_ONCE, [("+15550100", None), ("ann@example.com", None), ("+15550199", None)]),
        ({}, LOW, [("+15550100", None), ("ann@example.com", None), ("+15550199", None)]),
        (
            {"high": ["email", {"sms.2": "2m"}]},
            AT_ONCE,
            [("ann@example.com", None), ("+15550199", 2 * MINUTE), ("+15550100", None)],
        ),
        ({"high": ["email"]}, LOW, [("+15550100", None), ("ann@example.com", None), ("+15550199", None)]),
        ({"low": ["email"]}, LOW, [("ann@example.com", None)]),
        (
            {"high": ["sms", {"email": "0s"}, {"sms": "5m"}]},
            AT_ONCE,
            [
                ("+15550100", None),
                ("ann@example.com", timedelta(0)),
                ("+15550100", 5 * MINUTE),
                ("+15550199", None),
            ],
        ),
    ],
)
def test_contacts_come_in_the_order_of_the_chain(
    chain: dict[str, Any], manner: Manner, found: list[tuple[str, timedelta | None]]
) -> None:
    assert order(ann(chain=chain), manner) == found


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"chain": {"high": ["voice"]}}, r"chain.high\[0\] names 'voice', and there is no such contact"),
        ({"chain": {"low": ["email.2"]}}, "names 'email.2'"),
        ({"chain": {"high": [{"sms": "2m"}]}}, "the first step is taken at once"),
        ({"chain": {"high": ["sms", {"email": "5m"}, {"sms.2": "2m"}]}}, r"chain.high\[2\] comes sooner"),
        ({"chain": {"high": ["sms", {"email": 5}]}}, "a duration needs its unit"),
        ({"quiet_hours": [{"hours": "00:00-00:00"}]}, "cover the whole week"),
        ({"quiet_hours": [{"hours": "22-7"}]}, "hours are written as"),
        ({"quiet_hours": [{"days": "mo-fr"}]}, "Field required"),
    ],
)
def test_what_cannot_be_followed_is_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ann(**said)


def test_a_chain_is_the_same_written_short_or_long() -> None:
    short = ann(chain={"high": ["sms", {"email": "5m"}]})
    assert short == ann(chain=short.chain.model_dump()) == ann(chain=short.chain.model_dump(mode="json"))


NIGHTS = [{"hours": "22:00-07:00"}]
WEEKEND = [{"days": "mo-fr", "hours": "22:00-07:00"}, {"days": "sa, su", "hours": "00:00-24:00"}]


@pytest.mark.parametrize(
    ("zone", "quiet", "at", "until"),
    [
        ("UTC", NIGHTS, "2026-03-02T21:59", None),
        ("UTC", NIGHTS, "2026-03-02T22:00", "2026-03-03T07:00"),
        ("UTC", NIGHTS, "2026-03-03T06:59", "2026-03-03T07:00"),
        ("UTC", NIGHTS, "2026-03-03T07:00", None),
        ("Europe/Rome", NIGHTS, "2026-03-02T21:00", "2026-03-03T06:00"),
        # clocks go forward on 29 March: the night is an hour shorter; back on 25 October: an hour longer
        ("Europe/Rome", NIGHTS, "2026-03-28T21:00", "2026-03-29T05:00"),
        ("Europe/Rome", NIGHTS, "2026-10-24T20:00", "2026-10-25T06:00"),
        # the end does not exist on 29 March: the first minute after the gap
        ("Europe/Rome", [{"hours": "23:00-02:30"}], "2026-03-28T23:00", "2026-03-29T01:00"),
        # Friday's night and the weekend touch, and Sunday's end is midnight
        ("UTC", WEEKEND, "2026-03-06T22:30", "2026-03-09T00:00"),
        ("UTC", WEEKEND, "2026-03-08T23:59", "2026-03-09T00:00"),
        ("UTC", WEEKEND, "2026-03-09T00:00", None),
        ("UTC", [], "2026-03-09T03:00", None),
    ],
)
def test_when_quiet_hours_end(zone: str, quiet: list[dict[str, str]], at: str, until: str | None) -> None:
    found = quiet_until(ann(zone=zone, quiet_hours=quiet), datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert found == (until and datetime.fromisoformat(until).replace(tzinfo=UTC))


@st.composite
def hours(draw: st.DrawFn) -> str:
    begin, end = draw(st.integers(0, 47)), draw(st.integers(0, 47))
    return f"{begin // 2:02}:{begin % 2 * 30:02}-{end // 2:02}:{end % 2 * 30:02}"


windows = st.lists(
    st.fixed_dictionaries(
        {"days": st.lists(st.sampled_from(["mo", "tu", "we", "th", "fr", "sa"]), min_size=1), "hours": hours()}
    ),
    min_size=1,
    max_size=3,
)
"""Never on Sundays, so that they end."""


def is_quiet(person: Person, at: datetime) -> bool:
    """Looked up day by day: whether ``at`` lies in hours that begin on this day, or the day before."""
    zone = ZoneInfo(person.zone)
    today = at.astimezone(zone).date()
    for one in person.quiet_hours:
        begin, end = hours_of(one.hours)
        for day in (today - timedelta(days=2), today - timedelta(days=1), today, today + timedelta(days=1)):
            last = day if end > begin else day + timedelta(days=1)
            if day.weekday() in one.days and instant_of(day, begin, zone) <= at < instant_of(last, end, zone):
                return True
    return False


@given(zones, windows, st.datetimes(datetime(1975, 1, 1), datetime(2095, 1, 1)), st.integers(0, 99))  # noqa: DTZ001 - in UTC below
def test_quiet_hours_end_at_the_first_instant_that_is_not_quiet(
    zone: str, quiet: list[dict[str, Any]], naive: datetime, share: int
) -> None:
    person, at = ann(zone=zone, quiet_hours=quiet), naive.replace(tzinfo=UTC)
    until = quiet_until(person, at)
    assert (until is not None) == is_quiet(person, at)
    if until is not None:
        assert at < until <= at + timedelta(days=7)
        assert not is_quiet(person, until)
        assert is_quiet(person, at + (until - at) * share / 100)


def test_every_purpose_has_a_manner_and_what_asks_to_act_never_waits() -> None:
    assert set(MANNERS) == set(get_args(Purpose))
    assert {purpose for purpose, manner in MANNERS.items() if not manner.waits} == {
        "page",
        "missed",
        "call",
        "verification",
        "closing",
    }
    assert {purpose for purpose, manner in MANNERS.items() if manner.urgency == "high"} == {
        "page",
        "missed",
        "call",
        "verification",
    }


@given(st.sampled_from(list(MANNERS.items())), st.integers(0, 23), st.integers(0, 59))
def test_only_what_waits_says_until_when_it_is_quiet(named: tuple[Purpose, Manner], hour: int, minute: int) -> None:
    purpose, manner = named
    said = {**ann(quiet_hours=NIGHTS, chain={"low": ["email"]}).model_dump(mode="json"), "id": "diego"}
    at = datetime.combine(MORNING.date(), time(hour, minute), UTC)
    (told,) = resolve(directory(person=[said]), ["person:diego"], Context(), at, manner).recipients
    assert (told.quiet_until is not None) == (manner.waits and (hour >= 22 or hour < 7)), purpose
    assert len(told.contacts) == (3 if manner.urgency == "high" else 1)
