"""A real Apache Kafka broker on this machine (KRaft, one node), for ``make run BUS=kafka`` and for the tests.

Nothing here is imported by the product's services: a broker of a real installation is somebody else's process.
"""

import os
import random
import signal
import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil

from libs.common.bus.kafka_jars import cache_folder, fetch_jars, java
from libs.common.errors import Misconfigured

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)
START_SECONDS = 60.0
STOP_SECONDS = 20.0
HEAP = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOGGING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders><Console name="out" target="SYSTEM_OUT"><PatternLayout pattern="%d %p %m (%c)%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_dirs}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms={session_ms}
broker.heartbeat.interval.ms={heartbeat_ms}
log.flush.offset.checkpoint.interval.ms=1000
"""


def free_port() -> int:
    """A TCP port of this machine that nobody listens on at the moment.

    Below those that the system gives to outgoing connections: while a broker is away, one of its own clients that
    tries to connect could else be given the broker's port.
    """
    for port in random.SystemRandom().sample(PORTS, 100):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise Misconfigured(f"no free port was found between {PORTS.start} and {PORTS.stop}")


class LocalBroker:
    """One Kafka node with its records in ``folder``; it may be stopped or killed, and started on the same folder again.

    ``port`` and ``controller_port`` of ``None`` take free ports and keep them for the life of this object.
    ``session_ms`` is how long a broker that died counts as alive; a restart waits for it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cache: Path | None = None,
        port: int | None = None,
        controller_port: int | None = None,
        session_ms: int = 3000,
    ) -> None:
        self._folder = folder.absolute()
        self._cache = cache or cache_folder()
        self._port = port or free_port()
        self._controller_port = controller_port or free_port()
        self._session_ms = session_ms
        self._process: subprocess.Popen[bytes] | None = None
        self._class_path = ""

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return f"{HOST}:{self._port}"

    @property
    def url(self) -> str:
        """The bus URL of this broker."""
        return f"kafka://{self.bootstrap}"

    @property
    def pid(self) -> int | None:
        """The broker's process, while it was started."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> Path:
        """What the broker prints."""
        return self._folder / "broker.log"

    def running(self) -> bool:
        """Whether the broker's process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the broker and return when it listens. Raises :class:`Misconfigured` where it does not."""
        if self.running():
            return
        self._prepare()
        self._end_orphan()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*self._command(*HEAP), "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self._folder / "broker.pid").write_text(str(self._process.pid), "utf-8")
        self._await_listening()

    def stop(self) -> None:
        """End the broker in good order; kill it where that takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def kill(self) -> None:
        """End the broker at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._forget()

    def restart(self) -> None:
        """Stop, then start on the same folder and ports."""
        self.stop()
        self.start()

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _command(self, *options: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.xml'}"
        return [str(java()), *options, logging, "-cp", self._class_path]

    def _prepare(self) -> None:
        """Fetch what is missing, write the settings, format the folder the first time."""
        self._class_path = os.pathsep.join(str(path) for path in fetch_jars(self._cache))
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j2.xml").write_text(LOGGING, "utf-8")
        logs = self._folder / "logs"
        text = PROPERTIES.format(
            host=HOST,
            port=self._port,
            controller_port=self._controller_port,
            log_dirs=logs,
            session_ms=self._session_ms,
            heartbeat_ms=max(self._session_ms // 6, 100),
        )
        self._properties.write_text(text, "utf-8")
        if not (logs / "meta.properties").exists():
            cluster = self._tool("random-uuid").strip().splitlines()[-1]
            self._tool("format", "--standalone", "-t", cluster, "-c", str(self._properties))

    def _tool(self, *arguments: str) -> str:
        """Run Kafka's storage tool and return what it printed."""
        command = [*self._command(), "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode:
            raise Misconfigured(f"Kafka's storage tool failed in {self._folder}: {(done.stdout + done.stderr).strip()}")
        return done.stdout

    def _end_orphan(self) -> None:
        """End the broker of this folder that outlived a killed parent: two of them cannot share the folder."""
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            orphan = psutil.Process(int((self._folder / "broker.pid").read_text("utf-8")))
            if str(self._properties) in orphan.cmdline():
                orphan.kill()
                orphan.wait(STOP_SECONDS)

    def _await_listening(self) -> None:
        """Return when a client can connect; the end of the broker's log tells why not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.running():
            with suppress(OSError), socket.create_connection((HOST, self._port), 1):
                return
            time.sleep(0.05)
        self.kill()
        tail = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])
        raise Misconfigured(f"the local Kafka did not start; the end of {self.log}:\n{tail}")

    def _forget(self) -> None:
        self._process = None
        (self._folder / "broker.pid").unlink(missing_ok=True)
