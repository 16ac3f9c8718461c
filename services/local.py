"""One instance on one machine: data folder, embedded PostgreSQL, bus and the five services, from start to stop."""

import importlib
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from libs.common.chance import Chance
from libs.common.clock import Stopwatch
from libs.common.embedded.folder import DataFolder
from libs.common.embedded.postgres import EmbeddedPostgres
from libs.common.embedded.supervisor import Supervisor
from libs.common.errors import Misconfigured
from services.settings import PORTS, LocalSettings

MAIL = ("provider-mail", "maintenance-mail", "tool-mail")
"""Default integrations to which mail comes."""
HOOKS = {"alertmanager": "alertmanager", **dict.fromkeys(MAIL, "mail")}
"""Default integrations whose key stands in the path, with the source that they speak."""
_TO_ANSWER = 4
"""How many times as long a service may take to answer at all: its process lives, and the machine may merely be slow."""
INTEGRATIONS = ("alertmanager", "monitoring", "helpdesk", "providers", "maintenance", "tools", *MAIL)
"""The default integrations of ``deploy/config/integrations.yaml``."""


@dataclass
class LocalInstance:
    """A whole Tocsin on this machine. ``progress`` hears one short sentence for each step."""

    settings: LocalSettings
    progress: Callable[[str], None] = lambda _text: None
    chance: Chance = field(default_factory=Chance)
    facts: dict[str, Any] = field(default_factory=dict)
    """What ``run.json`` says, once started."""
    waiting: dict[str, str] = field(default_factory=dict)
    """What services say that had started and were not ready yet."""

    def __post_init__(self) -> None:
        self._folder = DataFolder(self.settings.data_dir)
        self._stops: list[Callable[[], object]] = []
        self._supervisor: Supervisor | None = None

    def start(self) -> None:
        """Start everything and return when all services are ready. Raises :class:`Misconfigured`; nothing runs on then."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Keep the services running until somebody asks to stop."""
        if self._supervisor is not None:
            self._supervisor.watch(self._announce)

    def stop(self) -> None:
        """Stop everything that was started, in reverse order."""
        while self._stops:
            self._stops.pop()()

    def url(self, service: str) -> str:
        """Where ``service`` can be reached."""
        host = self.settings.public_host or self._reachable()
        return f"http://{host}:{self.settings.port_base + PORTS[service]}"

    def _reachable(self) -> str:
        host = self.settings.host
        return "localhost" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - a listening address is none to open

    def _start(self) -> None:
        settings = self.settings
        if not settings.config_dir.is_dir():
            raise Misconfigured(f"there is no configuration tree at {settings.config_dir}: set TOCSIN_CONFIG_DIR")
        self._folder.open()
        self._stops.append(self._folder.close)
        self._check_ports()
        # The services are imported while PostgreSQL and the broker start.
        loading = threading.Thread(target=_load_services)
        loading.start()
        try:
            database_url = self._start_database()
            bus_url = self._start_bus(database_url)
        finally:
            loading.join()
        self.progress("starting the services")
        environment = self._environment(database_url, bus_url)
        supervisor = Supervisor({name: _runner(name, environment | self._own(name)) for name in PORTS})
        self._supervisor = supervisor
        self._stops.append(supervisor.stop)
        supervisor.start()
        self.waiting = self._wait_until_ready(supervisor, environment["TOCSIN_KEY_OPERATOR"])
        self._describe(database_url, bus_url, environment)
        self._announce()

    def _start_database(self) -> str:
        given = self.settings.database_url.get_secret_value()
        if given:
            return given
        self.progress("starting PostgreSQL")
        server = EmbeddedPostgres(self._folder.path / "postgres")
        self._stops.append(server.stop)
        return server.start()

    def _start_bus(self, database_url: str) -> str:
        given = self.settings.bus_url.get_secret_value()
        if given:
            return given
        if self.settings.bus == "embedded":
            return database_url
        self.progress("starting Apache Kafka")
        from libs.common.bus.local_broker import LocalBroker

        broker = LocalBroker(self._folder.path / "kafka")
        self._stops.append(broker.stop)
        broker.start()
        return f"kafka://{broker.bootstrap}"

    def _check_ports(self) -> None:
        for service, offset in PORTS.items():
            port = self.settings.port_base + offset
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.settings.host, port))
                except OSError as error:
                    raise Misconfigured(
                        f"port {port} (for {service}) cannot be used on {self.settings.host}: {error.strerror}; set TOCSIN_PORT_BASE to another base"
                    ) from error

    def _environment(self, database_url: str, bus_url: str) -> dict[str, str]:
        settings = self.settings
        keys = self._folder.keys(["operator", *INTEGRATIONS], self.chance)
        given = {name: os.environ.get(_variable(name)) for name in keys}
        keys = {name: given[name] or (f"tocsin_{key}" if name == "operator" else key) for name, key in keys.items()}
        return {
            "TOCSIN_DATABASE_URL": database_url,
            "TOCSIN_BUS_URL": bus_url,
            "TOCSIN_CONFIG_DIR": str(settings.config_dir.resolve()),
            "TOCSIN_HOST": settings.host,
            "TOCSIN_LOG_LEVEL": settings.log_level,
            "TOCSIN_CLOCK_SPEED": str(settings.clock_speed),
            "TOCSIN_CLOCK_ORIGIN": datetime.now(UTC).isoformat(),
            "TOCSIN_STATUSPAGE_SIGN_IN_TOKEN": self.chance.token(),
            **{f"TOCSIN_{name.upper()}_URL": self.url(name) for name in PORTS},
            **{_variable(name): key for name, key in keys.items()},
        }

    def _own(self, name: str) -> dict[str, str]:
        port = self.settings.port_base + PORTS[name]
        return {f"TOCSIN_{name.upper()}_PORT": str(port), f"TOCSIN_{name.upper()}_PUBLIC_URL": self.url(name)}

    def _wait_until_ready(self, supervisor: Supervisor, key: str) -> dict[str, str]:
        """Wait until every service is ready and knows the operator's key, which reaches it over the bus.

        Returns what those say that live and are not ready yet when the time is up: a bus that cannot be reached, say. They go
        on waiting for it by themselves.
        """
        waited = Stopwatch()
        ready, alive = self.settings.start_seconds, _TO_ANSWER * self.settings.start_seconds
        waiting = dict.fromkeys(PORTS, "does not answer")
        while waiting:
            for name in list(waiting):
                base = f"http://{self._reachable()}:{self.settings.port_base + PORTS[name]}"
                reason = _refusal(f"{base}/readyz") or _refusal(f"{base}/v1/me", key)
                if reason is None:
                    del waiting[name]
                else:
                    waiting[name] = reason
            if supervisor.stopping:
                raise Misconfigured("stopped before everything had started")
            failed = supervisor.failed()
            if failed is not None:
                raise Misconfigured(f"the service {failed} did not start: the line above says why")
            dead = [name for name, reason in waiting.items() if reason.startswith("does not answer")]
            if dead and waited.seconds() > alive:
                raise Misconfigured(f"no answer after {alive:g} s from {', '.join(dead)}")
            if not dead and waited.seconds() > ready:
                break
            if waiting:
                time.sleep(0.05)
        return waiting

    def _describe(self, database_url: str, bus_url: str, environment: Mapping[str, str]) -> None:
        integrations = {}
        for name in INTEGRATIONS:
            key = environment[_variable(name)]
            path = f"/v1/hooks/{HOOKS[name]}/{key}" if name in HOOKS else "/v1/triggers"
            integrations[name] = {"key": key, "path": path, "url": self.url("intake") + path}
        token = environment["TOCSIN_STATUSPAGE_SIGN_IN_TOKEN"]
        self.facts = {
            "version": 1,
            "pid": os.getpid(),
            "started_at": datetime.now(UTC).isoformat(),
            "data_dir": str(self._folder.path),
            "database_url": database_url,
            "bus_url": bus_url,
            "clock": {"speed": self.settings.clock_speed, "origin": environment["TOCSIN_CLOCK_ORIGIN"]},
            "services": {name: {"url": self.url(name)} for name in PORTS},
            "operator": {"key": environment["TOCSIN_KEY_OPERATOR"]},
            "sign_in_url": f"{self.url('statuspage')}/console/sign-in?token={token}",
            "integrations": integrations,
        }

    def _announce(self) -> None:
        pids = self._supervisor.pids() if self._supervisor is not None else {}
        for name, service in self.facts.get("services", {}).items():
            service["pid"] = pids.get(name)
        self._folder.announce(self.facts)


def _variable(name: str) -> str:
    """Which variable brings the key of the operator, or of an integration."""
    return f"TOCSIN_KEY_{name.upper().replace('-', '_')}"


def _load_services() -> None:
    for name in PORTS:
        importlib.import_module(f"services.{name}.__main__")


def _runner(name: str, environment: Mapping[str, str]) -> Callable[[], None]:
    def run() -> None:
        os.environ.update(environment)
        sys.argv = [f"services.{name}"]
        importlib.import_module(f"services.{name}.__main__").main()

    return run


def _refusal(url: str, key: str = "") -> str | None:
    """Why ``url`` does not answer well; ``None`` if it does."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=2):  # noqa: S310
            return None
    except urllib.error.HTTPError as error:
        with error:
            return _sentence(error.read())
    except OSError as error:
        return f"does not answer ({getattr(error, 'reason', error)})"


def _sentence(body: bytes) -> str:
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem)
    except ValueError:
        return body.decode(errors="replace")[:200]
