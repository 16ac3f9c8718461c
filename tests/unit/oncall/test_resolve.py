"""Whom a reference means at a moment, who stands in for whom, and why somebody is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events.base import Ticket
from services.oncall.domain.resolve import Context, Resolution, resolve
from tests.unit.oncall.company import AFTERNOON, MORNING, NIGHT, PEOPLE, directory, entries, people_without_contacts

NOTHING = Context()


def refs_of(found: Resolution) -> list[str]:
    return [recipient.ref for recipient in found.recipients]


def people_of(found: Resolution) -> list[str]:
    return [recipient.ref.removeprefix("person:") for recipient in found.recipients]


def reasons_of(found: Resolution) -> list[tuple[str, str]]:
    return [(skip.ref, skip.reason) for skip in found.skipped]


@pytest.mark.parametrize(
    ("refs", "context", "expected"),
    [
        (["person:abdul"], NOTHING, ["abdul"]),
        (["team:platform"], NOTHING, ["diego", "ines"]),
        (["role:devops"], NOTHING, ["diego", "dora"]),
        (["rota:default"], NOTHING, ["stefania"]),
        (["on-shift"], NOTHING, ["stefania"]),
        (["first"], Context(first=("on-shift", "role:devops")), ["stefania", "diego", "dora"]),
        (["service-responsible"], Context(service="invoicing"), ["ines"]),
        (["pm"], Context(tool="ziflow", service="orphan"), ["zoe"]),
        (["pm"], Context(tool="sap", service="invoicing"), ["zoe"]),
        (["pm"], Context(service="orphan"), ["priya"]),
        (["pm"], NOTHING, ["priya"]),
        (["tool-pm"], Context(tool="ziflow"), ["zoe"]),
        (["maintenance-team"], Context(assigned_team="platform"), ["diego", "ines"]),
        (["maintenance-team"], NOTHING, ["diego", "dora"]),
        (["role:devops", "team:platform"], NOTHING, ["diego", "dora", "ines"]),
    ],
)
def test_each_reference_leads_to_its_people(refs: list[str], context: Context, expected: list[str]) -> None:
    found = resolve(directory(), refs, context, MORNING)
    assert people_of(found) == expected
    assert found.skipped == ()


def test_the_moment_decides_who_is_on_shift() -> None:
    moments = (MORNING, AFTERNOON, NIGHT)
    assert [people_of(resolve(directory(), ["on-shift"], NOTHING, now)) for now in moments] == [
        ["stefania"],
        ["rafael"],
        ["abdul"],
    ]


def test_a_person_is_told_even_when_off_shift() -> None:
    assert people_of(resolve(directory(), ["person:rafael"], NOTHING, NIGHT)) == ["rafael"]


def test_a_recipient_carries_contacts_in_order_and_the_reference_that_led_there() -> None:
    (stefania,) = resolve(directory(), ["first"], Context(first=("on-shift",)), MORNING).recipients
    assert [contact.channel for contact in stefania.contacts] == ["sms", "email"]
    assert (stefania.name, stefania.role, stefania.backup_for) == ("Stefania", "on-shift", None)


def test_somebody_reached_through_two_references_is_told_once_by_the_first() -> None:
    found = resolve(directory(), ["team:platform", "role:devops", "person:diego"], NOTHING, MORNING)
    assert people_of(found) == ["diego", "ines", "dora"]
    assert found.recipients[0].role == "team:platform"


def test_the_backup_takes_the_place_of_whoever_has_no_contact() -> None:
    silent = directory(person=people_without_contacts("abdul"))
    found = resolve(silent, ["on-shift"], NOTHING, NIGHT)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [("person:helena", "Abdul")]
    assert reasons_of(found) == [("person:abdul", "no_contact")]


def test_backups_are_asked_in_order() -> None:
    silent = directory(person=people_without_contacts("abdul", "helena"))
    found = resolve(silent, ["on-shift"], NOTHING, NIGHT)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [("person:luciane", "Abdul")]
    assert reasons_of(found) == [("person:abdul", "no_contact"), ("person:helena", "no_contact")]


def test_the_backup_stands_in_for_a_gap_in_the_rota() -> None:
    gap = {**entries()["rota"][0], "turns": [{"hours": "10:00-18:00", "person": "rafael"}]}
    found = resolve(directory(rota=[gap]), ["on-shift"], NOTHING, NIGHT)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [("person:helena", "The team on shift")]
    assert reasons_of(found) == [("rota:default", "nobody_on_shift")]


def test_the_backup_stands_in_for_a_vacant_turn() -> None:
    vacant = {**entries()["rota"][0], "turns": [{"hours": "00:00-24:00", "person": None}]}
    found = resolve(directory(rota=[vacant]), ["on-shift"], NOTHING, NIGHT)
    assert people_of(found) == ["helena"]
    assert reasons_of(found) == [("rota:default", "nobody_on_shift")]


def test_one_of_two_on_shift_without_contact_gets_a_backup_beside_the_other() -> None:
    turns = [{"hours": "00:00-24:00", "person": "rafael"}, {"hours": "00:00-24:00", "person": "abdul"}]
    both = {**entries()["rota"][0], "turns": turns}
    found = resolve(directory(rota=[both], person=people_without_contacts("abdul")), ["on-shift"], NOTHING, NIGHT)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [
        ("person:rafael", None),
        ("person:helena", "Abdul"),
    ]


def test_when_nobody_can_be_reached_the_reasons_are_all_that_is_left() -> None:
    silent = directory(person=people_without_contacts(*PEOPLE))
    found = resolve(silent, ["on-shift"], NOTHING, NIGHT)
    assert found.recipients == ()
    assert reasons_of(found) == [
        ("person:abdul", "no_contact"),
        ("person:helena", "no_contact"),
        ("person:luciane", "no_contact"),
    ]


def test_a_role_skips_the_member_without_contact_and_keeps_the_others() -> None:
    found = resolve(directory(person=people_without_contacts("diego")), ["role:devops"], NOTHING, MORNING)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [("person:dora", None)]
    assert reasons_of(found) == [("person:diego", "no_contact")]


def test_a_team_without_members_is_represented_by_its_backup() -> None:
    found = resolve(directory(), ["team:empty"], NOTHING, MORNING)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [("person:luciane", "Empty")]
    assert reasons_of(found) == [("team:empty", "role_vacant")]


def test_a_role_without_reachable_members_or_backups_reaches_nobody() -> None:
    found = resolve(directory(person=people_without_contacts("diego", "dora")), ["role:devops"], NOTHING, MORNING)
    assert found.recipients == ()
    assert reasons_of(found) == [("person:diego", "no_contact"), ("person:dora", "no_contact")]


@pytest.mark.parametrize(
    ("service", "reason"),
    [("checkout-api", "unknown_reference"), (None, "unknown_reference"), ("orphan", "role_vacant")],
)
def test_a_service_nobody_answers_for_falls_to_the_shift_with_the_reason(service: str | None, reason: str) -> None:
    found = resolve(directory(), ["service-responsible"], Context(service=service), MORNING)
    assert [(one.ref, one.role, one.backup_for) for one in found.recipients] == [
        ("person:stefania", "service-responsible", None)
    ]
    assert reasons_of(found) == [("service-responsible", reason)]
    assert "the team on shift is told" in found.skipped[0].detail


def test_the_shift_stands_in_for_a_responsible_person_without_contact() -> None:
    silent = directory(person=people_without_contacts("ines"))
    found = resolve(silent, ["service-responsible"], Context(service="invoicing"), MORNING)
    assert [(one.ref, one.backup_for) for one in found.recipients] == [("person:stefania", "Ines")]
    assert reasons_of(found) == [("person:ines", "no_contact")]


def test_the_pm_role_stands_in_for_the_tools_own_pm() -> None:
    found = resolve(directory(person=people_without_contacts("zoe")), ["tool-pm"], Context(tool="ziflow"), MORNING)
    assert [(one.ref, one.role, one.backup_for) for one in found.recipients] == [("person:priya", "tool-pm", "Zoe")]


@pytest.mark.parametrize(
    ("tool", "reason"), [("figma", "unknown_reference"), (None, "unknown_reference"), ("sap", "role_vacant")]
)
def test_a_tool_without_its_own_pm_goes_to_the_pm_role_with_the_reason(tool: str | None, reason: str) -> None:
    found = resolve(directory(), ["tool-pm"], Context(tool=tool), MORNING)
    assert people_of(found) == ["priya"]
    assert reasons_of(found) == [("tool-pm", reason)]


@pytest.mark.parametrize("team", ["nosuch", "Team with spaces / and more"])
def test_maintenance_of_an_unknown_team_goes_to_devops_with_the_reason(team: str) -> None:
    found = resolve(directory(), ["maintenance-team"], Context(assigned_team=team), MORNING)
    assert people_of(found) == ["diego", "dora"]
    assert [(skip.ref, skip.name, skip.reason) for skip in found.skipped] == [
        ("maintenance-team", team, "unknown_reference")
    ]


def test_contacts_of_the_incidents_tenants_are_told_what_they_hear() -> None:
    only = Context(tenants=("acme",))
    assert refs_of(resolve(directory(), ["client-contacts"], only, MORNING)) == ["contact:acme/anna"]
    assert refs_of(resolve(directory(), ["tenant-contacts"], only, MORNING)) == ["contact:acme/adam"]


def test_an_incident_of_no_tenant_in_particular_concerns_all_of_them() -> None:
    found = resolve(directory(), ["client-contacts"], NOTHING, MORNING)
    assert refs_of(found) == ["contact:acme/anna", "contact:borg/bea"]
    assert [one.zone for one in found.recipients] == ["UTC", "Europe/Lisbon"]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (Context(service="invoicing"), ["contact:acme/anna", "contact:borg/bea"]),
        (Context(service="orphan"), ["contact:borg/bea"]),
        (Context(service="orphan", services=("orphan", "invoicing")), ["contact:acme/anna", "contact:borg/bea"]),
        (Context(service="of the provider"), ["contact:acme/anna", "contact:borg/bea"]),
        (Context(service="orphan", tenants=("acme",)), ["contact:acme/anna"]),
    ],
    ids=[
        "both use it",
        "one uses it",
        "one of two services",
        "a service that nobody knows",
        "the incident names a tenant",
    ],
)
def test_an_incident_of_a_service_concerns_the_tenants_that_use_it(context: Context, expected: list[str]) -> None:
    acme, borg = entries()["tenant"]
    house = directory(tenant=[{**acme, "services": ["invoicing"]}, borg])
    assert refs_of(resolve(house, ["client-contacts"], context, MORNING)) == expected


def test_a_contact_who_hears_both_is_told_once() -> None:
    found = resolve(directory(), ["client-contacts", "tenant-contacts"], Context(tenants=("borg",)), MORNING)
    assert refs_of(found) == ["contact:borg/bea"]


def test_a_contact_is_found_by_tenant_and_id() -> None:
    assert refs_of(resolve(directory(), ["contact:borg/bea"], NOTHING, MORNING)) == ["contact:borg/bea"]
    assert reasons_of(resolve(directory(), ["contact:acme/bea"], NOTHING, MORNING)) == [
        ("contact:acme/bea", "unknown_reference")
    ]


def test_an_unknown_tenant_is_skipped_and_the_others_are_told() -> None:
    found = resolve(directory(), ["client-contacts"], Context(tenants=("nosuch", "borg")), MORNING)
    assert refs_of(found) == ["contact:borg/bea"]
    assert [(skip.name, skip.reason) for skip in found.skipped] == [("nosuch", "unknown_reference")]


@pytest.mark.parametrize(
    "ref", ["person:nobody", "team:none", "role:none", "rota:none", "carrier-pigeon", "on-shift:7", "person"]
)
def test_what_nobody_knows_is_skipped_by_name(ref: str) -> None:
    found = resolve(directory(), [ref, "person:abdul"], NOTHING, MORNING)
    assert people_of(found) == ["abdul"]
    assert reasons_of(found) == [(ref, "unknown_reference")]


def test_teams_that_contain_each_other_come_to_an_end() -> None:
    circle = [
        {"id": "one", "name": "One", "members": ["team:two", "diego"]},
        {"id": "two", "name": "Two", "members": ["team:one", "dora"]},
    ]
    assert people_of(resolve(directory(team=circle), ["team:one"], NOTHING, MORNING)) == ["dora", "diego"]


def test_an_incident_without_first_recipients_says_so() -> None:
    assert reasons_of(resolve(directory(), ["first"], Context(first=("first",)), MORNING)) == [("first", "role_vacant")]


every_ref = st.sampled_from(
    [
        *(f"person:{person}" for person in (*PEOPLE, "ghost")),
        *("on-shift", "rota:default", "role:devops", "role:pm", "role:ghost", "team:platform", "team:empty"),
        *("service-responsible", "pm", "tool-pm", "maintenance-team", "first", "client-contacts", "tenant-contacts"),
    ]
)
contexts = st.builds(
    Context,
    service=st.sampled_from([None, "invoicing", "orphan", "ghost"]),
    tool=st.sampled_from([None, "ziflow", "sap", "ghost"]),
    tenants=st.lists(st.sampled_from(["acme", "borg", "ghost"]), unique=True).map(tuple),
    assigned_team=st.sampled_from([None, "platform", "empty", "ghost team"]),
    first=st.lists(every_ref, max_size=3).map(tuple),
)


@given(refs=st.lists(every_ref, min_size=1, max_size=5), context=contexts, silent=st.sets(st.sampled_from(PEOPLE)))
def test_nobody_is_told_twice_nobody_without_contact_is_told_and_silence_has_a_reason(
    refs: list[str], context: Context, silent: set[str]
) -> None:
    found = resolve(directory(person=people_without_contacts(*silent)), refs, context, MORNING)
    told = refs_of(found)
    assert len(told) == len(set(told))
    assert not set(told) & {f"person:{person}" for person in silent}
    assert all(recipient.contacts for recipient in found.recipients)
    assert found.recipients or found.skipped


def test_tickets_are_told_by_comments_and_each_can_be_named() -> None:
    fields = {"integration_id": "zendesk", "source": "zendesk", "name": "HD 1"}
    tickets = (Ticket(id="20418", **fields), Ticket(id="HD 1", **fields))
    found = resolve(directory(), ["tickets"], Context(tickets=tickets), MORNING)
    assert [(one.ref, one.contacts[0].channel, one.contacts[0].address) for one in found.recipients] == [
        ("ticket:zendesk/20418", "ticket:zendesk", "20418"),
        (tickets[1].ref, "ticket:zendesk", "HD 1"),
    ]
    assert resolve(directory(), [tickets[1].ref], Context(tickets=tickets), MORNING).recipients[0].name == "Ticket HD 1"


def test_a_ticket_that_the_incident_does_not_have_is_skipped_and_said() -> None:
    [skip] = resolve(directory(), ["ticket:zendesk/9"], Context(), MORNING).skipped
    assert (skip.reason, skip.detail) == ("unknown_reference", "The incident has no such ticket.")
