"""``tocsin`` against a running instance: plan, apply, export, and what it says when something is wrong."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import psutil
import pytest

from services.cli.client import Tocsin
from services.cli.errors import Failed
from services.cli.plan import apply, parts, plan
from services.cli.tree import read_tree
from tests.support.instance import Instance, environment, eventually, running, short_folder

SHIPPED = Path("deploy/config")


@pytest.fixture(scope="module")
def house() -> Iterator[Instance]:
    """An instance on a watched folder of its own."""
    folder = short_folder()
    copytree(SHIPPED, folder / "watched")
    try:
        with running(folder / "data", TOCSIN_CONFIG_DIR=str(folder / "watched")) as instance:
            yield instance
    finally:
        rmtree(folder, ignore_errors=True)


@pytest.fixture
def tree(house: Instance, tmp_path: Path) -> Iterator[Path]:
    """A copy of the shipped tree to change; what is in force is the shipped one before and after."""
    made = tmp_path / "tree"
    copytree(SHIPPED, made)
    yield made
    assert tocsin(house, "apply", str(SHIPPED), "--yes").returncode == 0


def tocsin(house: Instance, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command as somebody on the instance's machine does."""
    environ = environment(house.folder, 1) | {"COLUMNS": "160"} | more
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def planned(house: Instance, directory: Path, code: int) -> dict[str, Any]:
    done = tocsin(house, "plan", str(directory), "--json")
    assert done.returncode == code, done.stdout + done.stderr
    body: dict[str, Any] = json.loads(done.stdout)
    return body


def rewrite(tree: Path, name: str, old: str, new: str) -> None:
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new, 1))


def change(tree: Path) -> None:
    """Something in each of the four services."""
    rewrite(tree, "people.yaml", "name: Stefania,", "name: Stefania Conti,")
    rewrite(tree, "rotas.yaml", "02:00-10:00, person: stefania", "02:00-10:00, person: helena")
    rewrite(tree, "ladders.yaml", "after: 5m", "after: 7m")
    rewrite(tree, "integrations.yaml", "name: Helpdesk", "name: Help")
    rewrite(tree, "channels.yaml", "provider_names: [mail, smtp]", "provider_names: [mail]")
    rewrite(tree, "roles.yaml", "  - {id: cto", "  - {id: duty, name: On duty, members: [diego]}\n  - {id: cto")


def test_the_shipped_tree_is_in_force_and_nothing_is_to_change(house: Instance) -> None:
    done = tocsin(house, "plan", str(SHIPPED))
    assert (done.returncode, done.stdout) == (
        0,
        "Nothing to change: what is in force says the same as the tree.\n",
    ), done.stderr


def test_a_plan_is_readable_and_changes_nothing(house: Instance, tree: Path) -> None:
    change(tree)
    done = tocsin(house, "plan", str(tree))
    assert done.returncode == 2
    for sentence in (
        "~ person stefania",
        "Stefania → Stefania Conti",
        "+ role duty",
        "members  [diego]",
        "~ ladder standard",
        "rungs[1].after  5m → 7m",
        "~ channel email",
        "provider_names  [mail, smtp] → [mail]",
        "For people, in the next 30 days",
        "turns[0].person  stefania → helena",
        "Helena instead of Stefania.",
        "1 to add, 5 to change, 0 to remove.",
    ):
        assert sentence in done.stdout, done.stdout
    assert tocsin(house, "plan", str(SHIPPED)).returncode == 0


