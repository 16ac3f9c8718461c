"""A shorter way to the answer of a route that is asked more often than all else.

For each request the framework looks through every route, twice, and solves the route's parameters and dependencies anew: for a
question whose answer lies ready that is more work than all the rest. A shortcut stands before them and takes the plain question alone:
a GET of the route's own address, whose placeholders look like ids, without a query. Whatever else is asked there goes to the
declared route as before, which alone is described, checks parameters and says what is wrong with them.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

Answer = Callable[[Request], Awaitable[Response]]
"""Answers as the declared route does: the same key is asked for, the same errors are raised. ``path_params`` hold the placeholders."""

_PLACEHOLDER: Final = re.compile(r"\\\{(\w+)\\\}")
_ID: Final = r"(?P<\1>[a-z0-9_-]{1,63})"


class Shortcut(BaseRoute):
    """The way to ``answer`` for the plain question to the route that was declared with the address ``path``.

    It stands among the application's routes: around it are the same layers, and errors become the same problems.
    """

    def __init__(self, path: str, answer: Answer) -> None:
        self.path = path
        """What logs, metrics and traces call it: as they call the declared route."""
        self._plain = re.compile(_PLACEHOLDER.sub(_ID, re.escape(path)))
        self._answer = answer

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take the plain question, and nothing else: not even to say which methods there are."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            return Match.NONE, {}
        found = self._plain.fullmatch(scope["path"])
        if found is None:
            return Match.NONE, {}
        return Match.FULL, {"path_params": found.groupdict(), "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: object) -> None:  # type: ignore[override]
        """Addresses are those of the declared route."""
        raise NoMatchFound(name, path_params)
