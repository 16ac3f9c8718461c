"""What of a provider's page is news to who has read it before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading, Refusal, Remark
from services.intake.domain.watching import ITEMS_LIMIT, Item, any_missing, open_keys, sift, vanished


def fires(key: str = "a", text: str = "") -> ParsedTrigger:
    return ParsedTrigger(kind="provider", status="firing", dedup_key=key, title="Proofs fail", description=text)


def ends(key: str = "a") -> ParsedTrigger:
    return replace(fires(key), status="resolved")


def note(key: str = "a") -> Remark:
    return Remark("noted", key, note="We have found the cause.")


def play(*readings: Reading) -> list[list[str]]:
    """What is told of one answer after the other, each of the page that lists what is open."""
    items: dict[str, Item] = {}
    told = []
    for reading in readings:
        news, items = sift(reading, items, listing=True)
        told.append([f"{one.status} {one.dedup_key}" for one in news.triggers] + [one.kind for one in news.remarks])
    return told


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        ([Reading((fires(),)), Reading((fires(),))], [["firing a"], []]),
        ([Reading((fires(),), remarks=(note(),))], [["firing a"]]),
        (
            [Reading((fires(),)), Reading((fires(text="Found."),), remarks=(note(),)), Reading((ends(),))],
            [["firing a"], ["firing a", "noted"], ["resolved a"]],
        ),
        ([Reading((ends(),)), Reading((ends(),))], [[], []]),
        ([Reading((fires(),)), Reading((ends(),)), Reading((ends(),))], [["firing a"], ["resolved a"], []]),
        ([Reading((fires(),)), Reading((ends(),)), Reading((fires(),))], [["firing a"], ["resolved a"], []]),
        (
            [Reading((fires(),)), Reading((ends(),)), Reading((fires(text="Again."),))],
            [["firing a"], ["resolved a"], ["firing a"]],
        ),
        ([Reading((fires(),)), Reading(), Reading((ends(),))], [["firing a"], [], ["resolved a"]]),
        (
            [Reading((fires("a"), fires("b"))), Reading((fires("b"), ends("a")))],
            [["firing a", "firing b"], ["resolved a"]],
        ),
    ],
    ids=[
        "nothing new",
        "words of the first time are in it",
        "a follow-up and the end",
        "over before anybody asked",
        "the end once",
        "a page that lags behind does not open it again",
        "a page that says something new does",
        "gone from the page is not over",
        "of two one",
    ],
)
def test_only_what_is_new_is_told(readings: list[Reading], told: list[list[str]]) -> None:
    assert play(*readings) == told


def test_what_is_no_longer_listed_is_said_once_and_stays_open() -> None:
    _, items = sift(Reading((fires("a"), fires("b"))), {}, listing=True)
    assert vanished(items)[0] == ()
    _, items = sift(Reading((fires("b"),)), items, listing=True)
    assert any_missing(items)
    remarks, items = vanished(items)
    assert [(remark.kind, remark.dedup_key) for remark in remarks] == [("noted", "a")]
    assert vanished(items)[0] == ()
    assert open_keys(items) == ("a", "b")

    _, items = sift(Reading((fires("a"), fires("b"))), items, listing=True)
    assert not any_missing(items), "it is listed again"


def test_a_page_that_is_not_the_list_of_what_is_open_makes_nothing_missing() -> None:
    _, items = sift(Reading((fires(),)), {}, listing=True)
    _, items = sift(Reading(), items, listing=False)
    assert not any_missing(items)


def test_a_page_of_which_a_part_could_not_be_read_makes_nothing_missing() -> None:
    _, items = sift(Reading((fires(),)), {}, listing=True)
    broken = Reading((fires("b"),), (Refusal("missing-field", "One has no id."),))
    news, items = sift(broken, items, listing=True)
    assert not any_missing(items)
    assert news.refusals == broken.refusals


def test_what_no_longer_concerns_us_still_ends_and_is_not_missing() -> None:
    _, items = sift(Reading((fires(),)), {}, listing=True)
    passed = Reading(ignored=(Ignored("not-mapped", "Elsewhere.", trigger=fires()),))
    news, items = sift(passed, items, listing=True)
    assert (news, any_missing(items)) == (Reading(), False)
    over = Reading(ignored=(Ignored("not-mapped", "Elsewhere.", trigger=ends()),))
    news, items = sift(over, items, listing=True)
    assert news.triggers == (ends(),)
    assert open_keys(items) == ()


def test_what_is_over_is_forgotten_in_the_end_and_what_is_open_never() -> None:
    many = [f"k{number:05}" for number in range(ITEMS_LIMIT + 50)]
    _, items = sift(Reading(tuple(fires(key) for key in [*many, "open"])), {}, listing=True)
    _, items = sift(Reading((*(ends(key) for key in many), fires("open"))), items, listing=True)
    assert len(items) == ITEMS_LIMIT + 1
    assert open_keys(items) == ("open",)


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["firing", "again", "resolved"]), max_size=3),
        max_size=12,
    )
)
def test_the_end_is_only_told_of_what_was_told_to_be_open_and_open_is_what_was_told(
    bodies: list[dict[str, str]],
) -> None:
    items: dict[str, Item] = {}
    told_open: set[str] = set()
    for body in bodies:
        parts = tuple(ends(key) if how == "resolved" else fires(key, how) for key, how in body.items())
        news, items = sift(Reading(parts), items, listing=True)
        for trigger in news.triggers:
            assert trigger.status == "firing" or trigger.dedup_key in told_open
            (told_open.add if trigger.status == "firing" else told_open.discard)(trigger.dedup_key)
        assert set(open_keys(items)) == told_open
        assert sift(Reading(parts), items, listing=True)[0] == Reading(), "read twice, nothing is new"
