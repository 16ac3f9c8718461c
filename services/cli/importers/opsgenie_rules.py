"""Notification rules of an Opsgenie user: of those for new alerts the first that an alert meets says how its user is told.

A rule may ask for priorities. What is urgent goes as an alert of P1 does, everything else as one of P5; a rule that asks anything
else cannot be carried over, and is passed over with a note. https://docs.opsgenie.com/docs/notification-rule-api
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.cli.importers.chains import Urgency, Wish, chain, outside, put
from services.cli.importers.draft import Draft
from services.cli.importers.turns import Stretch

_UNITS: Final = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}
_PRIORITIES: Final[dict[Urgency, int]] = {"high": 1, "low": 5}
_QUANTIFIERS: Final[dict[str, Callable[[Sequence[bool]], bool]]] = {
    "match-all": lambda _: True,
    "match-all-conditions": all,
    "match-any-condition": any,
}


@dataclass(frozen=True)
class _Rule:
    """A rule for new alerts, with where it stands."""

    said: dict[str, Any]
    what: str
    where: str


def take_rules(
    user: dict[str, Any], person: dict[str, Any], draft: Draft, mask: Callable[[Any], list[Stretch]]
) -> None:
    """Carry the notification rules of a user over. ``mask`` reads a time restriction."""
    rules = _rules(user, person, draft)
    used = {urgency: _first(rules, priority, draft) for urgency, priority in _PRIORITIES.items()}
    chains = {
        urgency: chain(person, _wishes(found, draft), urgency, draft) if found else []
        for urgency, found in used.items()
    }
    put(person, chains, draft)
    for rule in {one.what: one for one in used.values() if one}.values():
        if (rule.said.get("repeat") or {}).get("enabled"):
            draft.left_out(
                f"{rule.what}: its repetition", "a chain is gone through once; the ladder repeats", rule.where
            )
    high, low = used["high"], used["low"]
    if high and high.said.get("timeRestriction"):
        draft.changed(high.what, "pages come at any hour, where they kept to its times", high.where)
    if low and low.said.get("timeRestriction") and chains["low"]:
        _keep_quiet(low, rules, person, draft, outside(mask(low.said["timeRestriction"])))
    for rule in rules:
        if rule not in used.values():
            draft.left_out(
                rule.what, "another rule comes before it; chains do not differ by anything but urgency", rule.where
            )


def _keep_quiet(
    low: _Rule, rules: Sequence[_Rule], person: dict[str, Any], draft: Draft, quiet: list[dict[str, Any]]
) -> None:
    """Whoever is told of nothing at other hours has quiet hours then."""
    if any(_meets(rule.said, _PRIORITIES["low"]) for rule in rules[rules.index(low) + 1 :]):
        draft.left_out(
            f"{low.what}: its times", "another rule counts at other hours; chains do not differ by the hour", low.where
        )
    elif quiet:
        person["quiet_hours"] = quiet
        draft.changed(low.what, "the hours in which it does not count are quiet hours", low.where)


def _rules(user: dict[str, Any], person: dict[str, Any], draft: Draft) -> list[_Rule]:
    """The rules for new alerts that can be carried over, in their order."""
    found = []
    for number, said in enumerate(user["notificationRules"]):
        rule = _Rule(
            said,
            f"person {person['name']}: notification rule {said.get('name') or number + 1}",
            draft.beneath(f"notificationRules/{number}"),
        )
        action = said.get("actionType") or "create-alert"
        if said.get("enabled") is False:
            draft.left_out(rule.what, "it is switched off", rule.where)
        elif action != "create-alert":
            draft.left_out(rule.what, f"chains do not differ by what happens ({action})", rule.where)
        elif (asked := _asked(said)) is not None:
            draft.left_out(rule.what, f"chains do not differ by {asked}", rule.where)
        else:
            found.append(rule)
    return sorted(found, key=lambda one: int(one.said.get("order") or 0))


def _asked(said: dict[str, Any]) -> str | None:
    """What a rule asks that is no priority."""
    criteria = said.get("criteria") or {}
    if str(criteria.get("type") or "match-all") not in _QUANTIFIERS:
        return str(criteria["type"])
    for condition in _conditions(said):
        field, operation = str(condition.get("field")), str(condition.get("operation"))
        value = str(condition.get("expectedValue") or "").upper()
        if field != "priority":
            return field
        if operation not in {"equals", "greater-than", "less-than"} or value not in {"P1", "P2", "P3", "P4", "P5"}:
            return f"priority {operation} {condition.get('expectedValue')}"
    return None


def _conditions(said: dict[str, Any]) -> list[dict[str, Any]]:
    criteria = said.get("criteria") or {}
    return list(criteria.get("conditions") or []) if criteria.get("type", "match-all") != "match-all" else []


def _first(rules: Sequence[_Rule], priority: int, draft: Draft) -> _Rule | None:
    """The first rule that an alert of this priority meets."""
    found = next((rule for rule in rules if _meets(rule.said, priority)), None)
    for condition in _conditions(found.said) if found else []:
        if found and condition["operation"] != "equals":
            told = f"{condition['operation']} {condition['expectedValue']}"
            draft.changed(found.what, f"{told} is read so that P1 is the greatest priority", found.where)
    return found


def _meets(said: dict[str, Any], priority: int) -> bool:
    """Whether an alert of a priority meets a rule. P1 is the greatest."""
    held = []
    for condition in _conditions(said):
        wanted = int(str(condition["expectedValue"])[1:])
        holds = {"equals": priority == wanted, "greater-than": priority < wanted, "less-than": priority > wanted}
        held.append(holds[str(condition["operation"])] is not bool(condition.get("not")))
    return _QUANTIFIERS[str((said.get("criteria") or {}).get("type") or "match-all")](held)


def _wishes(rule: _Rule, draft: Draft) -> list[Wish]:
    found = []
    for number, step in enumerate(rule.said.get("steps") or []):
        contact, delay = step.get("contact") or {}, step.get("sendAfter") or {}
        method, to = str(contact.get("method") or ""), str(contact.get("to") or "")
        what = f"{rule.what}: {method} {to}".rstrip()
        where = f"{rule.where}/steps/{number}" if rule.where else ""
        if step.get("enabled") is False or method not in {"email", "sms", "voice"}:
            draft.left_out(what, "it is switched off, or Tocsin has no such channel", where)
            continue
        unit = _UNITS.get(str(delay.get("timeUnit") or "minutes"), timedelta(minutes=1))
        address = to if method == "email" else f"+{to.lstrip('+')}"
        found.append(Wish(unit * int(delay.get("timeAmount") or 0), method, address, what, where))
    return found
