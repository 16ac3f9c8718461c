"""``python -m services`` as a newcomer meets it: it starts, tells where it is, stops, and says in a line what is wrong."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree

import psutil
import pytest

from services.settings import PORTS
from tests.support.instance import Instance, environment, eventually, free_base, running, short_folder

MEGABYTE = 1024 * 1024


@pytest.fixture
def folder() -> Iterator[Path]:
    made = short_folder()
    yield made / "data"
    rmtree(made, ignore_errors=True)


def refused(folder: Path, base: int = 0, **more: str) -> str:
    """The one line that a start that must fail says."""
    done = subprocess.run(
        [sys.executable, "-m", "services"],
        env=environment(folder, base or free_base(), **more),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line]
    assert lines, "it says what to do"
    return " ".join(lines)


def test_it_starts_tells_where_it_is_pages_somebody_and_finds_its_data_again(folder: Path) -> None:
    base = free_base()
    with running(folder, base) as instance:
        facts = instance.facts
        assert stat.S_IMODE((folder / "run.json").stat().st_mode) == 0o600
        assert set(facts["services"]) == set(PORTS)
        assert facts["services"]["statuspage"]["url"].endswith(str(base))
        assert instance.alarm("first").status_code == 202
        pages = eventually(lambda: instance.messages("page"), "a page")
        assert len(pages) == 1
        hook = facts["integrations"]["alertmanager"]["url"]
        assert instance.client.post(hook, content=b"{").status_code in {400, 422}
        assert _memory(instance) < 600 * MEGABYTE
        assert instance.stop() == 0
    assert not (folder / "run.json").exists()
    with running(folder, base) as again:
        assert again.facts["operator"]["key"] == facts["operator"]["key"]
        assert again.get("escalator", "/v1/incidents/1")["title"] == "first"
        assert len(again.messages("page")) == 1
        os.kill(again.process.pid, signal.SIGTERM)
        assert again.process.wait(120) == 0
    assert _nothing_runs_in(folder)


def test_two_instances_run_beside_each_other_and_a_third_on_a_taken_folder_is_refused(folder: Path) -> None:
    with running(folder / "a") as first, running(folder / "b") as second:
        first.alarm("only here")
        eventually(lambda: first.messages("page"), "a page")
        assert second.messages() == []
        assert "running" in refused(folder / "a")
        taken = int(first.url("statuspage").rsplit(":", 1)[1])
        line = refused(folder / "c", taken)
        assert str(taken) in line
        assert "TOCSIN_PORT_BASE" in line


def test_when_the_parent_is_killed_the_services_stop_and_the_next_start_works(folder: Path) -> None:
    with running(folder) as instance:
        pids = [service["pid"] for service in instance.facts["services"].values()]
        instance.process.kill()
        instance.process.wait(120)
        eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids), "the services are gone")
    with running(folder) as again:
        assert again.get("escalator", "/v1/incidents") is not None


def test_a_port_that_another_program_listens_on_is_named(folder: Path) -> None:
    base = free_base()
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + 2))
        other.listen()
        line = refused(folder, base)
    assert str(base + 2) in line
    assert "TOCSIN_PORT_BASE" in line


def test_a_data_folder_of_a_newer_version_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "format").write_text("99\n")
    assert "newer" in refused(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["format", "lock"]


def test_a_database_that_cannot_be_reached_is_said_in_one_line(folder: Path) -> None:
    line = refused(folder, TOCSIN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert "TOCSIN_DATABASE_URL" in line


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("people.yaml", "people:\n  - {id: a, name: A}\n  - {id: b, nmae: B}\n", "people.yaml:3"),
        ("ladders.yaml", "ladders: [\n", "ladders.yaml"),
        (
            "integrations.yaml",
            "integrations:\n  - {id: x, name: X, source: no-such-source, kind: telemetry}\n",
            "integrations.yaml:2",
        ),
    ],
)
def test_a_broken_configuration_names_file_and_line(folder: Path, name: str, text: str, expected: str) -> None:
    folder.mkdir()
    config = folder / "config"
    copytree("deploy/config", config)
    (config / name).write_text(text)
    assert expected in refused(folder / "data", TOCSIN_CONFIG_DIR=str(config))


def test_without_its_broker_it_starts_waits_says_why_and_goes_on_taking_triggers_in(folder: Path) -> None:
    nowhere = "kafka://127.0.0.1:1"
    with running(folder, TOCSIN_BUS_URL=nowhere, TOCSIN_START_SECONDS="25") as instance:
        for service in PORTS:
            answer = instance.client.get(f"{instance.url(service)}/readyz")
            assert answer.status_code == 503
            assert "bus" in answer.text
        assert instance.alarm("kept until the broker comes").status_code == 202
        assert "is not ready yet" in (folder / "output").read_text()


def test_a_setting_out_of_range_is_named(folder: Path) -> None:
    assert "TOCSIN_CLOCK_SPEED" in refused(folder, TOCSIN_CLOCK_SPEED="-3")


def _memory(instance: Instance) -> int:
    """Bytes that the whole instance keeps in memory; what processes share counts once."""
    parent = psutil.Process(instance.process.pid)
    postmaster = int((instance.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    everybody = [parent, *parent.children(recursive=True)]
    database = psutil.Process(postmaster)
    everybody += [process for process in [database, *database.children(recursive=True)] if process not in everybody]
    return sum(process.memory_full_info().pss for process in everybody)


def _nothing_runs_in(folder: Path) -> bool:
    return not any(
        str(folder) in " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
    )
