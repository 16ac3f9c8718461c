"""What open pages are told as it changes, and that none of them misses anything."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx

from libs.common.events.incidents import IncidentOpened
from services.statuspage.api.live import PUBLIC, Live
from tests.support.status_stage import statuspage
from tests.support.statuspage import ALERTMANAGER, NOW, burning, company, incident, story


async def test_changes_are_told_to_open_pages_and_missed_ones_are_drawn_again(database_url: str) -> None:
    async with (
        statuspage(database_url, company(), serve=True) as stage,
        httpx.AsyncClient(base_url=stage.url) as client,
        client.stream("GET", "/live?since=elsewhere") as answer,
    ):
        events = answer.aiter_lines()
        assert await next_event(events) == "resync"
        assert await next_event(events) == "hello"
        await stage.fold(*burning())
        assert await next_event(events) == "public"


async def test_a_page_knows_its_place_among_the_changes_so_that_nothing_in_between_is_missed(database_url: str) -> None:
    async with statuspage(database_url, story(), serve=True) as stage, httpx.AsyncClient(base_url=stage.url) as client:
        found = re.search(r'data-place="([0-9a-f]+)"', (await client.get("/")).text)
        assert found
        async with client.stream("GET", f"/live?since={found[1]}") as answer:
            events = answer.aiter_lines()
            assert await next_event(events) == "hello"
            await stage.fold(IncidentOpened(incident=incident(30, NOW), at=NOW, actor=ALERTMANAGER, text="x"))
            assert await next_event(events) == "public"
        async with client.stream("GET", f"/live?since={found[1]}") as answer:
            events = answer.aiter_lines()
            assert await next_event(events) == "resync"
            assert await next_event(events) == "hello"


async def test_a_page_that_is_ahead_of_the_last_look_is_not_drawn_again(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        found = re.search(r'data-place="([0-9a-f]+)"', (await stage.client.get("/")).text)
        assert found
        late, over = Live(stage.service.platform.uow, stage.service.platform.wakeups), asyncio.Event()
        told = []
        async for event in late.follow(found[1], over, PUBLIC):
            told.append((event.event, event.id))
            over.set()
    assert told == [("hello", found[1])]


async def test_whoever_is_cut_off_among_several_changes_is_told_all_of_them_again(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        live, over = Live(stage.service.platform.uow, stage.service.platform.wakeups), asyncio.Event()
        await live.catch_up()
        before = live.place()
        told = []
        async for event in live.follow(before, over):
            told.append((event.event, event.id))
            if event.event == "hello":
                await stage.fold(IncidentOpened(incident=incident(30, NOW), at=NOW, actor=ALERTMANAGER, text="x"))
                await live.catch_up()
            if event.event == "public":
                over.set()
    assert told == [("hello", before), ("incident-30", None), ("incidents", None), ("public", live.place())]
    assert live.place() != before


async def test_a_page_of_the_console_knows_the_place_of_before_it_was_read(database_url: str) -> None:
    async with statuspage(database_url, story()) as stage:
        live: Live = stage.service.app.state.live
        await stage.sign_in()
        await live.catch_up()
        before = live.place()
        stage.peers.answers.clear()
        slow = asyncio.create_task(stage.client.get("/console/incidents/17/escalate"))
        await stage.peers.reached.wait()
        await stage.fold(IncidentOpened(incident=incident(30, NOW), at=NOW, actor=ALERTMANAGER, text="x"))
        await live.catch_up()
        stage.peers.answers.set()
        assert f"/console/live?since={before}" in (await slow).text
        assert f"/console/live?since={live.place()}" in (await stage.client.get("/console/incidents")).text


async def next_event(lines: AsyncIterator[str]) -> str:
    async with asyncio.timeout(60):
        async for line in lines:
            if line.startswith("event: "):
                return line.removeprefix("event: ")
    raise AssertionError("the stream ended")
