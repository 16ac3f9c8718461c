"""Overrides, temporary spans, swaps and absences: what each does to the shifts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.oncall.domain.amendments import (
    Absence,
    Amendments,
    Made,
    Override,
    Revision,
    SpanShift,
    Swap,
    TemporarySpan,
    clash,
    replaced,
    revised,
    revision,
    takeable,
    trimmed,
    unrevisable,
)
from services.oncall.domain.layer import Layer
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_call, on_shift, shifts, uncovered
from services.oncall.domain.shift import Role, Shift

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday. Ana has the day, Ben the next, Cem the one after."""
HOUR = timedelta(hours=1)


def hours(begin: float, end: float) -> dict[str, Any]:
    return {"starts_at": START + begin * HOUR, "ends_at": START + end * HOUR}


ROTA = Rota(
    id="r",
    name="R",
    layers=(
        Layer.model_validate(
            {"id": "day", "people": ["ana", "ben", "cem"], "every": "daily", "starts_on": "2026-03-02"}
        ),
    ),
)


def amend(*changes: Override | TemporarySpan | Swap, absences: tuple[Absence, ...] = ()) -> Amendments:
    return Amendments.of((Made(str(number), change) for number, change in enumerate(changes)), absences)


def found(amendments: Amendments, end: float = 24) -> list[tuple[str | None, float, float]]:
    listed = shifts(ROTA, START, START + end * HOUR, amendments)
    return [(one.person, (one.starts_at - START) / HOUR, (one.ends_at - START) / HOUR) for one in listed]


def test_an_added_person_is_on_shift_beside_the_others() -> None:
    assert found(amend(Override(add="dan", **hours(8, 10)))) == [("ana", 0, 24), ("dan", 8, 10)]


def test_whoever_is_on_shift_already_is_not_added_twice() -> None:
    amendments = amend(Override(add="ana", **hours(20, 28)))
    assert found(amendments, 48) == [("ana", 0, 24), ("ben", 24, 48), ("ana", 24, 28)]
    assert [shift.person for shift in on_shift(ROTA, START + 25 * HOUR, amendments)] == ["ana", "ben"]


def test_a_removed_person_leaves_a_gap() -> None:
    amendments = amend(Override(remove="ana", **hours(8, 10)))
    assert found(amendments) == [("ana", 0, 8), ("ana", 10, 24)]
    final = shifts(ROTA, START, START + 24 * HOUR, amendments)
    assert uncovered(final, START, START + 24 * HOUR) == [(START + 8 * HOUR, START + 10 * HOUR)]


def test_a_replacement_acts_only_while_the_replaced_person_is_on_shift() -> None:
    amendments = amend(Override(remove="ana", add="dan", **hours(20, 30)))
    assert found(amendments, 48) == [("ana", 0, 20), ("dan", 20, 24), ("ben", 24, 48)]
    (shift,) = on_shift(ROTA, START + 21 * HOUR, amendments)
    assert (shift.origin, shift.instead_of, shift.cause) == ("override", "ana", "0")


def test_a_later_change_acts_on_what_the_earlier_ones_left() -> None:
    amendments = amend(
        Override(remove="ana", add="dan", **hours(0, 12)), Override(remove="dan", add="eva", **hours(6, 24))
    )
    assert found(amendments) == [("dan", 0, 6), ("eva", 6, 12), ("ana", 12, 24)]


def test_in_a_temporary_span_nothing_else_counts() -> None:
    span = TemporarySpan.model_validate({**hours(6, 30), "shifts": [{"person": "zoe", **hours(8, 12)}]})
    amendments = amend(span, Override(add="dan", **hours(7, 9)))
    assert found(amendments, 48) == [("ana", 0, 6), ("zoe", 8, 12), ("ben", 30, 48)]


def test_a_shift_outside_its_temporary_span_is_refused() -> None:
    with pytest.raises(ValidationError, match="lies within it"):
        TemporarySpan.model_validate({**hours(6, 8), "shifts": [{"person": "zoe", **hours(5, 7)}]})


def test_trimming_a_span_to_where_it_is_not_leaves_nothing() -> None:
    span = TemporarySpan.model_validate(hours(6, 8))
    assert trimmed(span, START + 8 * HOUR, START + 9 * HOUR) is None


def test_a_swap_counts_once_it_is_taken() -> None:
    offered = Swap(of="ana", **hours(0, 24))
    assert found(amend(offered)) == [("ana", 0, 24)]
    taken = offered.model_copy(update={"state": "taken", "taken_by": "cem"})
    assert found(amend(taken)) == [("cem", 0, 24)]


def test_a_swap_that_is_offered_to_one_person_is_not_anybody_elses() -> None:
    offered = Swap(of="ana", to="ben", **hours(0, 24))
    assert takeable(offered, "ben", START) is None
    assert "to ben alone" in str(takeable(offered, "cem", START))
    assert "own swap" in str(takeable(offered, "ana", START))
    assert "past due" in str(takeable(offered, "ben", START + 24 * HOUR))


