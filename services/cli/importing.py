"""``tocsin import``: what another tool exports, as a tree of Tocsin's own, with a report of what could not be carried over."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli import offline
from services.cli.edge import Json, session
from services.cli.errors import Failed, failed
from services.cli.importers import grafana_oncall, opsgenie, pagerduty
from services.cli.importers.draft import Draft
from services.cli.importers.exports import Export, read
from services.cli.importers.tree import documents
from services.cli.tree import write_tree, written

Take = Callable[[Export, Draft], None]

TOOLS: Final[Mapping[str, tuple[Mapping[str, str], Take]]] = {
    "pagerduty": (pagerduty.KINDS, pagerduty.take),
    "opsgenie": (opsgenie.KINDS, opsgenie.take),
    "grafana-oncall": (grafana_oncall.KINDS, grafana_oncall.take),
}
"""The tools that are read: what they call their things, and their reader."""


def convert(tool: str, files: list[Path], on_shift: str | None = None) -> tuple[Draft, dict[str, str]]:
    """The draft with its notes, and the text of every file of the tree. Raises :class:`Failed`."""
    kinds, take = TOOLS[tool]
    export = read(files, kinds)
    draft = Draft()
    try:
        take(export, draft)
        found = documents(draft, on_shift)
    except LookupError as error:
        told = f"the export lacks {error}" if isinstance(error, KeyError) else str(error)
        raise failed(told) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise failed(f"the export is not as {tool} writes it: {error}") from error
    for kind in export.keys() - set(kinds.values()):
        draft.left_out(f"{len(export[kind])} × {kind}", "this is not imported")
    return draft, {name: written(said) for name, said in found.items()}


def import_command(
    tool: Annotated[str, typer.Argument(help=f"One of {', '.join(TOOLS)}.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="JSON files: one with everything, or pages of the API that are called users.json and so on; or a folder of them."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to write the tree to.")],
    on_shift: Annotated[
        str | None, typer.Option("--on-shift", help="The id of the rota that is the team on shift; else the first.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    machine: Json = False,
) -> None:
    """Turn an export of PagerDuty, Opsgenie or Grafana OnCall into a configuration tree. Nothing is changed in a running Tocsin.

    Everything that could not be carried over, or reads otherwise now, is told. `tocsin plan` then shows what applying it would do.
    """
    with session(machine=machine) as run:
        if tool not in TOOLS:
            raise failed(f"{tool!r} is not read; {', '.join(TOOLS)} are")
        draft, texts = convert(tool, files, on_shift)
        write_tree(out, texts, replace=force)
        _, wrong = offline.check(out)
        if wrong:
            raise Failed(wrong)
        notes = [{"kind": note.kind, "what": note.what, "why": note.why, "where": note.where} for note in draft.notes]
        run.answer({"directory": str(out), "counts": _counts(draft), "notes": notes})
        run.tell(f"{', '.join(f'{number} {noun}' for noun, number in _counts(draft).items())} in {out}")
        for note in draft.notes:
            run.tell(f"  {note}")


def _counts(draft: Draft) -> dict[str, int]:
    nouns = {"people": draft.people, "teams": draft.teams, "rotas": draft.rotas}
    more = {"services": draft.services, "ladders": draft.ladders}
    return {noun: len(things) for noun, things in (nouns | more).items()}
