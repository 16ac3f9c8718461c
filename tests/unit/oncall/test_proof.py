"""Proof: what will leave nobody is told before it does, and nothing is told of what is sound."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oncall.domain.amendments import Absence, Amendments, Made, Override
from services.oncall.domain.directory import Directory
from services.oncall.domain.proof import fairness, findings, loads, suggested
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_call
from services.oncall.domain.shift import Shift
from services.oncall.domain.timeline import Timeline
from tests.unit.oncall.company import directory, entries
from tests.unit.oncall.test_layers import instants, layers, zones

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAYERS = [
    {"id": "weeks", "people": ["stefania", "rafael"], "every": "weekly", "starts_on": "2026-03-02"},
    {
        "id": "second",
        "role": "secondary",
        "people": ["rafael", "stefania"],
        "every": "weekly",
        "starts_on": "2026-03-02",
    },
]


def company(**rota: Any) -> Directory:
    """The company with a rota of two layers, who stand in for each other, and with roles for every reference."""
    said = {"id": "default", "name": "On shift", "layers": LAYERS, **rota}
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    return directory(rota=[said], role=[*entries()["role"], helpdesk])


def amended(one: Directory, *changes: Override, absences: tuple[Absence, ...] = ()) -> Directory:
    made = [Made(str(number), change) for number, change in enumerate(changes)]
    return replace(one, amendments={"default": Amendments.of(made, absences), "": Amendments.of((), absences)})


def doubts(one: Directory, days: int = 7) -> list[tuple[str, str, float, float]]:
    return [
        (found.doubt, found.person or found.subject, (found.starts_at - START) / HOUR, (found.ends_at - START) / HOUR)
        for found in findings(one, START, days)
    ]


def test_nothing_is_said_of_what_is_sound() -> None:
    assert doubts(company(), 30) == []


def test_a_gap_is_told_from_when_until_when() -> None:
    one = amended(company(), Override(remove="stefania", starts_at=START + 10 * HOUR, ends_at=START + 12 * HOUR))
    (gap, *rest) = findings(one, START, 7)
    assert (gap.doubt, gap.starts_at, gap.ends_at, gap.suggestion) == (
        "gap",
        START + 10 * HOUR,
        START + 12 * HOUR,
        None,
    )
    assert rest == []


def test_somebody_who_may_be_paged_through_an_unverified_contact_is_told_once_from_when_on() -> None:
    raw = {"sms": "+15550102"}
    people = [
        {**one, "contacts": [*one["contacts"], raw]} if one["id"] in {"rafael", "dora", "abdul"} else one
        for one in entries()["person"]
    ]
    one = replace(company(), people=directory(person=people).people)
    assert doubts(one, 30) == [
        ("unverified_contact", "dora", 0, 720),
        ("unverified_contact", "rafael", 0, 720),
    ], "Dora is DevOps, Rafael is on shift or second all the time, Abdul is neither"
    found = findings(one, START, 30)
    assert [(each.subject, each.text) for each in found] == [
        ("role:devops", "Dora may be paged, and nobody verified their SMS"),
        ("rota:default", "Rafael may be paged, and nobody verified their SMS"),
    ]
    known = {(person, "sms", "+15550102") for person in ("rafael", "dora")}
    assert doubts(replace(one, verified=frozenset(known)), 30) == [], "a code proved them"
    known = {("rafael", "sms", "+15550103"), ("dora", "email", "+15550102")}
    assert len(doubts(replace(one, verified=frozenset(known)), 30)) == 2, "a code proved something else"


def test_an_unverified_backup_is_told_and_a_shadow_is_not() -> None:
    people = [
        {**one, "contacts": [{"sms": "+15550102"}]} if one["id"] in {"helena", "abdul"} else one
        for one in entries()["person"]
    ]
    shadow = {"id": "shadow", "role": "shadow", "people": ["abdul"], "every": "weekly", "starts_on": "2026-03-02"}
    rota = {"id": "default", "name": "On shift", "layers": [*LAYERS, shadow], "backups": ["helena"]}
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    one = directory(person=people, rota=[rota], role=[*entries()["role"], helpdesk])
    assert doubts(one) == [("unverified_contact", "helena", 0, 168)]


def test_whoever_was_taken_out_of_a_shift_or_is_away_is_not_suggested_for_it() -> None:
    people = ("stefania", "rafael", "abdul", "helena")
    turns = [{"hours": f"{6 * at:02}:00-{6 * at + 6:02}:00", "person": person} for at, person in enumerate(people)]
    one = company(layers=[], turns=turns, backups=["luciane"])
    taken_out = Override(remove="stefania", starts_at=START + 24 * HOUR, ends_at=START + 30 * HOUR)
    (gap,) = findings(amended(one, taken_out), START, 7)
    assert gap.suggestion == "abdul", "Stefania is farthest from her own shifts, having lost this one"
    away = Absence(person="abdul", starts_at=START + 25 * HOUR, ends_at=START + 26 * HOUR)
    (gap,) = findings(amended(one, taken_out, absences=(away,)), START, 7)
    assert gap.suggestion is None, "the others are on shift right before and right after"


def test_a_primary_without_a_contact_is_told_before_their_shift() -> None:
    people = [{**one, "contacts": []} if one["id"] == "rafael" else one for one in entries()["person"]]
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    rota = {"id": "default", "name": "On shift", "layers": LAYERS[:1], "backups": ["helena"]}
    one = directory(person=people, rota=[rota], role=[*entries()["role"], helpdesk])
    assert doubts(one, 14) == [("no_contact", "rafael", 168, 336)]


def test_a_shift_of_nobody_an_unknown_person_and_no_backup_are_told() -> None:
    lonely = company(layers=[{"id": "one", "people": ["stefania"]}])
    assert doubts(lonely) == [("no_backup", "rota:default", 0, 168)]
    unknown = company(layers=[{"id": "one", "people": ["ghost"]}], backups=["helena"])
    assert doubts(unknown) == [("unknown_person", "ghost", 0, 168)]
    vacant = company(layers=[], turns=[{"hours": "00:00-24:00", "person": None}], backups=["helena"])
    assert [doubt for doubt, *_ in doubts(vacant)] == ["empty_shift"] * 7


def test_one_person_on_both_ends_is_told() -> None:
    both = [LAYERS[0], {**LAYERS[1], "people": ["stefania", "rafael"]}]
    assert doubts(company(layers=both), 14) == [
        ("same_person", "stefania", 0, 168),
        ("same_person", "rafael", 168, 336),
    ]
    alone = company(layers=LAYERS[:1], backups=["stefania"])
    assert doubts(alone, 14) == [("same_person", "stefania", 0, 168)]


def test_somebody_who_is_added_while_away_is_told() -> None:
    one = amended(
        company(),
        Override(add="helena", starts_at=START + HOUR, ends_at=START + 5 * HOUR),
        absences=(Absence(person="helena", starts_at=START + 3 * HOUR, ends_at=START + 9 * HOUR),),
    )
    assert ("absent", "helena", 3, 5) in doubts(one)


def test_a_reference_that_reaches_nobody_is_told_for_as_long_as_it_does() -> None:
    silent = company(layers=[{"id": "one", "people": ["ghost"], "since": START + 5 * HOUR}])
    assert ("nobody_reachable", "on-shift", 0, 168) in doubts(silent)


def test_a_role_all_of_whose_people_are_away_is_told_for_as_long_as_they_are() -> None:
    away = (
        Absence(person="diego", starts_at=START + 2 * HOUR, ends_at=START + 9 * HOUR),
        Absence(person="dora", starts_at=START + 5 * HOUR, ends_at=START + 12 * HOUR),
    )
    one = amended(company(), absences=away)
    assert [doubt for doubt in doubts(one) if doubt[0] == "absent"] == [("absent", "role:devops", 5, 9)]


def test_whoever_answers_for_a_service_and_cannot_be_reached_is_told_of_that_service() -> None:
    people = [{**one, "contacts": []} if one["id"] == "ines" else one for one in entries()["person"]]
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    rota = {"id": "default", "name": "On shift", "layers": LAYERS}
    one = directory(person=people, rota=[rota], role=[*entries()["role"], helpdesk])
    found = {(finding.doubt, finding.subject, finding.person) for finding in findings(one, START, 7)}
    assert found == {
        ("nobody_reachable", "service:invoicing", None),
        ("no_contact", "service:invoicing", "ines"),
        ("no_contact", "team:platform", "ines"),
    }


def test_a_role_that_leads_to_a_shift_reaches_nobody_where_nobody_is_on_shift() -> None:
    inner = {"id": "inner", "name": "Inner", "members": ["rota:default"]}
    outer = {"id": "outer", "name": "Outer", "members": ["team:inner"]}
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    rota = {"id": "default", "name": "On shift", "layers": LAYERS[:1]}
    company = directory(team=[inner], rota=[rota], role=[*entries()["role"], outer, helpdesk], service=[], tool=[])
    one = amended(company, Override(remove="stefania", starts_at=START + 10 * HOUR, ends_at=START + 12 * HOUR))
    silent = {
        (found.subject, found.starts_at) for found in findings(one, START, 7) if found.doubt == "nobody_reachable"
    }
    assert silent == {(subject, START + 10 * HOUR) for subject in ("on-shift", "team:inner", "role:outer")}


def test_a_client_without_anybody_who_hears_its_updates_is_told() -> None:
    mute = {"id": "mute", "name": "Mute", "contacts": []}
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    rota = {"id": "default", "name": "On shift", "layers": LAYERS}
    one = directory(tenant=[mute], rota=[rota], role=[*entries()["role"], helpdesk])
    assert [(found.doubt, found.subject) for found in findings(one, START, 7)] == [("nobody_reachable", "tenant:mute")]


def test_one_person_on_two_rungs_in_a_row_is_told() -> None:
    services = [{"id": "invoicing", "name": "Invoicing", "responsible": "ines", "pm": "ines"}]
    helpdesk = {"id": "helpdesk", "name": "Helpdesk", "members": ["zoe"]}
    rota = {"id": "default", "name": "On shift", "layers": LAYERS}
    one = directory(service=services, rota=[rota], role=[*entries()["role"], helpdesk])
    assert doubts(one) == [("same_person", "ines", 0, 168)]


@pytest.mark.parametrize(("among", "person"), [(("u1", "u2", "u3"), "u1"), (("u2", "u3"), None), ((), None)])
def test_whoever_is_farthest_from_their_own_shifts_is_suggested(among: tuple[str, ...], person: str | None) -> None:
    spans = [("u1", 0, 1), ("u2", 1, 2), ("u3", 3, 4), ("u1", 4, 5)]
    own = [Shift(who, START + begin * HOUR, START + end * HOUR, 0) for who, begin, end in spans]
    assert suggested(own, (START + 2 * HOUR, START + 3 * HOUR), among) == person


def test_the_load_counts_hours_nights_and_weekends_on_everybodys_own_clocks() -> None:
    one = company()
    first, second = loads(one, one.rotas["default"], START, START + timedelta(days=14))
    assert {first.person, second.person} == {"stefania", "rafael"}
    assert (first.shifts, first.hours, first.night_hours, first.weekend_hours, first.share) == (1, 168, 63, 48, 0.5)


def test_whoever_carries_more_than_an_equal_share_stands_out() -> None:
    one = amended(
        company(), Override(add="stefania", remove="rafael", starts_at=START + 168 * HOUR, ends_at=START + 252 * HOUR)
    )
    found = {load.person: load for load in loads(one, one.rotas["default"], START, START + timedelta(days=14))}
    assert {person: (load.share, load.balance) for person, load in found.items()} == {
        "stefania": (0.75, 0.5),
        "rafael": (0.25, -0.5),
    }


@pytest.mark.parametrize(
    ("amounts", "index"), [((), 1), ((0, 0), 1), ((5, 5, 5), 1), ((9, 0, 0), 0.3333), ((3, 1), 0.8)]
)
def test_fairness_is_one_where_all_carry_the_same(amounts: tuple[float, ...], index: float) -> None:
    assert fairness(amounts) == index


@given(one=layers(), other=layers(), zone=zones, start=instants, inside=st.integers(0, 14 * 24 * 60 - 1))
def test_what_was_laid_out_once_answers_as_a_calculation_does(
    one: Any, other: Any, zone: str, start: datetime, inside: int
) -> None:
    above = other.model_copy(update={"id": "other", "priority": 1})
    rota = Rota(id="r", name="R", zone=zone, layers=(one, above))
    timeline = Timeline.of(rota, start, start + timedelta(days=14))
    moment = start + timedelta(minutes=inside)
    assert timeline.covers(moment)
    assert timeline.on_call(moment) == on_call(rota, moment)
