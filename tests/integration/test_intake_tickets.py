from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.intake.sources.native_page import EXAMPLES
from tests.integration.intake_support import ALERTS, NATIVE, House, intake


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as made:
        yield made


HEADERS = {"Authorization": f"Bearer {NATIVE}"}
TICKET = {name: value for name, value in EXAMPLES["ticket"].items() if name != "kind"}


async def test_a_p1_ticket_opens_and_another_does_not(house: House) -> None:
    tickets = [TICKET, {**TICKET, "ticket": "HD-2", "priority": "P2"}]
    response = await house.client.post("/v1/tickets", json=tickets, headers=HEADERS)
    assert response.status_code == 202
    assert [ignored["reason"] for ignored in response.json()["ignored"]] == ["not-p1"]
    (event,) = await house.events()
    assert (event["kind"], event["dedup_key"]) == ("ticket", TICKET["ticket"])


async def test_nothing_but_tickets_is_taken_there(house: House) -> None:
    response = await house.client.post("/v1/tickets", json=EXAMPLES["tool"], headers=HEADERS)
    assert response.status_code == 422
    assert response.json()["reason"] == "kind-not-allowed"
    elsewhere = await house.client.post("/v1/tickets", json=TICKET, headers={"Authorization": f"Bearer {ALERTS}"})
    assert elsewhere.status_code == 403
