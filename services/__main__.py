"""``python -m services``: all five services on this machine, as ``make run`` starts them."""

import asyncio
import shlex
import sys
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from libs.common.bus.base import Bus, BusUnavailable
from libs.common.bus.connect import connect
from libs.common.dead_letters_cli import dead_letters_cli
from libs.common.errors import Misconfigured
from libs.common.events.topics import TOPICS
from services.local import LocalInstance
from services.settings import PORTS, LocalSettings

app = typer.Typer(add_completion=False, no_args_is_help=False, help=__doc__)
screen = Console(highlight=False)

_ROLES = {
    "statuspage": "status page, and the console at /console",
    "intake": "takes triggers in",
    "escalator": "incidents, ladders, promises",
    "oncall": "who is responsible",
    "notifier": "messages to people",
}


@app.callback(invoke_without_command=True)
def run(context: typer.Context) -> None:
    """Start everything and stay until Ctrl-C. Settings are environment variables: see the table in docs/running.md."""
    if context.invoked_subcommand is not None:
        return
    instance = _instance(_settings())
    try:
        instance.start()
        _tell(instance.facts)
        for name, reason in instance.waiting.items():
            screen.print(
                f"[yellow]{name} is not ready yet, and goes on waiting: {escape(reason)}[/yellow]", soft_wrap=True
            )
        instance.watch()
        screen.print("\nstopping …")
    finally:
        instance.stop()
    screen.print("stopped; the data is kept")


@app.command()
def demo(
    speed: float = typer.Option(60.0, help="How many times as fast as the machine's the clock runs."),
    port_base: int = typer.Option(0, help="The first of five ports; 0 takes free ones."),
) -> None:
    """Play one P1 from the alarm to the RCA on a throwaway instance, told live, in about three minutes."""
    from services.demo import play

    play(speed=speed, port_base=port_base, screen=screen)


def _settings() -> LocalSettings:
    try:
        return LocalSettings()
    except ValidationError as error:
        problems = "; ".join(f"TOCSIN_{str(p['loc'][0]).upper()}={p['input']}: {p['msg']}" for p in error.errors())
        raise Misconfigured(problems) from error


@app.command()
def topics() -> None:
    """Make the topics of the bus at TOCSIN_BUS_URL (else TOCSIN_DATABASE_URL), and grow those with fewer partitions."""
    asyncio.run(_make_topics(_bus(), _settings().start_seconds))
    screen.print(f"{len(TOPICS)} topics are there: {', '.join(topic.name for topic in TOPICS)}")


def _bus() -> Bus:
    settings = _settings()
    url = settings.bus_url.get_secret_value() or settings.database_url.get_secret_value()
    if not url:
        raise Misconfigured("TOCSIN_BUS_URL is not set: kafka://host:9092,… or postgresql://… (run.json says which)")
    return connect(url)


app.add_typer(dead_letters_cli(_bus, screen), name="dead-letters")


async def _make_topics(bus: Bus, seconds: float) -> None:
    await bus.start()
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await bus.ensure_topics(TOPICS)
                except BusUnavailable:
                    await asyncio.sleep(1)
    except TimeoutError as error:
        raise Misconfigured(f"the bus could not be reached within {seconds:g} s: is TOCSIN_BUS_URL right?") from error
    finally:
        await bus.stop()


def _instance(settings: LocalSettings) -> LocalInstance:
    return LocalInstance(settings, progress=lambda text: screen.print(f"[dim]· {text}[/dim]"))


def _tell(facts: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in PORTS:
        table.add_row(f"[bold]{name}[/bold]", facts["services"][name]["url"], f"[dim]{_ROLES[name]}[/dim]")
    screen.print("\n[bold]Tocsin runs.[/bold]\n")
    screen.print(table)
    screen.print("\nSign in to the console (works once):")
    screen.print(f"  {facts['sign_in_url']}", soft_wrap=True)
    body = '{"kind":"telemetry","title":"Invoicing answers 5xx","service":"invoicing","dedup_key":"first-alarm"}'
    native = facts["integrations"]["monitoring"]
    screen.print("\nPage somebody (the message goes to the local outbox, which the console shows):")
    screen.print(
        f"  curl -sS -X POST {native['url']} -H 'Authorization: Bearer {native['key']}' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}",
        soft_wrap=True,
        markup=False,
    )
    screen.print(f"\nFor scripts: {facts['data_dir']}/run.json · Ctrl-C stops", soft_wrap=True)


def main() -> None:
    """Run the command; what a person must mend is one line and exit code 1."""
    try:
        app()
    except Misconfigured as error:
        sys.stderr.write(f"tocsin: {error.detail}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
