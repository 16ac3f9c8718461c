"""What a change of routing, ladders or clocks does to people: which triggers would find others, and what would come at another time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final

from libs.common.events.base import TriggerKind
from services.escalator.domain.conditions import Described, TextTest, When
from services.escalator.domain.policies import Clocks, Ladder, ObligationPolicy, Policies, Repeat, Rule
from services.escalator.domain.routing import Routed, route
from services.escalator.domain.timeline import KINDS, duration

AHEAD: Final = timedelta(days=7)
"""How far ahead times of the wall clock are looked at: every rule's week, once."""
GRID: Final = timedelta(minutes=15)
MOST_NAMED: Final = 3
"""Of more triggers that change alike the rest is counted."""
MOST_EXAMPLES: Final = 500

_CALLED: Final[dict[TriggerKind, str]] = {
    "telemetry": "a telemetry alarm",
    "maintenance": "a scheduled maintenance",
    "ticket": "a ticket",
    "provider": "a provider's notice",
    "tool": "a tool owner's notice",
}


def effects(before: Policies, after: Policies, seen: Iterable[Described], now: datetime) -> list[str]:
    """Every difference, a sentence each. ``seen`` is what happened lately; to it come the five kinds for all that the rules name."""
    tried = list({repr(each): each for each in (*_examples(before, after), *seen)}.values())[:MOST_EXAMPLES]
    moments = _moments((*before.routing.rules, *after.routing.rules), now)
    alike: dict[str, list[str]] = {}
    for example in tried:
        told = [(moment, difference(before, after, example, moment)) for moment in moments]
        always = len({text for _, text in told}) == 1
        for text in dict.fromkeys(text for _, text in told if text):
            first = next(moment for moment, other in told if other == text)
            when = "" if always else f" (as on {first:%a %Y-%m-%d %H:%M} UTC)"
            alike.setdefault(text + when, []).append(_name(example))
    routes = [f"{_some(names)}: {text}." for text, names in alike.items()]
    return [*routes, *_ladders(before, after), *_clocks(before, after)]


def difference(before: Policies, after: Policies, trigger: Described, at: datetime) -> str:
    """How a trigger would be routed otherwise, as the end of a sentence; empty where it would not."""
    was, now = route(before.routing, trigger, at), route(after.routing, trigger, at)
    parts = [
        f"{verb} {new} instead of {old}"
        for verb, old, new in (
            ("goes to", _refs(was), _refs(now)),
            ("climbs the ladder", was.ladder, now.ladder),
            ("has the clocks", was.clocks, now.clocks),
            ("is called", was.category, now.category),
        )
        if old != new
    ]
    if not parts:
        return ""
    why = f"rule {now.rule}" if was.rule == now.rule else f"rule {now.rule} instead of {was.rule}"
    return f"{' and '.join(parts)} ({why})"


def _name(one: Described) -> str:
    about = (
        ("for", one.service),
        ("about", one.tool),
        ("of", one.tenants[0] if one.tenants else None),
        ("through", one.integration),
        ("with", f"“{_short(one.title)}”" if one.title else None),
    )
    return " ".join([_CALLED[one.kind], *(f"{word} {value}" for word, value in about if value)])


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _examples(*either: Policies) -> Iterator[Described]:
    rules = [rule for policies in either for rule in policies.routing.rules]
    asked = [when for rule in rules for when in _within(rule.when)]
    services = dict.fromkeys(name for when in asked for name in when.service)
    tenants = dict.fromkeys(name for when in asked for name in when.tenant)
    tools = dict.fromkeys(name for when in asked for name in when.tool)
    for kind in _CALLED:
        yield Described(kind)
        yield from (Described(kind, service=name) for name in services)
        yield from (Described(kind, tenants=(name,)) for name in tenants)
        yield from (Described(kind, tool=name) for name in tools)
    for when in asked:
        for kind in when.kind or _CALLED:
            yield from (
                _answering(when, kind, service, tenant)
                for service in when.service or (None,)
                for tenant in when.tenant or (None,)
            )


def _answering(when: When, kind: TriggerKind, service: str | None, tenant: str | None) -> Described:
    """A trigger of which most of what a rule asks holds; for expressions there is none to make."""
    return Described(
        kind,
        when.source[0] if when.source else "",
        service=service,
        tool=when.tool[0] if when.tool else None,
        tenants=(tenant,) if tenant else (),
        severity=when.severity[0] if when.severity else "critical",
        category=when.category[0] if when.category else None,
        integration=when.integration[0] if when.integration else None,
        provider=when.provider[0] if when.provider else None,
        title=_text(when.title),
        description=_text(when.description),
        labels={name: _text(test) for name, test in when.labels.items()},
    )


def _text(test: TextTest | None) -> str:
    return (*test.equals, *test.contains, "")[0] if test else ""


