"""What is in force, over HTTP."""

from tests.integration.escalator_support import Rig, escalator_template, rig

__all__ = ["escalator_template", "rig"]


async def test_the_ladders_the_clocks_and_the_routing_in_force_are_read(rig: Rig) -> None:
    ladders = (await rig.get("/v1/ladders", "watcher"))["ladders"]
    assert [(each["id"], len(each["rungs"])) for each in ladders] == [("standard", 6)]
    assert ladders[0]["rungs"][1]["after"] == "PT5M"
    clocks = (await rig.get("/v1/clocks", "watcher"))["clocks"]
    assert [each["kind"] for each in clocks[0]["obligations"]][:2] == ["team_status", "client_update"]
    routing = (await rig.get("/v1/routing", "watcher"))["routing"]
    assert [rule["id"] for rule in routing["rules"]] == ["maintenance", "telemetry", "ticket", "provider", "tool"]
    assert routing["default"]["first"] == ["on-shift"]


async def test_a_tenants_key_does_not_read_the_policies_of_the_house(rig: Rig) -> None:
    for path in ("/v1/ladders", "/v1/clocks", "/v1/routing"):
        answer = await rig.get(path, "acme", status=403)
        assert "Acme is bound to the tenants acme" in answer["detail"]
