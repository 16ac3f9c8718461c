"""Routing, ladders and clocks are taken in together, or not at all; an incident keeps those that it opened with."""

import shutil
from pathlib import Path

import pytest

from libs.common.config import ConfigWatcher
from libs.common.errors import Misconfigured
from libs.common.events.incidents import CommunicationDue, EscalationDue
from services.escalator.handlers.config import FILES, take_config
from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the shipped tree."""
    return Path(shutil.copytree("deploy/config", tmp_path / "config"))


async def take(rig: Rig, tree: Path) -> frozenset[str]:
    watcher = ConfigWatcher(tree, FILES, take_config, rig.uow, rig.clock, environ={})
    return await watcher.take()


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


async def test_the_same_tree_again_changes_nothing(rig: Rig, tree: Path) -> None:
    assert await take(rig, tree) == frozenset()


async def test_a_changed_ladder_counts_for_incidents_that_open_from_then_on(rig: Rig, tree: Path) -> None:
    await rig.fire(dedup_key="old")
    rewrite(tree / "ladders.yaml", "after: 10m", "after: 1m")
    rewrite(
        tree / "clocks.yaml", "every: 60m\n        audience: [tenant-contacts]", "every: 20m\n        audience: [pm]"
    )
    assert await take(rig, tree) == {"ladders.yaml", "clocks.yaml"}
    await rig.fire(dedup_key="new")
    await rig.play(20)
    rungs = [(each.incident.number, each.rung, each.at.minute) for each in await rig.events(EscalationDue)]
    assert [(rung, minute) for number, rung, minute in rungs if number == 1] == [(1, 15), (2, 20), (3, 30)]
    assert [(rung, minute) for number, rung, minute in rungs if number == 2] == [(1, 15), (2, 20), (3, 21), (4, 31)]
    [status] = [each for each in await rig.events(CommunicationDue) if each.obligation == "tenant_status"]
    assert (status.incident.number, status.audience) == (2, ("pm",))


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("routing.yaml", ("ladder: standard", "ladder: steep"), "ladders.yaml has no ladder “steep”; it has standard"),
        ("routing.yaml", ("first: [on-shift]", "first: []"), "first"),
        ("routing.yaml", ("when: {kind: telemetry}", "when: {colour: red}"), "colour"),
        ("ladders.yaml", ("after: 5m", "after: 5"), "a duration needs its unit"),
        ("ladders.yaml", ("after: 5m", "after: soon"), "after"),
        ("clocks.yaml", ("kind: incident_call", "kind: seance"), "kind"),
        ("clocks.yaml", ("remind_before: 5m", "remind_before: 30m"), "remind_before must be shorter than every"),
    ],
)
async def test_a_broken_file_is_named_with_its_line_and_changes_nothing(
    rig: Rig, tree: Path, name: str, change: tuple[str, str], sentence: str
) -> None:
    rewrite(tree / "ladders.yaml", "after: 15m", "after: 1m")
    rewrite(tree / name, *change)
    with pytest.raises(Misconfigured) as caught:
        await take(rig, tree)
    assert caught.value.detail.startswith(f"{name}:")
    assert sentence in caught.value.detail
    await rig.fire()
    assert [rung.after.total_seconds() for rung in (await rig.incident()).rungs] == [0, 300, 600, 600, 900, 900]
