"""PagerDuty: users, teams, schedules, escalation policies and services as its REST API (v2) answers them.

https://developer.pagerduty.com/api-reference/
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from services.cli.importers.chains import Urgency, Wish, chain, put
from services.cli.importers.draft import Draft, NotCarried
from services.cli.importers.exports import Export
from services.cli.importers.turns import DAY, WEEK, Rotation, Stretch, layers

KINDS: Final = {
    name: plural
    for singular, plural in (
        ("user", "users"),
        ("team", "teams"),
        ("schedule", "schedules"),
        ("escalation_policy", "escalation_policies"),
        ("service", "services"),
    )
    for name in (singular, plural)
}

_CHANNELS: Final = {
    "email_contact_method": "email",
    "sms_contact_method": "sms",
    "phone_contact_method": "voice",
}


def take(export: Export, draft: Draft) -> None:
    """Carry everything over into ``draft``."""
    users = export.get("users", [])
    for user in draft.each(users):
        _person(user, draft)
    for team in draft.each(export.get("teams", [])):
        _team(team, users, draft)
    for schedule in draft.each(export.get("schedules", [])):
        _rota(schedule, draft)
    for policy in draft.each(export.get("escalation_policies", [])):
        _ladder(policy, draft)
    for service in draft.each(export.get("services", [])):
        _service(service, draft)


def _person(user: dict[str, Any], draft: Draft) -> None:
    name = str(user.get("name") or user.get("email") or user["id"])
    methods: dict[str, tuple[str, str]] = {}
    for number, method in enumerate(user.get("contact_methods", [])):
        channel = _CHANNELS.get(str(method.get("type", "")).removesuffix("_reference"))
        address = str(method.get("address") or "")
        if channel is None or not address:
            draft.left_out(
                f"person {name}: {method.get('type')}",
                "Tocsin has no such channel, or no address is there",
                draft.beneath(f"contact_methods/{number}"),
            )
            continue
        country = method.get("country_code")
        whole = f"+{country}{address}" if country and not address.startswith("+") else address
        methods[str(method.get("id") or number)] = channel, whole
    contacts = [*methods.values(), *([("email", str(user["email"]))] if user.get("email") else [])]
    draft.person(name, user.get("time_zone"), contacts, user.get("id"), user.get("email"))
    wishes: dict[Urgency, list[Wish]] = {"high": [], "low": []}
    for number, rule in enumerate(user.get("notification_rules") or []):
        _wish(rule, number, name, methods, wishes, draft)
    person = draft.people[-1]
    put(person, {urgency: chain(person, found, urgency, draft) for urgency, found in wishes.items()}, draft)


def _wish(
    rule: dict[str, Any],
    number: int,
    name: str,
    methods: Mapping[str, tuple[str, str]],
    wishes: Mapping[Urgency, list[Wish]],
    draft: Draft,
) -> None:
    """A notification rule, among the wishes of its urgency."""
    method, where = rule.get("contact_method") or {}, draft.beneath(f"notification_rules/{number}")
    urgency: Urgency = "low" if rule.get("urgency") == "low" else "high"
    what = f"person {name}: notification rule {number + 1} ({urgency} urgency)"
    kind = str(method.get("type") or "").removesuffix("_reference")
    if not method:
        draft.left_out(what, "the export does not say its contact method; ask for include[]=notification_rules", where)
    elif kind not in _CHANNELS:
        draft.left_out(what, f"Tocsin has no such channel ({kind})", where)
    elif str(method.get("id")) not in methods:
        draft.left_out(what, f"the export has no contact method {method.get('id')} of theirs", where)
    else:
        after = timedelta(minutes=int(rule.get("start_delay_in_minutes") or 0))
        wishes[urgency].append(Wish(after, *methods[str(method["id"])], what, where))


def _team(team: dict[str, Any], users: list[dict[str, Any]], draft: Draft) -> None:
    wanted = draft.name("team", str(team["name"]), team.get("id"))
    members = [
        draft.find("person", user.get("id"))
        for user in users
        if team.get("id") in {one.get("id") for one in user.get("teams", [])}
    ]
    draft.teams.append({"id": wanted, "name": team["name"], "members": [one for one in members if one]})
    if team.get("parent"):
        draft.left_out(f"team {team['name']}: its parent team", "teams stand beside each other")


def _rota(schedule: dict[str, Any], draft: Draft) -> None:
    name = str(schedule.get("name") or schedule["id"])
    wanted = draft.name("rota", name, schedule.get("id"))
    zone = draft.zone(schedule.get("time_zone"), f"schedule {name}")
    found: list[dict[str, Any]] = []
    above_first = schedule.get("schedule_layers", [])
    for number, layer in enumerate(reversed(above_first)):
        what = f"schedule {name}: layer {layer.get('name') or number + 1}"
        try:
            rotation = _rotation(layer, zone, number, draft)
            made = layers(rotation, f"layer-{number + 1}")
        except NotCarried as error:
            draft.left_out(what, str(error))
            continue
        if len(made) > 1:
            draft.changed(
                what, f"is {len(made)} layers, one for each part of the week; the same people at the same times"
            )
        found += made
    if not found:
        draft.left_out(f"schedule {name}", "nothing of it could be carried over")
        draft.forget("rota", schedule.get("id"))
        return
    draft.rotas.append({"id": wanted, "name": name, "zone": zone, "layers": found})
    overrides = schedule.get("overrides") or schedule.get("overrides_subschedule", {}).get("rendered_schedule_entries")
    if overrides:
        draft.left_out(
            f"schedule {name}: {len(overrides)} overrides", "overrides are no configuration; make them in the console"
        )


def _rotation(layer: dict[str, Any], zone: str, number: int, draft: Draft) -> Rotation:
    people = [_known(one, draft) for one in layer.get("users", [])]
    return Rotation(
        name=str(layer.get("name") or ""),
        people=[[one] for one in people],
        start=_instant(layer["rotation_virtual_start"]),
        length=timedelta(seconds=int(layer["rotation_turn_length_seconds"])),
        zone=zone,
        mask=[stretch for one in layer.get("restrictions", []) for stretch in _stretches(one)],
        since=_instant(layer["start"]),
        until=_instant(layer["end"]) if layer.get("end") else None,
        priority=number,
    )


def _known(entry: dict[str, Any], draft: Draft) -> str:
    user = entry.get("user", entry)
    found = draft.find("person", user.get("id"))
    if found is None:
        raise NotCarried(f"the export has no user {user.get('summary') or user.get('id')}")
    return found


def _stretches(restriction: dict[str, Any]) -> list[Stretch]:
    """A restriction in minutes of the week. Days are those of ISO 8601: 1 is Monday."""
    hour, minute, second = (int(part) for part in str(restriction["start_time_of_day"]).rstrip("Z").split(":"))
    lasts, rest = divmod(int(restriction["duration_seconds"]), 60)
    if second or rest:
        raise NotCarried("a restriction begins or ends between minutes")
    at = hour * 60 + minute
    if restriction["type"] == "weekly_restriction":
        return [((int(restriction["start_day_of_week"]) - 1) * DAY + at, min(lasts, WEEK))]
    return [(day * DAY + at, min(lasts, DAY)) for day in range(7)]


def _ladder(policy: dict[str, Any], draft: Draft) -> None:
    name = str(policy["name"])
    wanted = draft.name("ladder", name, policy.get("id"))
    rungs: list[dict[str, Any]] = []
    after = 0
    rules = policy.get("escalation_rules", [])
    for number, rule in enumerate(rules, 1):
        roles = []
        for target in rule.get("targets", []):
            found = reference(target, draft)
            if found is None:
                what = f"escalation policy {name}: rule {number}: {target.get('summary') or target.get('id')}"
                draft.left_out(what, "the export does not have it, or it could not be carried over")
            else:
                roles.append(found)
        if roles:
            rungs.append({"name": f"Rule {number}", "roles": roles, "after": f"{after}m"})
            after = 0
        after += int(rule.get("escalation_delay_in_minutes") or 0)
    if not rungs:
        draft.left_out(f"escalation policy {name}", "nobody of it could be carried over")
        draft.forget("ladder", policy.get("id"))
        return
    rungs[0]["after"] = "0m"
    ladder: dict[str, Any] = {"id": wanted, "name": name, "rungs": rungs}
    if int(policy.get("num_loops") or 0):
        ladder["repeat"] = {"after": f"{max(after, 1)}m", "times": min(int(policy["num_loops"]), 100)}
    draft.ladders.append(ladder)


def reference(target: dict[str, Any], draft: Draft) -> str | None:
    """Whom a target means, as a ladder names them."""
    kind = str(target.get("type", "")).removesuffix("_reference")
    noun = {"user": "person", "schedule": "rota"}.get(kind)
    found = draft.find(noun, target.get("id")) if noun else None
    return f"{noun}:{found}" if found else None


def _service(service: dict[str, Any], draft: Draft) -> None:
    name = str(service["name"])
    wanted = draft.name("service", name, service.get("id"))
    said = {"id": wanted, "name": name, "description": service.get("description") or ""}
    policy_id = (service.get("escalation_policy") or {}).get("id")
    ladder = draft.find("ladder", policy_id)
    rungs = next((one["rungs"] for one in draft.ladders if one["id"] == ladder), None)
    if ladder is None or rungs is None:
        draft.changed(f"service {name}", "its escalation policy is not there; it goes by the default")
    else:
        said["responsible"] = rungs[0]["roles"][0]
        draft.rules.append(
            {
                "id": f"service-{wanted}",
                "name": f"{name} goes by {ladder}",
                "when": {"service": wanted},
                "first": rungs[0]["roles"],
                "ladder": ladder,
                "clocks": "standard",
            }
        )
    draft.services.append({key: value for key, value in said.items() if value})
    for key, why in (
        ("integrations", "senders get keys of their own in integrations.yaml"),
        ("support_hours", "whom an incident reaches does not depend on hours of a service"),
        ("scheduled_actions", "an incident's urgency does not change by the clock"),
    ):
        if service.get(key):
            draft.left_out(f"service {name}: {key.replace('_', ' ')}", why)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise NotCarried(f"{text} says no zone")
    return found
