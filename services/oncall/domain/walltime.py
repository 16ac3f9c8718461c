"""The instants at which a zone's clocks show a time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from libs.common.wallclock import Hours, Zone, hours_of

__all__ = ["Hours", "Zone", "hours_of", "instant_at", "instant_of"]


def instant_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks of ``zone`` show ``clock`` on ``day``.

    A time that occurs twice (clocks go back) means its first occurrence. A time that does not occur (clocks go
    forward) means the first minute after the gap. So later clock times never give earlier instants.
    """
    return instant_at(datetime.combine(day, clock), zone)


def instant_at(wall: datetime, zone: ZoneInfo) -> datetime:
    """:func:`instant_of` of a day and a time in one, without a zone."""
    shown = wall.replace(tzinfo=zone, fold=0)
    first = shown.astimezone(UTC)
    # within one zone Python compares what the clocks show, not the instants
    return first if first.astimezone(zone) == shown else _after_gap(wall, zone)


def _after_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first whole minute on the wall after the gap that ``wall`` lies in (PEP 495: fold=1 reads it with the later offset)."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after + timedelta(seconds=-after.astimezone(zone).second % 60)
