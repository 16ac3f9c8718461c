"""What the other services are told of the directory: only news, never an address, and a last word for what is gone."""

from datetime import timedelta
from typing import Any

from libs.common.events.directory import HashedKey, PersonChanged, PrincipalChanged, ServiceChanged
from services.oncall.domain.announce import acts_as, announcements, digest_of, news
from services.oncall.domain.changes import Entry, changes, document
from services.oncall.domain.directory import NOUNS, Directory
from services.oncall.domain.people import ContactPoint, Person
from tests.unit.oncall.company import AFTERNOON, MORNING, directory, entries

Announced = dict[tuple[str, str], tuple[str, str]]


def remembered(known: Directory) -> Announced:
    return {(event.noun, event.id): (event.name, digest_of(event)) for event in announcements(known, {}, MORNING)}


def test_everything_is_news_once() -> None:
    first = announcements(directory(), {}, MORNING)
    assert news(first, {}, MORNING) == first
    assert news(announcements(directory(), {}, AFTERNOON), remembered(directory()), AFTERNOON) == []


def test_no_address_of_anybody_leaves_the_house() -> None:
    said = "".join(event.model_dump_json() for event in announcements(directory(), {}, MORNING))
    assert "Stefania" in said
    assert "+1555" not in said
    assert "@" not in said


def test_by_which_ids_people_act_in_slack_is_told_and_a_channel_is_nobody() -> None:
    contacts = [{"slack": "C024BE91L"}, {"slack": "U024BE7LH"}, {"sms": "+15550100"}, {"slack": "W024BE7LH"}]
    people = [{**one, "contacts": contacts} if one["id"] == "zoe" else one for one in entries()["person"]]
    known = directory(person=people)
    slack = {person.id: acts_as(person, person, ()) for person in known.people.values()}
    found = news(announcements(known, {}, AFTERNOON, slack), remembered(directory()), AFTERNOON)
    assert [(event.key, event.slack) for event in found if isinstance(event, PersonChanged)] == [
        ("person:zoe", ("U024BE7LH", "W024BE7LH"))
    ]


def test_an_id_that_somebody_wrote_themselves_counts_once_a_code_proved_it() -> None:
    configured = Person(id="zoe", name="Zoe", contacts=(ContactPoint(channel="slack", address="U024BE7LH"),))
    said = [ContactPoint(channel="slack", address=address) for address in ("U024BE7LH", "U0SOMEBODY", "C024BE91L")]
    own = configured.model_copy(update={"contacts": tuple(said)})
    assert acts_as(own, configured, ()) == ("U024BE7LH",)
    assert acts_as(own, configured, [("sms", "U0SOMEBODY")]) == ("U024BE7LH",)
    assert acts_as(own, configured, [("slack", "U0SOMEBODY"), ("slack", "C024BE91L")]) == ("U024BE7LH", "U0SOMEBODY")
    assert acts_as(own, None, ()) == ()
    assert acts_as(configured.model_copy(update={"contacts": ()}), configured, [("slack", "U024BE7LH")]) == ()


def test_a_renamed_pm_is_news_of_the_person_and_of_the_tool() -> None:
    people = [{**person, "name": "Zoë"} if person["id"] == "zoe" else person for person in entries()["person"]]
    found = news(announcements(directory(person=people), {}, AFTERNOON), remembered(directory()), AFTERNOON)
    assert [event.key for event in found] == ["person:zoe", "tool:ziflow"]


def test_a_new_order_of_services_is_news() -> None:
    found = news(
        announcements(directory(service=entries()["service"][::-1]), {}, AFTERNOON), remembered(directory()), AFTERNOON
    )
    assert [(event.id, event.position) for event in found if isinstance(event, ServiceChanged)] == [
        ("orphan", 0),
        ("invoicing", 1),
    ]


def test_what_is_gone_is_said_with_its_last_name() -> None:
    found = news(announcements(directory(tenant=[]), {}, AFTERNOON), remembered(directory()), AFTERNOON)
    assert [(event.key, event.name, event.removed, event.at) for event in found] == [
        ("tenant:acme", "Acme", True, AFTERNOON),
        ("tenant:borg", "Borg", True, AFTERNOON),
    ]


def test_a_principal_is_announced_with_its_hashed_keys() -> None:
    known = directory(principal=[{"id": "ops", "name": "Ops", "roles": ["operator"], "tenants": ["acme"]}])
    key = HashedKey(id="abcdefgh", digest="0" * 64, expires_at=MORNING + timedelta(days=1))
    (event,) = [event for event in announcements(known, {"ops": [key]}, MORNING) if isinstance(event, PrincipalChanged)]
    assert (event.roles, event.tenants, event.keys) == (("operator",), ("acme",), (key,))


def entry(noun: str, row: dict[str, Any], position: int = 0, origin: Any = "config") -> Entry:
    return Entry(noun, NOUNS[noun].model_validate(row), position, origin)


ABDUL = {"id": "abdul", "name": "Abdul"}
HELENA = {"id": "helena", "name": "Helena"}


def test_what_the_tree_says_anew_differently_and_no_more_are_the_changes() -> None:
    present = [entry("person", ABDUL), entry("person", HELENA, 1)]
    wanted = [entry("person", {**ABDUL, "title": "Lead"}), entry("team", {"id": "t", "name": "T"})]
    found = changes(present, wanted, ["person", "team"])
    assert [(one.action, one.place) for one in found] == [
        ("changed", ("person", "abdul")),
        ("added", ("team", "t")),
        ("removed", ("person", "helena")),
    ]


def test_the_same_tree_changes_nothing() -> None:
    present = [entry("person", ABDUL), entry("person", HELENA, 1)]
    assert changes(present, present, ["person"]) == []


def test_what_the_api_added_stays_until_the_tree_has_it() -> None:
    present = [entry("principal", {"id": "ci", "name": "CI"}, origin="api")]
    assert changes(present, [], ["principal"]) == []
    (taken,) = changes(present, [entry("principal", {"id": "ci", "name": "CI"})], ["principal"])
    assert (taken.action, taken.told) == ("changed", True)


def test_nouns_that_the_tree_does_not_have_stay() -> None:
    assert changes([entry("team", {"id": "t", "name": "T"})], [], ["person"]) == []


def test_a_new_place_in_the_order_is_stored_but_not_told() -> None:
    (moved,) = changes([entry("person", ABDUL, 1)], [entry("person", ABDUL, 0)], ["person"])
    assert (moved.action, moved.told) == ("changed", False)


def test_every_entity_is_the_same_after_it_was_stored() -> None:
    for noun, entity in directory().entities():
        stored = document(Entry(noun, entity, 0, "config"))
        assert NOUNS[noun].model_validate(stored) == entity
