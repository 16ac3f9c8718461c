"""What a change of rotas does to people is told in sentences, in the rota's own clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.oncall.domain.directory import Directory
from services.oncall.domain.effects import MOST_SENTENCES, effects
from services.oncall.domain.people import Person
from services.oncall.domain.rota import Rota

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ANN = {"id": "l", "people": ["ann"]}


def of(*layers: dict[str, Any], zone: str = "UTC", rota: str = "r") -> Directory:
    people = [Person(id=name, name=name.capitalize()) for name in ("ann", "bob", "cid")]
    return Directory.of([*people, Rota.model_validate({"id": rota, "name": "Team", "zone": zone, "layers": layers})])


def told(before: Directory, after: Directory, days: int = 7) -> list[str]:
    return effects(before, after, MONDAY, MONDAY + timedelta(days=days))


def hours(text: str, **more: Any) -> dict[str, Any]:
    return {**ANN, "only": [{"days": "tu", "hours": text}], **more}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            of(ANN),
            of({**ANN, "people": ["bob"]}),
            "Mon 2026-03-02 00:00 to Mon 2026-03-09 00:00 (UTC) Bob instead of Ann.",
        ),
        (of(ANN), of(hours("09:00-17:00")), "Mon 2026-03-02 00:00 to Tue 2026-03-03 09:00 (UTC) nobody instead of Ann."),
        (
            of(hours("09:00-17:00")),
            of(hours("09:00-17:00"), hours("12:00-13:00", id="m", people=["bob"], priority=1)),
            "Tue 2026-03-03 12:00 to 13:00 (UTC) Bob instead of Ann.",
        ),
        (
            of(hours("09:00-17:00"), zone="Europe/Rome"),
            of(hours("09:00-17:00"), hours("09:00-17:00", id="s", people=["cid"], role="secondary"), zone="Europe/Rome"),
            "Tue 2026-03-03 09:00 to 17:00 (Europe/Rome) Ann and Cid (secondary) instead of Ann.",
        ),
    ],
)  # fmt: skip
def test_who_is_on_call_differently(before: Directory, after: Directory, sentence: str) -> None:
    assert told(before, after)[0] == f"Team: {sentence}"


def test_what_says_the_same_in_other_words_is_not_told() -> None:
    weekly = {"id": "x", "people": ["ann", "ann"], "every": "1 week", "starts_on": "2026-01-05"}
    assert told(of(ANN), of(weekly)) == []


def test_a_rota_that_comes_or_goes() -> None:
    other = Directory.of([*of().people.values()])
    assert told(other, of(ANN)) == ["Team: Mon 2026-03-02 00:00 to Mon 2026-03-09 00:00 (UTC) Ann instead of nobody."]
    assert told(of(ANN), other) == ["Team: Mon 2026-03-02 00:00 to Mon 2026-03-09 00:00 (UTC) nobody instead of Ann."]


def test_many_stretches_are_counted_after_the_first() -> None:
    daily = {**ANN, "only": [{"hours": "09:00-10:00"}]}
    found = told(of(daily), of({**daily, "people": ["bob"]}), days=MOST_SENTENCES + 3)
    assert len(found) == MOST_SENTENCES + 1
    assert found[-1] == "Team: and 3 more such stretches."


def test_a_long_rota_of_hours_is_told_fast() -> None:
    hourly = {"id": "h", "people": ["ann", "bob", "cid"], "every": "1 hour", "starts_on": "2026-01-01"}
    found = told(of(hourly), of({**hourly, "people": ["bob", "cid", "ann"]}), days=30)
    assert found[-1] == f"Team: and {30 * 24 - MOST_SENTENCES} more such stretches."
