"""Bodies that no client would send, through the drop-in APIs: never an error of ours, and never lost."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.sources.registry import all_sources
from tests.integration.drop_in_support import GENIE, ROUTING, drop_in
from tests.integration.intake_support import House
from tests.unit.intake.test_every_source import JSON, bodies_of, places, replaced

FEW = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
CALLS = ("close", "acknowledge", "notes", "tags", "details", "snooze", "actions/x", "nothing", "")


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with drop_in(database_url, tmp_path) as made:
        yield made


@st.composite
def changed(draw: st.DrawFn, source: str) -> bytes:
    """A body of the source with one value changed, some bytes changed, or something else altogether."""
    body: Any = json.loads(draw(st.sampled_from(bodies_of(source))))
    body.pop("service_key", None)  # the key comes as a header
    way = draw(st.sampled_from(["value", "bytes", "anything"]))
    if way == "anything":
        return draw(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
    if way == "value":
        return json.dumps(replaced(body, draw(st.sampled_from(places(body))), draw(JSON))).encode()
    raw = bytearray(json.dumps(body).encode())
    start = draw(st.integers(0, len(raw)))
    raw[start : start + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return bytes(raw)


async def kept(house: House) -> int:
    [row] = await house.rows("SELECT count(*) AS bodies FROM deliveries")
    return int(row["bodies"])


async def check(house: House, before: int, status: int) -> None:
    """Whatever was answered is kept: taken where it was taken, in the quarantine where it was refused."""
    assert status in (200, 202, 400, 422)
    assert await kept(house) == before + 1
    [row] = await house.rows(
        "SELECT (SELECT count(*) FROM quarantine q WHERE q.delivery_id = d.id) AS quarantined"
        " FROM deliveries d ORDER BY id DESC LIMIT 1"
    )
    assert bool(row["quarantined"]) == (status >= 400)


@FEW
@given(
    body=changed("pagerduty"),
    path=st.sampled_from(["/v2/enqueue", "/v2/change/enqueue/", "/generic/2010-04-15/create_event.json"]),
)
async def test_an_event_is_kept_whatever_it_is(house: House, body: bytes, path: str) -> None:
    before = await kept(house)
    response = await house.client.post(path, content=body, headers={"X-Routing-Key": ROUTING})
    await check(house, before, response.status_code)
    assert response.json()["status"] in ("success", "invalid event", "Unrecognized object")


@FEW
@given(body=changed("opsgenie"))
async def test_an_alert_is_kept_whatever_it_is(house: House, body: bytes) -> None:
    before = await kept(house)
    headers = {"Authorization": f"GenieKey {GENIE}"}
    response = await house.client.post("/v2/alerts", content=body, headers=headers)
    await check(house, before, response.status_code)
    assert "requestId" in response.json()


@FEW
@given(
    alias=st.text(max_size=20),
    call=st.sampled_from(CALLS),
    how=st.sampled_from(["alias", "id", "tiny", "x", ""]),
    method=st.sampled_from(["POST", "GET", "DELETE", "PUT"]),
    query=st.text(max_size=20),
    body=changed("opsgenie"),
    escaped=st.booleans(),
)
async def test_no_address_is_an_error_of_ours(
    house: House, *, alias: str, call: str, how: str, method: str, query: str, body: bytes, escaped: bool
) -> None:
    name = quote(alias.encode("utf-8", "replace"), safe="" if escaped else "/")
    path = f"/v2/alerts/{name}/{call}?identifierType={how}&query={quote(query.encode('utf-8', 'replace'))}"
    headers = {"Authorization": f"GenieKey {GENIE}"}
    response = await house.client.request(method, path, content=body, headers=headers)
    assert response.status_code < 500, response.text
    assert "requestId" in response.json()


def test_both_sources_answer_429_as_their_callers_expect() -> None:
    assert {all_sources()[name].throttled for name in ("pagerduty", "opsgenie")} == {429}
