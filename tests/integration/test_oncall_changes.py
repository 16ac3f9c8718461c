"""Overrides, temporary spans, swaps and absences through the API, on a real PostgreSQL."""

import asyncio
from datetime import timedelta
from typing import Any

from libs.common.db.timers import DueTimer
from libs.common.errors import Misconfigured
from libs.common.events.notifications import NotificationRequested
from services.oncall.timers import timer_handlers
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import key_of, problem

__all__ = ["rig"]

LAYERED = """\
rotas:
  - id: default
    name: The team on shift
    layers:
      - {id: weeks, people: [stefania, rafael, abdul], every: 1 week, hand_off: mo 09:00, starts_on: 2026-03-02}
      - {id: second, role: secondary, people: [helena], hand_off: "09:00"}
      - {id: learners, role: shadow, people: [luciane]}
    backups: [luciane]
"""


async def layered(rig: Rig) -> None:
    """The shipped tree with a rota of layers: Stefania's week, then Rafael's, then Abdul's."""
    (rig.tree / "rotas.yaml").write_text(LAYERED)
    await rig.watcher.take()
    await rig.emitted()


def hours(begin: float, end: float) -> dict[str, str]:
    """From so many hours after the morning until so many."""
    return {
        "starts_at": (MORNING + timedelta(hours=begin)).isoformat(),
        "ends_at": (MORNING + timedelta(hours=end)).isoformat(),
    }


async def made(rig: Rig, path: str, change: dict[str, Any], status: int = 201) -> Any:
    answer = await rig.http.post(f"/v1/{path}", json=change)
    assert answer.status_code == status, answer.text
    return answer.json()


async def primary(rig: Rig, after_hours: float) -> str | None:
    at = (MORNING + timedelta(hours=after_hours)).isoformat()
    answer = (await rig.http.get("/v1/schedules/default/on-call", params={"at": at})).json()
    person = answer["primary"] and answer["primary"]["person"]
    return str(person["id"]) if person else None


async def test_roles_of_a_layered_rota_are_told_apart(rig: Rig) -> None:
    await layered(rig)
    answer = (await rig.http.get("/v1/schedules/default/on-call")).json()
    assert answer["primary"]["person"]["id"] == "stefania"
    assert [shift["person"]["id"] for shift in answer["secondaries"]] == ["helena"]
    assert [shift["person"]["id"] for shift in answer["shadows"]] == ["luciane"]
    assert answer["next"]["person"]["id"] == "rafael"


async def test_the_secondary_is_paged_where_the_primary_has_no_contact_and_the_shadow_never(rig: Rig) -> None:
    await layered(rig)
    rig.rewrite("people.yaml", "contacts: [{sms: +15550100}, {email: stefania@example.com}]", "contacts: []")
    await rig.watcher.take()
    answer = (await rig.http.post("/v1/resolve", json={"refs": ["on-shift"]})).json()
    assert [(one["name"], one["backup_for"]) for one in answer["recipients"]] == [("Helena", "Stefania")]


async def test_an_override_changes_who_is_paged_at_once_and_only_for_its_time(rig: Rig) -> None:
    change = {"remove": "stefania", "add": "helena", **hours(-5, 0.5)}
    answer = await made(rig, "schedules/default/overrides", change)
    assert answer["change"]["starts_at"] == "2026-03-02T09:15:00Z"
    assert [(shift["person"]["id"], shift["instead_of"]) for shift in answer["after"] if shift["instead_of"]] == [
        ("helena", {"id": "stefania", "name": "Stefania"})
    ]
    resolved = (await rig.http.post("/v1/resolve", json={"refs": ["on-shift"]})).json()
    assert [one["name"] for one in resolved["recipients"]] == ["Helena"]
    assert [await primary(rig, after) for after in (-1, 0, 0.4, 0.6)] == ["stefania", "helena", "helena", "stefania"]


