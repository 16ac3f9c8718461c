"""Overrides, temporary spans and absences that are changed where they stand, on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import key_of, problem
from tests.integration.test_oncall_changes import hours, layered, made, primary

__all__ = ["rig"]


async def newest(rig: Rig, noun: str, entity: str) -> Any:
    return (await rig.http.get(f"/v1/audit?noun={noun}&entity={entity}&limit=1")).json()["audit"][0]


async def test_a_temporary_span_is_changed_after_it_was_shown_what_that_would_change(rig: Rig) -> None:
    span = await made(rig, "schedules/default/spans", {**hours(0, 4), "shifts": [{"person": "luciane", **hours(0, 4)}]})
    path = f"/v1/schedules/default/spans/{span['id']}"
    wanted = {**hours(0, 6), "shifts": [{"person": "helena", **hours(0, 6)}]}
    rig.clock.set(MORNING + timedelta(hours=1))
    assert await primary(rig, 1) == "luciane"

    seen = (await rig.http.put(path, params={"preview": "true"}, json=wanted)).json()
    assert {one["person"]["id"] for one in seen["before"]} == {"luciane", "rafael"}
    assert {one["person"]["id"] for one in seen["after"]} == {"luciane", "helena"}  # Luciane's hour stays
    assert await primary(rig, 2) == "luciane"

    answer = (await rig.http.put(path, json=wanted)).json()
    assert (answer["id"], answer["made_by"]) == (span["id"], "operator")
    assert [await primary(rig, after) for after in (0.5, 1, 5, 6)] == ["luciane", "helena", "helena", "rafael"]
    (entry, _) = (await rig.http.get("/v1/audit", params={"noun": "rota", "entity": "default", "limit": 2})).json()[
        "audit"
    ]
    assert (entry["action"], entry["actor"], entry["at"]) == ("span_changed", "operator", "2026-03-02T10:15:00Z")
    assert entry["before"]["ends_at"] < entry["after"]["ends_at"]
    assert [shift["person"] for shift in entry["before"]["shifts"]] == ["luciane"]
    assert [shift["person"] for shift in entry["after"]["shifts"]] == ["luciane", "helena"]

    again = (await rig.http.put(path, json=wanted)).json()
    assert (again["before"], again["after"]) == ([], [])
    newest = (await rig.http.get("/v1/audit", params={"noun": "rota", "limit": 1})).json()["audit"]
    assert newest == [entry]  # what changes nothing is no change


async def test_of_two_who_change_one_span_the_second_is_told_of_the_first(rig: Rig) -> None:
    span = await made(rig, "schedules/default/spans", {**hours(1, 4), "shifts": [{"person": "luciane", **hours(1, 4)}]})
    path = f"/v1/schedules/default/spans/{span['id']}"
    (listed,) = (await rig.http.get("/v1/schedules/default/spans")).json()["changes"]
    assert listed["version"] == span["version"]
    seen = {"version": listed["version"]}
    first = (await rig.http.put(path, params=seen, json={**hours(1, 4), "shifts": []})).json()
    assert first["version"] != span["version"]

    second = {**hours(1, 4), "shifts": [{"person": "helena", **hours(1, 4)}]}
    for preview in ("true", "false"):
        refused = problem(await rig.http.put(path, params={**seen, "preview": preview}, json=second), 409)
        assert "Open it again" in refused["detail"]
    assert await primary(rig, 2) is None
    assert (await rig.http.put(path, params={"version": first["version"]}, json=second)).status_code == 200
    assert await primary(rig, 2) == "helena"
    assert (await rig.http.put(path, json=hours(1, 5))).status_code == 200  # whoever says nothing of what they saw


async def test_a_span_that_cannot_become_what_is_wanted_says_why(rig: Rig) -> None:
    span = await made(rig, "schedules/default/spans", hours(1, 4))
    await made(rig, "schedules/default/spans", hours(1, 5))
    path = f"/v1/schedules/default/spans/{span['id']}"

    async def refused(wanted: dict[str, Any], status: int) -> Any:
        return problem(await rig.http.put(path, json=wanted), status)

    ghost = {**hours(1, 4), "shifts": [{"person": "ghost", **hours(1, 4)}]}
    assert [error["pointer"] for error in (await refused(ghost, 422))["errors"]] == ["#/shifts/0/person"]
    assert "very same" in (await refused(hours(1, 5), 409))["detail"]
    assert "400 days" in (await refused(hours(1, 24 * 500), 422))["detail"]
    assert "lies in the past" in (await refused(hours(-2, -1), 422))["detail"]
    problem(await rig.http.put(path, json=hours(1, 6), headers=await key_of(rig, "reader", "viewer")), 403)
    problem(await rig.http.put(f"/v1/schedules/nosuch/spans/{span['id']}", json=hours(1, 6)), 404)
    rig.clock.set(MORNING + timedelta(hours=2))
    assert "cannot begin later" in (await refused(hours(3, 6), 409))["detail"]
    rig.clock.set(MORNING + timedelta(hours=4))
    assert "is over" in (await refused(hours(1, 6), 409))["detail"]


async def test_an_override_is_changed_from_now_on_and_the_past_stays_with_whoever_had_it(rig: Rig) -> None:
    override = await made(rig, "schedules/default/overrides", {"remove": "stefania", "add": "helena", **hours(0, 0.7)})
    path = f"/v1/schedules/default/overrides/{override['id']}"
    rig.clock.set(MORNING + timedelta(minutes=15))
    assert await primary(rig, 0.3) == "helena"
    wanted = {"remove": "stefania", "add": "luciane", **hours(0, 0.5)}

    seen = (await rig.http.put(path, params={"preview": "true"}, json=wanted)).json()
    assert [one["person"]["id"] for one in seen["before"]] == ["helena"]
    assert [one["person"]["id"] for one in seen["after"]] == ["helena", "luciane", "stefania"]
    assert await primary(rig, 0.3) == "helena"

    answer = (await rig.http.put(path, params={"version": override["version"]}, json=wanted)).json()
    assert (answer["id"], answer["after"]) == (override["id"], seen["after"])
    assert [await primary(rig, after) for after in (0.1, 0.3, 0.6)] == ["helena", "luciane", "stefania"]
    entry = await newest(rig, "rota", "default")
    assert (entry["action"], entry["actor"], entry["at"]) == ("override_changed", "operator", "2026-03-02T09:30:00Z")
    assert [entry[side]["add"] for side in ("before", "after")] == ["helena", "luciane"]
    (listed,) = (await rig.http.get("/v1/schedules/default/overrides")).json()["changes"]
    assert (listed["id"], listed["version"]) == (override["id"], answer["version"])

    stale = await rig.http.put(path, params={"version": override["version"]}, json={**wanted, "add": "rafael"})
    assert "Somebody changed this override" in problem(stale, 409)["detail"]
    rig.clock.set(MORNING + timedelta(minutes=20))
    assert (await rig.http.delete(path)).status_code == 204
    assert [await primary(rig, after) for after in (0.1, 0.3, 0.4)] == ["helena", "luciane", "stefania"]
    assert "override is over" in problem(await rig.http.put(path, json=wanted), 409)["detail"]


async def test_of_two_who_change_one_absence_the_second_is_told_and_all_of_it_is_in_the_audit(rig: Rig) -> None:
    await layered(rig)
    absence = await made(rig, "absences", {"person": "stefania", "reason": "ill", **hours(0, 48)})
    path, seen = f"/v1/absences/{absence['id']}", {"version": absence["version"]}
    longer = {"person": "stefania", "reason": "ill", **hours(0, 72)}
    answer = (await rig.http.put(path, params=seen, json=longer)).json()
    assert [one["until"] for one in answer["after"] if one["instead_of"]] == ["2026-03-05T09:15:00Z"]
    assert [await primary(rig, after) for after in (50, 73)] == ["rafael", "stefania"]
    entry = await newest(rig, "person", "stefania")
    assert (entry["action"], entry["before"]["ends_at"]) == ("absence_changed", "2026-03-04T09:15:00Z")

    refused = problem(await rig.http.put(path, params={**seen, "preview": "true"}, json=longer), 409)
    assert "Somebody changed this absence" in refused["detail"]
    other = {**longer, "person": "rafael"}
    assert (await rig.http.put(path, json=other)).status_code == 200
    assert await primary(rig, 50) == "stefania"
    assert [(await newest(rig, "person", who))["after"]["person"] for who in ("stefania", "rafael")] == ["rafael"] * 2
    problem(await rig.http.put(path, json={**other, "person": "ghost"}), 422)
    for wrong, sentence in (
        ({**other, "starts_at": "2026-03-02T09:15:00"}, "#/starts_at: its zone is missing; a moment is written as"),
        ({**other, "who": "rafael"}, "#/who: there is no such field here"),
        ({"person": "rafael"}, "#/starts_at: is missing; #/ends_at: is missing"),
    ):
        assert sentence in problem(await rig.http.put(path, json=wrong), 422)["detail"]
    unknown = await rig.http.patch(path, json=other)
    assert (unknown.headers["allow"], "DELETE, PUT are" in problem(unknown, 405)["detail"]) == ("DELETE, PUT", True)
    problem(await rig.http.put(path, json=other, headers=await key_of(rig, "reader", "viewer")), 403)