def _within(when: When) -> Iterator[When]:
    yield when
    for inner in (*when.any_of, *when.none_of):
        yield from _within(inner)


def _moments(rules: Iterable[Rule], now: datetime) -> list[datetime]:
    """One moment of the coming days for each combination of times that hold, now first."""
    times = dict.fromkeys(each for rule in rules for when in _within(rule.when) for each in when.during)
    found: dict[tuple[bool, ...], datetime] = {}
    for step in range(AHEAD // GRID if times else 1):
        moment = now + GRID * step
        found.setdefault(tuple(each.holds(moment) for each in times), moment)
    return list(found.values())


def _ladders(before: Policies, after: Policies) -> Iterator[str]:
    later = {ladder.id: ladder for ladder in after.ladders}
    for was in before.ladders:
        if was.id in later and was != later[was.id]:
            yield from (f"Ladder {was.id}: {text}." for text in _ladder(was, later[was.id]))


def _ladder(was: Ladder, now: Ladder) -> Iterator[str]:
    for number, (old, new) in enumerate(zip_longest(_climbed(was), _climbed(now)), start=1):
        if new is None:
            yield f"rung {number} ({old[0]}) is gone"
        elif old is None:
            yield f"rung {number} ({new[0]}) is new, {_after(new[2])}, to {_and(new[1])}"
        else:
            if old[2] != new[2]:
                yield f"rung {number} ({new[0]}) comes {_after(new[2])} instead of {_after(old[2])}"
            if old[1] != new[1]:
                yield f"rung {number} ({new[0]}) goes to {_and(new[1])} instead of {_and(old[1])}"
    if was.repeat != now.repeat:
        yield f"unanswered at the top it {_again(now.repeat)}; until now it {_again(was.repeat)}"


def _climbed(ladder: Ladder) -> Iterator[tuple[str, Sequence[str], timedelta]]:
    """Each rung: its name, its roles, and how long after the opening it comes where nobody answers."""
    passed = timedelta(0)
    for rung in ladder.rungs:
        passed += rung.after
        yield rung.name, rung.roles, passed


def _clocks(before: Policies, after: Policies) -> Iterator[str]:
    later = {clocks.id: clocks for clocks in after.clocks}
    for was in before.clocks:
        if was.id in later and was != later[was.id]:
            yield from (f"Clocks {was.id}: {text}." for text in _promises(was, later[was.id]))


def _promises(was: Clocks, now: Clocks) -> Iterator[str]:
    for kind, name in KINDS.items():
        old, new = was.of(kind), now.of(kind)
        if old is None and new is not None:
            yield f"the {name} is promised, every {duration(new.every)}, to {_heard(new)}"
        elif new is None and old is not None:
            yield f"the {name} is no longer promised"
        elif old is not None and new is not None and old != new:
            yield f"the {name} {_promise(old, new)}"


def _promise(was: ObligationPolicy, now: ObligationPolicy) -> str:
    parts = []
    if was.every != now.every:
        parts.append(f"comes every {duration(now.every)} instead of every {duration(was.every)}")
    if _heard(was) != _heard(now):
        parts.append(f"goes to {_heard(now)} instead of {_heard(was)}")
    if was.remind_before != now.remind_before:
        parts.append(f"has its reminder {_before(now.remind_before)} instead of {_before(was.remind_before)}")
    if was.remind != now.remind:
        parts.append(f"reminds {_and(now.remind)} instead of {_and(was.remind)}")
    if was.owed_by != now.owed_by:
        parts.append(f"is owed by the {now.owed_by} instead of the {was.owed_by}")
    return " and ".join(parts)


def _heard(policy: ObligationPolicy) -> str:
    """Who gets it; of what a person owes, who hears of a miss."""
    return _and(policy.missed) + " when missed" if policy.owed_by == "person" else _and(policy.audience)


def _before(span: timedelta | None) -> str:
    return f"{duration(span)} before" if span else "never"


def _after(passed: timedelta) -> str:
    return f"{duration(passed)} after the opening" if passed else "at once"


def _again(repeat: Repeat | None) -> str:
    if repeat is None or repeat.times == 0:
        return "does not start over"
    return f"starts over after {duration(repeat.after)}, {repeat.times} times"


def _refs(routed: Routed) -> str:
    return _and(routed.first)


def _some(names: Sequence[str]) -> str:
    told = list(dict.fromkeys(names))
    shown, more = told[:MOST_NAMED], len(told) - MOST_NAMED
    text = _and(shown) if more <= 0 else f"{', '.join(shown)} and {more} more"
    return text[0].upper() + text[1:]


def _and(names: Sequence[str]) -> str:
    return "".join(names) if len(names) <= 1 else f"{', '.join(names[:-1])} and {names[-1]}"