def test_plan_apply_plan_export_plan(house: Instance, tree: Path, tmp_path: Path) -> None:
    change(tree)
    assert planned(house, tree, 2)["counts"] == {"added": 1, "changed": 5, "removed": 0}
    done = tocsin(house, "apply", str(tree), "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("In force.\n")
    assert house.get("oncall", "/v1/people/stefania")["name"] == "Stefania Conti"
    assert planned(house, tree, 0)["changes"] == []
    before = house.get("oncall", "/v1/config/changes")["changes"]
    assert "Nothing to change" in tocsin(house, "apply", str(tree), "--yes").stdout
    assert house.get("oncall", "/v1/config/changes")["changes"] == before
    exported = tmp_path / "exported"
    assert tocsin(house, "export", str(exported)).returncode == 0
    assert planned(house, exported, 0)["changes"] == []
    assert "{env: TOCSIN_KEY_OPERATOR}" in (exported / "principals.yaml").read_text()
    assert tocsin(house, "check", str(exported)).returncode == 0
    again = tocsin(house, "export", str(exported))
    assert (again.returncode, again.stdout) == (0, "Nothing to write.\n")


def test_a_broken_tree_changes_nothing_anywhere_and_every_error_has_its_file_and_line(
    house: Instance, tree: Path
) -> None:
    change(tree)
    rewrite(tree, "routing.yaml", "ladder: standard", "ladder: steep")
    (tree / "teams.yaml").write_text("teams:\n  - id: operations\n    name: Operations\n    members: [nobody]\n")
    done = tocsin(house, "apply", str(tree), "--yes")
    assert done.returncode == 1
    line = next(
        number for number, text in enumerate((tree / "routing.yaml").read_text().splitlines(), 1) if "steep" in text
    )
    assert f"{tree}/routing.yaml:{line}: routing.rules[0].ladder: " in done.stderr
    assert f"{tree}/teams.yaml:4: teams[0].members[0]: there is no person 'nobody'" in done.stderr
    assert tocsin(house, "plan", str(SHIPPED)).returncode == 0
    (first, *_) = json.loads(tocsin(house, "plan", str(tree), "--json").stdout)["errors"]
    assert first["file"] == f"{tree}/routing.yaml"
    assert first["line"] == line


def test_apply_asks_and_takes_no_answer_for_no(house: Instance, tree: Path) -> None:
    change(tree)
    done = tocsin(house, "apply", str(tree))
    assert done.returncode == 1
    assert "give --yes" in done.stderr
    assert tocsin(house, "plan", str(SHIPPED)).returncode == 0


@pytest.mark.parametrize(("answer", "code", "changed"), [("n", 1, True), ("y", 0, False)])
def test_apply_does_as_it_is_answered(house: Instance, tree: Path, answer: str, code: int, changed: bool) -> None:
    change(tree)
    outside, inside = pty.openpty()
    os.write(outside, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "apply", str(tree)],
        env=environment(house.folder, 1) | {"COLUMNS": "160"},
        stdin=inside,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    os.close(inside)
    os.close(outside)
    assert done.returncode == code, done.stderr
    assert "1 to add, 5 to change, 0 to remove." in done.stdout
    assert ("Nothing was changed." in done.stderr) is changed
    assert planned(house, tree, 2 if changed else 0)["changed"] is changed


def test_the_watched_folder_beside_it_wins_only_once_it_says_something_new(house: Instance, tree: Path) -> None:
    watched = house.folder.parent / "watched"
    change(tree)
    assert tocsin(house, "apply", str(tree), "--yes").returncode == 0
    (watched / "people.yaml").write_text("# nothing new\n" + (watched / "people.yaml").read_text())
    assert planned(house, tree, 0)["changed"] is False
    shipped = (watched / "people.yaml").read_text()
    (watched / "people.yaml").write_text(shipped.replace("name: Stefania,", "name: S. Conti,"))
    try:
        eventually(lambda: house.get("oncall", "/v1/people/stefania")["name"] == "S. Conti", "the folder's change")
        (said,) = planned(house, tree, 2)["changes"]
        assert (said["id"], said["fields"][0]["before"]) == ("stefania", "S. Conti")
    finally:
        (watched / "people.yaml").write_text(shipped)
        eventually(lambda: house.get("oncall", "/v1/people/stefania")["name"] == "Stefania", "the folder again")


def test_who_is_on_call_and_who_answers_for_a_service(house: Instance) -> None:
    done = tocsin(house, "who", "--at", "2026-03-02T09:15Z")
    assert done.returncode == 0, done.stderr
    assert "Stefania" in done.stdout
    assert "Helena, Luciane" in done.stdout
    assert "Inês Duarte" in tocsin(house, "who", "invoicing").stdout
    (rota,) = json.loads(tocsin(house, "who", "default", "--at", "2026-03-02T23:00+01:00", "--json").stdout)["rotas"]
    assert rota["primary"]["person"]["id"] == "abdul"
    assert "no rota and no service 'nosuch'" in tocsin(house, "who", "nosuch").stderr
    assert "which zone" in tocsin(house, "who", "--at", "2026-03-02T09:15").stderr


def test_what_is_imported_is_agreed_to_by_every_service(house: Instance, tmp_path: Path) -> None:
    done = tocsin(house, "import", "pagerduty", "tests/exports/pagerduty.json", "--out", str(tmp_path / "new"))
    assert done.returncode == 0, done.stderr
    found = planned(house, tmp_path / "new", 2)
    assert {"ada-okoye", "backup", "checkout", "standard-escalation"} <= {
        one["id"] for one in found["changes"] if one["change"] == "added"
    }
    assert any("Ada Okoye" in one and "instead of" in one for one in found["effects"])


def test_a_wrong_key_a_wrong_address_and_no_address_are_told_in_a_sentence(house: Instance, tmp_path: Path) -> None:
    wrong = tocsin(house, "plan", str(SHIPPED), TOCSIN_KEY="tocsin_" + "z" * 32)
    assert wrong.returncode == 1
    assert "Set TOCSIN_KEY or --key-file" in wrong.stderr
    away = tocsin(house, "plan", "--url", "http://127.0.0.1:9", TOCSIN_KEY="x")
    assert "nothing answers at http://127.0.0.1:9" in away.stderr
    keyless = tocsin(house, "plan", "--url", "http://127.0.0.1:9")
    assert "TOCSIN_KEY" in keyless.stderr
    nowhere = tocsin(house, "plan", TOCSIN_DATA_DIR=str(tmp_path))
    assert "Give --url" in nowhere.stderr
    slip = tocsin(house, "plan", "--nosuch")
    for done in (wrong, away, keyless, nowhere, slip):
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_the_services_are_reached_through_the_status_page_and_nothing_else_of_them_is(house: Instance) -> None:
    found = house.get("statuspage", "/v1/services")["services"]
    assert {one["name"] for one in found} == {"intake", "escalator", "oncall", "notifier"}
    assert house.get("statuspage", "/v1/services/oncall/schedules")["schedules"][0]["id"] == "default"
    headers = {"Authorization": f"Bearer {house.facts['operator']['key']}"}
    base = house.url("statuspage")
    for path in ("oncall/people", "escalator/incidents", "statuspage/config", "oncall/schedules/../people"):
        answer = house.client.get(f"{base}/v1/services/{path}", headers=headers)
        assert answer.status_code == 404, path
    assert house.client.get(f"{base}/v1/services").status_code == 401
    assert house.client.get(f"{base}/v1/services/oncall/config").status_code == 401


def simulated(house: Instance, *words: str) -> dict[str, Any]:
    done = tocsin(house, "simulate", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    body: dict[str, Any] = json.loads(done.stdout)
    return body


SUNDAY = ("--service", "invoicing", "--tenant", "lumen", "--at", "2026-11-29 23:50")


def test_a_p1_on_a_sunday_night_is_played_through_and_tells_nobody(house: Instance) -> None:
    before = len(house.messages())
    done = tocsin(house, "simulate", *SUNDAY, "--until", "2026-11-30 00:30", COLUMNS="200")
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in (
        "Rule telemetry decides (A telemetry alarm goes to whoever is on shift): first on-shift; ladder standard, clocks standard, category service_down.",
        "Sun 2026-11-29 23:50 +0:00 Rung 1: First recipients Abdul (on-shift) SMS, then e-mail the incident opens",
        "23:55 +0:05 Rung 2: Responsible for the service Inês Duarte (service-responsible) SMS, then e-mail nobody acknowledged in time",
        "Mon 2026-11-30 00:05 +0:15 Rung 3: Project manager Katrin Vogel (pm) SMS, then e-mail nobody acknowledged in time",
        "00:20 +0:30 Client update Anneke Visser (client-contacts) e-mail it is due, and nobody wrote an update meanwhile",
    ):
        assert line in lines, done.stdout
    assert len(house.messages()) == before


def test_what_people_do_is_played_too(house: Instance) -> None:
    found = simulated(house, *SUNDAY, "--acknowledge-after", "7m", "--resolve-after", "40m", "--until", "1h")
    assert found["acknowledged_by"] == "ines"
    told = [
        (step["purpose"], [one["name"] for one in step["recipients"]]) for step in found["steps"] if step["purpose"]
    ]
    assert told == [
        ("page", ["Abdul"]),
        ("page", ["Inês Duarte"]),
        ("reminder", ["Inês Duarte"]),
        ("status", ["Anneke Visser"]),
        ("missed", ["Katrin Vogel", "Tomás Prieto", "Greta Lind"]),
        ("closing", ["Abdul", "Inês Duarte", "Anneke Visser", "Katrin Vogel", "Tomás Prieto", "Greta Lind"]),
    ]


def night(tree: Path) -> None:
    """Another first recipient for Invoicing at night, and a slower ladder."""
    rule = """  rules:
    - id: night
      name: Invoicing at night goes to the platform team
      when: {service: invoicing, during: {hours: 18:00-08:00, zone: Europe/Berlin}}
      first: [team:platform]
      ladder: standard
      clocks: standard
"""
    rewrite(tree, "routing.yaml", "  rules:\n", rule)
    rewrite(tree, "ladders.yaml", "after: 5m", "after: 9m")


def test_a_change_is_tried_before_it_is_saved(house: Instance, tree: Path) -> None:
    night(tree)
    rungs = [step for step in simulated(house, *SUNDAY, "--until", "10m", "--tree", str(tree))["steps"] if step["rung"]]
    assert [(step["rung"], step["after"], [one["name"] for one in step["recipients"]]) for step in rungs] == [
        (1, "PT0S", ["Diego Fuentes", "Noor Haddad"]),
        (2, "PT9M", ["Inês Duarte"]),
    ]
    done = tocsin(house, "route", *SUNDAY, "--tree", str(tree))
    assert done.returncode == 0, done.stderr
    for line in (
        "Rule telemetry decides",
        "With the tree: Rule night decides",
        "It goes to team:platform instead of on-shift (rule night instead of telemetry).",
        " → night: Invoicing at night goes to the platform team",
        "     ✓ service is invoicing; wanted: invoicing.",
        "     ✓ during is mo 2026-11-30 00:50 in Europe/Berlin; wanted: every day 18:00-08:00 in Europe/Berlin.",
        "     ✗ kind is telemetry; wanted: maintenance, so this does not hold.",
        "2 Responsible for the service (service-responsible) +0:09",
    ):
        assert line in done.stdout, done.stdout
    done = tocsin(house, "plan", str(tree))
    assert done.returncode == 2
    assert "A telemetry alarm for invoicing: goes to team:platform instead of on-shift" in done.stdout
    assert "rung 2 (Responsible for the service) comes 9 minutes after the opening" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--at", "soon"), "--at soon: write an instant as"),
        (("--kind", "nonsense"), "input should be 'telemetry', 'maintenance', 'ticket', 'provider' or 'tool'"),
        (("--until", "2026-11-30 00:30"), "--until with an instant needs --at"),
        (("--label", "env"), "write it as NAME=VALUE"),
        (("--acknowledge-after", "3h", "--resolve-after", "1h"), "acknowledge_after must not be later"),
        (("--tree", "tests"), "has none of routing.yaml"),
    ],
)
def test_a_simulation_that_makes_no_sense_is_refused_with_a_sentence(
    house: Instance, words: tuple[str, ...], sentence: str
) -> None:
    done = tocsin(house, "simulate", *words)
    assert (done.returncode, sentence in done.stderr) == (1, True), done.stderr


