"""How the partitions of a group are shared out between its members: pure, so that every member reckons the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reader:
    """A living member: ``number`` grows with the time of joining."""

    number: int
    topics: frozenset[str]


@dataclass(frozen=True)
class Slice:
    """A partition to hand out: ``identity`` is the engine's own, ``topic`` and ``number`` set the order."""

    identity: int
    topic: str
    number: int


def share_out(readers: Collection[Reader], slices: Collection[Slice]) -> Mapping[int, frozenset[int]]:
    """The identities of the partitions that each reader should hold, by the reader's number.

    Each partition goes to the reader of its topic that has the fewest so far, the oldest first, so that readers with
    the same topics differ by at most one partition.
    """
    shares: dict[int, set[int]] = {reader.number: set() for reader in readers}
    for piece in sorted(slices, key=lambda piece: (piece.topic, piece.number)):
        able: Sequence[int] = sorted(reader.number for reader in readers if piece.topic in reader.topics)
        if able:
            shares[min(able, key=lambda number: (len(shares[number]), number))].add(piece.identity)
    return {number: frozenset(share) for number, share in shares.items()}
