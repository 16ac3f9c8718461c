"""Spans between two points of a line, the end exclusive: joined, cut, intersected. Lists of spans are in order and do not overlap."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final, TypeVar

Point = TypeVar("Point", datetime, timedelta)

Span = tuple[datetime, datetime]
"""From, and until, exclusively."""

_BEGIN: Final = itemgetter(0)


def joined(spans: Iterable[tuple[Point, Point]]) -> list[tuple[Point, Point]]:
    """The union: spans that overlap or touch become one."""
    found: list[tuple[Point, Point]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def common(span: Span, others: Sequence[Span]) -> list[Span]:
    """What ``span`` has in common with ``others``."""
    begin, end = span
    found = []
    for index in range(_first(others, begin), len(others)):
        first, last = others[index]
        if first >= end:
            break
        if last > begin:
            found.append((max(first, begin), min(last, end)))
    return found


def without(span: Span, others: Sequence[Span]) -> list[Span]:
    """What is left of ``span`` where ``others`` are not."""
    begin, end = span
    found = []
    for first, last in common(span, others):
        if first > begin:
            found.append((begin, first))
        begin = last
    if begin < end:
        found.append((begin, end))
    return found


def gaps(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """The stretches of ``[start, end)`` that no span covers."""
    return without((start, end), joined(spans)) if start < end else []


def _first(spans: Sequence[Span], at: datetime) -> int:
    """Where to begin looking for what touches ``at`` or comes later."""
    return max(0, bisect_right(spans, at, key=_BEGIN) - 1)
