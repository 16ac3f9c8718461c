"""``tocsin simulate`` and ``tocsin route``: who would hear what when, and which routing rule decides, without telling anybody."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table
from rich.text import Text

from libs.common.channel_names import channel
from libs.common.config import read_text
from libs.common.durations import Duration
from services.cli.edge import Json, KeyFile, Session, Url, connect, session
from services.cli.errors import failed

FILES: Final = ("routing.yaml", "ladders.yaml", "clocks.yaml")
_SPAN: Final = TypeAdapter[timedelta](Duration)

Kind = Annotated[str, typer.Option("--kind", help="telemetry, maintenance, ticket, provider or tool.")]
Service = Annotated[str | None, typer.Option("--service", help="The service concerned.")]
Tool = Annotated[str | None, typer.Option("--tool", help="The integrated tool concerned.")]
Provider = Annotated[str | None, typer.Option("--provider", help="The provider concerned.")]
Tenant = Annotated[
    list[str] | None, typer.Option("--tenant", help="A tenant concerned; may be repeated. Without it, all.")
]
Severity = Annotated[str, typer.Option("--severity", help="critical, error, warning or info.")]
Category = Annotated[str | None, typer.Option("--category", help="What it is, where the sender says so.")]
Title = Annotated[str, typer.Option("--title", help="The title, for rules that ask for content.")]
Label = Annotated[list[str] | None, typer.Option("--label", help="A label as NAME=VALUE; may be repeated.")]
Source = Annotated[str, typer.Option("--source", help="The wire format, such as alertmanager.")]
Integration = Annotated[
    str | None, typer.Option("--integration", help="The id of the integration it would come through.")
]
Team = Annotated[str | None, typer.Option("--team", help="The team assigned to a maintenance.")]
Window = Annotated[
    str | None, typer.Option("--window", help="When a maintenance takes place: BEGIN/END, each an instant.")
]
At = Annotated[
    str | None,
    typer.Option(
        "--at", help='When it opens, such as "2026-11-29 23:50", in UTC where no zone is named; now without it.'
    ),
]
Proposed = Annotated[
    Path | None,
    typer.Option(
        "--tree", help="A folder whose routing.yaml, ladders.yaml and clocks.yaml count in the place of those in force."
    ),
]


def simulate_command(
    kind: Kind = "telemetry", service: Service = None, tool: Tool = None, provider: Provider = None,
    tenant: Tenant = None, severity: Severity = "critical", category: Category = None, title: Title = "",
    label: Label = None, source: Source = "", integration: Integration = None, team: Team = None,
    window: Window = None, at: At = None,
    acknowledge_after: Annotated[
        str | None, typer.Option("--acknowledge-after", help="When somebody takes it, such as 7m; without it nobody does.")
    ] = None,
    acknowledge_by: Annotated[
        str | None, typer.Option("--acknowledge-by", help="The id of the person who takes it; else the first who was paged.")
    ] = None,
    resolve_after: Annotated[
        str | None, typer.Option("--resolve-after", help="When it is over, such as 2h; without it never.")
    ] = None,
    update_every: Annotated[
        str | None, typer.Option("--update-every", help="How often the team writes an update; without it never.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="How far to play: a duration such as 3h, or an instant; 6h without it.")
    ] = None,
    tree: Proposed = None, url: Url = None, key_file: KeyFile = None, machine: Json = False,
) -> None:  # fmt: skip
    """Say who would hear what when, rung by rung and clock by clock. Nothing is opened, nobody is told.

    For instance: tocsin simulate --service checkout --tenant acme --at "2026-11-29 23:50" --acknowledge-after 7m
    """
    with session(machine=machine) as run:
        opens = None if at is None else _instant("--at", at)
        body = {
            "situation": _situation(
                kind=kind, service=service, tool=tool, provider=provider, tenants=tenant, severity=severity,
                category=category, title=title, labels=_labels(label), source=source, integration=integration,
                assigned_team=team, window=_window(window),
            ),
            "at": opens.isoformat() if opens else None,
            "acknowledge_after": acknowledge_after, "person": acknowledge_by, "resolve_after": resolve_after,
            "update_every": update_every, "lasting": _lasting(until, opens), "files": _files(tree),
        }  # fmt: skip
        with connect(url, key_file) as tocsin:
            found = tocsin.own("POST", "/v1/simulations", _given(body))
        run.answer(found)
        if not run.machine:
            _show_simulation(run, found)


def route_command(
    kind: Kind = "telemetry", service: Service = None, tool: Tool = None, provider: Provider = None,
    tenant: Tenant = None, severity: Severity = "critical", category: Category = None, title: Title = "",
    label: Label = None, source: Source = "", integration: Integration = None, at: At = None,
    tree: Proposed = None, url: Url = None, key_file: KeyFile = None, machine: Json = False,
) -> None:  # fmt: skip
    """Say which routing rule decides about such a trigger, and why: every rule with the answer to each of its questions.

    With --tree also how a configuration that is not in force yet would route it.
    """
    with session(machine=machine) as run:
        opens = None if at is None else _instant("--at", at)
        situation = _situation(
            kind=kind, service=service, tool=tool, provider=provider, tenants=tenant, severity=severity,
            category=category, title=title, labels=_labels(label), source=source, integration=integration,
        )  # fmt: skip
        body = {"situation": situation, "at": opens.isoformat() if opens else None, "files": _files(tree)}
        with connect(url, key_file) as tocsin:
            found = tocsin.ask("escalator", "POST", "routing/test", _given(body))
        run.answer(found)
        if not run.machine:
            _show_test(run, found)


def _situation(**said: Any) -> dict[str, Any]:
    return _given(said)


def _given(said: dict[str, Any]) -> dict[str, Any]:
    """What was said; what was not is left to the other side."""
    return {name: value for name, value in said.items() if value not in (None, "", [], {})}


def _labels(given: Sequence[str] | None) -> dict[str, str]:
    found = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise failed(f"--label {one}: write it as NAME=VALUE")
        found[name] = value
    return found


def _window(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    begin, _, end = text.partition("/")
    instants = {"starts_at": _instant("--window", begin)} | ({"ends_at": _instant("--window", end)} if end else {})
    return {name: instant.isoformat() for name, instant in instants.items()}


def _instant(option: str, text: str) -> datetime:
    """An instant, in UTC where no zone is named. Raises :class:`Failed`."""
    try:
        found = datetime.fromisoformat(text.strip().removesuffix("UTC").strip())
    except ValueError as error:
        raise failed(f"{option} {text}: write an instant as “2026-11-29 23:50” or 2026-11-30T00:50+01:00") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _lasting(until: str | None, opens: datetime | None) -> str | None:
    """How long to play, in seconds."""
    if until is None:
        return None
    try:
        return f"{round(_SPAN.validate_python(until).total_seconds())}s"
    except ValidationError:
        end = _instant("--until", until)
    if opens is None:
        raise failed("--until with an instant needs --at; a duration such as 3h does not")
    return f"{max(round((end - opens).total_seconds()), 0)}s"


def _files(tree: Path | None) -> dict[str, str]:
    """The files of a tree that the escalator reads. Raises :class:`Misconfigured`."""
    if tree is None:
        return {}
    found = {name: read_text(tree / name) for name in FILES if (tree / name).exists()}
    if not found:
        raise failed(f"{tree} has none of {', '.join(FILES)}")
    return found


def _show_simulation(run: Session, found: dict[str, Any]) -> None:
    route = found["route"]
    run.screen.print(_decided(route), style="bold", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("when (UTC)", "after", "what", "who", "by", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"when (UTC)", "after"})
    day = ""
    for step in found["steps"]:
        moment = datetime.fromisoformat(step["at"]).astimezone(UTC)
        shown = f"{moment:%a %Y-%m-%d %H:%M}" if f"{moment:%F}" != day else f"{moment:%H:%M}".rjust(20)
        day = f"{moment:%F}"
        style = {"page": "yellow", "missed": "red"}.get(step["purpose"] or "", "" if step["purpose"] else "dim")
        table.add_row(
            shown, _after(step["after"]), Text(step["title"], style=style), _who(step), _by(step), step["why"]
        )
    run.screen.print(table)
    if found["cut"]:
        run.tell("There is more; a shorter --until shows all of it.")


def _who(step: dict[str, Any]) -> Text:
    """Everybody by name, with the role that led to them, in whose place, and who is left out."""
    lines = []
    for one in step["recipients"]:
        backup = f", for {one['backup_for']}" if one.get("backup_for") else ""
        held = f", held until {_clock(one['quiet_until'])}" if one.get("quiet_until") else ""
        lines.append(Text(f"{one['name']} ({one['role']}{backup}{held})"))
    if step["purpose"] and not lines:
        lines.append(Text("nobody", style="red"))
    lines += [Text(f"not {one['name']}: {one.get('detail') or one['reason']}", style="dim") for one in step["skipped"]]
    return Text("\n").join(lines)


def _by(step: dict[str, Any]) -> str:
    """The channels of each, a line each, in the order in which they are tried."""
    return "\n".join(
        ", then ".join(dict.fromkeys(channel(way["channel"]) for way in one["contacts"])) for one in step["recipients"]
    )


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%H:%M}"


def _after(span: str) -> str:
    passed = _SPAN.validate_python(span) if span != "PT0S" else timedelta(0)
    minutes, seconds = divmod(round(passed.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def _show_test(run: Session, found: dict[str, Any]) -> None:
    then = found["proposed"]
    run.screen.print(_decided(found["in_force"]), style="bold", markup=False, soft_wrap=True)
    if then is not None:
        run.screen.print(f"With the tree: {_decided(then)}", style="bold", markup=False, soft_wrap=True)
        for sentence in found["differences"] or ["The tree changes nothing for it."]:
            run.tell(sentence)
    route = then or found["in_force"]
    for rule in route["rules"]:
        sign, style = ("→", "green") if rule["decides"] else ("✓", "dim green") if rule["matched"] else ("✗", "dim")
        run.screen.print(Text(f" {sign} {rule['id']}: {rule['name']}", style=style))
        for check in rule["checks"]:
            run.screen.print(
                Text(f"     {'✓' if check['held'] else '✗'} {check['sentence']}", style="" if check["held"] else "dim")
            )
    rungs = (
        f"{rung['number']} {rung['name']} ({', '.join(rung['roles'])}) {_after(rung['since_opening'])}"
        for rung in route["ladder"]["rungs"]
    )
    _listed(run, f"Ladder {route['ladder']['id']}, while nobody answers:", rungs)
    promises = (
        f"{one['kind'].replace('_', ' ')} every {_after(one['every']).lstrip('+')}"
        for one in route["clocks"]["obligations"]
    )
    _listed(run, f"Clocks {route['clocks']['id']}:", promises)


def _listed(run: Session, heading: str, lines: Iterable[str]) -> None:
    run.tell(heading)
    for line in lines:
        run.tell(f"   {line}")


def _decided(route: dict[str, Any]) -> str:
    rule = (
        f"Rule {route['rule']} decides ({route['name']})"
        if route["name"]
        else "No rule matches, so the default decides"
    )
    return (
        f"{rule}: first {', '.join(route['first'])}; ladder {route['ladder']['id']}, clocks {route['clocks']['id']}, "
        f"category {route['category']}."
    )
