"""What becomes of a body in quarantine: it is dismissed, read again, or made an incident by a person; each is on the record."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.intake_support import ADMIN, FABRIKAM, OPERATOR, VIEWER, House, intake

MAIL = b"""\
Date: Mon, 2 Mar 2026 09:00:00 +0000
From: Azure <azure-noreply@microsoft.example>
Subject: =?utf-8?q?Service_issue=3A_Virtual_Machines_=E2=80=93?=
 West Europe

Starting at 08:40 UTC customers may see errors.
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as house:
        yield house


async def quarantined(house: House, body: bytes = b'{"kind": "nonsense", "title": "x"}') -> str:
    """Post a body that cannot be understood; its id in quarantine."""
    answer = await house.post_triggers(body)
    assert answer.status_code in (400, 422), answer.text
    return str(answer.json()["quarantine_id"])


async def post(house: House, path: str, status: int = 200, key: str = OPERATOR, **body: Any) -> Any:
    answer = await house.call("POST", path, key, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def waiting(house: House, query: str = "") -> list[str]:
    answer = await house.call("GET", f"/v1/quarantine{query}", OPERATOR)
    return [one["id"] for one in answer.json()["quarantine"]]


async def told(house: House) -> list[dict[str, Any]]:
    return [event for event in await house.events() if event["type"] == "tocsin.trigger.received.v1"]


async def audited(house: House) -> list[tuple[str, str, str]]:
    trail = (await house.call("GET", "/v1/audit", ADMIN)).json()
    return [(one["actor"]["name"], one["action"], one["subject"]) for one in trail]


async def test_a_dismissed_body_waits_no_longer_and_its_note_is_kept(house: House) -> None:
    first, second = await quarantined(house), await quarantined(house)
    shown = await post(house, f"/v1/quarantine/{first}/dismiss", note="A test of theirs ")
    assert (shown["state"], shown["note"], shown["settled_by"]["name"]) == ("dismissed", "A test of theirs", "Operator")
    assert await waiting(house) == [second]
    assert await waiting(house, "?state=dismissed") == [first]
    assert set(await waiting(house, "?state=all")) == {first, second}
    again = await post(house, f"/v1/quarantine/{first}/dismiss", note="Twice")
    assert again["note"] == "A test of theirs"
    dismissals = [line for line in await audited(house) if line[1] == "quarantine dismissed"]
    assert dismissals == [("Operator", "quarantine dismissed", first)]


async def test_the_quarantine_is_searched(house: House) -> None:
    kinds = await quarantined(house)
    house.clock.advance(timedelta(minutes=5))
    broken = await quarantined(house, b"{")
    assert await waiting(house, "?reason=invalid-json") == [broken]
    assert await waiting(house, "?q=NONSENSE") == [kinds]
    assert await waiting(house, "?q=monitoring") == [broken, kinds]
    assert await waiting(house, "?until=2026-03-02T09:16:00Z") == [kinds]
    assert await waiting(house, "?from=2026-03-02T09:16:00Z") == [broken]
    assert await waiting(house, "?source=alertmanager") == []
    assert (await house.call("GET", "/v1/quarantine?state=eaten", OPERATOR)).status_code == 422


async def test_a_body_is_found_by_its_delivery_too_which_is_what_a_notice_names(house: House) -> None:
    kept = await quarantined(house)
    shown = (await house.call("GET", f"/v1/quarantine/{kept}", OPERATOR)).json()
    by_delivery = (await house.call("GET", f"/v1/quarantine/{shown['delivery_id']}", OPERATOR)).json()
    assert by_delivery["id"] == kept


async def test_a_replay_of_what_was_understood_tells_it_again_under_the_same_dedup_key(house: House) -> None:
    receipt = (await house.post_triggers({"kind": "telemetry", "title": "Slow", "dedup_key": "slow"})).json()
    house.clock.advance(timedelta(hours=1))
    done = await post(house, f"/v1/deliveries/{receipt['delivery_id']}/replay")
    first, second = await told(house)
    assert (second["dedup_key"], second["delivery_id"]) == (first["dedup_key"], done["delivery_id"])
    assert done["delivery_id"] != receipt["delivery_id"]
    assert done["differences"] == []
    delivery = (await house.call("GET", f"/v1/deliveries/{done['delivery_id']}", OPERATOR)).json()
    assert delivery["replay_of"] == receipt["delivery_id"]
    shown = (await house.call("GET", f"/v1/triggers/{first['trigger_id']}", OPERATOR)).json()
    assert shown["replays"] == [done["delivery_id"]]
    assert (await audited(house))[0] == ("Operator", "delivery replayed", receipt["delivery_id"])


async def test_a_dry_run_says_what_would_be_told_and_does_nothing(house: House) -> None:
    receipt = (await house.post_triggers({"kind": "telemetry", "title": "Slow"})).json()
    events, trail = await house.events(), await audited(house)
    shown = await post(house, f"/v1/deliveries/{receipt['delivery_id']}/replay", dry_run=True)
    assert (shown["dry_run"], shown["delivery_id"]) == (True, None)
    assert [one["title"] for one in shown["triggers"]] == ["Slow"]
    assert "trigger_id" not in shown["triggers"][0]
    assert (await house.events(), await audited(house)) == (events, trail)
    assert await house.rows("SELECT count(*) AS count FROM deliveries") == [{"count": 1}]


async def changed_mapping(house: House, options: dict[str, Any]) -> None:
    body = {"name": "Shop", "source": "mapping", "kind": "telemetry", "options": options}
    answer = await house.call("PUT", "/v1/integrations/shop", json=body)
    assert answer.status_code == 200, answer.text


async def shop(house: House, options: dict[str, Any]) -> str:
    """An integration whose options can be changed; its key."""
    body = {"id": "shop", "name": "Shop", "source": "mapping", "kind": "telemetry", "options": options}
    answer = await house.call("POST", "/v1/integrations", json=body)
    assert answer.status_code == 201, answer.text
    return str((await house.call("POST", "/v1/integrations/shop/keys")).json()["key"])


async def test_a_body_that_the_options_of_today_understand_leaves_quarantine_by_a_replay(house: House) -> None:
    key = await shop(house, {"title": "headline", "key": "nowhere"})
    refused = await house.client.post(f"/v1/hooks/mapping/{key}", json={"message": "Shop is down", "id": 7})
    kept, delivery = refused.json()["quarantine_id"], refused.json()["delivery_id"]
    still = await post(house, f"/v1/deliveries/{delivery}/replay")
    assert (still["understood"], still["delivery_id"]) == (False, None)
    assert await waiting(house) == [kept]
    assert await told(house) == []
    await changed_mapping(house, {"title": "message"})
    dry = await post(house, f"/v1/deliveries/{delivery}/replay", dry_run=True)
    assert [(one["field"], one["before"], one["after"]) for one in dry["differences"]] == [("", None, "Shop is down")]
    assert await waiting(house) == [kept]
    done = await post(house, f"/v1/deliveries/{delivery}/replay")
    assert [event["title"] for event in await told(house)] == ["Shop is down"]
    assert await waiting(house) == []
    shown = (await house.call("GET", f"/v1/quarantine/{kept}", OPERATOR)).json()
    assert (shown["state"], shown["led_to"]) == ("replayed", done["delivery_id"])
    refusal = await house.call("POST", f"/v1/quarantine/{kept}/dismiss", OPERATOR)
    assert (refusal.status_code, "has left quarantine" in refusal.json()["detail"]) == (409, True)


async def test_a_replay_names_each_thing_that_is_read_otherwise_today(house: House) -> None:
    key = await shop(house, {"title": "message", "names": "component"})
    body = {"message": "Shop is down", "id": "7", "component": "checkout", "where": "basket"}
    delivery = (await house.client.post(f"/v1/hooks/mapping/{key}", json=body)).json()["delivery_id"]
    await changed_mapping(house, {"title": "message", "names": "where"})
    dry = await post(house, f"/v1/deliveries/{delivery}/replay", dry_run=True)
    assert [(one["dedup_key"], one["field"], one["before"], one["after"]) for one in dry["differences"]] == [
        ("7", "service", "checkout", "basket"),
        ("7", "services", ["checkout"], ["basket"]),
    ]


async def test_a_body_of_an_integration_that_is_gone_cannot_be_read_again(house: House) -> None:
    key = await shop(house, {"title": "message"})
    delivery = (await house.client.post(f"/v1/hooks/mapping/{key}", json={"message": "Down"})).json()["delivery_id"]
    await house.call("DELETE", "/v1/integrations/shop")
    assert "is gone" in (await post(house, f"/v1/deliveries/{delivery}/replay", 409))["detail"]


async def test_a_person_makes_an_incident_of_a_mail_and_a_second_click_opens_nothing(house: House) -> None:
    kept = await quarantined(house, MAIL)
    opened = await post(house, f"/v1/quarantine/{kept}/incident", kind="provider", provider="azure", tenants=["acme"])
    [event] = await told(house)
    assert event["title"] == "Service issue: Virtual Machines – West Europe"
    assert "customers may see errors" in event["description"]
    assert (event["kind"], event["provider"], event["tenants"]) == ("provider", "azure", ["acme"])
    assert (event["dedup_key"], event["reporter"]) == (f"quarantine:{kept}", "Operator")
    again = await post(house, f"/v1/quarantine/{kept}/incident", title="Something else")
    assert again == opened
    assert len(await told(house)) == 1
    assert await waiting(house) == []
    shown = (await house.call("GET", f"/v1/triggers/{opened['trigger_id']}", OPERATOR)).json()
    assert shown["delivery"]["body"] == MAIL.decode()
    assert (await audited(house))[0] == ("Operator", "incident opened from quarantine", kept)
    refusal = await house.call("POST", f"/v1/quarantine/{kept}/dismiss", OPERATOR)
    assert (refusal.status_code, "opened from this body" in refusal.json()["detail"]) == (409, True)


async def test_what_nobody_says_of_a_body_is_taken_from_the_body_and_its_integration(house: House) -> None:
    kept = await quarantined(house, b"Disk is full on db-1")
    before = (await house.call("GET", f"/v1/quarantine/{kept}", OPERATOR)).json()
    assert (before["title"], before["kind"]) == ("Disk is full on db-1", "telemetry")
    opened = await post(house, f"/v1/quarantine/{kept}/incident")
    assert (opened["title"], opened["kind"]) == ("Disk is full on db-1", "telemetry")
    named = await post(house, f"/v1/quarantine/{await quarantined(house)}/incident", title=" Checkout is down ")
    assert named["title"] == "Checkout is down"


@pytest.mark.parametrize("key", [VIEWER, FABRIKAM])
async def test_only_operators_of_all_tenants_settle_what_is_in_quarantine(house: House, key: str) -> None:
    kept = await quarantined(house)
    delivery = (await house.call("GET", f"/v1/quarantine/{kept}", OPERATOR)).json()["delivery_id"]
    for path in (f"quarantine/{kept}/dismiss", f"quarantine/{kept}/incident", f"deliveries/{delivery}/replay"):
        await post(house, f"/v1/{path}", 403, key)
    assert await waiting(house) == [kept]


async def test_what_is_not_there_is_not_found(house: House) -> None:
    nowhere = "018e0000-0000-7000-8000-000000000001"
    for path in (f"quarantine/{nowhere}/dismiss", f"quarantine/{nowhere}/incident", f"deliveries/{nowhere}/replay"):
        await post(house, f"/v1/{path}", 404)
    await post(house, f"/v1/deliveries/{nowhere}/replay", 404, dry_run=True)
    assert (await house.call("GET", f"/v1/triggers/{nowhere}", OPERATOR)).status_code == 404
