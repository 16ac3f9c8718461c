"""Maintenance that recurs: which announcement of it is the newest, and which of its occurrences are no more.

One calendar announces the occurrences of some weeks. A later version of the same event (RFC 5545, 3.8.7.4: a higher ``SEQUENCE``, or as high a one
and a later ``DTSTAMP``) may have lost some: an ``EXDATE`` was added, the rule was shortened, all of it was called off. What was announced and is no
more is cancelled by the same key. An occurrence that was changed alone (``RECURRENCE-ID``) stays as it was told until the event itself says something newer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from libs.common.events.base import TriggerKind, Window
from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading, Series, Version

TOLD_LIMIT: Final = 2_000
"""Occurrences that are remembered of one event; the oldest are forgotten first."""

Reason = Literal["new", "newer_version", "single_occurrence", "older_version", "does_not_recur"]
"""Why an announcement counts, or does not."""

OLDER: Final = "A newer announcement of this maintenance came before."


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence that was announced. ``alone``: by which version, where it was announced by itself."""

    kind: TriggerKind
    title: str
    starts_at: datetime
    ends_at: datetime | None
    alone: Version | None = None

    @property
    def over_at(self) -> datetime:
        """When it is over."""
        return self.ends_at or self.starts_at


Told = Mapping[str, Occurrence]
"""What was announced of an event, by dedup key."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an event that recurs."""

    version: Version
    told: Told = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revised:
    """What an announcement changes: ``triggers`` count, ``passed`` do not, and ``known`` is what is known then (``None``: nothing)."""

    reason: Reason
    triggers: tuple[ParsedTrigger, ...]
    passed: tuple[Ignored, ...] = ()
    known: Known | None = None
    newest: bool = False
    """Whether it is this body that the event is read from, from now on."""


def revise(series: Series, mine: Sequence[ParsedTrigger], known: Known | None, now: datetime) -> Revised:
    """What an announcement of an event means, ``mine`` being the triggers of its occurrences."""
    if known is None:
        if not (series.whole and series.recurs):
            return Revised("does_not_recur", tuple(mine))
        return Revised("new", tuple(mine), known=_told(Known(series.version), mine, now), newest=True)
    if not series.whole:
        alone = [(one, known.told.get(one.dedup_key)) for one in mine]
        fresh = [one for one, before in alone if not _is_older(series.version, before)]
        passed = _passed(one for one, before in alone if _is_older(series.version, before))
        after = _told(known, fresh, now, alone=series.version)
        return Revised("single_occurrence", tuple(fresh), passed, after)
    if series.version.is_older_than(known.version):
        return Revised("older_version", (), _passed(mine), known)
    older = {one.dedup_key for one in mine if _is_older(series.version, known.told.get(one.dedup_key), same=True)}
    fresh = [one for one in mine if one.dedup_key not in older]
    gone = _gone(series, {one.dedup_key for one in mine}, known.told, now)
    left = {key: told for key, told in known.told.items() if key not in {one.dedup_key for one in gone}}
    after = _told(Known(series.version, left), fresh, now)
    passed = _passed(one for one in mine if one.dedup_key in older)
    return Revised("newer_version", (*fresh, *gone), passed, after, newest=True)


def ahead(
    series: Series, mine: Iterable[ParsedTrigger], known: Known, now: datetime
) -> tuple[tuple[ParsedTrigger, ...], Known]:
    """The occurrences that have come near enough to be announced since the body was read last, and what is known then."""
    fresh = tuple(
        one for one in mine if one.status == "firing" and one.dedup_key not in known.told and _over_at(one, now) > now
    )
    return fresh, _told(Known(series.version, known.told), fresh, now)


def _is_older(version: Version, before: Occurrence | None, *, same: bool = False) -> bool:
    """Whether the occurrence was changed alone by something newer. ``same``: what is no newer than that changes it no more."""
    if before is None or before.alone is None:
        return False
    return version.is_older_than(before.alone) or (same and not before.alone.is_older_than(version))


def _over_at(one: ParsedTrigger, now: datetime) -> datetime:
    return now if one.window is None else one.window.ends_at or one.window.starts_at


def _gone(series: Series, present: set[str], told: Told, now: datetime) -> list[ParsedTrigger]:
    """The ends of what was announced, is not over and is no longer part of the event."""
    return [
        ParsedTrigger(
            kind=one.kind,
            status="resolved",
            dedup_key=key,
            title=one.title,
            category="maintenance",
            window=Window(starts_at=one.starts_at, ends_at=one.ends_at),
            sequence=series.version.sequence,
            ending="cancelled",
            series=series.key,
        )
        for key, one in told.items()
        if key not in present and one.over_at > now and not _is_older(series.version, one, same=True)
    ]


def _told(known: Known, triggers: Iterable[ParsedTrigger], now: datetime, *, alone: Version | None = None) -> Known:
    told = {key: one for key, one in known.told.items() if one.over_at > now}
    for one in triggers:
        if one.window is not None:
            told[one.dedup_key] = Occurrence(one.kind, one.title, one.window.starts_at, one.window.ends_at, alone)
    latest = sorted(told.items(), key=lambda pair: pair[1].starts_at)[-TOLD_LIMIT:]
    return replace(known, told=dict(latest))


def _passed(triggers: Iterable[ParsedTrigger]) -> tuple[Ignored, ...]:
    return tuple(Ignored("no-news", OLDER, trigger=one) for one in triggers)


def split(reading: Reading) -> dict[str, tuple[ParsedTrigger, ...]]:
    """The triggers of each event of a body."""
    keys = [series.key for series in reading.series]
    return {key: tuple(one for one in reading.triggers if one.series == key) for key in keys}
