"""The configuration in force: taken in once, all or nothing, and kept over a broken file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.config import ConfigTree, ConfigWatcher
from libs.common.db.work import Tx, UnitOfWork
from libs.common.errors import Misconfigured
from libs.common.metrics import Metrics
from tests.support.sample import notes, sample_database, until, work, write
from tests.support.small_service import Words, take_words

GOOD = "words: [{id: a, text: hello}]"
BETTER = "words: [{id: a, text: good day}]"
BROKEN = "words:\n  - {id: a, txt: hello}"


@pytest.fixture
async def uow(database_url: str) -> AsyncIterator[UnitOfWork]:
    async with sample_database(database_url) as database:
        yield work(database)


class Tree:
    """A folder with one file, and watchers of it that end with the test."""

    def __init__(self, folder: Path, uow: UnitOfWork) -> None:
        self.folder = folder
        self.uow = uow
        self.metrics = Metrics()
        self.loaded: list[ConfigTree] = []
        self.watchers: list[ConfigWatcher] = []

    def say(self, text: str) -> None:
        (self.folder / "words.yaml").write_text(text)

    def watcher(self) -> ConfigWatcher:
        made = ConfigWatcher(
            self.folder,
            ["words.yaml"],
            take_words,
            self.uow,
            self.uow.clock,
            metrics=self.metrics,
            loaded=self.loaded.append,
        )
        self.watchers.append(made)
        return made

    async def says(self, *texts: str) -> None:
        async def taken() -> bool:
            return await notes(self.uow) == list(texts)

        await until(taken)


@pytest.fixture
async def tree(tmp_path: Path, uow: UnitOfWork) -> AsyncIterator[Tree]:
    made = Tree(tmp_path, uow)
    yield made
    for watcher in made.watchers:
        await watcher.stop()


async def test_the_tree_is_in_force_once_started(tree: Tree) -> None:
    tree.say(GOOD)
    await tree.watcher().start()
    assert await notes(tree.uow) == ["hello"]
    assert b'tocsin_config_loaded{file="words.yaml"} 1.0' in tree.metrics.exposition()


async def test_an_unchanged_tree_is_taken_in_once_and_loaded_by_every_process(tree: Tree) -> None:
    tree.say(GOOD)
    await asyncio.gather(*(tree.watcher().start() for _ in range(3)))
    assert await notes(tree.uow) == ["hello"]
    assert [loaded.load("words.yaml", Words).words[0].text for loaded in tree.loaded] == ["hello"] * 3


async def test_a_change_on_disk_comes_into_force(tree: Tree) -> None:
    tree.say(GOOD)
    await tree.watcher().start()
    tree.say(BETTER)
    await tree.says("hello", "good day")

    async def loaded() -> bool:
        return len(tree.loaded) == 2

    await until(loaded)
    assert tree.loaded[-1].changed == {"words.yaml"}


async def test_a_first_start_with_a_broken_file_is_refused_with_file_line_and_rule(tree: Tree) -> None:
    tree.say(BROKEN)
    with pytest.raises(Misconfigured, match=r"words\.yaml:2: words\[0\]\.txt: no such key; did you mean text\?"):
        await tree.watcher().start()
    assert await notes(tree.uow) == []


async def test_a_file_broken_later_changes_nothing_and_is_told_until_it_is_mended(tree: Tree) -> None:
    tree.say(GOOD)
    watcher = tree.watcher()
    await watcher.start()
    assert await watcher.note() is None
    tree.say(BROKEN)

    async def noted() -> bool:
        return "words.yaml:2" in (await watcher.note() or "")

    await until(noted)
    assert b"tocsin_config_broken 1.0" in tree.metrics.exposition()
    assert await notes(tree.uow) == ["hello"]
    tree.say(BETTER)
    await tree.says("hello", "good day")

    async def in_order() -> bool:
        return await watcher.note() is None

    await until(in_order)
    assert b"tocsin_config_broken 0.0" in tree.metrics.exposition()


async def test_a_restart_over_a_broken_file_keeps_what_was_in_force(tree: Tree) -> None:
    tree.say(GOOD)
    await tree.watcher().start()
    tree.say(BROKEN)
    second = tree.watcher()
    await second.start()
    assert "stays in force" in (await second.note() or "")


async def test_what_the_taker_refuses_leaves_everything_as_it_was(tree: Tree) -> None:
    async def refuse(tx: Tx, found: ConfigTree) -> None:
        await write(tx, "half done")
        raise found.error("words.yaml", ("words", 0, "text"), "is rude")

    tree.say(GOOD)
    watcher = ConfigWatcher(tree.folder, ["words.yaml"], refuse, tree.uow, tree.uow.clock)
    with pytest.raises(Misconfigured, match=r"words\.yaml:1: words\[0\]\.text: is rude"):
        await watcher.start()
    assert await notes(tree.uow) == []
