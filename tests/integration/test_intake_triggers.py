"""What was derived stands beside what came in: it is searched, shown to whom it concerns, and deleted with its body."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from libs.common.events.envelope import Envelope, encode
from libs.common.events.triggers import TriggerReceived
from services.intake.handlers.keep import drop_old
from services.intake.sources.alertmanager import EXAMPLE
from services.intake.store.triggers import insert_triggers
from tests.integration.intake_support import ADMIN, FABRIKAM, NOW, OPERATOR, VIEWER, House, intake


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as house:
        yield house


def native(title: str, **more: Any) -> dict[str, Any]:
    return {"kind": "telemetry", "title": title, **more}


async def found(house: House, query: str = "", key: str = VIEWER) -> list[str]:
    answer = await house.call("GET", f"/v1/triggers?{query}", key)
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["triggers"]]


async def test_a_trigger_is_kept_as_it_was_told_beside_the_body_that_it_came_in(house: House) -> None:
    receipt = (await house.post_alerts(EXAMPLE)).json()
    [told] = [event for event in await house.events() if event["type"] == "tocsin.trigger.received.v1"]
    [listed] = (await house.call("GET", "/v1/triggers", OPERATOR)).json()["triggers"]
    assert (listed["id"], listed["dedup_key"]) == (told["trigger_id"], told["dedup_key"])
    shown = (await house.call("GET", f"/v1/triggers/{listed['id']}", OPERATOR)).json()
    told.pop("type")
    assert shown["derived"] == told
    assert shown["delivery"]["id"] == receipt["delivery_id"]
    assert '"alertname"' in shown["delivery"]["body"]
    assert (shown["withheld"], shown["others"], shown["replays"]) == ("", [], [])


async def test_credentials_in_headers_are_kept_nowhere(house: House) -> None:
    headers = {"Authorization": "Bearer monitoringkey567secretsecretsecr", "X-Api-Token": "hush", "X-Shop": "5"}
    answer = await house.client.post("/v1/triggers", json=native("Slow"), headers=headers)
    shown = (await house.call("GET", f"/v1/deliveries/{answer.json()['delivery_id']}", OPERATOR)).json()
    assert shown["headers"]["x-shop"] == "5"
    assert not {"authorization", "x-api-token"} & set(shown["headers"])


async def test_viewers_see_what_was_derived_and_not_the_body(house: House) -> None:
    await house.post_triggers(native("Slow"))
    [listed] = (await house.call("GET", "/v1/triggers", VIEWER)).json()["triggers"]
    shown = (await house.call("GET", f"/v1/triggers/{listed['id']}", VIEWER)).json()
    assert (shown["delivery"], shown["withheld"]) == (None, "Only operators see bodies as they came.")


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Mail bounces", "Disk 100% full", "Slow checkout"]),
        ("kind=ticket", ["Mail bounces"]),
        ("status=resolved", ["Disk 100% full"]),
        ("severity=warning", ["Slow checkout"]),
        ("service=checkout", ["Slow checkout"]),
        ("service=search", ["Slow checkout"]),
        ("tool=sap", ["Slow checkout"]),
        ("provider=azure", ["Disk 100% full"]),
        ("tenant=acme", ["Mail bounces"]),
        ("dedup_key=disk", ["Disk 100% full"]),
        ("source=native&integration=monitoring", ["Mail bounces", "Disk 100% full", "Slow checkout"]),
        ("source=alertmanager", []),
        ("integration=alertmanager", []),
        ("q=slow", ["Slow checkout"]),
        ("q=FULL+100%25", ["Disk 100% full"]),
        ("q=1_0", []),
        ("q=eu-west", ["Slow checkout"]),
        ("q=bounces+since+noon", ["Mail bounces"]),
        ("q=bounces+midnight", []),
        ("from=2026-03-02T09:17:00Z", ["Mail bounces"]),
        ("until=2026-03-02T09:16:00Z", ["Slow checkout"]),
    ],
)
async def test_every_filter_finds_what_it_names(house: House, query: str, titles: list[str]) -> None:
    slow = native("Slow checkout", severity="warning", services=["checkout", "search"], labels={"region": "eu-west-1"})
    disk = native("Disk 100% full", dedup_key="disk", status="resolved")
    mail = native("Mail bounces", description="Since noon", tenants=["acme"])
    for said in (
        slow | {"service": "checkout", "tool": "sap"},
        disk | {"kind": "provider", "provider": "azure"},
        mail | {"kind": "ticket", "ticket": "4711", "priority": "P1"},
    ):
        assert (await house.post_triggers(said)).status_code == 202
        house.clock.advance(timedelta(minutes=1))
    assert await found(house, query) == titles


async def test_a_filter_that_is_none_is_refused_and_nobody_reads_without_a_key(house: House) -> None:
    assert (await house.call("GET", "/v1/triggers?kind=nonsense", VIEWER)).status_code == 422
    assert (await house.client.get("/v1/triggers")).status_code == 401


async def test_pages_lead_from_the_newest_to_the_oldest_without_a_gap(house: House) -> None:
    for number in range(5):
        await house.post_triggers(native(f"Alarm {number}"))
    told: list[str] = []
    cursor = ""
    while True:
        page = (await house.call("GET", f"/v1/triggers?limit=2{cursor}", VIEWER)).json()
        told += [one["title"] for one in page["triggers"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(told) == [f"Alarm {number}" for number in range(5)]


async def test_a_key_of_a_tenant_sees_only_what_names_it_and_bodies_that_are_entirely_its_own(house: House) -> None:
    mine = native("Ours", tenants=["fabrikam"])
    await house.post_triggers([native("Of nobody"), native("Others'", tenants=["acme"]), mine])
    await house.post_triggers(native("Shared", tenants=["acme", "fabrikam"]))
    await house.post_triggers(mine | {"dedup_key": "alone"})
    page = (await house.call("GET", "/v1/triggers", FABRIKAM)).json()["triggers"]
    assert sorted((one["title"], *one["tenants"]) for one in page) == [
        ("Ours", "fabrikam"), ("Ours", "fabrikam"), ("Shared", "fabrikam"),
    ]  # fmt: skip
    everything = (await house.call("GET", "/v1/triggers", ADMIN)).json()["triggers"]
    ids = {(one["title"], one["dedup_key"] == "alone"): one["id"] for one in everything}
    withheld = {}
    for name, trigger_id in ids.items():
        answer = await house.call("GET", f"/v1/triggers/{trigger_id}", FABRIKAM)
        withheld[name] = answer.json().get("withheld") if answer.status_code == 200 else answer.status_code
    other = "The body may concern other tenants than those of your key."
    assert withheld == {
        ("Of nobody", False): 404, ("Others'", False): 404, ("Ours", False): other, ("Shared", False): other,
        ("Ours", True): "",
    }  # fmt: skip


async def test_what_was_derived_is_deleted_with_its_body(house: House) -> None:
    await house.post_triggers(native("Old"))
    house.clock.advance(timedelta(days=31))
    await house.post_triggers(native("New"))
    async with house.uow.begin() as tx:
        await drop_old(tx, timedelta(days=30))
    assert await found(house) == ["New"]
    assert await house.rows("SELECT count(*) AS count FROM deliveries") == [{"count": 1}]


async def test_a_character_that_the_database_cannot_hold_fails_no_body(house: House) -> None:
    event = TriggerReceived.model_validate(
        {name: str(UUID(int=7)) for name in ("trigger_id", "delivery_id")}
        | dict.fromkeys(("started_at", "received_at"), NOW)
        | {"integration_id": "a", "source": "native", "kind": "ticket", "status": "firing", "dedup_key": "a\0b", "title": "x"}
    )  # fmt: skip
    async with house.uow.begin() as tx:
        await insert_triggers(tx, [encode(Envelope(UUID(int=7), "/tocsin/intake", NOW, event))])
    assert await house.rows("SELECT dedup_key FROM triggers") == [{"dedup_key": "a\N{SYMBOL FOR NULL}b"}]