def test_the_next_in_order_stands_in_for_whoever_is_away() -> None:
    amendments = amend(absences=(Absence(person="ana", **hours(-10, 12)),))
    assert found(amendments) == [("ben", 0, 12), ("ana", 12, 24)]
    (shift,) = on_shift(ROTA, START, amendments)
    assert (shift.origin, shift.instead_of) == ("absence", "ana")


def test_whoever_is_away_too_does_not_stand_in() -> None:
    away = (Absence(person="ana", **hours(0, 24)), Absence(person="ben", **hours(6, 12)))
    assert found(amend(absences=away)) == [("ben", 0, 6), ("cem", 6, 12), ("ben", 12, 24)]


def test_where_everybody_is_away_the_turn_is_vacant() -> None:
    away = tuple(Absence(person=person, **hours(0, 24)) for person in ("ana", "ben", "cem"))
    assert found(amend(absences=away)) == [(None, 0, 24)]


def test_whoever_shares_the_turn_carries_it_alone() -> None:
    shared = Layer.model_validate(
        {"id": "two", "people": [["ana", "ben"], "cem"], "every": "daily", "starts_on": "2026-03-02"}
    )
    two = Rota(id="two", name="Two", layers=(shared,))
    away = amend(absences=(Absence(person="ana", **hours(0, 12)),))
    assert [shift.person for shift in on_shift(two, START, away)] == ["ben"]


def test_a_plain_turn_of_somebody_who_is_away_is_vacant() -> None:
    plain = Rota.model_validate({"id": "p", "name": "P", "turns": [{"hours": "00:00-24:00", "person": "ana"}]})
    away = amend(absences=(Absence(person="ana", **hours(6, 12)),))
    listed = shifts(plain, START, START + 24 * HOUR, away)
    assert [(one.person, one.starts_at.hour) for one in listed] == [("ana", 0), (None, 6), ("ana", 12)]


def span_of(begin: float, end: float, *shifts: tuple[str, float, float]) -> TemporarySpan:
    own = tuple(SpanShift(person=person, **hours(first, last)) for person, first, last in shifts)
    return TemporarySpan(**hours(begin, end), shifts=own)


@pytest.mark.parametrize(
    ("before", "wanted", "at", "found"),
    [
        (span_of(10, 20, ("ana", 10, 20)), span_of(12, 22, ("ben", 12, 22)), 8, span_of(12, 22, ("ben", 12, 22))),
        (span_of(10, 20, ("ana", 10, 20)), span_of(5, 22, ("ben", 5, 22)), 8, span_of(8, 22, ("ben", 8, 22))),
        (span_of(10, 20, ("ana", 10, 20)), span_of(10, 30, ("ana", 10, 30)), 15, span_of(10, 30, ("ana", 10, 30))),
        (span_of(10, 20, ("ana", 10, 20)), span_of(10, 20, ("ben", 10, 20)), 15, span_of(10, 20, ("ana", 10, 15), ("ben", 15, 20))),
        (span_of(10, 20, ("ana", 10, 20)), span_of(2, 18), 15, span_of(10, 18, ("ana", 10, 15))),
    ],
    ids=["moved", "moved into the past", "made longer", "somebody else from now on", "nobody from now on"],
)  # fmt: skip
def test_a_span_is_changed_from_now_on(
    before: TemporarySpan, wanted: TemporarySpan, at: float, found: TemporarySpan
) -> None:
    assert unrevisable(before, wanted, START + at * HOUR) is None
    assert revised(before, wanted, START + at * HOUR) == found


@pytest.mark.parametrize(("wanted", "at", "words"), [(span_of(10, 30), 20, "is over"), (span_of(16, 20), 15, "begun")])
def test_a_span_that_is_over_stays_and_one_that_began_cannot_begin_later(
    wanted: TemporarySpan, at: float, words: str
) -> None:
    assert words in (unrevisable(span_of(10, 20), wanted, START + at * HOUR) or "")


def override_of(begin: float, end: float, add: str = "dan", role: Role = "primary") -> Override:
    return Override(add=add, role=role, **hours(begin, end))


def absence_of(begin: float, end: float, person: str = "ana", reason: str = "") -> Absence:
    return Absence(person=person, reason=reason, **hours(begin, end))


