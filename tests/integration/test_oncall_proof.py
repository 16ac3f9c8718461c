"""Proof and load through the API, the metric, and answers that are never from before a change."""

from datetime import timedelta

from services.oncall.prover import Prover
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import key_of, problem
from tests.integration.test_oncall_changes import hours, made, primary

__all__ = ["rig"]


async def test_the_shipped_schedules_are_sound(rig: Rig) -> None:
    answer = (await rig.http.get("/v1/proof", params={"days": 30, "ref": "role:coo"})).json()
    assert (answer["sound"], answer["findings"]) == (True, [])


async def test_a_change_that_leaves_a_gap_is_told_at_once_and_counted(rig: Rig) -> None:
    await made(rig, "schedules/default/overrides", {"remove": "abdul", **hours(10, 12)})
    (found,) = (await rig.http.get("/v1/proof")).json()["findings"]
    assert (found["doubt"], found["subject"]) == ("gap", "rota:default")
    assert found["suggestion"] in {"stefania", "rafael"}
    metrics = rig.service.platform.metrics
    await Prover(rig.uow, rig.clock, metrics).look()
    assert 'tocsin_oncall_doubts{doubt="gap"} 1.0' in metrics.exposition().decode()


async def test_a_reference_that_nobody_holds_is_told(rig: Rig) -> None:
    answer = (await rig.http.get("/v1/proof", params={"ref": "role:admiral", "days": 1})).json()
    assert [(one["doubt"], one["subject"]) for one in answer["findings"]] == [("nobody_reachable", "role:admiral")]


async def test_the_load_of_a_schedule_is_shared_fairly(rig: Rig) -> None:
    answer = (await rig.http.get("/v1/schedules/default/load")).json()
    assert {load["person"]: round(load["share"], 2) for load in answer["loads"]} == {
        "stefania": 0.33,
        "rafael": 0.33,
        "abdul": 0.33,
    }
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
