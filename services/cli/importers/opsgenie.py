"""Opsgenie: users, teams, schedules and escalations as its REST API (v2) and its backup tool write them.

https://docs.opsgenie.com/docs/api-overview
"""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from services.cli.importers.draft import Draft, NotCarried
from services.cli.importers.exports import Export
from services.cli.importers.opsgenie_rules import take_rules
from services.cli.importers.turns import DAY, WEEK, Rotation, Stretch, layers

KINDS: Final = {
    name: plural
    for singular, plural in (
        ("user", "users"),
        ("team", "teams"),
        ("schedule", "schedules"),
        ("escalation", "escalations"),
        ("service", "services"),
    )
    for name in (singular, plural)
}

_CHANNELS: Final = {"email": "email", "sms": "sms", "voice": "voice"}
_SNAKE: Final = re.compile(r"_([a-z])")
_UNITS: Final = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
_MINUTES: Final = {"minutes": 1, "hours": 60, "days": DAY}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def take(export: Export, draft: Draft) -> None:
    """Carry everything over into ``draft``. Fields may be in ``camelCase``, or in ``snake_case`` as Terraform writes them."""
    export = {kind: [_camel(one) for one in things] for kind, things in export.items()}
    for user in draft.each(export.get("users", [])):
        _person(user, draft)
    for team in draft.each(export.get("teams", [])):
        _team(team, draft)
    for schedule in draft.each(export.get("schedules", [])):
        _rota(schedule, draft)
    for escalation in draft.each(export.get("escalations", [])):
        _ladder(escalation, draft)
    for service in draft.each(export.get("services", [])):
        _service(service, draft)


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {_SNAKE.sub(lambda match: match[1].upper(), key): _camel(one) for key, one in value.items()}


def _person(user: dict[str, Any], draft: Draft) -> None:
    username = str(user.get("username") or "")
    name = str(user.get("fullName") or username or user["id"])
    contacts = []
    for method in user.get("userContacts") or user.get("contacts") or []:
        said = str(method.get("contactMethod") or method.get("method") or "")
        address = str(method.get("to") or "")
        channel = _CHANNELS.get(said)
        if channel is None or method.get("enabled") is False:
            draft.left_out(f"person {name}: {said} {address}", "it is switched off, or Tocsin has no such channel")
            continue
        contacts.append((channel, f"+{address.lstrip('+')}" if channel != "email" else address))
    if "@" in username:
        contacts.append(("email", username))
    draft.person(name, user.get("timeZone"), contacts, user.get("id"), username)
    if user.get("blocked"):
        draft.changed(f"person {name}", "is blocked there, and may be on call here")
    if user.get("notificationRules"):
        take_rules(user, draft.people[-1], draft, _mask)


def _team(team: dict[str, Any], draft: Draft) -> None:
    name = str(team["name"])
    wanted = draft.name("team", name, team.get("id"), f"name {name}")
    members = []
    for entry in team.get("members", []):
        user = entry.get("user", entry)
        found = draft.find("person", user.get("id"), user.get("username"))
        if found is None:
            draft.left_out(f"team {name}: {user.get('username') or user.get('id')}", "the export has no such user")
        else:
            members.append(found)
    draft.teams.append({"id": wanted, "name": name, "members": members})


def _rota(schedule: dict[str, Any], draft: Draft) -> None:
    name = str(schedule["name"])
    what = f"schedule {name}"
    if schedule.get("enabled") is False:
        draft.left_out(what, "it is switched off")
        return
    zone = draft.zone(schedule.get("timezone") or schedule.get("timeZone"), what)
    found: list[dict[str, Any]] = []
    for number, rotation in enumerate(schedule.get("rotations", []), 1):
        each = f"{what}: rotation {rotation.get('name') or number}"
        try:
            made = layers(_rotation(rotation, zone, each, draft), f"rotation-{number}")
        except NotCarried as error:
            draft.left_out(each, str(error))
            continue
        if len(made) > 1:
            draft.changed(
                each, f"is {len(made)} layers, one for each part of the week; the same people at the same times"
            )
        found += made
    if schedule.get("overrides"):
        draft.left_out(
            f"{what}: {len(schedule['overrides'])} overrides", "make them in the console: they are no configuration"
        )
    if not found:
        draft.left_out(what, "nothing of it could be carried over")
        return
    wanted = draft.name("rota", name, schedule.get("id"), f"name {name}")
    draft.rotas.append({"id": wanted, "name": name, "zone": zone, "layers": found})


def _rotation(rotation: dict[str, Any], zone: str, what: str, draft: Draft) -> Rotation:
    unit = _UNITS.get(str(rotation.get("type")))
    if unit is None:
        raise NotCarried(f"turns of the type {rotation.get('type')!r} are not known")
    return Rotation(
        name=str(rotation.get("name") or ""),
        people=[_group(one, what, draft) for one in rotation.get("participants") or rotation.get("participant", [])],
        start=datetime.fromisoformat(rotation["startDate"]),
        length=unit * int(rotation.get("length") or 1),
        zone=zone,
        mask=_mask(rotation.get("timeRestriction")),
        since=datetime.fromisoformat(rotation["startDate"]),
        until=datetime.fromisoformat(rotation["endDate"]) if rotation.get("endDate") else None,
    )


