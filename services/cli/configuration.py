"""``tocsin plan``, ``apply``, ``export`` and ``check``: the configuration as code."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli import offline
from services.cli.client import Tocsin
from services.cli.edge import CHANGES, SHIPPED, Directory, Json, KeyFile, Session, Url, connect, session
from services.cli.errors import Failed, Problem, failed
from services.cli.plan import Plan, apply, parts, plan
from services.cli.references import doubts
from services.cli.show import show_plan
from services.cli.tree import Tree, read_tree, write_tree, written

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already and say something else.")]


def plan_command(
    directory: Directory = SHIPPED, url: Url = None, key_file: KeyFile = None, machine: Json = False
) -> None:
    """Show what a tree would change in a running Tocsin, and who would be on call differently. Nothing is changed.

    Exit code 0: nothing to change; 2: something to change; 1: an error, told with file, line and rule.
    """
    with session(machine=machine) as run:
        with connect(url, key_file) as tocsin:
            _, found = _planned(run, tocsin, directory)
        _show(run, found)
    raise typer.Exit(CHANGES if found.changed else 0)


def apply_command(
    directory: Directory = SHIPPED, url: Url = None, key_file: KeyFile = None, yes: Yes = False, machine: Json = False
) -> None:
    """Put a tree in force: show the plan, ask, and change it. Applied twice, the second time changes nothing.

    Every service first tries its part; only when all agree does each of them change, in one transaction.
    """
    with session(machine=machine) as run, connect(url, key_file) as tocsin:
        tree, found = _planned(run, tocsin, directory)
        if not run.machine or not found.changed:
            _show(run, found)
        if not found.changed:
            return
        if not yes:
            _ask(run)
        apply(tocsin, found, tree, run.progress)
        run.answer({**found.shown, "applied": True})
        run.tell("In force.")


def export_command(
    directory: Annotated[Path, typer.Argument(help="The folder to write to; it is made where it does not exist.")],
    url: Url = None,
    key_file: KeyFile = None,
    force: Force = False,
    machine: Json = False,
) -> None:
    """Write what is in force as a tree: the same files, in one form. Secrets stay references; comments are not kept."""
    with session(machine=machine) as run:
        with connect(url, key_file) as tocsin:
            held = parts(tocsin, run.progress)
        texts = {name: written(document) for part in held for name, document in part.documents.items()}
        news = write_tree(directory, texts, replace=force)
        run.answer({"directory": str(directory), "files": sorted(texts), "written": sorted(news)})
        run.tell(f"{len(texts)} files in {directory}; {len(news)} of them written." if news else "Nothing to write.")


def check_command(
    directory: Annotated[Path, typer.Argument(help="The folder of the configuration tree.")], machine: Json = False
) -> None:
    """Check a tree without a running Tocsin: form, fields and references. Every error has file, line, place and rule."""
    with session(machine=machine) as run:
        tree, found = offline.check(directory)
        if found:
            raise Failed(found)
        _warn(run, tree)
        found = doubts(tree)
        _doubt(run, found)
        run.answer({"errors": [], "doubts": [one.shown for one in found], "files": sorted(tree.texts)})
        run.tell(f"{len(tree.texts)} files, no errors.")


def _planned(run: Session, tocsin: Tocsin, directory: Path) -> tuple[Tree, Plan]:
    held = parts(tocsin, run.progress)
    tree = read_tree(directory, [name for part in held for name in part.names])
    _warn(run, tree)
    found = plan(tocsin, held, tree, run.progress)
    _doubt(run, doubts(tree))
    return tree, found


def _show(run: Session, found: Plan) -> None:
    run.answer(found.shown)
    if not run.machine:
        show_plan(run.screen, found)


def _ask(run: Session) -> None:
    if run.machine or not sys.stdin.isatty():
        raise failed("nobody is here to ask: give --yes to apply without asking")
    if not typer.confirm("Apply this?"):
        raise failed("Nothing was changed.")


def _warn(run: Session, tree: Tree) -> None:
    for name in tree.unread:
        run.aside.print(
            f"{tree.directory / name}: nobody reads this file", style="yellow", markup=False, soft_wrap=True
        )


def _doubt(run: Session, found: list[Problem]) -> None:
    for one in found:
        run.aside.print(f"doubtful: {one}", style="yellow", markup=False, soft_wrap=True)
