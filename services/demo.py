"""``make demo``: one P1 from the alarm to the RCA on a throwaway instance, at many times the speed, told as it happens."""

import socket
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from libs.common.clock import ScaledClock, Stopwatch
from libs.common.errors import Misconfigured
from services.local import LocalInstance
from services.settings import PORTS, LocalSettings

_STYLES = {"page": "bold red", "reminder": "yellow", "missed": "bold yellow", "closing": "green"}
_POLL_SECONDS = 0.4
_PATIENCE_SECONDS = 90.0


Step = tuple[int, str, str, Callable[[], object]]
"""At which minute, what must have been told by then (nothing: no matter), what is said, and what is done."""


@dataclass
class Story:
    """One P1 on a running instance: acts when its clock says so, and tells what it sees."""

    facts: dict[str, Any]
    screen: Console
    clock: ScaledClock
    client: httpx.Client
    number: int = 1
    _began: datetime = field(init=False)
    _seen: set[str] = field(default_factory=set)
    _late: list[str] = field(default_factory=list)
    _told: list[str] = field(default_factory=list)

    def play(self) -> None:
        """From the alarm to the RCA."""
        self._began = self.clock.now()
        full = "A disk of the invoice store is full; we are clearing it."
        steps: list[Step] = [
            (0, "", "A telemetry alarm comes in: Invoicing answers 5xx.", self._alarm),
            (17, "unacknowledged", "The second responder answers the page by SMS: ACK.", self._acknowledge),
            (20, "acknowledged by SMS", "They look into the tenant: it is real.", self._confirm),
            (30, "", "They write an update, for the team and for clients.", lambda: self._update(full)),
            (31, "", "Then nobody writes anything for a while …", lambda: None),
            (
                80,
                "is missing",
                "An update at last.",
                lambda: self._update("Invoices are being written again; we are watching it."),
            ),
            (105, "No change since", "It is over.", self._resolve),
            (150, "(closing)", "The root cause analysis is issued.", self._rca),
        ]
        for minute, told, title, act in steps:
            self._watch_until(timedelta(minutes=minute))
            self._watch_for(told)
            self._say(f"\n[bold cyan]▸ {escape(title)}[/bold cyan]")
            act()
        self._watch_until(timedelta(minutes=156))
        self._watch_for("root cause analysis is ready")
        self._sum_up()

    def _confirm(self) -> None:
        self._act("verdict", verdict="confirmed")

    def _resolve(self) -> None:
        self._act("resolve", note="The store has a larger disk.")

    def _alarm(self) -> None:
        native = self.facts["integrations"]["monitoring"]
        body = {
            "kind": "telemetry",
            "title": "Invoicing answers 5xx",
            "service": "invoicing",
            "dedup_key": "invoicing-5xx",
            "severity": "critical",
        }
        self.client.post(
            native["url"], json=body, headers={"Authorization": f"Bearer {native['key']}"}
        ).raise_for_status()

    def _acknowledge(self) -> None:
        waited = Stopwatch()
        while len(pages := self._pages()) < 2 and waited.seconds() < _PATIENCE_SECONDS:
            time.sleep(_POLL_SECONDS)
        if not pages:
            raise Misconfigured("nobody was paged: look at the log lines above")
        second = pages[min(1, len(pages) - 1)]
        answer = self._call("notifier", "POST", f"/v1/outbox/{second['id']}/reply", {"text": f"ACK {self.number}"})
        self._say(f"        [dim]{escape(second['to']['name'])} gets back: {escape(answer['answer'])}[/dim]")

    def _act(self, action: str, **body: object) -> None:
        self._call("escalator", "POST", f"/v1/incidents/{self.number}/{action}", body)

    def _update(self, words: str) -> None:
        self._act("updates", text=words, audiences=["team", "tenant", "client"])

    def _rca(self) -> None:
        self._act("rca", url="https://wiki.example.com/rca/1", note="Retention of proofs was never set.")

    def _call(self, service: str, method: str, path: str, body: object = None) -> Any:
        answer = self.client.request(
            method,
            self.facts["services"][service]["url"] + path,
            json=body,
            headers={"Authorization": f"Bearer {self.facts['operator']['key']}"},
        )
        answer.raise_for_status()
        return answer.json()

    def _pages(self) -> list[dict[str, Any]]:
        return [m for m in self._messages() if m["purpose"] == "page" and m["repliable"]]

    def _messages(self) -> list[dict[str, Any]]:
        return list(reversed(self._call("notifier", "GET", "/v1/outbox?limit=200")["messages"]))

    def _watch_until(self, offset: timedelta) -> None:
        while True:
            self._tell_news()
            left = (self._began + offset - self.clock.now()) / self.clock.speed
            if left <= timedelta(0):
                return
            time.sleep(min(left.total_seconds(), _POLL_SECONDS))

    def _watch_for(self, words: str) -> None:
        """Go on telling until these words were told: at this speed a busy machine is late by minutes of the story."""
        waited = Stopwatch()
        while not any(words in line for line in ["", *self._told]) and waited.seconds() < _PATIENCE_SECONDS:
            time.sleep(_POLL_SECONDS)
            self._tell_news()

    def _tell_news(self) -> None:
        news = [*self._timeline_news(), *self._message_news()]
        for _at, line in sorted(news):
            self._told.append(line)
            self._say(line)

    def _timeline_news(self) -> Iterable[tuple[datetime, str]]:
        try:
            answer = self._call("escalator", "GET", f"/v1/incidents/{self.number}/timeline")
        except httpx.HTTPStatusError:
            return  # it has not been opened yet
        for line in answer["timeline"] if isinstance(answer, dict) else answer:
            key = f"{line['at']} {line['text']}"
            if key not in self._seen:
                self._seen.add(key)
                at = datetime.fromisoformat(line["at"])
                if line.get("reason") == "missed":
                    self._late.append(line["text"])
                reason = f" [dim]({escape(line['reason'])})[/dim]" if line.get("reason") else ""
                yield at, f"{at.astimezone(UTC):%H:%M}  · {escape(line['text'])}{reason}"

    def _message_news(self) -> Iterable[tuple[datetime, str]]:
        for message in self._messages():
            if message["id"] not in self._seen:
                self._seen.add(message["id"])
                at = datetime.fromisoformat(message["at"])
                style = _STYLES.get(message["purpose"], "magenta")
                words = " ".join((message["text"] or message["headline"]).split())
                words = words if len(words) <= 150 else f"{words[:150]}…"
                told = escape(f"{message['channel']} to {message['to']['name']} ({message['purpose']})")
                yield at, f"{at.astimezone(UTC):%H:%M}  [{style}]✉ {told}[/{style}] “{escape(words)}”"

    def _sum_up(self) -> None:
        incident = self._call("escalator", "GET", f"/v1/incidents/{self.number}")
        self._say("\n[bold]What was promised[/bold]")
        for promise in incident["obligations"]:
            self._say(
                f"  {promise['kind'].replace('_', ' '):<20} kept {promise['count']} times, then {promise['state']}"
            )
        self._say("[bold]What was late[/bold]")
        for line in self._late or ["nothing"]:
            self._say(f"  {escape(line)}")
        sent = len(self._messages())
        self._say(
            f"\n{sent} messages, each once; the incident is [bold]{incident['state']}[/bold]. Now try [bold]make run[/bold]."
        )

    def _say(self, line: str) -> None:
        self.screen.print(line, soft_wrap=True)


def play(*, speed: float, port_base: int, screen: Console) -> None:
    """Start a throwaway instance, play the story on it, and leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-", dir="/tmp") as folder:  # sockets want short paths
        settings = LocalSettings(
            data_dir=Path(folder) / "data",
            port_base=port_base or _free_base(),
            clock_speed=speed,
            log_level="error",
        )
        instance = LocalInstance(settings, progress=lambda text: screen.print(f"[dim]· {text}[/dim]"))
        try:
            instance.start()
            facts = instance.facts
            screen.print(
                f"[dim]A throwaway Tocsin at {speed:g}× speed; watch it: {facts['sign_in_url']}[/dim]", soft_wrap=True
            )
            clock = ScaledClock(speed, datetime.fromisoformat(facts["clock"]["origin"]))
            with httpx.Client(timeout=60) as client:
                Story(facts, screen, clock, client).play()
        except KeyboardInterrupt:
            screen.print("\nstopping …")
        finally:
            instance.stop()


def _free_base() -> int:
    """The first of five free ports in a row."""
    for base in range(18700, 60000, 10):
        if all(_is_free(base + offset) for offset in PORTS.values()):
            return base
    raise Misconfigured("no five free ports in a row were found: set --port-base")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