@pytest.mark.parametrize(
    ("before", "wanted", "at", "change", "past"),
    [
        (override_of(10, 20), override_of(12, 22, "eva"), 8, override_of(12, 22, "eva"), None),
        (override_of(10, 20), override_of(5, 20), 8, override_of(8, 20), None),
        (override_of(10, 20), override_of(2, 30), 15, override_of(10, 30), None),
        (override_of(10, 20), override_of(10, 20, "eva"), 15, override_of(15, 20, "eva"), override_of(10, 15)),
        (override_of(10, 20), override_of(10, 20, role="shadow"), 15, override_of(15, 20, role="shadow"), override_of(10, 15)),
        (override_of(10, 20), override_of(10, 20, "eva"), 10, override_of(10, 20, "eva"), None),
        (absence_of(10, 20), absence_of(10, 18, reason="ill"), 15, absence_of(10, 18, reason="ill"), None),
        (absence_of(10, 20, reason="ill"), absence_of(10, 20, "ben"), 15, absence_of(15, 20, "ben"), absence_of(10, 15, reason="ill")),
    ],
    ids=["moved", "moved into the past", "made longer", "somebody else", "another role", "at its beginning", "another reason", "not Ana, but Ben"],
)  # fmt: skip
def test_an_override_and_an_absence_are_changed_from_now_on_and_whoever_had_the_past_keeps_it(
    before: Override | Absence,
    wanted: Override | Absence,
    at: float,
    change: Override | Absence,
    past: Override | Absence | None,
) -> None:
    now = START + at * HOUR
    assert unrevisable(before, wanted, now) is None
    assert revision(before, wanted, now) == Revision(change, past)
    assert revision(change, wanted, now) == Revision(change)


@pytest.mark.parametrize(
    ("before", "name"), [(override_of(10, 20), "override"), (absence_of(10, 20), "absence"), (span_of(10, 20), "span")]
)
def test_what_is_over_or_began_says_so_by_its_name(before: Override | Absence | TemporarySpan, name: str) -> None:
    later = before.model_copy(update={"starts_at": START + 16 * HOUR})
    assert f"{name} has begun, and cannot begin later" in (unrevisable(before, later, START + 15 * HOUR) or "")
    assert f"{name} is over" in (unrevisable(before, before, START + 20 * HOUR) or "")


def test_the_same_override_twice_is_refused() -> None:
    one = Override(add="dan", **hours(8, 10))
    assert clash(one, []) is None
    assert clash(one, [one]) is not None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (hours(8, 8), "after starts_at"),
        (hours(8, 10), "give add, remove"),
        ({**hours(8, 10), "add": "ana", "remove": "ana"}, "the same person"),
    ],
)
def test_an_override_that_changes_nothing_is_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Override.model_validate(said)


def test_who_comes_next_is_after_the_changes() -> None:
    amendments = amend(Override(remove="ben", add="dan", **hours(24, 48)))
    following = on_call(ROTA, START, amendments).next
    assert following is not None
    assert following.person == "dan"


names = st.sampled_from(["ana", "ben", "cem", "dan"])
spans = st.tuples(st.integers(0, 100), st.integers(1, 60)).map(lambda pair: hours(pair[0], pair[0] + pair[1]))
overrides = st.tuples(names, st.one_of(st.none(), names), st.booleans(), spans).map(
    lambda said: Override(
        **({"add": said[0], "remove": said[1]} if said[2] and said[1] not in {None, said[0]} else {"add": said[0]}),
        **said[3],
    )
)


@given(made=st.lists(overrides, max_size=6), moment=st.integers(0, 24 * 6))
def test_whatever_was_changed_nobody_is_on_shift_twice_and_lists_agree(made: list[Override], moment: int) -> None:
    amendments = amend(*made)
    listed = shifts(ROTA, START, START + 24 * 8 * HOUR, amendments)
    present: list[Shift] = [one for one in listed if one.covers(START + moment * HOUR)]
    assert len({one.person for one in present}) == len(present)
    assert {one.person for one in on_shift(ROTA, START + moment * HOUR, amendments)} == {one.person for one in present}


@st.composite
def temporary(draw: st.DrawFn) -> TemporarySpan:
    begin, lasts = draw(st.integers(0, 50)), draw(st.integers(1, 50))
    pieces = st.tuples(names, st.integers(0, lasts - 1), st.integers(1, lasts))
    return span_of(
        begin,
        begin + lasts,
        *((who, begin + first, begin + min(first + long, lasts)) for who, first, long in draw(st.lists(pieces))),
    )


@given(before=temporary(), wanted=temporary(), now=st.integers(0, 100), moment=st.integers(0, 101))
def test_a_changed_span_is_what_it_was_until_now_and_what_is_wanted_since(
    before: TemporarySpan, wanted: TemporarySpan, now: int, moment: int
) -> None:
    at, instant = START + now * HOUR, START + moment * HOUR
    assume(wanted.ends_at > at and unrevisable(before, wanted, at) is None)
    after = revised(before, wanted, at)
    plan = [Shift("eve", START, START + 200 * HOUR, 0)]

    def crew(span: TemporarySpan) -> list[str]:
        return sorted(one.person or "" for one in replaced(plan, span) if one.covers(instant))

    assert crew(after) == crew(before if instant < at else wanted)
    assert revised(after, wanted, at) == after
