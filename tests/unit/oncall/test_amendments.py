"""Overrides, temporary spans, swaps and absences: what each does to the shifts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.oncall.domain.amendments import (
    Absence,
    Amendments,
    Made,
    Override,
    Swap,
    TemporarySpan,
    clash,
    takeable,
    trimmed,
)
from services.oncall.domain.layer import Layer
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_call, on_shift, shifts, uncovered
from services.oncall.domain.shift import Shift

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
