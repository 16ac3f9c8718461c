"""How people are reached, in words: whose contacts nobody verified, chains by urgency, and quiet hours."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.statuspage.domain import record, words

DIGITS: Final = 6
"""Of a code."""

PLACES: Final = ("", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ", "eighth ", "ninth ")
DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Step = tuple[str, timedelta | None]
"""A contact by its channel and place (``sms``, ``sms.2``), and how long after the first step; ``None`` is where that before it failed."""


def summary(people: int, unverified: int, without: int) -> str:
    """The first line: how many of the people have contacts that nobody verified, and how many have none."""
    if not people:
        return "There is nobody yet"
    everybody = "everybody" if people == 1 else f"all {words.number(people)} people"
    if not unverified and not without:
        return f"Every contact of {everybody} is verified"
    told = []
    if unverified == people > 1:
        told.append(f"{everybody} have contacts that nobody verified")
    elif unverified:
        told.append(f"{_of(unverified, people)} {'has' if unverified == 1 else 'have'} contacts that nobody verified")
    if without:
        told.append(
            f"{words.number(without) if told else _of(without, people)} {'has' if without == 1 else 'have'} no contact at all"
        )
    return words.capital("; ".join(told))


def own_summary(contacts: int, unverified: int) -> str:
    """The first line for somebody who sees nobody but themselves."""
    if not contacts:
        return "You have no contact at all"
    if not unverified:
        return "Every contact of yours is verified"
    if contacts == 1:
        return "Your contact is not verified"
    return f"{words.capital(words.number(unverified))} of your {words.number(contacts)} contacts {'is' if unverified == 1 else 'are'} not verified"


def code_of(text: str) -> str | None:
    """The code that somebody typed, without what they put between its digits; ``None`` for what is none."""
    found = "".join(text.split()).replace("-", "")
    return found if len(found) == DIGITS and found.isascii() and found.isdigit() else None


def named(contact: str) -> str:
    """``sms`` as ``SMS``, ``sms.2`` as ``second SMS``."""
    channel, _, place = contact.partition(".")
    number = int(place) if place.isdigit() else 1
    return f"{PLACES[number - 1] if 0 < number <= len(PLACES) else ''}{record.channel(channel)}"


def chain(steps: Sequence[Step], channels: Sequence[str], *, high: bool) -> str:
    """A chain in words; an empty one is all contacts in their order, and a high one ends with those that it leaves out."""
    listed = contacts(channels)
    taken = list(steps) or [(contact, None) for contact in listed]
    told = [_step(contact, after, first=not index) for index, (contact, after) in enumerate(taken)]
    rest = [one for one in listed if one not in {contact for contact, _ in taken}]
    if high and rest:
        told.append(f"then {words.listed([named(one) for one in rest])} if all of these fail")
    return words.capital(", ".join(told))


def contacts(channels: Sequence[str]) -> list[str]:
    """What a step calls each contact: the channel, and from its second on which one."""
    told = []
    for index, channel in enumerate(channels):
        place = channels[: index + 1].count(channel)
        told.append(channel if place == 1 else f"{channel}.{place}")
    return told


def quiet(days: Sequence[str], hours: str) -> str:
    """``Mon to Fri, 22:00 to 07:00``."""
    begin, _, end = hours.partition("-")
    when = "all day" if begin == end else f"{begin} to {end}"
    return f"{_days(sorted(DAYS.index(day) for day in days if day in DAYS))}, {when}"


def _of(count: int, people: int) -> str:
    return f"{words.number(count)} of {words.counted(people, 'person', 'people')}"


def _step(contact: str, after: timedelta | None, *, first: bool) -> str:
    if first:
        return f"{named(contact)} at once"
    return f"then {named(contact)} if that fails" if after is None else f"{named(contact)} after {words.span(after)}"


def _days(numbers: Sequence[int]) -> str:
    if len(numbers) == len(DAYS):
        return "every day"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return words.listed([_run(run) for run in runs])


def _run(run: Sequence[int]) -> str:
    if len(run) == 1:
        return NAMES[run[0]]
    return f"{NAMES[run[0]]} {'and' if len(run) == 2 else 'to'} {NAMES[run[-1]]}"