async def test_a_preview_says_what_would_change_and_keeps_nothing(rig: Rig) -> None:
    change = {"remove": "stefania", **hours(0, 0.5)}
    answer = await made(rig, "schedules/default/overrides?preview=true", change, 200)
    ((person, since, until),) = [(shift["person"]["id"], shift["since"], shift["until"]) for shift in answer["before"]]
    assert (person, since, until) == ("stefania", "2026-03-02T09:15:00Z", "2026-03-02T09:45:00Z")
    assert answer["after"] == []
    assert (await rig.http.get("/v1/schedules/default/overrides")).json() == {"changes": []}
    assert await primary(rig, 0) == "stefania"


async def test_of_two_that_make_the_same_override_at_once_one_is_refused(rig: Rig) -> None:
    change = {"add": "helena", **hours(1, 9)}
    answers = await asyncio.gather(*(rig.http.post("/v1/schedules/default/overrides", json=change) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_an_override_that_is_taken_back_leaves_the_past_as_it_was(rig: Rig) -> None:
    answer = await made(rig, "schedules/default/overrides", {"remove": "stefania", "add": "helena", **hours(0, 0.5)})
    rig.clock.set(MORNING + timedelta(minutes=10))
    path = f"/v1/schedules/default/overrides/{answer['id']}"
    assert (await rig.http.delete(path)).status_code == 204
    assert [await primary(rig, after) for after in (0.1, 0.2)] == ["helena", "stefania"]
    assert "is over" in problem(await rig.http.delete(path), 409)["detail"]
    future = await made(rig, "schedules/default/overrides", {"add": "helena", **hours(30, 31)})
    assert (await rig.http.delete(f"/v1/schedules/default/overrides/{future['id']}")).status_code == 204
    problem(await rig.http.delete(f"/v1/schedules/default/overrides/{future['id']}"), 404)


async def test_the_audit_says_who_changed_a_schedule_when(rig: Rig) -> None:
    answer = await made(rig, "schedules/default/overrides", {"add": "helena", **hours(30, 31)})
    await rig.http.delete(f"/v1/schedules/default/overrides/{answer['id']}")
    entries = (await rig.http.get("/v1/audit", params={"noun": "rota", "entity": "default", "limit": 2})).json()[
        "audit"
    ]
    assert [(entry["action"], entry["actor"]) for entry in entries] == [
        ("override_removed", "operator"),
        ("override_added", "operator"),
    ]
    assert entries[1]["after"]["add"] == "helena"


async def test_in_a_temporary_span_nothing_else_counts_and_gaps_are_told(rig: Rig) -> None:
    shift = {"person": "luciane", **hours(1, 3)}
    await made(rig, "schedules/default/spans", {**hours(0, 4), "shifts": [shift]})
    span = {"from": MORNING.isoformat(), "to": (MORNING + timedelta(hours=6)).isoformat()}
    answer = (await rig.http.get("/v1/schedules/default/shifts", params=span)).json()
    assert [(one["person"]["id"], one["origin"]) for one in answer["shifts"]] == [
        ("luciane", "span"),
        ("rafael", "turn"),
    ]
    assert len(answer["gaps"]) == 2
    assert [one["person"]["id"] for one in answer["layers"][0]["shifts"]] == ["stefania", "rafael"]


async def test_somebody_away_is_stood_in_for_in_every_schedule(rig: Rig) -> None:
    await layered(rig)
    answer = await made(rig, "absences", {"person": "stefania", "reason": "ill", **hours(0, 48)})
    assert [(shift["schedule"], shift["person"]["id"]) for shift in answer["after"] if shift["instead_of"]] == [
        ("default", "rafael")
    ]
    assert [await primary(rig, after) for after in (0, 47, 49)] == ["rafael", "rafael", "stefania"]
    (listed,) = (await rig.http.get("/v1/absences")).json()["changes"]
    assert (await rig.http.delete(f"/v1/absences/{listed['id']}")).status_code == 204
    assert await primary(rig, 1) == "stefania"


async def test_a_change_that_names_nobody_or_the_past_says_where(rig: Rig) -> None:
    async def refused(path: str, change: dict[str, Any], status: int = 422) -> Any:
        return problem(await rig.http.post(f"/v1/schedules/{path}", json=change), status)

    answer = await refused("default/overrides", {"add": "ghost", "remove": "stefania", **hours(1, 2)})
    assert [(error["pointer"], error["detail"]) for error in answer["errors"]] == [
        ("#/add", "there is no person 'ghost'")
    ]
    assert "the past" in (await refused("default/overrides", {"add": "helena", **hours(-3, -2)}))["detail"]
    assert "after starts_at" in str(await refused("default/overrides", {"add": "helena", **hours(3, 2)}))
    assert "400 days" in (await refused("default/overrides", {"add": "helena", **hours(1, 24 * 500)}))["detail"]
    assert "there is default" in (await refused("nosuch/overrides", {"add": "helena", **hours(1, 2)}, 404))["detail"]
    outside = {**hours(1, 2), "shifts": [{"person": "helena", **hours(0, 2)}]}
    assert "lies within it" in str(await refused("default/spans", outside))


async def test_viewers_and_whoever_is_bound_to_a_tenant_change_nothing(rig: Rig) -> None:
    viewer = await key_of(rig, "reader", "viewer")
    bound = await key_of(rig, "agent", "operator", tenants=["lumen"])
    for headers in (viewer, bound):
        for path in ("schedules/default/overrides", "schedules/default/spans", "absences"):
            change = {"person": "helena"} if path == "absences" else {"add": "helena"} if "over" in path else {}
            problem(await rig.http.post(f"/v1/{path}", json={**change, **hours(1, 2)}, headers=headers), 403)


# Swaps -------------------------------------------------------------------------------------------------------------


async def person_key(rig: Rig, person: str) -> dict[str, str]:
    entry = {"id": f"key-{person}", "name": person.title(), "roles": ["operator"], "person": person}
    assert (await rig.http.post("/v1/principals", json=entry)).status_code == 201
    issued = (await rig.http.post(f"/v1/principals/key-{person}/keys")).json()
    return {"Authorization": f"Bearer {issued['key']}"}


async def told(rig: Rig) -> list[tuple[str, list[str]]]:
    """Slot and recipients of every notice in the outbox."""
    return [
        (event.slot, sorted(one.name for one in event.recipients))
        for event in await rig.emitted()
        if isinstance(event, NotificationRequested)
    ]


async def test_a_swap_is_offered_taken_and_told(rig: Rig) -> None:
    stefania, rafael = await person_key(rig, "stefania"), await person_key(rig, "rafael")
    await rig.emitted()
    offered = await rig.http.post("/v1/schedules/default/swaps", json=hours(16, 25), headers=stefania)
    assert offered.status_code == 201, offered.text
    swap = offered.json()["id"]
    assert await told(rig) == [("swap-offered", ["Abdul", "Rafael"])]
    assert await primary(rig, 18) == "stefania"
    answer = await rig.http.post(f"/v1/schedules/default/swaps/{swap}/take", headers=rafael)
    assert answer.status_code == 200, answer.text
    assert await told(rig) == [("swap-taken", ["Rafael", "Stefania"])]
    assert await primary(rig, 18) == "rafael"
    late = await rig.http.post(f"/v1/schedules/default/swaps/{swap}/take", headers=rafael)
    assert "taken already" in problem(late, 409)["detail"]


async def test_nobody_takes_their_own_swap_and_nobody_answers_for_another(rig: Rig) -> None:
    stefania = await person_key(rig, "stefania")
    swap = (await rig.http.post("/v1/schedules/default/swaps", json=hours(16, 25), headers=stefania)).json()["id"]
    path = f"/v1/schedules/default/swaps/{swap}"
    assert "own swap" in problem(await rig.http.post(f"{path}/take", headers=stefania), 409)["detail"]
    as_rafael = await rig.http.post(f"{path}/take", json={"person": "rafael"}, headers=stefania)
    assert "answers for stefania alone" in problem(as_rafael, 403)["detail"]
    problem(await rig.http.post(f"{path}/take"), 422)
    assert (await rig.http.post(f"{path}/take", json={"person": "rafael"})).status_code == 200


async def test_whoever_is_asked_alone_may_decline(rig: Rig) -> None:
    swap = (await made(rig, "schedules/default/swaps", {"of": "stefania", "to": "rafael", **hours(16, 25)}))["id"]
    assert await told(rig) == [("swap-offered", ["Rafael"])]
    path = f"/v1/schedules/default/swaps/{swap}"
    problem(await rig.http.post(f"{path}/decline", json={"person": "abdul"}), 409)
    answer = await rig.http.post(f"{path}/decline", json={"person": "rafael"})
    assert answer.json()["change"]["state"] == "declined"
    assert await told(rig) == [("swap-declined", ["Stefania"])]
    problem(await rig.http.post(f"{path}/take", json={"person": "rafael"}), 409)


async def test_an_open_swap_is_recalled_until_it_is_withdrawn(rig: Rig) -> None:
    swap = (await made(rig, "schedules/default/swaps", {"of": "stefania", **hours(40, 49)}))["id"]
    await rig.emitted()
    due = MORNING + timedelta(hours=40 - 24)
    rig.clock.set(due)
    async with rig.uow.begin() as tx:
        assert await tx.scheduled("swap-reminder", swap) == due
        await timer_handlers(None)["swap-reminder"](tx, DueTimer("swap-reminder", swap, due, {}))
    ((slot, people),) = await told(rig)
    assert slot.startswith("swap-reminder")
    assert people == ["Abdul", "Rafael", "Stefania"]
    assert (await rig.http.delete(f"/v1/schedules/default/swaps/{swap}")).status_code == 204
    async with rig.uow.begin() as tx:
        assert await tx.scheduled("swap-reminder", swap) is None


async def test_a_swap_of_somebody_who_is_not_on_shift_is_refused(rig: Rig) -> None:
    answer = await rig.http.post("/v1/schedules/default/swaps", json={"of": "helena", **hours(16, 25)})
    assert "no shift to swap" in problem(answer, 422)["detail"]
    await made(
        rig, "absences", {"person": "rafael", **hours(0, 48)}
    )  # changes who is on shift then, and gives Helena none
    answer = await rig.http.post("/v1/schedules/default/swaps", json={"of": "helena", **hours(0, 48)})
    assert "no shift to swap" in problem(answer, 422)["detail"]
    assert (await rig.http.get("/v1/schedules/default/swaps")).json()["changes"] == []


async def test_a_swap_is_not_offered_to_the_one_who_offers_it(rig: Rig) -> None:
    wanted = {"of": "stefania", "to": "stefania", **hours(16, 25)}
    answer = problem(await rig.http.post("/v1/schedules/default/swaps", json=wanted), 422)
    assert answer["errors"] == [{"pointer": "#/to", "detail": "is the one who offers it"}]


async def test_a_swap_that_was_taken_is_undone_from_now_on(rig: Rig) -> None:
    swap = (await made(rig, "schedules/default/swaps", {"of": "stefania", **hours(16, 25)}))["id"]
    path = f"/v1/schedules/default/swaps/{swap}"
    assert (await rig.http.post(f"{path}/take", json={"person": "helena"})).status_code == 200
    assert await primary(rig, 18) == "helena"
    assert (await rig.http.delete(path)).status_code == 204
    assert await primary(rig, 18) == "stefania"


async def test_a_layer_with_a_slip_of_the_pen_names_file_line_and_rule(rig: Rig) -> None:
    for old, new, words in (
        ("every: 1 week", "every: 1 fortnight", "rotas.yaml:5"),
        ("hand_off: mo 09:00", "hand_off: xx 09:00", "is no day of the week"),
        ("[stefania, rafael, abdul]", "[stefania, ghost, abdul]", "rotas[0].layers[0].people[1]"),
    ):
        (rig.tree / "rotas.yaml").write_text(LAYERED.replace(old, new))
        refused = await refusal(rig)
        assert words in refused
    assert await primary(rig, 0) == "stefania"


async def refusal(rig: Rig) -> str:
    try:
        await rig.watcher.take()
    except Misconfigured as error:
        return str(error)
    return await rig.watcher.note() or ""
