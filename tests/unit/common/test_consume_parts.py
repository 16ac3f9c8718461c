"""The pure parts of consuming: when too much is dead, how a lane waits, how long a backoff is."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.common.backoff import Backoff
from libs.common.bus.base import BusUnavailable, Partition, Record
from libs.common.chance import Chance
from libs.common.consume import may_pass
from libs.common.db.session import DatabaseUnavailable
from libs.common.dead_letters import DeadLetterCount, DeadLetterLimit
from libs.common.errors import Conflict, Throttled
from libs.common.lanes import CAPACITY, Lane

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "outcomes", "too_many"),
    [
        pytest.param(DeadLetterLimit(), "", False, id="the first dead letter ever"),
        pytest.param(DeadLetterLimit(), "d" * 9, False, id="the tenth in a row"),
        pytest.param(DeadLetterLimit(), "d" * 10, True, id="the eleventh in a row"),
        pytest.param(DeadLetterLimit(), "d" * 10 + "." * 80, True, id="the eleventh among ninety-one"),
        pytest.param(DeadLetterLimit(), "d" * 10 + "." * 99, False, id="ten that are long past"),
        pytest.param(DeadLetterLimit(), "d" + "." * 40 + "d" * 9 + "." * 49, True, id="the oldest is in the window"),
        pytest.param(
            DeadLetterLimit(), "d" + "." * 40 + "d" * 9 + "." * 50, False, id="the oldest just left the window"
        ),
        pytest.param(DeadLetterLimit(window=1000), "d" * 99, False, id="a tenth of a long window"),
        pytest.param(DeadLetterLimit(window=1000), "d" * 100, True, id="more than a tenth of a long window"),
        pytest.param(DeadLetterLimit(at_least=0, share=0), "", True, id="none is allowed"),
    ],
)
def test_one_more_dead_letter_is_too_many_past_the_limit(
    limit: DeadLetterLimit, outcomes: str, *, too_many: bool
) -> None:
    count = DeadLetterCount(limit)
    for outcome in outcomes:
        count.note(dead=outcome == "d")

    assert count.one_more_is_too_many() is too_many


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (DatabaseUnavailable("away"), True),
        (BusUnavailable("away"), True),
        (Throttled("slowly"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (Conflict("no"), False),
        (FileNotFoundError("template"), False),
        (ValueError("bug"), False),
    ],
)
def test_only_what_may_pass_by_itself_is_waited_for(error: Exception, *, passes: bool) -> None:
    assert may_pass(error) is passes


def record(offset: int) -> Record:
    return Record("t", 0, offset, "k", b"{}", {}, AT)


def test_a_lane_hands_out_in_order_and_knows_how_far_it_came() -> None:
    lane = Lane(Partition("t", 0))
    for offset in (5, 6, 7):
        lane.take(record(offset))

    assert lane.waiting[0].offset == 5
    lane.finish()
    assert (lane.waiting[0].offset, lane.done) == (6, 6)


def test_a_lane_passes_over_what_a_rebalance_reads_again() -> None:
    lane = Lane(Partition("t", 0))
    for offset in (5, 6, 5, 6, 7):
        lane.take(record(offset))

    assert [waiting.offset for waiting in lane.waiting] == [5, 6, 7]


def test_a_full_lane_lets_records_go_by_and_has_them_read_again_once_there_is_room() -> None:
    lane = Lane(Partition("t", 0))
    for offset in range(CAPACITY + 10):
        lane.take(record(offset))
    assert (len(lane.waiting), lane.full, lane.may_reopen) == (CAPACITY, True, False)

    while not lane.may_reopen:
        lane.finish()
    assert lane.reopen() == CAPACITY
    lane.take(record(CAPACITY))
    assert lane.waiting[-1].offset == CAPACITY
    assert not lane.full


def test_a_backoff_doubles_up_to_its_longest_wait_give_or_take_the_spread() -> None:
    backoff = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=10), spread=0.25)
    chance = Chance(1)
    for failures, middle in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (500, 10)]:
        waits = [backoff.wait(failures, chance).total_seconds() for _ in range(50)]
        assert middle * 0.75 <= min(waits) < max(waits) <= middle * 1.25
