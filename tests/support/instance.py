"""A Tocsin as a newcomer starts it: ``python -m services`` as a program of its own, found through its ``run.json``."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

START_SECONDS = 270.0
STOP_SECONDS = 120.0
TEST_PROCESSES = 8
"""So many test processes of one run take no ports from each other."""


def free_base() -> int:
    """The first of five ports in a row that are free at the moment, another one at each call.

    Below the ports that the system gives to outgoing connections, which would take them in between, below those of local
    brokers, and apart from those that the other test processes of this run choose.
    """
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % TEST_PROCESSES
    for base in random.SystemRandom().sample(range(11000 + 5 * mine, 18500, 5 * TEST_PROCESSES), 100):
        if all(_is_free(port) for port in range(base, base + 5)):
            return base
    raise AssertionError("no five free ports in a row were found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def short_folder() -> Path:
    """A new folder with a short path: a Unix socket's path has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def eventually(look: Callable[[], T | None], what: str, seconds: float = 180.0) -> T:
    """What ``look`` returns once that is neither ``None`` nor empty. Fails, naming ``what``, when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"never came: {what}")


class Instance:
    """A running instance, and what a script can do with its ``run.json``."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.client = httpx.Client(timeout=60)

    @property
    def facts(self) -> dict[str, Any]:
        """``run.json`` as it is now."""
        body: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return body

    def url(self, service: str) -> str:
        """Where a service listens."""
        return str(self.facts["services"][service]["url"])

    def get(self, service: str, path: str) -> Any:
        """An answer of a service's API to the operator."""
        return self.call(service, "GET", path)

    def call(self, service: str, method: str, path: str, body: object = None) -> Any:
        """An answer of a service's API to the operator; it must be good."""
        key = self.facts["operator"]["key"]
        answer = self.client.request(
            method, self.url(service) + path, json=body, headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.is_success, f"{answer.status_code}: {answer.text}"
        return answer.json()

    def alarm(self, name: str, service: str = "invoicing") -> httpx.Response:
        """Post a telemetry alarm of the native shape."""
        native = self.facts["integrations"]["monitoring"]
        body = {"kind": "telemetry", "title": name, "service": service, "dedup_key": name}
        return self.client.post(native["url"], json=body, headers={"Authorization": f"Bearer {native['key']}"})

    def messages(self, purpose: str | None = None) -> list[dict[str, Any]]:
        """The local outbox, oldest first."""
        found = reversed(self.get("notifier", "/v1/outbox?limit=500")["messages"])
        return [message for message in found if purpose in {None, message["purpose"]}]

    def incident(self, words: str) -> dict[str, Any] | None:
        """The incident in which these words stand."""
        found = self.get("escalator", "/v1/incidents?limit=100")["incidents"]
        return next((one for one in found if words in json.dumps(one)), None)

    def incident_in(self, words: str, state: str) -> dict[str, Any]:
        """The incident in which these words stand, once it is in this state."""

        def look() -> dict[str, Any] | None:
            found = self.incident(words)
            return found if found and found["state"] == state else None

        return eventually(look, f"{words} is {state}")

    def kill(self, service: str) -> int:
        """``kill -9`` of a service; the process id that it had."""
        pid = int(self.facts["services"][service]["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_ready(self, service: str) -> None:
        """Wait until a service is ready."""
        eventually(lambda: self._ready(service), f"{service} is ready", START_SECONDS)

    def _ready(self, service: str) -> bool:
        try:
            return self.client.get(f"{self.url(service)}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop as Ctrl-C does, to the whole process group; the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(STOP_SECONDS)


def environment(folder: Path, base: int, **more: str) -> dict[str, str]:
    """The environment of an instance on ``folder`` and ``base``; what the caller's says of Tocsin does not count."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return clean | {"TOCSIN_DATA_DIR": str(folder), "TOCSIN_PORT_BASE": str(base), "TOCSIN_START_SECONDS": "240"} | more


def launch(environ: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    """``python -m services`` in a process group of its own. It writes to a file: a pipe that nobody reads would stop it."""
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "services"],
            env=dict(environ),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _announced(folder: Path, pid: int) -> bool:
    try:
        return bool(json.loads((folder / "run.json").read_text())["pid"] == pid)
    except FileNotFoundError:
        return False


@contextmanager
def running(folder: Path, base: int = 0, **more: Any) -> Iterator[Instance]:
    """An instance that is ready, and stopped at the end however the test went."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "output"
    process = launch(environment(folder, base or free_base(), **more), output)
    instance = Instance(process, folder)
    try:
        eventually(
            lambda: _announced(folder, process.pid) or process.poll() is not None, "run.json is written", START_SECONDS
        )
        if process.poll() is not None:
            raise AssertionError(f"it ended: {output.read_text()}")
        yield instance
    finally:
        instance.client.close()
        if process.poll() is None:
            instance.stop()
