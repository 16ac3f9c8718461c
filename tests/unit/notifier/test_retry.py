"""When a send is tried again."""

from datetime import timedelta

import pytest

from libs.common.events.incidents import Purpose
from services.notifier.domain.retry import PATIENT, POLICIES, URGENT, after_failure, when_unsure
from tests.unit.notifier.requests import NOW


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def test_waits_grow_as_the_table_says_and_the_last_one_repeats() -> None:
    waits = []
    for tries in range(1, 8):
        decision = after_failure(PATIENT, tries=tries, first_tried_at=NOW, now=NOW, provider_after=None)
        assert decision.at is not None
        waits.append((decision.at - NOW).total_seconds())
    assert waits == [5, 15, 60, 180, 300, 300, 300]


def test_a_provider_that_asks_to_wait_is_obeyed() -> None:
    decision = after_failure(URGENT, tries=1, first_tried_at=NOW, now=NOW, provider_after=seconds(20))
    assert decision.at == NOW + seconds(20)
    shorter = after_failure(URGENT, tries=4, first_tried_at=NOW, now=NOW, provider_after=seconds(2))
    assert shorter.at == NOW + seconds(15)


def test_a_page_turns_to_the_next_contact_after_a_minute_and_a_half() -> None:
    late = after_failure(URGENT, tries=6, first_tried_at=NOW, now=NOW + seconds(61), provider_after=None)
    assert (late.at, late.reason) == (None, "too_old")
    asked = after_failure(URGENT, tries=1, first_tried_at=NOW, now=NOW, provider_after=seconds(91))
    assert asked.at is None


def test_every_purpose_has_a_policy_and_acting_is_more_urgent_than_knowing() -> None:
    assert {purpose for purpose, policy in POLICIES.items() if policy is URGENT} == {
        "page",
        "missed",
        "call",
        "reminder",
        "verification",
    }


@pytest.mark.parametrize(
    ("purpose", "repeatable", "what"),
    [
        ("page", True, "next_contact"),
        ("page", False, "next_contact"),
        ("verification", True, "next_contact"),
        ("status", True, "again"),
        ("status", False, "next_contact"),
        ("closing", True, "again"),
    ],
)
def test_nobody_is_paged_twice_where_nobody_can_say_whether_they_were(
    purpose: Purpose, repeatable: bool, what: str
) -> None:
    assert when_unsure(purpose, repeatable=repeatable) == what
