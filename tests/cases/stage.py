"""A whole Tocsin for one case: real services on a real PostgreSQL, the case's own configuration, a clock that the case moves."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import yaml

from libs.common.config import ConfigWatcher
from libs.common.errors import Misconfigured
from tests.cases.case import NotYet
from tests.support.postgres import PostgresServer, running_server
from tests.support.world import OPERATOR_KEY, START, World

Made = TypeVar("Made")
Tree = Mapping[str, Any]
"""The documents of a configuration by the names of their files."""

Around = Callable[[], AbstractAsyncContextManager[Mapping[str, Any]]]
"""What runs while a case is played, such as a provider, and the settings that lead to it."""

SERVICES: Final = ("oncall", "escalator", "notifier", "intake")
"""Nothing of a case shows on the status page alone."""
_TEMPLATE: Final = "cases_template"


class Refused(NotYet):
    """Tocsin does not take the configuration that the case has."""


@dataclass(frozen=True)
class Page:
    """A page as it left: when after the case's start, to whom, through which channel, and what it says."""

    at_s: float
    user: str
    channel: str
    text: str
    number: int


class Stage(World):
    """The services of one case. Users are people who may act with a key of their own."""

    def __init__(self, database_url: str, folder: Path, tree: Tree, settings: Mapping[str, Any]) -> None:
        super().__init__(database_url, database_url, folder, extra=settings, names=SERVICES)
        for path in self.config.glob("*.yaml"):
            path.unlink()
        self.write(tree)

    def write(self, tree: Tree) -> None:
        """Write these files of the configuration anew."""
        for name, document in tree.items():
            (self.config / name).write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))

    async def configure(self, tree: Tree) -> None:
        """Put these files in force, as a change of the folder does. Raises :class:`Misconfigured`."""
        self.write(tree)
        for service in self.services:
            for part in service.components:
                if isinstance(part, ConfigWatcher):
                    await part.take()
        await self.settle()

    def seconds(self) -> float:
        """How long the case has been going on."""
        return (self.clock.now() - START).total_seconds()

    async def until(self, at_s: float) -> None:
        """Go on to this second of the case, stopping at every timer on the way."""
        await self._go(max(START + timedelta(seconds=at_s), self.clock.now()))

    async def ask(
        self, service: str, method: str, path: str, key: str | None = OPERATOR_KEY, **options: Any
    ) -> httpx.Response:
        """What a service's API answers, whatever that is, to whoever has ``key``; everything it sets off is settled."""
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **options.pop("headers", {})}
        answer = await self._clients[service].request(method, path, headers=headers, **options)
        await self.settle()
        return answer

    async def incidents(self) -> list[dict[str, Any]]:
        """Every incident, oldest first."""
        answer = await self.request("escalator", "GET", "/v1/incidents?limit=200")
        return list(reversed(answer["incidents"]))

    async def paged(self) -> list[Page]:
        """Every page that left, in order."""
        return [
            Page(
                round((datetime.fromisoformat(one["at"]) - START).total_seconds(), 3),
                one["to"]["name"],
                one["channel"],
                f"{one['headline']}\n{one['text']}",
                one["incident_number"] or 0,
            )
            for one in await self.messages("page")
        ]


class Theatre:
    """The server on which stages are made, one for the process; started when a case first needs it."""

    def __init__(self) -> None:
        self._server: PostgresServer | None = None
        self._ready = False
        self._closing = ExitStack()

    def use(self, server: PostgresServer) -> None:
        """Make stages on a server that is there already."""
        self.close()
        self._server = server

    def close(self) -> None:
        """Stop what was started."""
        self._closing.close()
        self._server, self._ready = None, False

    def play(
        self,
        tree: Tree,
        act: Callable[[Stage], Awaitable[Made]],
        keys: Mapping[str, str],
        around: Around | None = None,
        **settings: Any,
    ) -> Made:
        """Play ``act`` on a Tocsin that is configured as ``tree`` says, with ``keys`` in its environment.

        What is ``around`` it runs as long, and adds to its settings.
        """
        if self._server is None:
            self._server = self._closing.enter_context(running_server())
        with tempfile.TemporaryDirectory(prefix="tocsin-case-") as folder, _environment(keys):
            return asyncio.run(self._play(self._server, Path(folder), tree, act, settings, around))

    async def _play(
        self,
        server: PostgresServer,
        folder: Path,
        tree: Tree,
        act: Callable[[Stage], Awaitable[Made]],
        settings: Mapping[str, Any],
        around: Around | None,
    ) -> Made:
        if not self._ready:
            await self._prepare(server, folder / "template", tree)
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(server.database(_TEMPLATE))
            more = await stack.enter_async_context(around()) if around else {}
            stage = Stage(address, folder, tree, {**settings, **more})
            try:
                await stage.start()
                return await act(stage)
            except Misconfigured as error:
                raise Refused(f"Tocsin refuses this set-up: {error.detail}") from error
            finally:
                await stage.stop()

    async def _prepare(self, server: PostgresServer, folder: Path, tree: Tree) -> None:
        """Make a database with every schema in it, to copy."""
        await server.execute(f'DROP DATABASE IF EXISTS "{_TEMPLATE}" WITH (FORCE)')
        await server.execute(f'CREATE DATABASE "{_TEMPLATE}" TEMPLATE template0')
        stage = Stage(server.address(_TEMPLATE), folder, tree, {})
        for name in SERVICES:
            service = await stage.build(name)
            await service.migrate()
            await service.platform.database.dispose()
        self._ready = True


@contextmanager
def _environment(keys: Mapping[str, str]) -> Iterator[None]:
    """These variables for a while: keys are read from the environment, as in any deployment."""
    before = {name: os.environ.get(name) for name in keys}
    os.environ.update(keys)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


THEATRE: Final = Theatre()
"""Where the cases of this process are played."""
