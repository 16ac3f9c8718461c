"""What is wrong with a configuration as a whole, and what is merely worth a look."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from services.oncall.domain.directory import NOUNS
from services.oncall.domain.nouns import CheckLink
from services.oncall.domain.people import ContactPoint, Person
from services.oncall.domain.rota import Rota
from services.oncall.domain.validate import Tree, errors, warnings
from tests.unit.oncall.company import MORNING, directory, entries, people_without_contacts


def tree(**changed: list[dict[str, Any]]) -> Tree:
    listed = {**entries(), **changed}
    return {noun: [NOUNS[noun].model_validate(entry) for entry in rows] for noun, rows in listed.items()}


def sentences(**changed: list[dict[str, Any]]) -> list[str]:
    return [str(problem) for problem in errors(tree(**changed))]


def test_a_sound_company_has_no_errors() -> None:
    assert sentences() == []


@pytest.mark.parametrize(
    ("noun", "row", "sentence"),
    [
        ("team", {"members": ["diego", "ghost"]}, "teams[0].members[1]: there is no person 'ghost'"),
        ("team", {"backups": ["ghost"]}, "teams[0].backups[0]: there is no person 'ghost'"),
        ("team", {"members": ["team:ghosts"]}, "teams[0].members[0]: there is no team 'ghosts'"),
        ("role", {"members": ["first"]}, "roles[0].members[0]: 'first' depends on an incident and cannot stand here"),
        (
            "role",
            {"members": ["contact:acme/anna"]},
            "roles[0].members[0]: 'contact:acme/anna' is no reference to a person, team, role or rota",
        ),
        ("service", {"responsible": "role:ghost"}, "services[0].responsible: there is no role 'ghost'"),
        ("service", {"pm": "ghost"}, "services[0].pm: there is no person 'ghost'"),
        ("tool", {"pm": "ghost"}, "tools[0].pm: there is no person 'ghost'"),
        ("tenant", {"services": ["ghost"]}, "tenants[0].services[0]: there is no service 'ghost'"),
        ("principal", {"person": "ghost"}, "principals[0].person: there is no person 'ghost'"),
        ("principal", {"tenants": ["acme", "ghost"]}, "principals[0].tenants[1]: there is no tenant 'ghost'"),
        (
            "service",
            {"responsible": "tool:ziflow"},
            "services[0].responsible: 'tool:ziflow' is no reference to a person, team, role or rota",
        ),
    ],
)
def test_a_reference_to_nothing_is_named_with_its_place(noun: str, row: dict[str, Any], sentence: str) -> None:
    before = (entries()[noun] or [{"id": "x", "name": "X"}])[0]
    assert sentence in sentences(**{noun: [{**before, **row}]})


def test_a_person_who_is_gone_is_missed_in_rotas_and_roles() -> None:
    people = [person for person in entries()["person"] if person["id"] not in {"abdul", "helena"}]
    found = sentences(person=people)
    assert "rotas[0].turns[2].person: there is no person 'abdul'" in found
    assert "rotas[0].backups[0]: there is no person 'helena'" in found


def test_what_was_meant_is_suggested() -> None:
    teams = [{"id": "team", "name": "Team", "members": ["diego", "stefanie"]}]
    assert "teams[0].members[1]: there is no person 'stefanie'; did you mean stefania?" in sentences(team=teams)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [("Europe/Roma", "; did you mean Europe/Rome?"), ("europe/rome", "; did you mean Europe/Rome?"), ("the moon", ", such as")],
)  # fmt: skip
def test_a_zone_that_was_meant_is_suggested(zone: str, hint: str) -> None:
    with pytest.raises(ValidationError, match=rf"'{zone}' is no IANA time zone{re.escape(hint)}"):
        Rota(id="a", name="A", zone=zone)


def test_an_id_that_stands_twice_is_named_at_its_second_place() -> None:
    people = [*entries()["person"], {"id": "abdul", "name": "Another Abdul"}]
    assert sentences(person=people) == ["people[10].id: there is more than one person with the id 'abdul'"]


def test_a_contact_that_stands_twice_at_a_tenant_is_named() -> None:
    contacts = [{"id": "anna", "name": "Anna"}, {"id": "anna", "name": "Anna too"}]
    found = sentences(tenant=[{"id": "acme", "name": "Acme", "contacts": contacts}])
    assert found == ["tenants[0].contacts[1].id: Acme has more than one contact with the id 'anna'"]


def test_a_company_needs_its_default_rota() -> None:
    assert sentences(rota=[]) == ["rotas: there must be a rota with the id 'default': it is the team on shift"]


def test_teams_in_a_circle_are_named() -> None:
    circle = [
        {"id": "one", "name": "One", "members": ["team:two"]},
        {"id": "two", "name": "Two", "members": ["team:one"]},
        {"id": "three", "name": "Three", "members": ["team:one"]},
    ]
    assert sentences(team=circle) == ["teams[0].members: One contains itself", "teams[1].members: Two contains itself"]


def doubts(**changed: list[dict[str, Any]]) -> list[str]:
    sound = {"team": [entries()["team"][0]], **changed}
    return [str(problem) for problem in warnings(directory(**sound), MORNING)]


def rota(*turns: tuple[str, str | None], backups: tuple[str, ...] = ("helena",)) -> list[dict[str, Any]]:
    listed = [{"hours": hours, "person": person} for hours, person in turns]
    return [{"id": "default", "name": "On shift", "turns": listed, "backups": list(backups)}]


def test_a_sound_company_has_no_warnings() -> None:
    assert doubts() == []


def test_a_gap_is_named_with_its_first_time_and_how_often_it_comes() -> None:
    (doubt,) = doubts(rota=rota(("02:00-18:00", "stefania"), ("19:00-02:00", "abdul")))
    assert doubt == (
        "rotas[0].turns: nobody is on shift from 2026-03-02 18:00 UTC to 2026-03-02 19:00 UTC; 14 such gaps within 14 days"
    )


def test_an_overlap_is_named_with_both_people() -> None:
    (doubt,) = doubts(rota=rota(("02:00-18:00", "stefania"), ("17:00-02:00", "abdul")))
    assert doubt == (
        "rotas[0].turns: stefania and abdul are both on shift from 2026-03-02 17:00 UTC; 14 such overlaps within 14 days"
    )


def test_a_vacant_turn_and_missing_backups_are_named() -> None:
    assert doubts(rota=rota(("02:00-02:00", None), backups=())) == [
        "rotas[0].turns[0].person: nobody is planned for 02:00-02:00; the backups stand in",
        "rotas[0].backups: On shift has no backups",
    ]


def test_what_ends_before_it_begins_is_named() -> None:
    over = {"starts_on": "2026-05-02", "ends_on": "2026-05-01"}
    cut = {"since": "2026-05-02T00:00:00Z", "until": "2026-05-02T00:00:00Z"}
    layers = [{"id": "a", "people": ["diego"], **over}, {"id": "b", "people": ["diego"], **cut}]
    listed = [{**rota(("02:00-02:00", "stefania"))[0], "layers": layers}]
    listed[0]["turns"].append({"hours": "01:00-02:00", "person": "abdul", **over})
    assert doubts(rota=listed) == [
        f"rotas[0].{place}: it ends before it begins: nobody is ever on shift in it"
        for place in ("turns[1].ends_on", "layers[0].ends_on", "layers[1].until")
    ]
    day = {"starts_on": "2026-05-02", "ends_on": "2026-05-02"}
    listed[0] |= {"layers": [{"id": "a", "people": ["diego"], **day}]}
    listed[0]["turns"].pop()
    assert doubts(rota=listed) == []


def test_what_refers_to_something_that_went_since_is_named() -> None:
    assert doubts(principal=[{"id": "ci", "name": "CI", "person": "ghost"}]) == [
        "principals[0].person: there is no person 'ghost'"
    ]


def test_people_without_contacts_and_groups_without_members_are_named() -> None:
    found = doubts(
        person=people_without_contacts("zoe"), team=[{"id": "t", "name": "T"}], role=[{"id": "pm", "name": "PM"}]
    )
    assert found == [
        "people[9].contacts: Zoe has no contact and cannot be told of anything",
        "teams[0].members: T has no members",
        "roles[0].members: PM has no members",
        "roles: there is no role 'devops', which stands in where nobody else is named",
    ]


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        ({"sms": "0151 2345"}, "E.164"),
        ({"sms": "15550100"}, "E.164"),
        ({"email": "nobody"}, "an address such as"),
        ({"email": "a@b.example, c@d.example"}, "an address such as"),
        ({"slack": "#ops"}, "a Slack id: a member's, such as U024BE7LH .their profile, ⋮, Copy member ID."),
        ({"slack": "stefania@example.com"}, "a Slack id"),
        ({"slack": 7}, "valid string"),
        ({"sms": "+15550100", "email": "a@b.example"}, "Field required"),
        ({"channel": "sms"}, "Field required"),
        ({"verified": True}, "Field required"),
        ({"sms": "+15550100", "verified": "perhaps"}, "valid boolean"),
    ],
)
def test_a_contact_that_cannot_be_reached_is_refused(contact: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ContactPoint.model_validate(contact)


def test_a_contact_is_the_same_written_short_or_long() -> None:
    short = ContactPoint.model_validate({"email": "a@b.example"})
    assert short == ContactPoint.model_validate(short.model_dump())
    assert not short.verified
    vouched = ContactPoint.model_validate({"email": "a@b.example", "verified": True})
    assert (vouched.address, vouched.verified) == ("a@b.example", True)
    assert vouched == ContactPoint.model_validate(vouched.model_dump())


@pytest.mark.parametrize("pasted", ["U024BE7LH", " u024be7lh", "<@U024BE7LH>", "https://acme.slack.com/team/U024BE7LH"])
def test_what_is_pasted_of_slack_s_is_kept_as_the_bare_id(pasted: str) -> None:
    point = ContactPoint.model_validate({"slack": pasted, "verified": True})
    assert (point.address, point.verified) == ("U024BE7LH", True)
    assert point == ContactPoint.model_validate({"channel": "slack", "address": pasted, "verified": True})


def test_a_slip_of_the_pen_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Person.model_validate({"id": "x", "name": "X", "contact": []})
    with pytest.raises(ValidationError, match="String should match"):
        CheckLink.model_validate({"id": "Not a slug", "name": "X", "href": "https://x.example"})
