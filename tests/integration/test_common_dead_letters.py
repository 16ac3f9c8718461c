"""The operator's commands for dead letters, over the real bus."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from typer.testing import CliRunner

from libs.common.bus.base import Message, Record
from libs.common.bus.postgres import PostgresBus
from libs.common.dead_letters import DeadReason, as_dead_letter, choose, list_dead_letters
from libs.common.dead_letters_cli import dead_letters_cli
from libs.common.errors import NotFound
from libs.common.events.envelope import Undecodable
from libs.common.events.topics import TOPICS

AT = datetime(2026, 11, 24, tzinfo=UTC)


def dead(topic: str, offset: int, group: str = "escalator") -> Message:
    headers = {"ce_id": f"id-{offset}", "ce_type": "tocsin.trigger.received.v1"}
    record = Record(topic, 3, offset, f"key-{offset}", b"{}", headers, AT)
    return as_dead_letter(record, group, DeadReason.UNDECODABLE, Undecodable("no such field"))


async def prepare(url: str, messages: Sequence[Message]) -> None:
    bus = PostgresBus(url)
    await bus.start()
    await bus.ensure_topics(TOPICS)
    await bus.producer().publish(messages)
    await bus.stop()


async def run(url: str, *arguments: str, answer: str = "") -> tuple[int, str]:
    """What a command printed, run as from a shell: with an event loop of its own."""
    console = Console(width=200, record=True, quiet=False, file=None)
    app = dead_letters_cli(lambda: PostgresBus(url), console)
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=answer)
    return result.exit_code, console.export_text() + result.output


async def test_dead_letters_are_listed_and_sent_again_once_confirmed(database_url: str) -> None:
    await prepare(database_url, [dead("triggers", 7), dead("incidents", 8, "oncall")])

    code, shown = await run(database_url, "list")
    assert code == 0
    assert "triggers 3/7" in shown
    assert "Undecodable: no such field" in shown
    assert "oncall" in shown

    code, shown = await run(database_url, "redrive", "--topic", "triggers", answer="n\n")
    assert code == 1, "nothing is sent without a yes"
    code, shown = await run(database_url, "redrive", "--topic", "triggers", answer="y\n")
    assert (code, "1 sent again." in shown) == (0, True)

    code, shown = await run(database_url, "list")
    assert "triggers 3/7" not in shown
    assert "incidents 3/8" in shown
    code, shown = await run(database_url, "list", "--all")
    assert "triggers 3/7" in shown
    code, shown = await run(database_url, "redrive", "--group", "nobody", "--yes")
    assert "nothing to send again" in shown

    bus = PostgresBus(database_url)
    await bus.start()
    member = await bus.subscribe("onlooker", ["triggers"])
    [again] = await member.fetch(10, timedelta(seconds=60))
    await bus.stop()
    assert (again.key, again.value, again.headers["ce_id"]) == ("key-7", b"{}", "id-7")
    assert not [name for name in again.headers if name in {"dl_reason", "dl_error", "dl_group"}]


async def test_a_place_without_a_dead_letter_is_refused_before_anything_is_sent(database_url: str) -> None:
    await prepare(database_url, [dead("triggers", 7)])
    bus = PostgresBus(database_url)
    await bus.start()
    letters = await list_dead_letters(bus)
    await bus.stop()

    assert [letter.place for letter in choose(letters, ["0/0"])] == ["0/0"]
    with pytest.raises(NotFound, match="no dead letter at 0/5"):
        choose(letters, ["0/0", "0/5"])


async def test_an_empty_topic_says_so(database_url: str) -> None:
    await prepare(database_url, [])

    code, shown = await run(database_url, "list")

    assert (code, "There are no dead letters." in shown) == (0, True)
