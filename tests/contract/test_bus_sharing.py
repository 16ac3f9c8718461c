"""How partitions are shared out between the members of a group."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.bus import postgres_group
from libs.common.bus.postgres_group import Beats, Peer
from libs.common.bus.sharing import Reader, Slice, share_out

TOPICS = ["a", "b", "c"]


def slices(**partitions: int) -> list[Slice]:
    pieces = [(topic, number) for topic, count in partitions.items() for number in range(count)]
    return [Slice(identity, topic, number) for identity, (topic, number) in enumerate(pieces)]


def test_a_lone_reader_gets_everything() -> None:
    assert share_out([Reader(1, frozenset("ab"))], slices(a=3, b=2)) == {1: frozenset(range(5))}


def test_partitions_of_one_topic_go_to_its_readers_only() -> None:
    shares = share_out([Reader(1, frozenset("a")), Reader(2, frozenset("b"))], slices(a=3, b=2))
    assert shares == {1: frozenset({0, 1, 2}), 2: frozenset({3, 4})}


def test_a_topic_without_a_reader_is_nobodys() -> None:
    assert share_out([Reader(1, frozenset("a"))], slices(b=2)) == {1: frozenset()}


def test_topics_with_one_partition_each_do_not_pile_up_on_the_oldest_reader() -> None:
    shares = share_out([Reader(n, frozenset("abc")) for n in (1, 2, 3)], slices(a=1, b=1, c=1))
    assert sorted(len(share) for share in shares.values()) == [1, 1, 1]


@given(st.sets(st.integers(1, 50), min_size=1, max_size=9), st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_every_partition_has_one_reader_and_the_shares_are_even(numbers: set[int], counts: list[int]) -> None:
    pieces = slices(**dict(zip(TOPICS, counts, strict=True)))
    shares = share_out([Reader(number, frozenset(TOPICS)) for number in numbers], pieces)
    handed_out = [identity for share in shares.values() for identity in share]
    assert sorted(handed_out) == sorted(piece.identity for piece in pieces)
    sizes = [len(share) for share in shares.values()]
    assert max(sizes) - min(sizes) <= 1


def peer(number: int, beat: int) -> Peer:
    return Peer(number, frozenset("a"), beat, session=100 + number)


def test_a_member_whose_beat_stands_still_beyond_the_lease_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    class Watch:
        def __init__(self) -> None:
            self.start = now

        def seconds(self) -> float:
            return now - self.start

    monkeypatch.setattr(postgres_group, "Stopwatch", Watch)
    beats = Beats(timedelta(seconds=10))
    assert beats.hung([peer(1, 5), peer(2, 5)]) == []
    now = 10.1
    assert beats.hung([peer(1, 6), peer(2, 5)]) == [peer(2, 5)]


def test_a_member_whose_beat_stands_still_within_the_lease_does_not_hang() -> None:
    beats = Beats(timedelta(hours=1))
    assert beats.hung([peer(1, 5)]) == []
    assert beats.hung([peer(1, 5)]) == []
