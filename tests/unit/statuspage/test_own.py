"""The form of one's own contacts: read, and filled in again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.statuspage.domain.own import NotSaid, arrangement, quiet_rows, step_rows
from services.statuspage.domain.reach import DAYS


def test_rows_that_say_nothing_are_passed_over_and_the_first_step_has_no_delay() -> None:
    form = {
        "high.0.contact": "", "high.0.after": "3", "high.1.contact": "sms", "high.1.after": "9",
        "high.2.contact": "email", "high.2.after": "1.5", "high.3.contact": "voice", "high.3.after": "",
    }  # fmt: skip
    assert arrangement(form) == {
        "chain": {
            "high": [
                {"contact": "sms", "after": None},
                {"contact": "email", "after": "90s"},
                {"contact": "voice", "after": None},
            ],
            "low": [],
        },
        "quiet_hours": [],
    }


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"low.0.contact": "sms", "low.1.contact": "email", "low.1.after": "-1"}, "-1 is no number of minutes"),
        ({"low.0.contact": "sms", "low.1.contact": "email", "low.1.after": "nan"}, "nan is no number of minutes"),
        ({"low.0.contact": "sms", "low.1.contact": "email", "low.1.after": "2000"}, "from 0 to 1440"),
        ({"quiet.3.begin": "22:00"}, "when they end"),
        ({"quiet.0.begin": "22:00", "quiet.0.end": "07:00"}, "Choose the days"),
    ],
)
def test_a_form_that_says_no_arrangement_says_what_is_missing(form: dict[str, str], sentence: str) -> None:
    with pytest.raises(NotSaid, match=sentence):
        arrangement(form)


MINUTES = st.one_of(st.none(), st.integers(0, 2880).map(lambda half: timedelta(seconds=30 * half)))
TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda one: f"{one[0]:02}:{one[1]:02}")


@given(
    delays=st.lists(MINUTES, max_size=5),
    quiet=st.lists(st.tuples(st.sets(st.sampled_from(DAYS), min_size=1), TIMES, TIMES), max_size=5),
)
def test_what_is_filled_in_again_says_the_same(
    delays: list[timedelta | None], quiet: list[tuple[set[str], str, str]]
) -> None:
    steps = [("sms", None), *(("email", after) for after in delays)]
    hours = [(sorted(days, key=DAYS.index), f"{begin}-{end}") for days, begin, end in quiet]
    form: dict[str, str] = {}
    for place, row in enumerate(step_rows(steps, 2)):
        form |= {f"high.{place}.contact": row.contact, f"high.{place}.after": row.after}
    for place, one in enumerate(quiet_rows(hours)):
        form |= {f"quiet.{place}.begin": one.begin, f"quiet.{place}.end": one.end}
        form |= {f"quiet.{place}.{day}": "1" for day in one.days}
    said = arrangement(form)
    assert said["quiet_hours"] == [{"days": days, "hours": span} for days, span in hours]
    assert [one["contact"] for one in said["chain"]["high"]] == [contact for contact, _ in steps]
    for (_, after), one in zip(steps, said["chain"]["high"], strict=True):
        assert one["after"] == (None if after is None else f"{int(after.total_seconds())}s")
