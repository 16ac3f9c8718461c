"""Programs of Debian's that Tocsin has to get on with: found on this machine, started in a folder of their own, stopped again."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from libs.common.bus.local_broker import free_port

START_SECONDS = 120.0
STOP_SECONDS = 30.0

__all__ = ["free_port", "program", "started"]


def program(name: str, package: str = "") -> str:
    """Where the program is. Fails with the sentence that says how to install it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise AssertionError(
            f"{name} is not on this machine: install it with `apt-get install {package or name}`, or run `make test` as root."
        )
    return found


@contextmanager
def started(command: Sequence[str], folder: Path, ready: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """The program, once ``ready`` says so; what it writes stands in ``folder/output``. It is stopped at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "output"
    with output.open("ab") as file:
        process = subprocess.Popen(
            list(command), cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} did not start: {output.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
