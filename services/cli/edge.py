"""What the commands share: their options, progress on the screen, and errors told to people or to machines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from libs.common.errors import TocsinError
from services.cli.client import Tocsin
from services.cli.errors import Failed, problems_of
from services.cli.settings import connection

CHANGES: Final = 2
"""The exit code of a plan that changes something."""

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="The address of the status page, such as http://localhost:8700. Without it TOCSIN_URL, else the instance on this machine.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", help="A file that holds the key of an administrator. Without it TOCSIN_KEY."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Directory = Annotated[
    Path,
    typer.Argument(envvar="TOCSIN_CONFIG_DIR", help="The folder of the configuration tree.", show_default=True),
]
SHIPPED: Final = Path("deploy/config")


class Session:
    """One run of a command."""

    def __init__(self, *, machine: bool) -> None:
        self.machine = machine
        self.screen = Console(highlight=False)
        self.aside = Console(stderr=True, highlight=False)

    def progress(self, sentence: str) -> None:
        """Say what is under way, where somebody watches."""
        if self.aside.is_terminal and not self.machine:
            self.aside.print(f"[dim]· {sentence} …[/dim]")

    def tell(self, sentence: str) -> None:
        """A sentence for people."""
        if not self.machine:
            self.screen.print(sentence, markup=False, soft_wrap=True)

    def answer(self, body: Any) -> None:
        """The answer for machines."""
        if self.machine:
            self.screen.out(json.dumps(body, ensure_ascii=False, indent=2, default=str), highlight=False)


@contextmanager
def session(*, machine: bool) -> Iterator[Session]:
    """A run whose errors become sentences, or JSON, and exit code 1."""
    made = Session(machine=machine)
    try:
        yield made
    except TocsinError as error:
        found = error.found if isinstance(error, Failed) else problems_of(error.detail)
        made.answer({"errors": [one.shown for one in found]})
        if not machine:
            for one in found:
                made.aside.print(str(one), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def connect(url: str | None, key_file: Path | None) -> Tocsin:
    """The Tocsin that is meant. Raises :class:`Failed`."""
    return Tocsin(*connection(url, key_file))
