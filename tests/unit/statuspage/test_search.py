"""What is looked for among the triggers: in the address, and as intake is asked."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from services.statuspage.domain.search import NoMoment, Search

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def test_the_address_has_what_is_set_and_calls_the_beginning_from() -> None:
    search = Search(q="a b&c", status="firing", since="2026-03-01T00:00")
    assert parse_qs(search.address) == {"q": ["a b&c"], "status": ["firing"], "from": ["2026-03-01T00:00"]}
    assert Search().address == ""


def test_a_stretch_until_now_moves_with_the_clock_and_the_narrower_beginning_counts() -> None:
    assert Search(within="1h").asked(NOW) == {"from": "2026-03-02T08:15:00+00:00"}
    later = Search(within="24h", since="2026-03-02T09:00", until="2026-03-02T10:00+01:00")
    assert later.asked(NOW) == {"from": "2026-03-02T09:00:00+00:00", "until": "2026-03-02T09:00:00+00:00"}
    assert Search(within="for ever", kind="tool").asked(NOW) == {"kind": "tool"}


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30T09:00", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_said_so(text: str) -> None:
    with pytest.raises(NoMoment, match=text[:4]):
        Search(since=text).asked(NOW)


def test_filters_that_are_folded_away_are_shown_where_one_is_set() -> None:
    assert not Search(q="x", kind="tool").refined
    assert Search(severity="info").refined
