"""Who is on call is calculated once and never stale: whoever committed the change, and however many ask at once."""

import asyncio
from datetime import timedelta

from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.db.work import UnitOfWork
from services.oncall.domain.amendments import Override
from services.oncall.handlers import amendments
from services.oncall.handlers.board import Board
from services.oncall.store import audit
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_changes import hours, made

__all__ = ["rig"]

ON_CALL = "/v1/schedules/default/on-call"


async def name(rig: Rig, at: str = "") -> str | None:
    primary = (await rig.http.get(ON_CALL, params={"at": at} if at else {})).json()["primary"]
    return primary["person"]["name"] if primary else None


async def test_the_change_of_a_replica_whose_clock_is_behind_is_seen_at_once(rig: Rig) -> None:
    later = "2026-03-02T10:30:00Z"
    await made(rig, "schedules/default/overrides", {"remove": "abdul", "add": "helena", **hours(10, 12)})
    assert await name(rig, later) == "Rafael"
    behind = UnitOfWork(rig.uow.database, ManualClock(MORNING - timedelta(minutes=5)), Chance(99), "oncall")
    begins = MORNING + timedelta(hours=1)
    override = Override(remove="rafael", add="luciane", starts_at=begins, ends_at=begins + timedelta(hours=1))
    async with behind.begin() as tx:
        await amendments.make(tx, "default", "override", override, "another replica")
    assert await name(rig, later) == "Luciane"


async def test_the_answer_of_each_instant_is_its_own(rig: Rig) -> None:
    first = (await rig.http.get(ON_CALL)).json()
    rig.clock.advance(timedelta(minutes=1))
    second = (await rig.http.get(ON_CALL)).json()
    assert (first["at"], second["at"]) == ("2026-03-02T09:15:00Z", "2026-03-02T09:16:00Z")
    assert {**first, "at": ""} == {**second, "at": ""}
    rig.clock.advance(timedelta(minutes=44))
    assert await name(rig) == "Rafael"


async def test_many_who_ask_at_once_share_a_reading_that_began_after_they_asked(rig: Rig) -> None:
    board = Board(rig.uow)
    await board.stretch("default", MORNING)
    async with rig.uow.read() as session:
        before = await audit.revision(session)
    early = [asyncio.create_task(board.stretch("default", MORNING)) for _ in range(40)]
    await asyncio.sleep(0)
    await made(rig, "schedules/default/overrides", {"remove": "stefania", **hours(0, 1)})
    late = [asyncio.create_task(board.stretch("default", MORNING)) for _ in range(40)]
    await asyncio.gather(*early)
    for stretch in await asyncio.gather(*late):
        assert stretch.timeline.on_call(MORNING).of("primary") == ()
    async with rig.uow.read() as session:
        assert await audit.revision(session) == before + 1
