"""A shorter way to the answer of a route that is asked more often than all else.

For each request the framework looks through every route, twice, and solves the route's parameters and dependencies anew: for a
question whose answer lies ready that is more work than all the rest. A shortcut stands before it and takes the plain question alone:
a GET of the route's own address, whose placeholders look like ids, without a query. Whatever else is asked there goes to the
declared route as before, which alone is described, checks parameters and says what is wrong with them.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.errors import TocsinError
from libs.common.problems import respond

Answer = Callable[[Request], Awaitable[Response]]
"""Answers as the declared route does: the same key is asked for, the same errors are raised. ``path_params`` hold the placeholders."""

_PLACEHOLDER: Final = re.compile(r"\\\{(\w+)\\\}")
_ID: Final = r"(?P<\1>[a-z0-9_-]{1,63})"


class Shortcut:
    """The way to ``answer`` for the plain question to the route that was declared with the address ``path``."""

    def __init__(self, path: str, answer: Answer) -> None:
        self.path = path
        """What logs, metrics and traces call it: as they call the declared route."""
        self.answer = answer
        self._plain = re.compile(_PLACEHOLDER.sub(_ID, re.escape(path)))

    def placeholders(self, path: str) -> dict[str, str] | None:
        """What stands for the placeholders in ``path``; ``None`` where this is not its address."""
        found = self._plain.fullmatch(path)
        return None if found is None else found.groupdict()


class Shortcuts:
    """The layer between those that every request passes and the framework: takes what there is a shortcut for."""

    def __init__(self, app: ASGIApp, *, shortcuts: Sequence[Shortcut]) -> None:
        self._app = app
        self._shortcuts = tuple(shortcuts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the plain question, and pass on all else."""
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]:
            for shortcut in self._shortcuts:
                placeholders = shortcut.placeholders(scope["path"])
                if placeholders is not None:
                    scope["route"], scope["path_params"] = shortcut, placeholders
                    response = await _answered(shortcut, Request(scope, receive))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def _answered(shortcut: Shortcut, request: Request) -> Response:
    try:
        return await shortcut.answer(request)
    except TocsinError as error:
        return respond(request, error)
