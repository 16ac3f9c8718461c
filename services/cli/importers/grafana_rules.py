"""Personal notification rules of Grafana OnCall: two lists of steps for each user, *default* and *important*, with waits between them.

https://grafana.com/docs/oncall/latest/oncall-api-reference/personal_notification_rules/
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from services.cli.importers.chains import Wish, chain, put
from services.cli.importers.draft import PLACE, Draft

_CHANNELS: Final[Mapping[str, str]] = {
    "notify_by_sms": "sms",
    "notify_by_phone_call": "voice",
    "notify_by_email": "email",
    "notify_by_slack": "slack",
}


def take_rules(rules: Sequence[dict[str, Any]], person: dict[str, Any], draft: Draft) -> None:
    """Carry the rules of one user over: what is important there is urgent here, and the default is for everything else."""
    if not rules:
        return
    important, default = (
        _wishes([one for one in rules if bool(one.get("important")) is which], person, draft) for which in (True, False)
    )
    if default and not important:
        draft.changed(
            f"person {person['name']}", "has no important notification rules; what is urgent goes by the default ones"
        )
    high, low = chain(person, important or default, "high", draft), chain(person, default, "low", draft)
    put(person, {"high": high, "low": low}, draft)


def _wishes(rules: Sequence[dict[str, Any]], person: dict[str, Any], draft: Draft) -> list[Wish]:
    """What a list asks for, each after all waits before it."""
    found = []
    after = timedelta(0)
    for rule in sorted(rules, key=lambda one: int(one.get("position") or 0)):
        kind = str(rule.get("type") or "")
        if kind == "wait":
            after += timedelta(seconds=int(rule.get("duration") or 0))
            continue
        which = "important" if rule.get("important") else "default"
        what = f"person {person['name']}: {which} notification rule {kind}"
        where = str(rule.get(PLACE) or "")
        if kind not in _CHANNELS:
            draft.left_out(what, "Tocsin has no such channel", where)
        else:
            found.append(Wish(after, _CHANNELS[kind], "", what, where))
    return found
