"""What a tree would change in a running Tocsin, and changing it: every service agrees before any of them changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.cli.client import Tocsin
from services.cli.diff import Change, changes, counted
from services.cli.errors import Failed, Problem
from services.cli.tree import Tree

Progress = Callable[[str], None]
"""Hears what is under way."""


@dataclass(frozen=True)
class Part:
    """What a service holds: the files that it reads, and what is in force of them. ``version`` tells that from anything later."""

    service: str
    names: tuple[str, ...]
    version: str
    documents: dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What changes in one service."""

    part: Part
    texts: dict[str, str]
    changed: tuple[str, ...]
    changes: tuple[Change, ...]
    effects: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that a tree changes."""

    steps: tuple[Step, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return any(step.changed for step in self.steps)

    @property
    def changes(self) -> list[Change]:
        """Everything that is added, changed or removed."""
        return [change for step in self.steps for change in step.changes]

    @property
    def effects(self) -> list[str]:
        """What it does to people."""
        return [effect for step in self.steps for effect in step.effects]

    @property
    def shown(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "changed": self.changed,
            "counts": counted(self.changes),
            "changes": [one.shown for one in self.changes],
            "effects": self.effects,
        }


def parts(tocsin: Tocsin, progress: Progress) -> list[Part]:
    """What every service holds. Raises :class:`Failed`."""
    found = []
    for service in tocsin.services():
        progress(f"asking {service}")
        said = tocsin.ask(service, "GET", "config")
        documents = {name: one["document"] for name, one in said["files"].items()}
        found.append(Part(service, tuple(said["names"]), said["version"], documents))
    return found


def plan(tocsin: Tocsin, held: list[Part], tree: Tree, progress: Progress) -> Plan:
    """What ``tree`` changes, as every service found out by trying. Raises :class:`Failed` with all that any of them refuses."""
    steps: list[Step] = []
    wrong: list[Problem] = []
    for part in held:
        progress(f"{part.service} tries its part")
        texts = {name: tree.texts[name] for name in part.names}
        try:
            said = tocsin.ask(part.service, "POST", "config/check", {"files": texts}, tree.directory)
        except Failed as error:
            wrong += error.found
            continue
        found = [
            change
            for name in sorted(said["changed"], key=part.names.index)
            for change in changes(name, said["before"].get(name), said["after"][name])
        ]
        fresh = Part(part.service, part.names, said["version"], part.documents)
        steps.append(Step(fresh, texts, tuple(said["changed"]), tuple(found), tuple(said["effects"])))
    if wrong:
        raise Failed(wrong)
    return Plan(tuple(steps))


def apply(tocsin: Tocsin, wanted: Plan, tree: Tree, progress: Progress) -> None:
    """Put the plan in force, service by service, each in one transaction.

    Raises :class:`Failed` that says exactly what stands where, should one of them refuse what it agreed to, or be gone.
    """
    ahead = [step for step in wanted.steps if step.changed]
    done: list[Step] = []
    for step in ahead:
        progress(f"{step.part.service} changes {', '.join(step.changed)}")
        body = {"files": step.texts, "version": step.part.version}
        try:
            tocsin.ask(step.part.service, "PUT", "config", body, tree.directory)
        except Failed as error:
            raise Failed([*error.found, *_standing(done, ahead[len(done) :])]) from error
        done.append(step)


def _standing(done: list[Step], left: list[Step]) -> list[Problem]:
    """What is in force now, and what is not."""
    there = [f"in force now: {_told(step)}" for step in done] or ["nothing was changed"]
    missing = [f"not in force: {_told(step)}" for step in left]
    again = "Running `tocsin apply` again finishes it; what is in force already stays as it is."
    return [Problem(sentence) for sentence in (*there, *missing, again)]


def _told(step: Step) -> str:
    return f"{', '.join(step.changed)} ({step.part.service})"
