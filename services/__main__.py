"""``python -m services``: all five services on this machine, as ``make run`` starts them."""

import shlex
import sys
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from libs.common.errors import Misconfigured
from services.local import LocalInstance
from services.settings import PORTS, LocalSettings

app = typer.Typer(add_completion=False, no_args_is_help=False, help=__doc__)
screen = Console(highlight=False)

_ROLES = {
    "statuspage": "status page; the operators' console is at /console",
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
    instance = _instance(LocalSettings())
    try:
        instance.start()
        _tell(instance.facts)
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
