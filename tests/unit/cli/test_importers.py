"""Exports of other tools become trees that have the same people on call, and nothing of them is dropped in silence."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from typer.testing import CliRunner

from libs.common.documents import parse
from services.cli import offline
from services.cli.__main__ import app
from services.cli.errors import Failed
from services.cli.importers.draft import Draft, NotCarried
from services.cli.importers.turns import DAY, Rotation, layers
from services.cli.importing import convert
from services.cli.references import doubts
from services.cli.tree import write_tree
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_shift
from services.oncall.handlers.configuration import RotasFile

SAMPLES = Path("tests/exports")
EXPORTS = {
    "pagerduty": SAMPLES / "pagerduty.json",
    "opsgenie": SAMPLES / "opsgenie",
    "grafana-oncall": SAMPLES / "grafana_oncall.json",
}


def converted(tool: str) -> tuple[Draft, dict[str, str]]:
    return convert(tool, [EXPORTS[tool]])


def rotas(tool: str) -> dict[str, Rota]:
    text = converted(tool)[1]["rotas.yaml"]
    return {rota.id: rota for rota in parse("rotas.yaml", text).load(RotasFile).rotas}


def who(rota: Rota, at: datetime) -> set[str]:
    return {shift.person for shift in on_shift(rota, at) if shift.person}


def notes(tool: str) -> list[str]:
    return [str(note) for note in converted(tool)[0].notes]


@pytest.mark.parametrize("tool", EXPORTS)
def test_what_is_imported_is_a_whole_tree_without_errors(tool: str, tmp_path: Path) -> None:
    write_tree(tmp_path, converted(tool)[1], replace=False)
    tree, wrong = offline.check(tmp_path)
    assert wrong == []
    assert doubts(tree) == []


# The same people on call --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T10:00+01:00", "ada-okoye"),  # the first office day
        ("2026-03-03T16:59+01:00", "bruno-sa"),
        ("2026-03-03T17:00+01:00", "bruno-sa"),  # nights: two weeks each
        ("2026-03-06T16:30+01:00", "bruno-sa"),  # Friday, the fifth day of three
        ("2026-03-06T17:00+01:00", "chen-li"),  # the weekend's layer
        ("2026-03-09T07:59+01:00", "chen-li"),
        ("2026-03-09T08:30+01:00", "bruno-sa"),
        ("2026-03-09T09:00+01:00", "bruno-sa"),  # day seven: weekends have used up turns
        ("2026-03-16T20:00+01:00", "ada-okoye"),
        ("2026-03-30T10:00+02:00", "bruno-sa"),  # after the clocks changed: day 28
    ],
)
def test_pagerduty_some_instants_reckoned_by_hand(at: str, expected: str) -> None:
    assert who(rotas("pagerduty")["default"], datetime.fromisoformat(at)) == {expected}


def test_pagerduty_every_half_hour_of_six_weeks_is_the_same() -> None:
    export = json.loads(EXPORTS["pagerduty"].read_text())
    names = {"PU1": "ada-okoye", "PU2": "bruno-sa", "PU3": "chen-li"}
    for schedule, rota in zip(export["schedules"], rotas("pagerduty").values(), strict=True):
        zone = ZoneInfo(schedule["time_zone"])
        known = [one for one in schedule["schedule_layers"] if one["name"] != "Ghost"]
        for at in half_hours("2026-03-02T08:00Z", 42):
            there = next((user for layer in known if (user := pagerduty_turn(layer, at, zone))), None)
            assert who(rota, at) == ({names[there]} if there else set()), (rota.name, at)


def pagerduty_turn(layer: dict[str, Any], at: datetime, zone: ZoneInfo) -> str | None:
    """Whose turn PagerDuty says it is: turns are counted on the wall clock from the virtual start, restrictions or none."""
    start, end = (datetime.fromisoformat(layer[key]) if layer[key] else None for key in ("start", "end"))
    if (start and at < start) or (end and at >= end):
        return None
    wall = at.astimezone(zone).replace(tzinfo=None)
    within = [restricted(one, wall) for one in layer["restrictions"]]
    if within and not any(within):
        return None
    virtual = datetime.fromisoformat(layer["rotation_virtual_start"]).astimezone(zone).replace(tzinfo=None)
    turn = (wall - virtual) // timedelta(seconds=layer["rotation_turn_length_seconds"])
    return str(layer["users"][turn % len(layer["users"])]["user"]["id"])


def restricted(one: dict[str, Any], wall: datetime) -> bool:
    hour, minute, _ = (int(part) for part in one["start_time_of_day"].split(":"))
    for back in range(8):
        begin = (wall - timedelta(days=back)).replace(hour=hour, minute=minute, second=0)
        fits = one["type"] == "daily_restriction" or begin.isoweekday() == one["start_day_of_week"]
        if fits and begin <= wall < begin + timedelta(seconds=one["duration_seconds"]):
            return True
    return False


def half_hours(start: str, days: int) -> list[datetime]:
    first = datetime.fromisoformat(start).astimezone(UTC)
    return [first + timedelta(minutes=30 * step) for step in range(days * 48)]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T10:00+01:00", {"ada", "bruno"}),  # workdays: Ada; everybody: the team Shop
        ("2026-03-02T22:00+01:00", {"ada", "chen"}),  # weekly, in the evening: Ada; everybody: Chen since 21:00
        ("2026-03-03T10:00+01:00", {"ada", "bruno"}),  # workdays: Bruno; everybody: the team
        ("2026-03-04T10:00+01:00", {"ada", "bruno", "chen"}),
        ("2026-03-07T12:00+01:00", {"ada", "bruno"}),  # Saturday: the team alone
        ("2026-03-09T19:00+01:00", {"ada", "bruno"}),  # weekly: Bruno now; everybody: the team
        ("2026-04-06T12:00+02:00", {"chen"}),  # Monday, 35 days on: workdays only
        ("2026-04-12T12:00+02:00", set()),  # Sunday noon
    ],
)
def test_opsgenie_rotations_are_on_call_together(at: str, expected: set[str]) -> None:
    assert who(rotas("opsgenie")["default"], datetime.fromisoformat(at)) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T09:30+01:00", {"bruno", "chen"}),  # the rotation starts with its second group
        ("2026-03-02T10:30+01:00", {"ada"}),  # a higher level hides it
        ("2026-03-03T10:30+01:00", {"bruno"}),
        ("2026-03-06T13:59+01:00", {"bruno"}),  # the fifth working day of three people
        ("2026-03-09T10:00+01:00", {"chen"}),  # the sixth: the weekend has used up no turn
        ("2026-03-09T09:30+01:00", {"ada"}),
        ("2026-03-04T20:30+01:00", {"chen"}),
        ("2026-03-11T20:30+01:00", {"ada"}),  # not in every week
        ("2026-03-18T21:59+01:00", {"chen"}),
        ("2026-05-27T20:30+02:00", {"chen"}),
        ("2026-06-10T20:30+02:00", {"bruno", "chen"}),  # its end is past: the weeks go on beneath it
        ("2026-03-31T22:30+02:00", {"bruno"}),  # the last of the month
        ("2026-03-04T01:30+01:00", {"ada"}),  # nine o'clock in Tokyo
        ("2026-04-01T02:30+02:00", {"ada"}),  # it is later here by then, and nine o'clock there
        ("2026-04-28T22:30+02:00", {"bruno"}),
    ],
)
def test_grafana_shifts_by_level(at: str, expected: set[str]) -> None:
    assert who(rotas("grafana-oncall")["default"], datetime.fromisoformat(at)) == expected


@pytest.mark.parametrize("hours", [1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 120, 168, 336])
@pytest.mark.parametrize("people", [2, 3, 5])
def test_turns_under_a_mask_are_counted_by_the_calendar_whatever_they_last(hours: int, people: int) -> None:
    names = [f"p{number}" for number in range(people)]
    start = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    mask = [(day * DAY + 10 * 60, 5 * 60 + 30) for day in (0, 2, 5)]
    made = layers(
        Rotation("x", [[name] for name in names], start, timedelta(hours=hours), "UTC", mask, since=start), "l"
    )
    rota = Rota.model_validate({"id": "r", "name": "R", "layers": made})
    for at in half_hours("2026-03-04T09:00Z", 24):
        minute = at.hour * 60 + at.minute
        shown = at.weekday() in {0, 2, 5} and 600 <= minute < 930
        expected = {names[(at - start) // timedelta(hours=hours) % people]} if shown else set()
        assert who(rota, at) == expected, at


@pytest.mark.parametrize("hours", [5, 36])
def test_turns_that_fit_no_week_are_refused_under_a_mask_and_kept_without(hours: int) -> None:
    start = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    with pytest.raises(NotCarried, match="whole part of a day"):
        layers(Rotation("x", [["a"], ["b"]], start, timedelta(hours=hours), "UTC", [(0, 60)]), "l")
    (made,) = layers(Rotation("x", [["a"], ["b"]], start, timedelta(hours=hours), "UTC"), "l")
    assert made["every"] == f"{hours} hours"


# Ladders and services -----------------------------------------------------------------------------------------------


def test_delays_count_from_the_rung_before() -> None:
    (ladder,) = yaml.safe_load(converted("pagerduty")[1]["ladders.yaml"])["ladders"]
    assert [(rung["roles"], rung["after"]) for rung in ladder["rungs"]] == [
        (["rota:default"], "0m"),
        (["rota:backup", "person:dora-klein"], "15m"),
    ]
    assert ladder["repeat"] == {"after": "50m", "times": 2}
    (ladder,) = yaml.safe_load(converted("opsgenie")[1]["ladders.yaml"])["ladders"]
    assert [rung["after"] for rung in ladder["rungs"]] == ["0m", "10m", "50m"]
    (ladder,) = yaml.safe_load(converted("grafana-oncall")[1]["ladders.yaml"])["ladders"]
    assert [(rung["roles"], rung["after"]) for rung in ladder["rungs"]] == [
        (["rota:default", "person:chen"], "0s"),
        (["person:ada", "person:bruno"], "1200s"),
    ]


def test_a_service_goes_by_its_own_policy() -> None:
    routing = yaml.safe_load(converted("pagerduty")[1]["routing.yaml"])["routing"]
    (rule,) = routing["rules"]
    assert rule["when"] == {"service": "checkout"}
    assert (rule["first"], rule["ladder"]) == (["rota:default"], "standard-escalation")


def test_another_rota_may_be_the_team_on_shift() -> None:
    _, texts = convert("pagerduty", [EXPORTS["pagerduty"]], "backup")
    found = yaml.safe_load(texts["rotas.yaml"])["rotas"]
    assert [(rota["id"], rota["name"]) for rota in found] == [("primary", "Primary"), ("default", "Backup")]
    assert "rota:primary" in texts["ladders.yaml"]
    with pytest.raises(Failed, match="there is no rota 'nosuch'; there is primary, backup"):
        convert("pagerduty", [EXPORTS["pagerduty"]], "nosuch")


def test_grafana_s_slack_ids_and_phone_calls_are_contacts_of_channels_that_there_are() -> None:
    _, texts = converted("grafana-oncall")
    people = {one["id"]: one["contacts"] for one in yaml.safe_load(texts["people.yaml"])["people"]}
    assert people["ada"][-2:] == [{"email": "ada@example.com"}, {"slack": "U0000000A"}]
    assert [one["id"] for one in yaml.safe_load(texts["channels.yaml"])["channels"]] == [
        "sms",
        "email",
        "voice",
        "slack",
    ]
    _, without = converted("pagerduty")
    assert "slack" not in without["channels.yaml"]


# What could not be carried over -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "sentence"),
    [
        ("pagerduty", "left out: schedule Backup: layer Ghost: the export has no user PU9"),
        ("pagerduty", "left out: schedule Backup: 1 overrides: "),
        ("pagerduty", "left out: escalation policy Standard escalation: rule 3: Gone: "),
        ("pagerduty", "left out: person Dora Klein: push_notification_contact_method: "),
        ("pagerduty", "changed: person Dora Klein: 'Mars/Olympus' is no IANA time zone"),
        ("pagerduty", "left out: service Checkout: integrations: "),
        ("pagerduty", "changed: service Search: its escalation policy is not there"),
        ("pagerduty", "left out: 1 × business_services: this is not imported"),
        ("pagerduty", "left out: person Ada Okoye: notification rule 1 (high urgency): Tocsin has no such channel"),
        ("pagerduty", "changed: person Ada Okoye: what is of low urgency: begins at once, where it waited 5m"),
        ("pagerduty", "left out: person Bruno Sá: notification rule 2 (high urgency): the export has no contact method PC99"),
        ("pagerduty", "changed: person Bruno Sá: has no notification rule for low urgency"),
        ("pagerduty", "left out: person Chen Li: notification rule 1 (high urgency): the export does not say its contact"),
        ("opsgenie", "left out: person Ada: notification rule Customer: chains do not differ by message"),
        ("opsgenie", "left out: person Ada: notification rule Shift begins: chains do not differ by what happens"),
        ("opsgenie", "left out: person Ada: notification rule Urgent: mobile iPhone: it is switched off, or"),
        ("opsgenie", "left out: person Ada: notification rule Urgent: its repetition: "),
        ("opsgenie", "changed: person Ada: notification rule New alert: the hours in which it does not count are quiet"),
        ("opsgenie", "left out: person Bruno: notification rule Old: it is switched off"),
        ("opsgenie", "changed: person Bruno: notification rule New alert: greater-than P3 is read so that P1 is the"),
        ("opsgenie", "left out: person Bruno: notification rule New alert: its times: another rule counts"),
        ("opsgenie", "left out: person Bruno: notification rule More: another rule comes before it"),
        ("opsgenie", "changed: person Chen: notification rule Awake: pages come at any hour"),
        ("opsgenie", "left out: schedule Old: it is switched off"),
        ("opsgenie", "left out: schedule Shop_schedule: rotation With a gap: a turn that is nobody's"),
        (
            "opsgenie",
            "changed: schedule Shop_schedule: rotation Everybody: the team Shop takes its turn as its members",
        ),
        ("opsgenie", "left out: escalation Shop_escalation: rule 2: "),
        ("opsgenie", "changed: escalation Shop_escalation: rule 3: is told until somebody acknowledges"),
        ("opsgenie", "left out: 1 × heartbeats: this is not imported"),
        ("grafana-oncall", "left out: person chen: important notification rule notify_by_mobile_app_critical: Tocsin has no"),
        ("grafana-oncall", "changed: person bruno: has no important notification rules; what is urgent goes by the default"),
        ("grafana-oncall", "left out: person bruno: default notification rule notify_by_sms: the person has no such sms"),
        ("grafana-oncall", "left out: schedule Grid on call: shift Once: it happens once"),
        ("grafana-oncall", "left out: schedule From Google: it is read from a calendar; add https://calendar"),
        ("grafana-oncall", "changed: schedule Grid on call: shift Every other week: ends at 2026-06-01T00:00:00 sharp"),
        ("grafana-oncall", "left out: person chen: slack chen.li: it is no address of that channel"),
        ("grafana-oncall", "left out: shift Nobody's: no schedule of the export has it"),
        ("grafana-oncall", "left out: escalation chain Grid chain: step 4: notify_whole_channel"),
        ("grafana-oncall", "changed: escalation chain Grid chain: step 6: tells all of them"),
    ],
)  # fmt: skip
def test_everything_that_is_not_carried_over_is_told_with_its_reason(tool: str, sentence: str) -> None:
    assert any(note.startswith(sentence) for note in notes(tool)), notes(tool)


@pytest.mark.parametrize(
    ("tool", "what", "where"),
    [
        ("pagerduty", "notification rule 2 (high urgency)", "pagerduty.json#/users/1/notification_rules/1"),
        ("opsgenie", "Urgent: mobile iPhone", "users/ada@example.com-u1.json#/notificationRules/1/steps/0"),
        ("grafana-oncall", "critical", "grafana_oncall.json#/personal_notification_rules/11"),
        ("pagerduty", "layer Ghost", "pagerduty.json#/schedules/1"),
        ("opsgenie", "rotation With a gap", "schedules/Shop_schedule-s1.json#"),
    ],
)
def test_what_is_not_carried_over_is_told_with_file_and_place(tool: str, what: str, where: str) -> None:
    [note] = [one for one in converted(tool)[0].notes if what in one.what]
    assert note.where.endswith(where)
    file, _, pointer = note.where.partition("#")
    said = json.loads(Path(file).read_text())
    for step in pointer.split("/")[1:]:
        said = said[int(step) if isinstance(said, list) else step]
    assert said
    assert str(note).endswith(f"({note.where})")


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["import", *map(str, words)])
    return done.exit_code, done.output


def test_the_command_writes_the_tree_and_reports(tmp_path: Path) -> None:
    code, said = run("pagerduty", EXPORTS["pagerduty"], "--out", tmp_path / "tree")
    assert code == 0
    assert said.startswith(f"4 people, 1 teams, 2 rotas, 2 services, 1 ladders in {tmp_path}/tree\n")
    assert "layer Ghost" in said
    code, said = run("pagerduty", EXPORTS["pagerduty"], "--out", tmp_path / "tree", "--json")
    assert json.loads(said)["counts"]["people"] == 4
    code, said = run("opsgenie", EXPORTS["opsgenie"], "--out", tmp_path / "tree")
    assert code == 1
    assert "give --force" in " ".join(said.split())


def _broken(tmp_path: Path) -> Path:
    (tmp_path / "users.json").write_text('{\n"users": [,\n')
    return tmp_path / "users.json"


def _unnamed(tmp_path: Path) -> Path:
    (tmp_path / "x.json").write_text('[{"id": "1"}]')
    return tmp_path / "x.json"


def _odd(tmp_path: Path) -> Path:
    (tmp_path / "odd.json").write_text('{"schedules": [{"name": "A", "schedule_layers": [{"users": []}]}]}')
    return tmp_path / "odd.json"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_broken, "users.json:2: this is no JSON"),
        (_unnamed, "x.json: what this holds is not said: call the file after it (users, teams,"),
        (_odd, "the export lacks 'rotation_virtual_start'"),
        (lambda folder: folder / "gone.json", "gone.json: there is no such file"),
    ],
)
def test_what_is_no_export_is_told_in_a_sentence(make: Callable[[Path], Path], sentence: str, tmp_path: Path) -> None:
    code, said = run("pagerduty", make(tmp_path), "--out", tmp_path / "out")
    assert code == 1
    assert sentence in said.replace("\n", "")
    assert not (tmp_path / "out").exists()


def snake(value: Any) -> Any:
    """The same with the names of fields as Terraform writes them."""
    if isinstance(value, list):
        return [snake(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", key): snake(one) for key, one in value.items()}


def test_opsgenie_is_read_in_the_words_of_terraform_too(tmp_path: Path) -> None:
    things = {
        folder.name: [snake(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
        for folder in EXPORTS["opsgenie"].iterdir()
    }
    for schedule in things["schedules"]:
        for rotation in schedule["rotations"]:
            rotation["time_restriction"] = [rotation.pop("time_restriction")] if "time_restriction" in rotation else []
    (tmp_path / "export.json").write_text(json.dumps(things))
    _, texts = convert("opsgenie", [tmp_path / "export.json"])
    assert (
        yaml.safe_load(texts["rotas.yaml"])["rotas"][0]["layers"]
        == (yaml.safe_load(converted("opsgenie")[1]["rotas.yaml"])["rotas"][0]["layers"])
    )


def test_pages_of_an_api_are_read_by_the_names_of_their_files(tmp_path: Path) -> None:
    export = json.loads(EXPORTS["grafana-oncall"].read_text())
    for kind, things in export.items():
        (tmp_path / f"{kind}.json").write_text(json.dumps({"count": len(things), "next": None, "results": things}))
    _, texts = convert("grafana-oncall", sorted(tmp_path.glob("*.json")))
    assert texts == converted("grafana-oncall")[1]
