"""``tocsin``, also as ``python -m services.cli``."""

import sys

import typer

from services.cli import configuration
from services.cli.edge import CHANGES
from services.cli.foresee import route_command, simulate_command
from services.cli.importing import import_command
from services.cli.who import who_command

app = typer.Typer(
    name="tocsin",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Work with a running Tocsin from the command line.

    The configuration is one folder of YAML files: `plan` shows what it would change, `apply` puts it in force,
    `export` writes what is in force, `check` looks for errors without a running Tocsin.
    `simulate` and `route` say who would hear what when, and why, and tell nobody.

    TOCSIN_URL is the address of the status page, TOCSIN_KEY an administrator's key. On the machine of `make run` neither is needed.
    """,
)
app.command("plan")(configuration.plan_command)
app.command("apply")(configuration.apply_command)
app.command("export")(configuration.export_command)
app.command("check")(configuration.check_command)
app.command("who")(who_command)
app.command("simulate")(simulate_command)
app.command("route")(route_command)
app.command("import")(import_command)


def main() -> None:
    """Run the command. A slip in the command line ends with 1 too: 2 is for a plan that changes something."""
    try:
        app(prog_name="tocsin")
    except SystemExit as done:
        if done.code == CHANGES and not isinstance(done.__context__, typer.Exit):
            sys.exit(1)
        raise


if __name__ == "__main__":
    main()
