"""People change how they are reached themselves, through the API and on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.oncall.handlers.contacts import MOST_OF_PERSON
from services.oncall.handlers.own import MOST_AN_HOUR
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import problem
from tests.integration.test_oncall_contacts import code_sent, contacts, key_of

__all__ = ["rig"]

NEW = {"channel": "sms", "address": "+15550177"}
OLD = {"address": "+15550100"}


@pytest.fixture
async def own(rig: Rig) -> dict[str, str]:
    """The key of Stefania, who may only look."""
    return await key_of(rig, "stefanias-key", person="stefania")


async def done(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def paged(rig: Rig) -> list[str]:
    """By which addresses Stefania would be paged, in their order."""
    answer = (await rig.http.post("/v1/resolve", json={"refs": ["person:stefania"]})).json()
    return [one["address"] for one in answer["recipients"][0]["contacts"]]


async def verify(rig: Rig, own: dict[str, str], channel: str, address: str) -> None:
    path = f"/v1/people/stefania/contacts/{channel}/verification"
    assert (await rig.http.post(path, json={"address": address}, headers=own)).status_code == 202
    code = await code_sent(rig)
    given = await rig.http.post(f"{path}/confirm", json={"address": address, "code": code}, headers=own)
    assert given.status_code == 200, given.text


async def test_a_person_changes_their_number_without_an_operator_and_is_never_unreachable(
    rig: Rig, own: dict[str, str]
) -> None:
    await verify(rig, own, "sms", OLD["address"])
    refused = problem(await rig.http.delete("/v1/own/contacts/sms", params=OLD, headers=own), 409)
    assert "only verified contact" in refused["detail"]

    record = await done(await rig.http.post("/v1/own/contacts", json=NEW, headers=own), 201)
    assert [(one["address"], one["verified"]) for one in record["contacts"]] == [
        ("+15550100", "code"),
        ("stefania@example.com", None),
        ("+15550177", None),
    ]
    problem(await rig.http.delete("/v1/own/contacts/sms", params=OLD, headers=own), 409)
    rig.clock.set(MORNING + timedelta(minutes=2))
    await verify(rig, own, "sms", NEW["address"])
    record = await done(await rig.http.delete("/v1/own/contacts/sms", params=OLD, headers=own))
    assert (record["id"], record["changed_at"]) == ("stefania", "2026-03-02T09:17:00Z")
    assert await paged(rig) == ["stefania@example.com", "+15550177"]
    await done(await rig.http.post("/v1/own/contacts/sms/first", params={"address": NEW["address"]}, headers=own))
    assert await paged(rig) == ["+15550177", "stefania@example.com"]

    audit = (await rig.http.get("/v1/audit", params={"noun": "person", "entity": "stefania"})).json()["audit"]
    changes = [one for one in audit if one["action"] == "own_changed"]
    assert [one["actor"] for one in changes] == ["stefanias-key"] * 3
    assert changes[1]["before"]["contacts"][0]["address"] == "+15550100"
    assert [point["address"] for point in changes[1]["after"]["contacts"]] == ["stefania@example.com", "+15550177"]

    # the number comes back, and is as unverified as any other: somebody else may have it by now
    await done(await rig.http.post("/v1/own/contacts", json={"channel": "sms", **OLD}, headers=own), 201)
    assert [one["verified"] for one in await contacts(rig)] == ["code", None, None]


async def test_chains_and_quiet_hours_are_changed_and_checked(rig: Rig, own: dict[str, str]) -> None:
    wanted = {
        "chain": {"high": ["sms", {"email": "5m"}], "low": ["email"]},
        "quiet_hours": [{"days": ["mo", "tu"], "hours": "22:00-07:00"}],
    }
    record = await done(await rig.http.put("/v1/own/arrangement", json=wanted, headers=own))
    assert [one["contact"] for one in record["chain"]["high"]] == ["sms", "email"]
    assert record["quiet_hours"] == [{"days": ["mo", "tu"], "hours": "22:00-07:00"}]
    seen = (await rig.http.get("/v1/contacts")).json()["people"]
    assert next(one["quiet_hours"] for one in seen if one["id"] == "stefania") == record["quiet_hours"]
    for odd, words in (
        ({"chain": {"high": ["voice"]}}, "there is no such contact"),
        ({"quiet_hours": [{"hours": "00:00-24:00"}]}, "cover the whole week"),
    ):
        assert words in problem(await rig.http.put("/v1/own/arrangement", json=odd, headers=own), 422)["detail"]
    assert (await done(await rig.http.get("/v1/own", headers=own)))["chain"] == record["chain"]


async def test_what_somebody_said_outlives_the_tree_until_the_tree_says_something_else_of_them(
    rig: Rig, own: dict[str, str]
) -> None:
    await done(await rig.http.post("/v1/own/contacts", json=NEW, headers=own), 201)
    await verify(rig, own, "sms", NEW["address"])
    rig.rewrite("people.yaml", "+15550101", "+15550181")  # somebody else's
    rig.rewrite("people.yaml", "name: Stefania", "name: Stefania R.")
    await rig.watcher.take()
    assert await paged(rig) == ["+15550100", "stefania@example.com", "+15550177"]
    assert [one["verified"] for one in await contacts(rig)] == [None, None, "code"]

    rig.rewrite("people.yaml", "stefania@example.com", "stefania.r@example.com")
    await rig.watcher.take()
    assert await paged(rig) == ["+15550100", "stefania.r@example.com"]
    audit = (await rig.http.get("/v1/audit", params={"noun": "person", "entity": "stefania"})).json()["audit"]
    assert "own_superseded" in [one["action"] for one in audit]

    await done(await rig.http.post("/v1/own/contacts", json=NEW, headers=own), 201)
    assert [one["verified"] for one in await contacts(rig)] == [None, None, None]
    record = await done(await rig.http.delete("/v1/own", headers=own))
    assert (len(record["contacts"]), record["changed_at"]) == (2, None)


async def test_nobody_reaches_anybody_elses_record_and_whoever_is_nobody_has_none(
    rig: Rig, own: dict[str, str]
) -> None:
    reader = await key_of(rig, "reader")
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "/contacts/sms?address=x"), ("PUT", "/arrangement")):
        answer = await rig.http.request(method, f"/v1/own{path}", json={} if method == "PUT" else None, headers=reader)
        assert "stands for nobody" in problem(answer, 403)["detail"]
    ghost = await key_of(rig, "ghost-key", person="rafael")
    await done(await rig.http.post("/v1/own/contacts", json=NEW, headers=ghost), 201)
    assert await paged(rig) == ["+15550100", "stefania@example.com"]
    problem(await rig.http.post("/v1/people/stefania/contacts/sms/verification", headers=ghost), 403)
    problem(await rig.http.get("/v1/own"), 403)  # the operator's key stands for nobody
    problem(await rig.http.get("/v1/own", headers={"Authorization": "Bearer nonsense"}), 401)
    for odd in ({"channel": "sms", "address": "0815"}, {"channel": "ticket:x", "address": "1"}, {"channel": "sms"}):
        problem(await rig.http.post("/v1/own/contacts", json=odd, headers=own), 422)
    assert "already" in problem(await rig.http.post("/v1/own/contacts", json=NEW, headers=ghost), 409)["detail"]
    problem(await rig.http.delete("/v1/own/contacts/sms", params={"address": "+15550188"}, headers=own), 404)


async def test_codes_and_changes_of_one_person_are_limited_whatever_they_go_to(rig: Rig, own: dict[str, str]) -> None:
    for number in range(MOST_OF_PERSON):
        new = {"channel": "sms", "address": f"+155502{number:02}"}
        await done(await rig.http.post("/v1/own/contacts", json=new, headers=own), 201)
        path = "/v1/people/stefania/contacts/sms/verification"
        assert (await rig.http.post(path, json={"address": new["address"]}, headers=own)).status_code == 202
        await done(await rig.http.delete("/v1/own/contacts/sms", params={"address": new["address"]}, headers=own))
    assert MOST_AN_HOUR == 2 * MOST_OF_PERSON
    assert "very often" in problem(await rig.http.post("/v1/own/contacts", json=NEW, headers=own), 429)["detail"]
    refused = await rig.http.post("/v1/people/stefania/contacts/email/verification", headers=own)
    assert "15 codes within the hour" in problem(refused, 429)["detail"]
    rig.clock.set(MORNING + timedelta(minutes=61))
    await done(await rig.http.post("/v1/own/contacts", json=NEW, headers=own), 201)
