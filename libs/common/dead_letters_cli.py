"""The operator's commands for dead letters, to be mounted by the command line of the services."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.common.bus.base import Bus
from libs.common.dead_letters import DeadLetter, choose, list_dead_letters, redrive


def dead_letters_cli(connect: Callable[[], Bus], console: Console | None = None) -> typer.Typer:
    """Commands ``list`` and ``redrive`` over the bus that ``connect`` makes."""
    app = typer.Typer(
        name="dead-letters", help="Records that failed for good: see them, and send them again.", no_args_is_help=True
    )
    screen = console or Console()

    @app.command("list")
    def show(*, everything: Annotated[bool, typer.Option("--all", help="Those sent again, too.")] = False) -> None:
        """Every dead letter that was not sent again, the oldest first."""

        async def run(bus: Bus) -> None:
            letters = await list_dead_letters(bus)
            wanted = [letter for letter in letters if everything or not letter.redriven]
            screen.print(_table(wanted) if wanted else "There are no dead letters.")

        asyncio.run(_with(connect, run))

    @app.command("redrive")
    def again(
        places: Annotated[
            list[str] | None, typer.Argument(help="Places as `list` shows them; none: all that match.")
        ] = None,
        *,
        topic: Annotated[str, typer.Option(help="Only those of this topic.")] = "",
        group: Annotated[str, typer.Option(help="Only those that this group failed on.")] = "",
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Send dead letters to their topics again, for the group that each failed in."""

        async def run(bus: Bus) -> None:
            chosen = choose(
                await list_dead_letters(bus),
                places or (),
                lambda letter: topic in {"", letter.topic} and group in {"", letter.group},
            )
            if not chosen:
                screen.print("There is nothing to send again.")
                return
            screen.print(_table(chosen))
            if not yes:
                typer.confirm(f"Send {len(chosen)} again?", abort=True)
            await redrive(bus, chosen)
            screen.print(f"{len(chosen)} sent again.")

        asyncio.run(_with(connect, run))

    return app


async def _with(connect: Callable[[], Bus], run: Callable[[Bus], Awaitable[None]]) -> None:
    bus = connect()
    await bus.start()
    try:
        await run(bus)
    finally:
        await bus.stop()


def _table(letters: Sequence[DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("place", "at (UTC)", "topic", "group", "event", "reason", "error"):
        table.add_column(heading, overflow="fold")
    for letter in letters:
        table.add_row(
            letter.place + (" ✓" if letter.redriven else ""),
            f"{letter.at:%Y-%m-%d %H:%M:%S}",
            f"{letter.topic} {letter.origin}",
            letter.group,
            letter.event_type,
            letter.reason,
            letter.error,
        )
    return table
