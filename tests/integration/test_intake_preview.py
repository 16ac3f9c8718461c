import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.intake.sources.native_page import EXAMPLES
from tests.integration.intake_support import OPERATOR, VIEWER, House, intake
from tests.unit.intake.support import sample


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as made:
        yield made


async def tried(house: House, integration: str, **trial: Any) -> dict[str, Any]:
    response = await house.call("POST", f"/v1/integrations/{integration}/preview", OPERATOR, json=trial)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def nothing_is_stored(house: House) -> None:
    assert await house.events() == []
    assert await house.rows("SELECT 1 FROM deliveries") == []
    assert await house.rows("SELECT 1 FROM quarantine") == []


async def test_a_preview_shows_the_triggers_and_neither_stores_nor_tells_anything(house: House) -> None:
    body = sample("alertmanager/mixed")
    told = await tried(house, "alertmanager", headers={"Content-Type": "application/json"}, body=body.decode())
    await nothing_is_stored(house)
    posted = (await house.post_alerts(body)).json()
    assert [(t["dedup_key"], t["status"]) for t in told["triggers"]] == [
        (t["dedup_key"], t["status"]) for t in posted["triggers"]
    ]
    shown = told["triggers"][0]
    (event, *_rest) = await house.events()
    assert {name: event[name] for name in shown if name != "type"} == {n: v for n, v in shown.items() if n != "type"}


async def test_a_preview_takes_a_document_a_text_or_bytes(house: House) -> None:
    body = EXAMPLES["telemetry"]
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    for trial in ({"body": body}, {"body": json.dumps(body)}, {"body_base64": encoded}):
        told = await tried(house, "monitoring", **trial)
        assert [trigger["title"] for trigger in told["triggers"]] == [body["title"]]


async def test_a_preview_says_why_a_body_opens_nothing(house: House) -> None:
    below = await tried(house, "monitoring", body={**EXAMPLES["ticket"], "priority": "P3"})
    assert (below["triggers"], below["quarantined"]) == ([], False)
    assert below["ignored"][0]["reason"] == "not-p1"
    broken = await tried(house, "monitoring", body="{")
    assert (broken["triggers"], broken["quarantined"]) == ([], True)
    assert broken["problems"][0]["reason"] == "invalid-json"
    await nothing_is_stored(house)


ODD = (
    b'{"body": ' + b"[" * 300 + b"]" * 300 + b"}",
    b'{"body": {"title": "\\ud800"}}',
    b'{"body": "\\ud800"}',
    b'{"body": {"n": NaN}}',
    b'{"path": "/v1/maintenance/\\ud800", "method": "DELETE"}',
    b'{"path": "http://[::1/v1/notices"}',
    b'{"headers": {"\\ud800": "\\ud800"}, "body": {}}',
)


async def test_whatever_is_tried_out_is_answered(house: House) -> None:
    headers = {"Authorization": f"Bearer {OPERATOR}", "Content-Type": "application/json"}
    for content in ODD:
        response = await house.client.post("/v1/integrations/monitoring/preview", content=content, headers=headers)
        told = response.json()
        assert response.status_code in (200, 422), content
        assert response.status_code == 422 or told["problems"] or told["triggers"]


async def test_a_preview_needs_an_operator_and_an_integration(house: House) -> None:
    path = "/v1/integrations/{}/preview"
    assert (await house.call("POST", path.format("monitoring"), VIEWER, json={})).status_code == 403
    assert (await house.call("POST", path.format("nobody"), OPERATOR, json={})).status_code == 404
    assert (await house.call("POST", path.format("%00"), OPERATOR, json={})).status_code == 422
    for encoded in ("*", "ö"):
        wrong = await house.call("POST", path.format("monitoring"), OPERATOR, json={"body_base64": encoded})
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["pointer"] == "#/body_base64"


async def test_a_preview_of_a_test_button_shows_what_the_alarm_would_have_been(house: House) -> None:
    made = {"id": "azure", "name": "Azure", "source": "azure"}
    assert (await house.call("POST", "/v1/integrations", json=made)).status_code == 201
    essentials = {"alertId": "a", "severity": None, "monitorCondition": "Fired", "description": "A sample"}
    told = await tried(house, "azure", body={"data": {"essentials": essentials}})
    assert told["triggers"] == []
    assert told["ignored"][0]["reason"] == "test"
    assert told["ignored"][0]["trigger"]["title"] == "A sample"
