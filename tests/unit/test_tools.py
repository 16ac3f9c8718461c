"""What `make` calls: the environment or one line of what is missing, and tests that are judged fairly."""

import os
import subprocess
import sys
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


AMONG_OTHERS = "import os\n\ndef test_alone(): assert 'PYTEST_XDIST_WORKER' not in os.environ\n"
ALWAYS = "import pytest\n\n@pytest.mark.parametrize('n', range({}))\ndef test_wrong(n): assert n < 0\n"


def _run_tests(folder: Path, content: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of one file as ``make test`` does."""
    (folder / "test_it.py").write_text(content)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TOCSIN_"))}
    tool = Path("tools/run-tests.sh").absolute()
    return subprocess.run(
        ["/bin/sh", str(tool), sys.executable, "-q"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_fails_among_others_and_passes_alone_is_named_and_passes(tmp_path: Path) -> None:
    done = _run_tests(tmp_path, AMONG_OTHERS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "1 passed" in done.stdout
    assert "UNRELIABLE" in done.stderr
    assert done.stderr.splitlines()[-1] == "  test_it.py::test_alone"


@pytest.mark.parametrize(
    ("content", "again"),
    [(ALWAYS.format(1) + AMONG_OTHERS, True), (ALWAYS.format(6), False)],
    ids=["one fails twice", "too many for an accident"],
)
def test_what_fails_alone_fails_the_run(tmp_path: Path, content: str, *, again: bool) -> None:
    done = _run_tests(tmp_path, content)
    assert done.returncode == 1, done.stdout + done.stderr
    assert ("once more" in done.stderr) == again
    assert "UNRELIABLE" not in done.stderr
