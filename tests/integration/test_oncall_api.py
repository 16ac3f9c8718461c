"""Oncall's HTTP API on a real PostgreSQL: who is on call, the directory, keys, and who may see what."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from libs.common.db.timers import DueTimer
from libs.common.events.directory import PrincipalChanged
from services.oncall.timers import timer_handlers
from tests.integration.oncall_support import MORNING, Rig, rig

__all__ = ["rig"]


async def key_of(rig: Rig, principal_id: str, *roles: str, tenants: list[str] | None = None) -> dict[str, str]:
    """The header of a new principal."""
    entry = {"id": principal_id, "name": principal_id.title(), "roles": roles, "tenants": tenants}
    assert (await rig.http.post("/v1/principals", json=entry)).status_code == 201
    made = await rig.http.post(f"/v1/principals/{principal_id}/keys")
    assert made.status_code == 201
    return {"Authorization": f"Bearer {made.json()['key']}"}


def problem(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


async def test_who_is_on_call_now_and_who_comes_next(rig: Rig) -> None:
    answer = (await rig.http.get("/v1/schedules/default/on-call")).json()
    assert answer == {
        "schedule": "default",
        "at": "2026-03-02T09:15:00Z",
        "primary": {
            "person": {"id": "stefania", "name": "Stefania"},
            "since": "2026-03-02T02:00:00Z",
            "until": "2026-03-02T10:00:00Z",
        },
        "also": [],
        "secondaries": [],
        "managers": [],
        "shadows": [],
        "backups": [{"id": "helena", "name": "Helena"}, {"id": "luciane", "name": "Luciane"}],
        "next": {
            "person": {"id": "rafael", "name": "Rafael"},
            "since": "2026-03-02T10:00:00Z",
            "until": "2026-03-02T18:00:00Z",
        },
    }


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-03-03T01:30:00Z", "abdul"),
        ("2026-03-03T02:30:00%2B01:00", "abdul"),
        ("2026-03-03T02:30:00+01:00", "abdul"),
        ("2026-03-03T03:30:00-08:00", "rafael"),
        ("2026-03-03T02:00Z", "stefania"),
    ],
)
async def test_who_is_on_call_at_another_time_in_any_offset(rig: Rig, at: str, person: str) -> None:
    answer = await rig.http.get(f"/v1/schedules/default/on-call?at={at}")
    assert answer.json()["primary"]["person"]["id"] == person


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-03-03T01:30:00", "add an offset"),
        ("yesterday", "write it as 2026-03-02T09:15:00Z"),
        ("0001-01-01T00:00:00Z", "between 1970 and 2200"),
        ("9999-12-31T23:59:59-01:00", "between 1970 and 2200"),
        ("", "write it as"),
    ],
)
async def test_an_instant_that_is_none_says_what_to_change(rig: Rig, at: str, words: str) -> None:
    answer = problem(await rig.http.get("/v1/schedules/default/on-call", params={"at": at}), 422)
    assert words in answer["detail"]
    assert answer["errors"][0]["pointer"] == "#query/at"


async def test_an_unknown_schedule_names_the_known_ones(rig: Rig) -> None:
    assert "there is default" in problem(await rig.http.get("/v1/schedules/night/on-call"), 404)["detail"]


async def test_the_shifts_of_a_range(rig: Rig) -> None:
    span = {"from": "2026-03-02T09:00:00Z", "to": "2026-03-03T00:00:00Z"}
    answer = (await rig.http.get("/v1/schedules/default/shifts", params=span)).json()
    assert (answer["from"], answer["to"]) == ("2026-03-02T09:00:00Z", "2026-03-03T00:00:00Z")
    assert [shift["person"]["id"] for shift in answer["shifts"]] == ["stefania", "rafael", "abdul"]
    assert len((await rig.http.get("/v1/schedules/default/shifts")).json()["shifts"]) == 22


@pytest.mark.parametrize("to", ["2026-03-02T09:00:00Z", "2026-03-01T09:00:00Z", "2027-06-02T09:00:00Z"])
async def test_a_range_that_is_empty_or_too_long_is_refused(rig: Rig, to: str) -> None:
    span = {"from": "2026-03-02T09:00:00Z", "to": to}
    assert (
        problem(await rig.http.get("/v1/schedules/default/shifts", params=span), 422)["errors"][0]["pointer"]
        == "#query/to"
    )


async def test_without_a_key_nothing_is_answered(rig: Rig) -> None:
    del rig.http.headers["Authorization"]
    for path in ("schedules", "schedules/default/on-call", "people", "tenants", "principals", "audit", "warnings"):
        answer = await rig.http.get(f"/v1/{path}")
        problem(answer, 401)
        assert "www-authenticate" in answer.headers


async def test_each_role_may_do_its_part_and_no_more(rig: Rig) -> None:
    viewer = await key_of(rig, "reader", "viewer")
    operator = await key_of(rig, "worker", "operator")
    question = {"refs": ["on-shift"]}
    assert (await rig.http.get("/v1/schedules", headers=viewer)).status_code == 200
    problem(await rig.http.post("/v1/resolve", json=question, headers=viewer), 403)
    problem(await rig.http.get("/v1/warnings", headers=viewer), 403)
    assert (await rig.http.post("/v1/resolve", json=question, headers=operator)).status_code == 200
    for method, path in (
        ("GET", "/v1/principals"),
        ("POST", "/v1/principals/worker/keys"),
        ("DELETE", "/v1/principals/reader"),
        ("GET", "/v1/audit"),
        ("POST", "/v1/directory/republish"),
    ):
        problem(await rig.http.request(method, path, headers=operator), 403)


async def test_viewers_see_people_and_tenants_without_their_contacts(rig: Rig) -> None:
    viewer = await key_of(rig, "reader", "viewer")
    people = await rig.http.get("/v1/people", headers=viewer)
    tenants = await rig.http.get("/v1/tenants", headers=viewer)
    for shown in (people.text, tenants.text):
        assert all(hidden not in shown for hidden in ("contacts", "chain", "quiet_hours"))
        assert "example" not in shown
    assert people.json()["people"][0]["name"] == "Stefania"
    assert "+15550100" in (await rig.http.get("/v1/people")).text


async def test_whoever_is_bound_to_a_tenant_sees_that_tenant_alone(rig: Rig) -> None:
    bound = await key_of(rig, "agent", "operator", tenants=["lumen"])
    tenants = (await rig.http.get("/v1/tenants", headers=bound)).json()["tenants"]
    assert [tenant["id"] for tenant in tenants] == ["lumen"]
    problem(await rig.http.get("/v1/tenants/harbour", headers=bound), 404)
    problem(await rig.http.get("/v1/people", headers=bound), 403)
    assert "ines" not in (await rig.http.get("/v1/services", headers=bound)).text
    problem(await rig.http.get("/v1/warnings", headers=bound), 403)


async def test_whoever_is_bound_to_a_tenant_resolves_for_that_tenant_alone(rig: Rig) -> None:
    bound = await key_of(rig, "agent", "operator", tenants=["lumen"])

    async def ask(*refs: str, tenants: list[str] | None = None) -> httpx.Response:
        question = {"refs": refs, "context": {"tenants": tenants or []}}
        return await rig.http.post("/v1/resolve", json=question, headers=bound)

    found = (await ask("client-contacts", "on-shift")).json()["recipients"]
    assert [(one["ref"], bool(one["contacts"])) for one in found] == [
        ("contact:lumen/anneke", True),
        ("person:stefania", False),
    ]
    problem(await ask("client-contacts", tenants=["harbour"]), 403)
    problem(await ask("contact:harbour/joel"), 403)


async def test_resolving_tells_nobody_and_explains_who_would_be_told(rig: Rig) -> None:
    question = {
        "refs": ["first", "service-responsible"],
        "context": {"first": ["on-shift"], "service": "nosuch"},
        "at": "2026-03-03T01:30:00Z",
    }
    answer = (await rig.http.post("/v1/resolve", json=question)).json()
    assert [one["name"] for one in answer["recipients"]] == ["Abdul"]
    assert [one["reason"] for one in answer["skipped"]] == ["unknown_reference"]
    assert await rig.emitted() == []


@pytest.mark.parametrize(
    "question",
    [
        {"refs": []},
        {"refs": ["On Shift!"]},
        {"refs": ["on-shift"], "at": "2026-03-03T01:30:00"},
        {"refs": ["on-shift"], "when": "now"},
        {"refs": ["on-shift"], "at": "9999-12-31T23:59:59-01:00"},
        ["on-shift"],
    ],
)
async def test_a_question_that_is_none_is_refused(rig: Rig, question: Any) -> None:
    problem(await rig.http.post("/v1/resolve", json=question), 422)


async def test_a_new_principal_gets_a_key_that_is_shown_once_and_announced_hashed(rig: Rig) -> None:
    headers = await key_of(rig, "ci", "viewer")
    plain = headers["Authorization"].removeprefix("Bearer ")
    assert (await rig.http.get("/v1/schedules", headers=headers)).status_code == 200
    shown = await rig.http.get("/v1/principals/ci")
    assert plain[-24:] not in shown.text
    assert [key["issued_by"] for key in shown.json()["keys"]] == ["operator"]
    events = [event for event in await rig.emitted() if isinstance(event, PrincipalChanged)]
    assert [(event.id, len(event.keys)) for event in events] == [("ci", 0), ("ci", 1)]
    assert plain[-24:] not in events[-1].model_dump_json()


async def test_a_revoked_key_opens_nothing_any_more(rig: Rig) -> None:
    headers = await key_of(rig, "ci", "viewer")
    (key,) = (await rig.http.get("/v1/principals/ci")).json()["keys"]
    assert (await rig.http.delete(f"/v1/principals/ci/keys/{key['id']}")).status_code == 204
    problem(await rig.http.get("/v1/schedules", headers=headers), 401)
    problem(await rig.http.delete(f"/v1/principals/ci/keys/{key['id']}"), 404)


async def test_a_removed_principal_takes_its_keys_along(rig: Rig) -> None:
    headers = await key_of(rig, "ci", "viewer")
    assert (await rig.http.delete("/v1/principals/ci")).status_code == 204
    problem(await rig.http.get("/v1/schedules", headers=headers), 401)
    problem(await rig.http.get("/v1/principals/ci"), 404)
    last = (await rig.emitted())[-1]
    assert isinstance(last, PrincipalChanged)
    assert (last.id, last.removed) == ("ci", True)


async def test_a_key_ends_at_its_time_and_is_forgotten_then(rig: Rig) -> None:
    await key_of(rig, "ci", "viewer")
    expires_at = MORNING + timedelta(hours=1)
    made = await rig.http.post("/v1/principals/ci/keys", json={"expires_at": expires_at.isoformat()})
    key_id = made.json()["id"]
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await rig.http.get("/v1/schedules", headers=headers)).status_code == 200
    rig.clock.set(expires_at)
    problem(await rig.http.get("/v1/schedules", headers=headers), 401)
    async with rig.uow.begin() as tx:
        assert await tx.scheduled("key-expiry", key_id) == expires_at
        await timer_handlers(None)["key-expiry"](tx, DueTimer("key-expiry", key_id, expires_at, {"principal": "ci"}))
    keys = (await rig.http.get("/v1/principals/ci")).json()["keys"]
    assert key_id not in [key["id"] for key in keys]


async def test_what_the_configuration_holds_is_not_changed_here(rig: Rig) -> None:
    assert "principals.yaml" in problem(await rig.http.delete("/v1/principals/operator"), 409)["detail"]
    assert "principals.yaml" in problem(await rig.http.delete("/v1/principals/operator/keys/operator"), 409)["detail"]


async def test_a_principal_that_refers_to_nothing_or_exists_is_refused(rig: Rig) -> None:
    entry = {"id": "ghost", "name": "Ghost", "person": "nobody", "tenants": ["lumen", "atlantis"]}
    answer = problem(await rig.http.post("/v1/principals", json=entry), 422)
    assert [error["pointer"] for error in answer["errors"]] == ["#/person", "#/tenants/1"]
    problem(await rig.http.post("/v1/principals", json={"id": "operator", "name": "Again"}), 409)
    problem(await rig.http.post("/v1/principals", json={"id": "Not A Slug", "name": "X"}), 422)
    problem(await rig.http.post("/v1/principals/nobody/keys"), 404)
    problem(await rig.http.post("/v1/principals/operator/keys", json={"expires_at": "2020-01-01T00:00:00Z"}), 422)


async def test_what_the_api_added_stays_when_the_tree_changes(rig: Rig) -> None:
    headers = await key_of(rig, "ci", "viewer")
    rig.rewrite("principals.yaml", "name: Operator", "name: The operator")
    await rig.watcher.take()
    assert (await rig.http.get("/v1/schedules", headers=headers)).status_code == 200


async def test_an_admin_bound_to_tenants_cannot_give_themselves_more(rig: Rig) -> None:
    bound = await key_of(rig, "boss", "admin", tenants=["lumen"])
    problem(await rig.http.post("/v1/principals/boss/keys", headers=bound), 403)
    problem(await rig.http.get("/v1/principals", headers=bound), 403)


async def test_the_audit_says_who_did_what(rig: Rig) -> None:
    await key_of(rig, "ci", "viewer")
    await rig.http.delete("/v1/principals/ci")
    entries = (await rig.http.get("/v1/audit", params={"noun": "principal", "entity": "ci"})).json()["audit"]
    assert [(entry["actor"], entry["action"]) for entry in entries] == [
        ("operator", "removed"),
        ("operator", "key_issued"),
        ("operator", "added"),
    ]
    assert entries[2]["after"]["name"] == "Ci"
    first = (await rig.http.get("/v1/audit", params={"limit": 1})).json()
    assert (await rig.http.get("/v1/audit", params={"before": first["next"]})).json()["audit"][0][
        "action"
    ] == "key_issued"


async def test_doubts_name_their_place(rig: Rig) -> None:
    assert (await rig.http.get("/v1/warnings")).json() == {"warnings": []}
    rig.rewrite("rotas.yaml", "      - {hours: 18:00-02:00, person: abdul}\n", "")
    await rig.watcher.take()
    (doubt,) = (await rig.http.get("/v1/warnings")).json()["warnings"]
    assert (doubt["noun"], doubt["id"], doubt["place"]) == ("rota", "default", "rotas[0].turns")
    assert "nobody is on shift from 2026-03-02 18:00 UTC to 2026-03-03 02:00 UTC" in doubt["text"]
    assert (await rig.http.get("/v1/schedules/default/on-call?at=2026-03-02T20:00:00Z")).json()["primary"] is None


async def test_the_directory_is_listed_in_the_order_of_its_files(rig: Rig) -> None:
    for plural, first in (
        ("teams", "operations"),
        ("roles", "pm"),
        ("services", "workflow"),
        ("tools", "ziflow"),
        ("rotas", "default"),
    ):
        assert (await rig.http.get(f"/v1/{plural}")).json()[plural][0]["id"] == first
    assert (await rig.http.get("/v1/services/invoicing")).json()["responsible"] == "person:ines"
    problem(await rig.http.get("/v1/services/nosuch"), 404)


async def test_republishing_is_one_request(rig: Rig) -> None:
    answer = await rig.http.post("/v1/directory/republish")
    assert (answer.status_code, answer.json()["entities"]) == (202, len(await rig.emitted()))


async def test_a_person_is_added_changed_and_removed_through_the_api(rig: Rig) -> None:
    mara = {"id": "mara", "name": "Mara", "contacts": [{"sms": "+15550199"}]}
    assert (await rig.http.put("/v1/people/mara", json=mara)).status_code == 201
    assert (await rig.http.put("/v1/people/mara", json=mara)).status_code == 200
    assert [event.key for event in await rig.emitted()] == ["person:mara"]
    found = await rig.http.post("/v1/resolve", json={"refs": ["person:mara"]})
    (contact,) = found.json()["recipients"][0]["contacts"]
    assert (contact["channel"], contact["address"]) == ("sms", "+15550199")
    team = {"id": "night", "name": "Night", "members": ["mara"]}
    assert (await rig.http.put("/v1/teams/night", json=team)).status_code == 201
    assert "'night' still refers to it" in problem(await rig.http.delete("/v1/people/mara"), 409)["detail"]
    assert (await rig.http.delete("/v1/teams/night")).status_code == 204
    assert (await rig.http.delete("/v1/people/mara")).status_code == 204
    problem(await rig.http.delete("/v1/people/mara"), 404)
    assert [(event.key, event.model_dump()["removed"]) for event in await rig.emitted()] == [
        ("team:night", False),
        ("team:night", True),
        ("person:mara", True),
    ]


async def test_an_entity_that_is_wrong_is_refused_with_the_place(rig: Rig) -> None:
    team = {"id": "night", "name": "Night", "members": ["abdul", "ghost"]}
    answer = problem(await rig.http.put("/v1/teams/night", json=team), 422)
    assert answer["errors"] == [{"pointer": "#/members/1", "detail": "there is no person 'ghost'"}]
    person = {"id": "mara", "name": "Mara", "contacts": [{"sms": "0151"}], "zone": "Mars/Olympus"}
    answer = problem(await rig.http.put("/v1/people/mara", json=person), 422)
    assert {error["pointer"] for error in answer["errors"]} == {"#/contacts/0", "#/zone"}
    answer = problem(await rig.http.put("/v1/people/other", json={"id": "mara", "name": "Mara"}), 422)
    assert answer["errors"][0]["pointer"] == "#/id"
    configured = {"id": "abdul", "name": "Somebody else"}
    assert "people.yaml" in problem(await rig.http.put("/v1/people/abdul", json=configured), 409)["detail"]
    assert "people.yaml" in problem(await rig.http.delete("/v1/people/abdul"), 409)["detail"]
    operator = await key_of(rig, "worker", "operator")
    problem(await rig.http.put("/v1/people/mara", json={"id": "mara", "name": "Mara"}, headers=operator), 403)


async def test_what_the_tree_takes_over_from_the_api_is_the_trees(rig: Rig) -> None:
    assert (await rig.http.put("/v1/people/mara", json={"id": "mara", "name": "Mara"})).status_code == 201
    rig.rewrite("people.yaml", "people:\n", "people:\n  - {id: mara, name: Mara Lindqvist}\n")
    await rig.watcher.take()
    assert (await rig.http.get("/v1/people/mara")).json()["name"] == "Mara Lindqvist"
    assert "people.yaml" in problem(await rig.http.delete("/v1/people/mara"), 409)["detail"]


async def test_the_api_describes_each_noun_by_its_own_fields(rig: Rig) -> None:
    paths = (await rig.http.get("/openapi.json")).json()["paths"]
    for plural, model in (("people", "Person"), ("rotas", "Rota"), ("tenants", "Tenant"), ("links", "CheckLink")):
        body = paths[f"/v1/{plural}/{{entity_id}}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
        assert body["$ref"].endswith(model)
