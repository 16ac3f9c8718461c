"""How a service is put together, started, served and stopped: the part that all five composition roots share."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import typer
import uvloop
from fastapi import APIRouter, FastAPI
from sqlalchemy import MetaData

from libs.common import configuration
from libs.common.components import BusConnection, Storage, alarm_of, database_check, said
from libs.common.config import ConfigWatcher
from libs.common.consume import ConsumerLoop, Subscription
from libs.common.db.migrate import upgrade
from libs.common.db.relay import Relay
from libs.common.db.tables import COMMON
from libs.common.db.timers import TimerHandler, TimerLoop
from libs.common.errors import Misconfigured
from libs.common.heap import SettledHeap
from libs.common.lifecycle import Component, Lifecycle
from libs.common.logs import configure, service_context
from libs.common.platform import Platform, make_platform
from libs.common.server import HttpServer
from libs.common.settings import ServiceSettings, load_settings, variable_names
from libs.common.shortcut import Shortcut
from libs.common.tracing import configure_tracing, flush_traces
from libs.common.web import API_POLICY, BODY_LIMIT, Check, create_app

__all__ = ["Platform", "Service", "assemble", "make_platform", "run"]

S = TypeVar("S", bound=ServiceSettings)


class Service:
    """One service: its application and its components in the order in which they start.

    :meth:`start` and :meth:`stop` run it without a listening port, as stories do; :meth:`serve` is the whole life of a process.
    """

    def __init__(
        self,
        platform: Platform,
        settings: ServiceSettings,
        app: FastAPI,
        components: Sequence[Component],
        *,
        metadata: Sequence[MetaData] = (),
        migrations: str | None = None,
    ) -> None:
        self.name = platform.name
        self.platform = platform
        self.settings = settings
        self.app = app
        self.components = tuple(components)
        self._metadata = [COMMON, *metadata]
        self._migrations = migrations or f"services.{platform.name}.migrations"
        self._drain = timedelta(seconds=settings.drain_seconds)
        self._lifecycle: Lifecycle | None = None
        app.state.stopping = asyncio.Event()

    async def migrate(self) -> None:
        """Bring this service's schema to its newest revision. Raises :class:`DatabaseUnavailable`, :class:`Misconfigured`."""
        database = self.platform.database
        await upgrade(database.url, database.schema, self._migrations, self._metadata)

    def storage(self) -> Storage:
        """The component that migrates at the start and closes the database at the end."""
        return Storage(self.platform.database, self.migrate, variable_names(type(self.settings), "database_url")[-1])

    async def start(self) -> None:
        """Migrate and start all components. Raises :class:`Misconfigured`; nothing runs on then."""
        self._lifecycle = Lifecycle([self.storage(), *self.components], self._drain)
        with service_context(self.name):
            await self._lifecycle.start()

    async def stop(self) -> None:
        """Drain and stop all components."""
        self.app.state.stopping.set()
        if self._lifecycle is not None:
            with service_context(self.name):
                await self._lifecycle.stop()

    async def serve(self) -> int:
        """Start, answer HTTP until a signal or a crash, drain. Returns the exit code."""
        settings = self.settings
        variable = variable_names(type(settings), "port")[0]
        server = HttpServer(
            self.app, settings.host, settings.port, drain_seconds=settings.drain_seconds, port_variable=variable
        )
        lifecycle = Lifecycle([self.storage(), *self.components, SettledHeap(), server], self._drain)
        with service_context(self.name):
            return await lifecycle.run_until_signal()


