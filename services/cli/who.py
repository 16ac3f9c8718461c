"""``tocsin who``: who is on call, or answers for a service, now or at another time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.table import Table
from rich.text import Text

from services.cli.client import Tocsin
from services.cli.edge import Json, KeyFile, Session, Url, connect, session
from services.cli.errors import failed

At = Annotated[
    str | None, typer.Option("--at", help="An instant such as 2026-03-01T23:50Z; now, where nothing is said.")
]
Subject = Annotated[str | None, typer.Argument(help="The id of a rota or of a service; without it, every rota.")]


def who_command(
    subject: Subject = None, at: At = None, url: Url = None, key_file: KeyFile = None, machine: Json = False
) -> None:
    """Say who is on call, or who answers for a service, and until when."""
    with session(machine=machine) as run:
        moment = None if at is None else _instant(at)
        with connect(url, key_file) as tocsin:
            known = [one["id"] for one in tocsin.ask("oncall", "GET", "schedules")["schedules"]]
            if subject is None or subject in known:
                _rotas(run, [_on_call(tocsin, rota, moment) for rota in ([subject] if subject else known)])
                return
            services = [one["id"] for one in tocsin.ask("oncall", "GET", "services")["services"]]
            if subject not in services:
                raise failed(
                    f"there is no rota and no service {subject!r}; rotas: {', '.join(known)}; services: {', '.join(services)}"
                )
            _service(run, subject, _answer_for(tocsin, subject, moment))


def _instant(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise failed(f"--at {text}: write an instant as 2026-03-01T23:50Z") from error
    if found.tzinfo is None:
        raise failed(f"--at {text}: say which zone's clock that is: 2026-03-01T23:50Z, or 2026-03-01T23:50+01:00")
    return found.isoformat()


def _on_call(tocsin: Tocsin, rota: str, at: str | None) -> dict[str, Any]:
    query = f"?{urlencode({'at': at})}" if at else ""
    found: dict[str, Any] = tocsin.ask("oncall", "GET", f"schedules/{rota}/on-call{query}")
    return found


def _answer_for(tocsin: Tocsin, service: str, at: str | None) -> dict[str, Any]:
    body = {"refs": ["service-responsible", "pm"], "context": {"service": service}, **({"at": at} if at else {})}
    found: dict[str, Any] = tocsin.ask("oncall", "POST", "resolve", body)
    return found


def _rotas(run: Session, found: list[dict[str, Any]]) -> None:
    run.answer({"rotas": found})
    if run.machine:
        return
    table = _table("rota", "on call", "until", "then", "backups")
    for one in found:
        shifts = [shift for shift in (one["primary"], *one["also"]) if shift]
        following = one["next"]
        table.add_row(
            one["schedule"],
            _people(shift["person"] for shift in shifts) if shifts else Text("nobody", style="red"),
            _clock(shifts[0]["until"]) if shifts else "",
            f"{_name(following['person'])} from {_clock(following['since'])}" if following else "",
            _people(one["backups"]),
        )
    run.screen.print(table)


def _service(run: Session, service: str, found: dict[str, Any]) -> None:
    run.answer({"service": service, **found})
    if run.machine:
        return
    table = _table("who", "as", "reached by")
    for one in found["recipients"]:
        contacts = ", ".join(f"{contact['channel']} {contact['address']}" for contact in one.get("contacts", ()))
        table.add_row(one["name"], one["role"], contacts)
    run.screen.print(table)
    for one in found["skipped"]:
        run.tell(f"not {one.get('name') or one.get('ref')}: {one.get('reason')}")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _people(people: Iterable[dict[str, Any] | None]) -> str:
    return ", ".join(_name(person) for person in people)


def _name(person: dict[str, Any] | None) -> str:
    return str(person["name"]) if person else "nobody"


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M %Z}"
