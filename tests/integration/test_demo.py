"""``make demo`` plays one P1 from the alarm to the RCA, and tells it."""

import os
import subprocess
import sys

import pytest

TOLD = (
    "A telemetry alarm comes in",
    "✉ sms to",
    "acknowledged by SMS",
    "resolved the incident",
    "(closing)",
    "root cause analysis is ready",
    "What was promised",
    "What was late",
    "each once",
)
"""What the story cannot do without, in this order: each follows from the one before."""
AMID = ("unacknowledged", "is missing", "No change since")
"""What it cannot do without either, wherever a busy machine comes to tell it."""


@pytest.mark.timeout(900)
def test_the_demonstration_plays_from_the_alarm_to_the_rca_and_leaves_nothing_behind() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    done = subprocess.run(
        [sys.executable, "-m", "services", "demo", "--speed", "300"],
        env=environ | {"COLUMNS": "400", "TOCSIN_START_SECONDS": "240"},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in AMID:
        assert words in done.stdout, f"“{words}” is not told in “{done.stdout}”"
    position = 0
    for words in TOLD:
        found = done.stdout.find(words, position)
        assert found >= 0, f"“{words}” is not told after “{done.stdout[max(position - 80, 0) : position]}”"
        position = found
