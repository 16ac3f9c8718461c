"""Runs several services as processes of one group: forks them, watches them, starts again what died, stops them together.

The parent has imported everything before it forks, so that a child starts in a fraction of the time and shares the memory of what was
imported. A child whose parent is gone stops by itself.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from types import FrameType

import structlog

_FORK = multiprocessing.get_context("fork")
_STEADY_SECONDS = 30.0
_PAUSES = (0.2, 1.0, 5.0, 15.0)
"""Seconds before a child that died is started again, the first time and later; the last one stays."""

log = structlog.get_logger("tocsin.supervisor")


@dataclass
class _Child:
    name: str
    target: Callable[[], None]
    process: BaseProcess | None = None
    started_at: float = 0.0
    deaths: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Children by name; each ``target`` runs one service and returns when it was told to stop (SIGTERM)."""

    targets: Mapping[str, Callable[[], None]]
    drain_seconds: float = 15.0
    _children: dict[str, _Child] = field(default_factory=dict)
    _stopping: bool = False
    _pipe: tuple[int, int] | None = None

    def start(self) -> None:
        """Fork every child, and take over SIGINT and SIGTERM."""
        # A collection writes into the head of every object that it looks at, and so takes a copy of each shared page: what
        # exists now is left out of the collections of parent and children for good.
        gc.collect()
        gc.freeze()
        self._pipe = os.pipe()
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        for name, target in self.targets.items():
            child = _Child(name, target)
            self._children[name] = child
            self._fork(child)

    def pids(self) -> dict[str, int]:
        """The process ids of the children that run, by name."""
        return {
            name: child.process.pid
            for name, child in self._children.items()
            if child.process is not None and child.process.pid is not None
        }

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stopping

    def failed(self) -> str | None:
        """The name of a child that ended before it was ever steady, for the time of the start."""
        for child in self._children.values():
            if child.process is not None and child.process.exitcode not in (None, 0):
                return child.name
        return None

    def watch(self, on_restart: Callable[[], None]) -> None:
        """Start again whatever dies, until a signal asks to stop. ``on_restart`` is called after each start."""
        while not self._stopping:
            for child in self._children.values():
                self._tend(child, on_restart)
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask every child to drain, wait, and end what does not go."""
        self._stopping = True
        running = [child.process for child in self._children.values() if child.process is not None]
        for process in running:
            if process.is_alive():
                process.terminate()
        deadline = time.monotonic() + self.drain_seconds
        for process in running:
            process.join(max(deadline - time.monotonic(), 0.1))
            if process.is_alive():
                log.warning("a service did not stop in time and was killed", process=process.name)
                process.kill()
                process.join()
        if self._pipe is not None:
            for end in self._pipe:
                os.close(end)
            self._pipe = None

    def _tend(self, child: _Child, on_restart: Callable[[], None]) -> None:
        process = child.process
        if process is None or self._stopping:
            return
        if process.is_alive():
            if child.deaths and time.monotonic() - child.started_at > _STEADY_SECONDS:
                child.deaths = 0
            return
        if child.restart_at is None:
            pause = _PAUSES[min(child.deaths, len(_PAUSES) - 1)]
            child.deaths += 1
            child.restart_at = time.monotonic() + pause
            log.error(
                "a service ended and is started again",
                service=child.name,
                exitcode=process.exitcode,
                pause_seconds=pause,
            )
        elif time.monotonic() >= child.restart_at:
            child.restart_at = None
            self._fork(child)
            on_restart()

    def _fork(self, child: _Child) -> None:
        child.process = _FORK.Process(target=self._run, args=(child,), name=child.name)
        child.started_at = time.monotonic()
        child.process.start()

    def _run(self, child: _Child) -> None:
        """The life of a child, in the child."""
        # Ctrl-C reaches the whole group: the parent alone decides when the children stop.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if self._pipe is not None:
            reading, writing = self._pipe
            os.close(writing)
            threading.Thread(target=_die_with_parent, args=(reading,), daemon=True).start()
        try:
            child.target()
        except SystemExit as leaving:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(leaving.code if isinstance(leaving.code, int) else 1)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            for child in self._children.values():
                if child.process is not None and child.process.is_alive():
                    child.process.kill()
        self._stopping = True


def _die_with_parent(reading: int) -> None:
    """Wait until the parent's end of the pipe is closed, which only its death does, and stop as if asked to."""
    os.read(reading, 1)
    os.kill(os.getpid(), signal.SIGTERM)
