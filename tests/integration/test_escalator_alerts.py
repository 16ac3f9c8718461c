"""Which incident an alert went to is told by its integration and dedup key."""

from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]


async def alerts(rig: Rig, dedup_key: str, principal: str = "rafael") -> list[tuple[int, str, int]]:
    answer = await rig.get(f"/v1/alerts?integration=alertmanager&dedup_key={dedup_key}", principal)
    return [(one["incident_number"], one["incident_state"], one["triggers"]) for one in answer["alerts"]]


async def test_an_alert_that_came_back_after_its_resolve_names_both_incidents_the_newest_first(rig: Rig) -> None:
    await rig.fire(dedup_key="a")
    await rig.fire(dedup_key="a")
    assert await alerts(rig, "a") == [(1, "open", 2)]
    await rig.post("/v1/incidents/1/resolve")
    await rig.fire(dedup_key="a")
    assert await alerts(rig, "a") == [(2, "open", 1), (1, "resolved", 2)]
    assert await alerts(rig, "b") == []


async def test_the_alerts_of_other_tenants_incidents_are_told_to_nobody(rig: Rig) -> None:
    await rig.fire(dedup_key="a", tenants=("globex",))
    assert await alerts(rig, "a") == [(1, "open", 1)]
    assert await alerts(rig, "a", "acme") == []