def assemble(
    platform: Platform,
    settings: ServiceSettings,
    *,
    title: str,
    metadata: Sequence[MetaData] = (),
    migrations: str | None = None,
    routers: Sequence[APIRouter] = (),
    shortcuts: Sequence[Shortcut] = (),
    subscriptions: Sequence[Subscription] = (),
    timers: Mapping[str, TimerHandler] | None = None,
    config: ConfigWatcher | None = None,
    form: configuration.Form | None = None,
    components: Sequence[Component] = (),
    checks: Mapping[str, Check] | None = None,
    notes: Mapping[str, Check] | None = None,
    state: Mapping[str, object] | None = None,
    description: str = "",
    body_limit: int = BODY_LIMIT,
    body_limits: Mapping[str, int] | None = None,
    content_security_policy: str = API_POLICY,
) -> Service:
    """The service that these parts make, with the components, checks and routes that all services have.

    ``form`` says how the files of ``config`` are written, for those who read and change them over HTTP. ``migrations`` is the package of its migrations, ``services.<name>.migrations`` where nothing is said.

    Start order: database, bus, wakeups, configuration, ``components``, relay, consumers, timers, HTTP. They stop the other
    way round, so that what requests, records and timers still emit goes out last.
    """
    bus = BusConnection(platform.bus)
    relay = Relay(platform.uow, platform.bus, platform.metrics)
    consumers = [_consumer(platform, subscription) for subscription in subscriptions]
    parts: list[Component] = [bus, platform.wakeups]
    all_checks: dict[str, Check] = {"database": database_check(platform.database), "bus": bus.problem}
    all_notes = dict(notes or {})
    if config is not None:
        config.use(environ=platform.environ, metrics=platform.metrics)
        parts.append(config)
        all_notes["configuration"] = config.note
        routers = [*routers, configuration.router(config, form)]
    parts += [*components, relay, *consumers]
    all_checks["outbox"] = said(relay.problem)
    for consumer in consumers:
        all_checks[consumer.name] = said(consumer.problem)
    if timers:
        parts.append(TimerLoop(platform.uow, platform.clock, timers, platform.metrics))
    app = create_app(
        title=title,
        platform=platform,
        routers=routers,
        shortcuts=shortcuts,
        checks={**all_checks, **(checks or {})},
        notes=all_notes,
        description=description,
        body_limit=body_limit,
        body_limits=body_limits,
        content_security_policy=content_security_policy,
        state={"platform": platform, "uow": platform.uow, "clock": platform.clock, **(state or {})},
    )
    return Service(platform, settings, app, parts, metadata=metadata, migrations=migrations)


def _consumer(platform: Platform, subscription: Subscription) -> ConsumerLoop:
    return ConsumerLoop(
        platform.bus,
        platform.uow,
        platform.clock,
        platform.chance,
        subscription,
        metrics=platform.metrics,
        on_stop=alarm_of(platform.uow, platform.name, subscription.group),
    )


def run(build: Callable[[S], Awaitable[Service]], settings_class: type[S], argv: Sequence[str] | None = None) -> None:
    """The command line of one service: without a word it migrates, starts and serves; ``migrate`` only migrates.

    What a person must mend is one line on standard error and exit code 1.
    """
    name = str(settings_class.model_config.get("env_prefix")).removeprefix("TOCSIN_").rstrip("_").lower()
    commands = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    prepared: dict[str, Any] = {}

    @commands.callback(invoke_without_command=True, help=_help(name, settings_class))
    def serve(context: typer.Context) -> None:
        prepared["settings"] = _prepare(name, settings_class)
        if context.invoked_subcommand is None:
            raise typer.Exit(_run(_serve(build, prepared["settings"])))

    @commands.command(help="Bring the service's schema to its newest revision, and end.")
    def migrate() -> None:
        raise typer.Exit(_run(_migrate(build, prepared["settings"])))

    try:
        commands(args=None if argv is None else list(argv), prog_name=f"python -m services.{name}")
    except Misconfigured as error:
        lines = error.detail.splitlines() or [""]
        sys.stderr.write("".join(f"tocsin {name}: {line}\n" for line in lines))
        sys.exit(1)


def _prepare(name: str, settings_class: type[S]) -> S:
    settings = load_settings(settings_class, os.environ)
    configure(name, settings.log_level, settings.log_format)
    configure_tracing(name, settings.otlp_url)
    return settings


def _run(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(work)
    flush_traces()
    return code


async def _serve(build: Callable[[S], Awaitable[Service]], settings: S) -> int:
    return await (await build(settings)).serve()


async def _migrate(build: Callable[[S], Awaitable[Service]], settings: S) -> int:
    service = await build(settings)
    storage = service.storage()
    try:
        await storage.start()
    finally:
        await storage.stop()
    return 0


def _help(name: str, settings_class: type[ServiceSettings]) -> str:
    lines = [f"Tocsin's {name} service. Settings are environment variables:", "", "\b"]
    for field_name, info in settings_class.model_fields.items():
        lines.append(f"{variable_names(settings_class, field_name)[-1]}  {info.description or ''}")
    lines += [
        "",
        f"TOCSIN_{name.upper()}_… in place of TOCSIN_… is for this service alone, …_FILE names a file that holds the value.",
    ]
    return "\n".join(lines)
