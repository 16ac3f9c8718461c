"""What `make` calls before any Python of Tocsin runs says in one line what is missing."""

import os
import subprocess
from pathlib import Path

import pytest


def _make_venv(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """Run the tool with a path on which only these programs are called Python."""
    programs = folder / "programs"
    programs.mkdir()
    for name, script in pythons.items():
        program = programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    for tool in ("sh", "rm"):
        (programs / tool).symlink_to(f"/bin/{tool}")
    environ = {name: value for name, value in os.environ.items() if name != "PYTHON"} | {"PATH": str(programs)}
    return subprocess.run(
        ["/bin/sh", "tools/make-venv.sh", str(folder / "venv")],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


NEW_WITHOUT_VENV = 'case "$*" in *venv*) exit 1 ;; *) exit 0 ;; esac'
TOO_OLD = 'case "$*" in *version_info*) exit 1 ;; *) exit 0 ;; esac'


@pytest.mark.parametrize(
    ("pythons", "expected"),
    [
        ({"python3": NEW_WITHOUT_VENV}, "python3-venv"),
        ({"python3": TOO_OLD}, "Python 3.11"),
        ({}, "Python 3.11"),
    ],
    ids=["no venv module", "too old", "no Python"],
)
def test_a_python_that_does_not_do_is_one_line_and_exit_code_1(
    tmp_path: Path, pythons: dict[str, str], expected: str
) -> None:
    done = _make_venv(tmp_path, **pythons)
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "venv").exists()


def test_a_newer_python_is_found_where_python3_is_too_old(tmp_path: Path) -> None:
    made = 'case "$*" in "-m venv "*) echo made > "$3" ;; *) exit 0 ;; esac'
    done = _make_venv(tmp_path, python3=TOO_OLD, **{"python3.13": made})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv").read_text() == "made\n"