def _group(participant: dict[str, Any], what: str, draft: Draft) -> list[str]:
    kind = participant.get("type")
    called = participant.get("username") or participant.get("name") or participant.get("id")
    if kind == "user":
        found = draft.find("person", participant.get("id"), participant.get("username"))
        if found is None:
            raise NotCarried(f"the export has no user {called}")
        return [found]
    if kind == "team":
        team = draft.find("team", participant.get("id"), f"name {participant.get('name')}")
        members = next((list(one["members"]) for one in draft.teams if one["id"] == team), [])
        if not members:
            raise NotCarried(f"the export has no team {called}, or nobody is in it")
        draft.changed(what, f"the team {called} takes its turn as its members of today: {', '.join(members)}")
        return members
    raise NotCarried(
        "a turn that is nobody's has no place in a layer" if kind == "none" else f"a turn of {kind} {called}"
    )


def _mask(restriction: Any) -> list[Stretch]:
    """A time restriction in minutes of the week; Terraform has each in a list of one."""
    restriction = restriction[0] if isinstance(restriction, list) and restriction else restriction
    if not restriction:
        return []
    if restriction.get("type") == "time-of-day":
        one = restriction["restriction"]
        one = one[0] if isinstance(one, list) else one
        begin, end = _at(one, "start"), _at(one, "end")
        return [(day * DAY + begin, (end - begin) % DAY or DAY) for day in range(7)]
    found = []
    for one in restriction.get("restrictions", []):
        begin = _WEEKDAYS.index(str(one["startDay"]).lower()) * DAY + _at(one, "start")
        end = _WEEKDAYS.index(str(one["endDay"]).lower()) * DAY + _at(one, "end")
        found.append((begin, (end - begin) % WEEK or WEEK))
    return found


def _at(one: dict[str, Any], edge: str) -> int:
    return int(one[f"{edge}Hour"]) * 60 + int(one.get(f"{edge}Min") or 0)


def _ladder(escalation: dict[str, Any], draft: Draft) -> None:
    name = str(escalation["name"])
    by_delay: dict[int, list[str]] = {}
    for number, rule in enumerate(escalation.get("rules", []), 1):
        what = f"escalation {name}: rule {number}"
        found = _reference(rule, draft)
        if found is None or rule.get("notifyType", "default") not in {"default", "all"}:
            told = (rule.get("recipient") or {}).get("name") or rule.get("notifyType")
            draft.left_out(what, f"whom it tells ({told}) cannot be said in a ladder, or is not in the export")
            continue
        if rule.get("condition") == "if-not-closed":
            draft.changed(what, "is told until somebody acknowledges, where it was until it is closed")
        delay = rule.get("delay") or {}
        minutes = int(delay.get("timeAmount") or 0) * _MINUTES.get(str(delay.get("timeUnit", "minutes")), 1)
        by_delay.setdefault(minutes, []).append(found)
    if not by_delay:
        draft.left_out(f"escalation {name}", "nobody of it could be carried over")
        return
    rungs, before = [], min(by_delay)
    if before:
        draft.changed(f"escalation {name}", f"begins at once, where it waited {before} minutes")
    for number, minutes in enumerate(sorted(by_delay), 1):
        rungs.append({"name": f"Step {number}", "roles": by_delay[minutes], "after": f"{minutes - before}m"})
        before = minutes
    wanted = draft.name("ladder", name, escalation.get("id"), f"name {name}")
    ladder: dict[str, Any] = {"id": wanted, "name": name, "rungs": rungs}
    repeat = escalation.get("repeat") or {}
    if int(repeat.get("waitInterval") or 0):
        ladder["repeat"] = {"after": f"{repeat['waitInterval']}m", "times": min(int(repeat.get("count") or 1), 100)}
        for key in ("resetRecipientStates", "closeAlertAfterAll"):
            if repeat.get(key):
                draft.left_out(f"escalation {name}: {key}", "a ladder that begins anew only tells its rungs again")
    draft.ladders.append(ladder)


def _reference(rule: dict[str, Any], draft: Draft) -> str | None:
    recipient = rule.get("recipient") or {}
    noun = {"user": "person", "schedule": "rota", "team": "team"}.get(str(recipient.get("type")))
    if noun is None:
        return None
    named = recipient.get("name")
    found = draft.find(noun, recipient.get("id"), recipient.get("username"), f"name {named}" if named else None)
    return f"{noun}:{found}" if found else None


def _service(service: dict[str, Any], draft: Draft) -> None:
    name = str(service["name"])
    team = draft.find("team", service.get("teamId"))
    said = {
        "id": draft.name("service", name, service.get("id")),
        "name": name,
        "description": service.get("description"),
        "responsible": f"team:{team}" if team else None,
    }
    draft.services.append({key: value for key, value in said.items() if value})
