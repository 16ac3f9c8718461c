"""Personal notification rules of other tools, as chains: which contact how long after the first, for what is urgent and for what is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from libs.common.durations import text_of
from services.cli.importers.draft import Draft, tidy
from services.cli.importers.turns import DAY, DAYS, WEEK, Stretch

Urgency = Literal["high", "low"]
Step = str | dict[str, str]
"""As ``people.yaml`` writes it: ``sms``, or ``{email: 5m}``."""

MOST: Final = 9
"""A step names the ninth contact of a channel, and no later one."""


@dataclass(frozen=True)
class Wish:
    """What a rule of theirs asks for: a contact, so long after the alert."""

    after: timedelta
    channel: str
    address: str
    """Empty is the first contact of the channel."""
    what: str
    """The rule, for notes."""
    where: str
    """Where it stands."""


def chain(person: Mapping[str, Any], wishes: Sequence[Wish], urgency: Urgency, draft: Draft) -> list[Step]:
    """The steps of a chain, in the order of their times. What has no contact in the tree is noted and left out."""
    points = person.get("contacts", [])
    found: list[tuple[timedelta, str]] = []
    for wish in sorted(wishes, key=lambda one: one.after):
        name = _name(points, wish)
        if name is None:
            draft.left_out(wish.what, f"the person has no such {wish.channel} contact here", wish.where)
        else:
            found.append((wish.after, name))
    if not found:
        return []
    begin = found[0][0]
    if begin:
        what = f"person {person['name']}: what is of {urgency} urgency"
        draft.changed(what, f"begins at once, where it waited {text_of(begin)}")
    return [name if not place else {name: text_of(after - begin)} for place, (after, name) in enumerate(found)]


def put(person: dict[str, Any], chains: Mapping[Urgency, Sequence[Step]], draft: Draft) -> None:
    """Give a person of the tree these chains, and note for which urgency there is none."""
    found = {urgency: list(steps) for urgency, steps in chains.items() if steps}
    if not found:
        return
    person["chain"] = found
    for urgency in chains.keys() - found.keys():
        draft.changed(
            f"person {person['name']}",
            f"has no notification rule for {urgency} urgency that could be carried over; all contacts are tried in their order",
        )


def outside(mask: Sequence[Stretch]) -> list[dict[str, Any]]:
    """The quiet hours that are left where somebody is told only within ``mask``; none where nothing is left, or where it is empty."""
    told = [False] * WEEK
    for begin, lasts in mask:
        for minute in range(begin, begin + lasts):
            told[minute % WEEK] = True
    starts = [minute for minute in range(WEEK) if told[minute - 1] and not told[minute]]
    by_hours: dict[str, list[int]] = {}
    for start in starts:
        end = next(minute for minute in range(start, start + WEEK) if told[minute % WEEK])
        for day, hours in _days(start, end):
            by_hours.setdefault(hours, []).append(day)
    return [
        {"days": ", ".join(DAYS[day] for day in sorted(set(days))), "hours": hours} for hours, days in by_hours.items()
    ]


def _days(start: int, end: int) -> list[tuple[int, str]]:
    """A stretch as hours of days. One that is no longer than a day belongs to the day on which it begins."""
    if end - start <= DAY:
        return [(start // DAY, f"{_clock(start % DAY)}-{_clock((end - 1) % DAY + 1)}")]
    midnight = (start // DAY + 1) * DAY
    first = [(start // DAY % 7, f"{_clock(start % DAY)}-24:00")]
    return [*first, *((day % 7, hours) for day, hours in _days(midnight, end))]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _name(points: Sequence[Mapping[str, str]], wish: Wish) -> str | None:
    """How a step names the contact of a wish."""
    addresses = [point[wish.channel] for point in points if wish.channel in point]
    wanted = tidy(wish.channel, wish.address) if wish.address else next(iter(addresses), "")
    if wanted not in addresses[:MOST]:
        return None
    place = addresses.index(wanted)
    return wish.channel if place == 0 else f"{wish.channel}.{place + 1}"