def test_a_service_that_dies_in_the_middle_is_told_of_and_another_apply_finishes(house: Instance, tree: Path) -> None:
    change(tree)

    def kill(sentence: str) -> None:
        if sentence.startswith("notifier changes"):
            house.process.send_signal(signal.SIGSTOP)  # who would start it again
            dying = psutil.Process(house.kill("notifier"))
            eventually(lambda: dying.status() == psutil.STATUS_ZOMBIE, "the notifier is dead")

    with Tocsin(house.url("statuspage"), house.facts["operator"]["key"]) as client:
        held = parts(client, kill)
        local = read_tree(tree, [name for part in held for name in part.names])
        wanted = plan(client, held, local, kill)
        try:
            with pytest.raises(Failed) as caught:
                apply(client, wanted, local, kill)
        finally:
            house.process.send_signal(signal.SIGCONT)
    said = caught.value.detail.splitlines()
    assert said[0] == "notifier: The notifier cannot be reached at the moment."
    assert said[1:] == [
        "in force now: integrations.yaml (intake)",
        "in force now: ladders.yaml (escalator)",
        "not in force: channels.yaml (notifier)",
        "not in force: people.yaml, roles.yaml, rotas.yaml (oncall)",
        "Running `tocsin apply` again finishes it; what is in force already stays as it is.",
    ]
    taken_at = house.get("escalator", "/v1/config")["files"]["ladders.yaml"]["at"]
    house.wait_ready("notifier")
    left = planned(house, tree, 2)
    assert {one["file"] for one in left["changes"]} == {"channels.yaml", "people.yaml", "roles.yaml", "rotas.yaml"}
    assert tocsin(house, "apply", str(tree), "--yes").returncode == 0
    assert planned(house, tree, 0)["changed"] is False
    assert house.get("escalator", "/v1/config")["files"]["ladders.yaml"]["at"] == taken_at
