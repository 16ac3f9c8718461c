"""Which contact comes next."""

from datetime import timedelta

import pytest

from libs.common.events.base import Contact
from services.notifier.domain.plan import (
    ChannelFacts,
    cause_of,
    effect_key,
    names_down,
    next_contact,
    slot_of,
    standing,
    step_reason,
)
from tests.unit.notifier.requests import NOW, incident, person

CHANNELS = {
    "sms": ChannelFacts("twilio", frozenset({"twilio"})),
    "email": ChannelFacts("smtp", frozenset({"mail"})),
}
NOTHING: frozenset[str] = frozenset()


def test_the_first_contact_is_taken_in_its_normal_form() -> None:
    contacts = person("Rafael", ("sms", "+1 500 555 0010")).contacts
    plan = next_contact(contacts, 0, CHANNELS, NOTHING)
    assert plan.chosen is not None
    assert (plan.chosen.channel, plan.chosen.address, plan.chosen.slot) == ("sms", "+15005550010", "sms")
    assert plan.passed == ()


def test_after_the_last_contact_none_is_left() -> None:
    assert next_contact(person().contacts, 2, CHANNELS, NOTHING).chosen is None


@pytest.mark.parametrize("field", ["provider", "service", "tool"])
def test_a_channel_whose_provider_is_the_incident_is_not_used(field: str) -> None:
    down = names_down(incident(**{field: "Twilio"}))
    plan = next_contact(person().contacts, 0, CHANNELS, down)
    assert [(passed.contact.channel, passed.reason) for passed in plan.passed] == [("sms", "channel_is_the_incident")]
    assert "twilio itself" in plan.passed[0].detail
    assert plan.chosen is not None
    assert plan.chosen.channel == "email"


def test_what_cannot_be_used_is_passed_over_with_its_reason() -> None:
    contacts = person("Rafael", ("voice", "+15005550010"), ("sms", "0170 1"), ("email", "r@example.com")).contacts
    plan = next_contact(contacts, 0, CHANNELS, NOTHING)
    assert [passed.reason for passed in plan.passed] == ["channel_not_configured", "invalid_address"]
    assert plan.chosen is not None
    assert plan.chosen.index == 2


def test_a_second_number_is_an_effect_of_its_own() -> None:
    contacts = [Contact(channel=channel, address="x") for channel in ("sms", "email", "sms")]
    assert [slot_of(contacts, index) for index in range(3)] == ["sms", "email", "sms.2"]


def test_the_key_of_an_effect_tells_rung_and_obligation_apart() -> None:
    keys = {
        effect_key("i", cause_of("page", 1, None), "rung-1", "person:a", "sms"),
        effect_key("i", cause_of("page", 2, None), "rung-2", "person:a", "sms"),
        effect_key("i", cause_of("page", 1, None), "rung-1.2", "person:a", "sms"),
        effect_key("i", cause_of("status", None, "client_update"), "x", "person:a", "sms"),
        effect_key("i", cause_of("status", None, "tenant_status"), "x", "person:a", "sms"),
        effect_key("i", cause_of("closing", None, None), "x", "person:a", "sms"),
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    ("states", "stands"),
    [
        (["failed", "queued"], "open"),
        (["failed", "sending"], "open"),
        (["failed", "sent"], "reached"),
        (["failed", "failed"], "unreachable"),
        (["uncertain"], "unreachable"),
        ([], "unreachable"),
    ],
)
def test_a_notification_stands_as_its_attempts_do(states: list[str], stands: str) -> None:
    assert standing(states) == stands


SMS, MAIL = {"channel": "sms", "address": "+15550100"}, {"channel": "email", "address": "ana@example.com"}
CHAIN = [
    Contact.model_validate({**contact, "after": None if after is None else timedelta(minutes=after)})
    for contact, after in ((SMS, None), (SMS, 1), (MAIL, 2), (SMS, 3), (SMS, 9))
]


@pytest.mark.parametrize(
    ("late", "used"),
    [(0, [1, 2, 3, 4]), (1.5, [1, 2, 3, 4]), (2, [2, 3, 4]), (6, [2, 4]), (60, [2, 4])],
    ids=["on time", "a little late", "past the second", "past the third", "past them all"],
)
def test_steps_that_are_due_at_once_reach_each_address_once(late: float, used: list[int]) -> None:
    found = []
    for place, contact in enumerate(CHAIN[1:], 1):
        assert contact.after is not None
        due_at = NOW + contact.after
        if step_reason(CHAIN, place, due_at, due_at + timedelta(minutes=late)) == "due":
            found.append(place)
    assert found == used
