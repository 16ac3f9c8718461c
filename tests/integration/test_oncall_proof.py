"""Proof and load through the API, the metric, and answers that are never from before a change."""

import re
from datetime import timedelta

import pytest

from libs.common.db.timers import DueTimer
from libs.common.errors import Misconfigured
from libs.common.events.notifications import NotificationRequested
from services.oncall.handlers import outlook
from services.oncall.prover import Prover
from services.oncall.timers import timer_handlers
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import key_of, problem
from tests.integration.test_oncall_changes import hours, made, primary

__all__ = ["rig"]


async def vouch(rig: Rig) -> None:
    """Have the configuration vouch for every contact."""
    people = rig.tree / "people.yaml"
    people.write_text(re.sub(r"\{(sms|voice|email): ([^},]+)\}", r"{\1: \2, verified: true}", people.read_text()))
    await rig.watcher.take()


async def test_the_shipped_schedules_are_sound_but_for_contacts_that_nobody_verified(rig: Rig) -> None:
    params: dict[str, str | int] = {"days": 30, "ref": "role:coo"}
    answer = (await rig.http.get("/v1/proof", params=params)).json()
    assert not answer["sound"]
    assert {one["doubt"] for one in answer["findings"]} == {"unverified_contact"}
    everybody = {one["id"] for one in (await rig.http.get("/v1/people")).json()["people"]}
    assert sorted(one["person"] for one in answer["findings"]) == sorted(everybody), "each once"
    await vouch(rig)
    answer = (await rig.http.get("/v1/proof", params=params)).json()
    assert (answer["sound"], answer["findings"]) == (True, [])


async def test_a_change_that_leaves_a_gap_is_told_at_once_and_counted(rig: Rig) -> None:
    await made(rig, "schedules/default/overrides", {"remove": "abdul", **hours(10, 12)})
    answer = (await rig.http.get("/v1/proof")).json()
    (found,) = [one for one in answer["findings"] if one["doubt"] != "unverified_contact"]
    assert (found["doubt"], found["subject"]) == ("gap", "rota:default")
    assert found["suggestion"] in {"stefania", "rafael"}
    metrics = rig.service.platform.metrics
    await Prover(rig.uow, rig.clock, metrics).look()
    assert 'tocsin_oncall_doubts{doubt="gap"} 1.0' in metrics.exposition().decode()


async def test_a_reference_that_nobody_holds_is_told(rig: Rig) -> None:
    answer = (await rig.http.get("/v1/proof", params={"ref": "role:admiral", "days": 1})).json()
    found = [(one["doubt"], one["subject"]) for one in answer["findings"] if one["doubt"] != "unverified_contact"]
    assert found == [("nobody_reachable", "role:admiral")]


async def test_the_load_of_a_schedule_is_shared_fairly(rig: Rig) -> None:
    answer = (await rig.http.get("/v1/schedules/default/load")).json()
    assert {load["person"]: round(load["share"], 2) for load in answer["loads"]} == {
        "stefania": 0.33,
        "rafael": 0.33,
        "abdul": 0.33,
    }
    assert answer["fairness"]["hours"] == 1.0
    assert answer["fairness"]["night_hours"] < 0.7, "Abdul has the nights on his own clocks"
    problem(await rig.http.get("/v1/schedules/nosuch/load"), 404)
    viewer = await key_of(rig, "reader", "viewer")
    problem(await rig.http.get("/v1/proof", headers=viewer), 403)


async def test_who_is_on_call_is_never_from_before_a_change(rig: Rig) -> None:
    assert await primary(rig, 1) == "rafael"
    change = await made(rig, "schedules/default/overrides", {"remove": "rafael", "add": "helena", **hours(0, 4)})
    assert await primary(rig, 1) == "helena"
    await rig.http.delete(f"/v1/schedules/default/overrides/{change['id']}")
    assert await primary(rig, 1) == "rafael"
    rig.rewrite("rotas.yaml", "person: rafael", "person: luciane")
    await rig.watcher.take()
    assert await primary(rig, 1) == "luciane"
    await made(rig, "absences", {"person": "luciane", **hours(0, 4)})
    assert await primary(rig, 1) is None
    rig.clock.set(MORNING + timedelta(days=1))
    assert await primary(rig, 25) == "luciane"


async def looked(rig: Rig) -> list[NotificationRequested]:
    """Let the timer look ahead; what it asked for."""
    async with rig.uow.begin() as tx:
        await timer_handlers("https://status.example.com")[outlook.LOOK](
            tx, DueTimer(outlook.LOOK, outlook.LOOK, tx.now, {})
        )
    return [event for event in await rig.emitted() if isinstance(event, NotificationRequested)]


async def test_the_owner_is_warned_before_a_gap_begins_once_and_once_more_when_it_is_near(rig: Rig) -> None:
    await vouch(rig)
    await made(rig, "schedules/default/overrides", {"remove": "abdul", **hours(82, 84)})
    await rig.emitted()
    assert await looked(rig) == []
    rig.clock.advance(outlook.EVERY)
    (warning,) = await looked(rig)
    assert (warning.purpose, warning.reason) == ("notice", "still_there")
    assert {one.ref for one in warning.recipients} == {"person:diego", "person:noor"}
    assert warning.title == "Nobody is primary in The team on shift"
    assert "could take it" in (warning.words or "")
    rig.clock.advance(outlook.EVERY)
    assert await looked(rig) == []
    rig.clock.advance(timedelta(days=3))
    (again,) = await looked(rig)
    assert again.reason == "begins_soon"
    assert await looked(rig) == []


async def test_the_owner_that_a_rota_names_is_warned_in_place_of_devops(rig: Rig) -> None:
    rig.rewrite("rotas.yaml", "id: default", "id: default\n    owner: team:operations")
    await rig.watcher.take()
    await made(rig, "schedules/default/overrides", {"remove": "rafael", **hours(1, 2)})
    await rig.emitted()
    (warning,) = await looked(rig)
    assert {one.ref for one in warning.recipients} >= {"person:stefania", "person:helena"}
    assert warning.reason == "begins_soon"


async def test_who_nobody_verified_is_told_to_the_owner_in_one_message(rig: Rig) -> None:
    await rig.emitted()
    assert await looked(rig) == [], "a code may be on its way"
    rig.clock.advance(outlook.EVERY)
    (warning,) = await looked(rig)
    assert warning.title == "19 doubts about who can be reached in the coming 14 days"
    assert "Stefania may be paged, and nobody verified their SMS and e-mail." in (warning.words or "")
    assert await looked(rig) == []


async def test_an_owner_that_there_is_not_is_refused(rig: Rig) -> None:
    rig.rewrite("rotas.yaml", "id: default", "id: default\n    owner: team:nosuch")
    with pytest.raises(Misconfigured, match=r"rotas.yaml:\d+: rotas\[0\].owner: there is no team 'nosuch'"):
        await rig.watcher.take()
