"""What people may change of how they are reached themselves, and what becomes of their chains."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oncall.domain.own import MOST, Own, Place, added, arranged, first, removed
from services.oncall.domain.people import Chains, ContactPoint, Person, Step
from services.oncall.domain.reach import AT_ONCE, contacts_for

SMS, SECOND, MAIL = ("sms", "+15550100"), ("sms", "+15550199"), ("email", "ada@example.com")


def own_of(*places: Place, **more: Any) -> Own:
    points = [{"channel": channel, "address": address} for channel, address in places]
    return Own.model_validate({"contacts": points, **more})


def places(own: Own) -> list[Place]:
    return [(point.channel, point.address) for point in own.contacts]


def steps(chain: tuple[Step, ...]) -> list[tuple[str, int | None]]:
    return [(one.contact, None if one.after is None else int(one.after / timedelta(minutes=1))) for one in chain]


def test_a_new_contact_is_the_last_and_nobody_vouches_for_it() -> None:
    point = ContactPoint(channel="sms", address="+15550199", verified=True)
    outcome = added(own_of(SMS), point)
    assert (outcome.reason, places(outcome.own)) == ("changed", [SMS, SECOND])
    assert not outcome.own.contacts[1].verified
    assert added(outcome.own, point).reason == "known_contact"
    many = own_of(*(("sms", f"+1555010{number}") for number in range(MOST)))
    assert added(many, ContactPoint(channel="email", address="a@example.com")).reason == "too_many"


@pytest.mark.parametrize(
    ("own", "place", "proved", "reason"),
    [
        (own_of(SMS, MAIL), SMS, {MAIL}, "changed"),
        (own_of(SMS, MAIL), SMS, {SMS, MAIL}, "changed"),
        (own_of(SMS, MAIL), SMS, set(), "changed"),
        (own_of(SMS, MAIL), MAIL, {SMS}, "changed"),
        (own_of(SMS, MAIL), SMS, {SMS}, "last_verified"),
        (own_of(SMS), SMS, set(), "last_contact"),
        (own_of(SMS), SMS, {SMS}, "last_contact"),
        (own_of(SMS, MAIL), SECOND, {SMS}, "unknown_contact"),
    ],
)
def test_nobody_makes_themselves_unreachable(own: Own, place: Place, proved: set[Place], reason: str) -> None:
    assert removed(own, place, proved).reason == reason


def test_a_contact_that_somebody_vouched_for_counts_as_verified() -> None:
    vouched = Own.model_validate({"contacts": [{"sms": SMS[1], "verified": True}, {"email": MAIL[1]}]})
    assert removed(vouched, SMS, set()).reason == "last_verified"
    assert removed(vouched, SMS, {MAIL}).reason == "changed"


def test_steps_keep_to_their_contact_and_go_with_it() -> None:
    chain = {"high": ["sms", {"email": "2m"}, {"sms.2": "5m"}], "low": ["sms.2", {"email": "10m"}]}
    own = own_of(SMS, MAIL, SECOND, chain=chain)
    without = removed(own, SMS, {MAIL}).own
    assert steps(without.chain.high) == [("email", None), ("sms", 3)]
    assert steps(without.chain.low) == [("sms", None), ("email", 10)]
    ahead = first(own, SECOND).own
    assert places(ahead) == [SECOND, SMS, MAIL]
    assert steps(ahead.chain.high) == [("sms.2", None), ("email", 2), ("sms", 5)]
    assert first(ahead, SECOND).reason == "unchanged"


def test_chains_and_quiet_hours_are_put_as_a_whole() -> None:
    chain = Chains.model_validate({"high": ["email"]})
    outcome = arranged(own_of(SMS, MAIL), chain, ())
    assert (outcome.reason, outcome.own.chain) == ("changed", chain)
    assert arranged(outcome.own, chain, ()).reason == "unchanged"


POINTS = [SMS, MAIL, SECOND, ("email", "b@example.com"), ("voice", "+15550100")]
DELAYS = st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=5, max_size=5)


def chained(order: list[int], delays: list[int | None], points: list[Place]) -> list[dict[str, Any]]:
    """A chain over contacts in some order, whose delays grow."""
    latest, found = 0, []
    for number, place in enumerate(order):
        channel = points[place][0]
        same = [one for one in points if one[0] == channel].index(points[place]) + 1
        delay = delays[number]
        latest += delay or 0
        after = None if delay is None or number == 0 else timedelta(minutes=latest)
        found.append({"contact": channel if same == 1 else f"{channel}.{same}", "after": after})
    return found


@given(
    points=st.permutations(POINTS),
    order=st.permutations(range(5)),
    delays=DELAYS,
    gone=st.integers(0, 4),
    ahead=st.booleans(),
)
def test_whatever_is_removed_or_put_first_who_is_left_comes_in_the_same_order_and_never_later(
    points: list[Place], order: list[int], delays: list[int | None], gone: int, *, ahead: bool
) -> None:
    own = own_of(*points, chain={"high": chained(order, delays, points)})
    outcome = first(own, points[gone]) if ahead else removed(own, points[gone], set(points))
    before, after = (
        [(one.channel, one.address, one.after) for one in contacts_for(Person.model_validate(
            {"id": "ada", "name": "Ada", **said.model_dump()}), AT_ONCE)]
        for said in (own, outcome.own)
    )  # fmt: skip
    kept = [one for one in before if ahead or (one[0], one[1]) != points[gone]]
    assert [one[:2] for one in after] == [one[:2] for one in kept]
    for was, now in zip(kept, after, strict=True):
        assert now[2] is None or (was[2] is not None and now[2] <= was[2])
