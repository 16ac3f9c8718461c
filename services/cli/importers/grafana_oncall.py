"""Grafana OnCall: users, teams, schedules with their shifts, and escalation chains as its HTTP API (v1) answers them.

https://grafana.com/docs/oncall/latest/oncall-api-reference/
"""

from collections import Counter
from typing import Any, Final

from services.cli.importers.draft import Draft, NotCarried
from services.cli.importers.exports import Export
from services.cli.importers.grafana_rules import take_rules
from services.cli.importers.grafana_shifts import layers_of

KINDS: Final = {
    name: plural
    for singular, plural in (
        ("user", "users"),
        ("team", "teams"),
        ("schedule", "schedules"),
        ("on_call_shift", "on_call_shifts"),
        ("shift", "on_call_shifts"),
        ("escalation_chain", "escalation_chains"),
        ("escalation_policy", "escalation_policies"),
        ("personal_notification_rule", "personal_notification_rules"),
    )
    for name in (singular, plural)
} | {"shifts": "on_call_shifts"}


def take(export: Export, draft: Draft) -> None:
    """Carry everything over into ``draft``."""
    rules = export.get("personal_notification_rules", [])
    for user in draft.each(export.get("users", [])):
        _person(user, [one for one in rules if one.get("user_id") == user["id"]], draft)
    for team in draft.each(export.get("teams", [])):
        _team(team, export.get("users", []), draft)
    shifts = {one["id"]: one for one in export.get("on_call_shifts", [])}
    for schedule in draft.each(export.get("schedules", [])):
        _rota(schedule, shifts, draft)
    used = {shift for one in export.get("schedules", []) for shift in one.get("shifts") or []}
    for shift_id in shifts.keys() - used:
        draft.left_out(f"shift {shifts[shift_id].get('name') or shift_id}", "no schedule of the export has it")
    for chain in draft.each(export.get("escalation_chains", [])):
        steps = [one for one in export.get("escalation_policies", []) if one.get("escalation_chain_id") == chain["id"]]
        _ladder(chain, sorted(steps, key=lambda one: int(one.get("position") or 0)), draft)


def _person(user: dict[str, Any], rules: list[dict[str, Any]], draft: Draft) -> None:
    name = str(user.get("name") or user.get("username") or user.get("email") or user["id"])
    contacts = []
    if user.get("verified_phone_number"):
        contacts.append(("sms", str(user["verified_phone_number"])))
        if any(one.get("type") == "notify_by_phone_call" for one in rules):
            contacts.append(("voice", str(user["verified_phone_number"])))
    if user.get("email"):
        contacts.append(("email", str(user["email"])))
    contacts += _slack(user.get("slack"))
    draft.person(name, user.get("timezone") or user.get("time_zone"), contacts, user.get("id"), user.get("username"))
    take_rules(rules, draft.people[-1], draft)


def _slack(said: Any) -> list[tuple[str, str]]:
    """The Slack ids of a user: the API's reference shows one object, other releases answer a list of them."""
    accounts = said if isinstance(said, list) else [said]
    return [("slack", str(one["user_id"])) for one in accounts if isinstance(one, dict) and one.get("user_id")]


def _team(team: dict[str, Any], users: list[dict[str, Any]], draft: Draft) -> None:
    members = [draft.find("person", user["id"]) for user in users if team["id"] in (user.get("teams") or [])]
    wanted = draft.name("team", str(team["name"]), team["id"])
    draft.teams.append({"id": wanted, "name": team["name"], "members": [one for one in members if one]})


def _rota(schedule: dict[str, Any], shifts: dict[str, dict[str, Any]], draft: Draft) -> None:
    name = str(schedule["name"])
    what = f"schedule {name}"
    if schedule.get("type") == "ical" or schedule.get("ical_url_primary"):
        draft.left_out(what, f"it is read from a calendar; add {schedule.get('ical_url_primary') or 'that'} to a rota")
        return
    wanted_shifts = [shifts[one] for one in schedule.get("shifts") or [] if one in shifts]
    for missing in [one for one in schedule.get("shifts") or [] if one not in shifts]:
        draft.left_out(f"{what}: shift {missing}", "the export does not have it")
    own = schedule.get("time_zone") or "UTC"
    zones = Counter(str(one.get("time_zone") or own) for one in wanted_shifts)
    zone = draft.zone(zones.most_common(1)[0][0] if zones else own, what)
    if zone != own:
        draft.changed(what, f"follows the clocks of {zone}, as its shifts do, where it is shown in {own}")
    found: list[dict[str, Any]] = []
    for number, shift in enumerate(wanted_shifts, 1):
        each = f"{what}: shift {shift.get('name') or shift['id']}"
        its = draft.zone(shift.get("time_zone") or own, each)
        clocks = {"zone": its} if its != zone else {}
        try:
            found += [one | clocks for one in layers_of(shift, its, f"shift-{number}", draft)]
        except NotCarried as error:
            draft.left_out(each, str(error))
            continue
        if shift.get("until"):
            draft.changed(each, f"ends at {shift['until']} sharp: a shift that is under way then is cut")
    if not found:
        draft.left_out(what, "nothing of it could be carried over")
        return
    wanted = draft.name("rota", name, schedule.get("id"))
    draft.rotas.append({"id": wanted, "name": name, "zone": zone, "layers": found})


def _ladder(chain: dict[str, Any], steps: list[dict[str, Any]], draft: Draft) -> None:
    name = str(chain["name"])
    rungs: list[dict[str, Any]] = []
    waited, fresh = 0, True
    repeat = False
    for step in steps:
        kind, what = step.get("type"), f"escalation chain {name}: step {int(step.get('position') or 0) + 1}"
        if kind == "wait":
            waited, fresh = waited + int(step.get("duration") or 0), True
        elif kind == "repeat_escalation":
            repeat = True
        elif roles := _roles(step, what, draft):
            if rungs and not fresh:
                rungs[-1]["roles"] += roles
            else:
                rungs.append({"name": f"Step {len(rungs) + 1}", "roles": roles, "after": f"{waited if rungs else 0}s"})
            waited, fresh = 0, False
        else:
            draft.left_out(what, f"{kind} cannot be said in a ladder, or whom it tells is not in the export")
    if not rungs:
        draft.left_out(f"escalation chain {name}", "nobody of it could be carried over")
        return
    ladder: dict[str, Any] = {"id": draft.name("ladder", name, chain["id"]), "name": name, "rungs": rungs}
    if repeat:
        ladder["repeat"] = {"after": f"{max(waited, 60)}s", "times": 5}
    draft.ladders.append(ladder)


def _roles(step: dict[str, Any], what: str, draft: Draft) -> list[str]:
    match step.get("type"):
        case "notify_persons" | "notify_person_next_each_time":
            asked = step.get("persons_to_notify") or step.get("persons_to_notify_next_each_time") or []
            if step["type"] != "notify_persons":
                draft.changed(what, "tells all of them, where it told one after the other, each time the next")
            noun, ids = "person", asked
        case "notify_on_call_from_schedule":
            noun, ids = "rota", [step.get("notify_on_call_from_schedule")]
        case "notify_team_members":
            noun, ids = "team", [step.get("team_to_notify") or step.get("notify_team_members")]
        case _:
            return []
    found = [draft.find(noun, one) for one in ids]
    if None in found and any(found):
        draft.left_out(what, "somebody of it is not in the export")
    return [f"{noun}:{one}" for one in found if one]
