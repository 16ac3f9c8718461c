"""Plans on the screen."""

from typing import Any, Final

import yaml
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.cli.diff import ABSENT, Change, FieldChange, Kind, counted
from services.cli.plan import Plan

_SIGNS: Final[dict[Kind, tuple[str, str]]] = {
    "added": ("+", "green"),
    "changed": ("~", "yellow"),
    "removed": ("-", "red"),
}


def show_plan(screen: Console, plan: Plan) -> None:
    """The whole plan: file by file, then what it does to people, then how much it is."""
    if not plan.changed:
        screen.print("Nothing to change: what is in force says the same as the tree.")
        return
    file = ""
    for change in plan.changes:
        if change.file != file:
            file = change.file
            screen.print(f"\n[bold]{escape(file)}[/bold]")
        screen.print(_change(change))
    if plan.effects:
        screen.print("\n[bold]For people, in the next 30 days[/bold]")
        for effect in plan.effects:
            screen.print(Padding(Text(effect), (0, 0, 0, 2), expand=False))
    counts = counted(plan.changes)
    screen.print(f"\n{counts['added']} to add, {counts['changed']} to change, {counts['removed']} to remove.")


def _change(change: Change) -> RenderableType:
    sign, colour = _SIGNS[change.kind]
    same = change.noun == change.id
    head = Text(f"  {sign} ", style=colour) + Text(change.noun if same else f"{change.noun} {change.id}", style=colour)
    if change.kind == "removed":
        return head
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    if change.kind == "added":
        for name, value in (change.said or {}).items():
            if name != "id":
                table.add_row(name, Text(inline(value)))
    for field in change.fields:
        table.add_row(field.path, _field(field))
    return Group(head, Padding(table, (0, 0, 0, 6), expand=False))


def _field(field: FieldChange) -> Text:
    after = Text("not said" if field.after is ABSENT else inline(field.after), style="green")
    if field.before is ABSENT:
        return Text("+ ", style="green") + after
    before = Text(inline(field.before), style="red")
    return before + Text(" → ", style="dim") + after


def inline(value: Any) -> str:
    """A value in one line, as YAML writes it."""
    if isinstance(value, str):
        return value
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("...\n").strip()
