"""The clients of PagerDuty and Opsgenie, unchanged but for the address, against a started intake that listens on a port."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from libs.common.server import HttpServer
from tests.integration.drop_in_support import GENIE, ROUTING, SLOW_GENIE, drop_in, genie, told
from tests.integration.intake_support import House
from tests.support.sample import until
from tests.support.tls import tls_front

PAGERDUTY = """
import json, sys
from pagerduty import EventsApiV2Client
client = EventsApiV2Client(sys.argv[2], base_url=sys.argv[1])
made = client.trigger("The disk of srv01 is full", "srv01", severity="warning", custom_details={"free": "1%"})
named = client.trigger("The queue is stuck", "queue", dedup_key="queue/1", payload={"component": "approvals"})
client.acknowledge("queue/1")
client.resolve("queue/1")
client.send_change_event(payload={"summary": "Build 220 is out", "source": "ci"})
print(json.dumps([made, named]))
"""

PDPYRAS = """
import json, sys
import pdpyras
session = pdpyras.EventsAPISession(sys.argv[2])
session.url = sys.argv[1]
key = session.trigger("The disk of srv01 is full", "srv01")
session.acknowledge(key)
session.resolve(key)
changes = pdpyras.ChangeEventsAPISession(sys.argv[2])
changes.url = sys.argv[1]
changes.submit("Build 220 is out", "ci")
print(json.dumps(key))
"""

OPSGENIE = """
import json, sys
import opsgenie_sdk as sdk
configuration = sdk.Configuration()
configuration.host, configuration.retry_enabled = sys.argv[1], False
configuration.api_key["Authorization"] = sys.argv[2]
api = sdk.AlertApi(sdk.ApiClient(configuration=configuration))
said = {}
created = api.create_alert(sdk.CreateAlertPayload(
    message="checkout down", alias="checkout/down", priority="P1", entity="checkout", tags=["prod"],
    responders=[{"type": "team", "name": "payments"}], details={"region": "eu1"}))
status = api.get_request_status(created.request_id).data
said["create"] = [status.action, status.is_success, status.alias]
alias = {"identifier_type": "alias"}
def state():
    alert = api.get_alert("checkout/down", **alias).data
    return [alert.status, alert.acknowledged, alert.count, alert.priority, alert.tags, alert.details]
said["open"] = state()
api.add_note("checkout/down", sdk.AddNoteToAlertPayload(user="ann", note="Looking."), **alias)
api.add_tags("checkout/down", sdk.AddTagsToAlertPayload(tags=["eu"]), **alias)
api.acknowledge_alert("checkout/down", acknowledge_alert_payload=sdk.AcknowledgeAlertPayload(user="ann"), **alias)
said["acknowledged"] = state()
said["listed"] = [alert.alias for alert in api.list_alerts(query="status: open").data]
said["count"] = api.count_alerts(query="status: open").data.count
api.un_acknowledge_alert("checkout/down", un_acknowledge_alert_payload=sdk.UnAcknowledgeAlertPayload(user="ann"), **alias)
said["taken back"] = state()
api.snooze_alert("checkout/down", sdk.SnoozeAlertPayload(end_time="2030-01-01T00:00:00Z"), **alias)
api.escalate_alert(
    "checkout/down", sdk.EscalateAlertToNextPayload(escalation=sdk.EscalationRecipient(name="Night")), **alias)
api.assign_alert("checkout/down", sdk.AssignAlertPayload(owner=sdk.UserRecipient(username="bob@example.org")), **alias)
said["owner"] = api.get_alert("checkout/down", **alias).data.owner
try:
    api.add_responder("checkout/down", sdk.AddResponderToAlertPayload(
        responder=sdk.TeamResponder(type="team", id="p1", name="payments")), **alias)
except sdk.OpenApiException as error:
    said["responders"] = [error.status, json.loads(error.body)["code"]]
api.close_alert("checkout/down", close_alert_payload=sdk.CloseAlertPayload(user="ann", note="Fixed."), **alias)
said["closed"] = state()
print(json.dumps(said))
"""

HEARTBEATS = """
import json, sys
import opsgenie_sdk as sdk
configuration = sdk.Configuration()
configuration.host, configuration.retry_enabled = sys.argv[1], False
configuration.api_key["Authorization"] = sys.argv[2]
api = sdk.HeartbeatApi(sdk.ApiClient(configuration=configuration))
name, said = "nightly/invoices", {}
made = api.create_heartbeat(sdk.CreateHeartbeatPayload(
    name=name, interval=10, interval_unit="minutes", enabled=False, alert_message="No invoices", alert_priority="P1",
    owner_team=sdk.CreateHeartbeatPayloadAllOfOwnerTeam(name="payments")))
said["created"] = [made.data.name, made.data.enabled, made.data.interval_unit]
said["enabled"] = api.enable_heartbeat(name).data.enabled
said["pong"] = api.ping(name).result
got = api.get_heartbeat(name).data
said["got"] = [got.interval, got.expired, got.last_ping_time is not None]
api.update_heartbeat(name, update_heartbeat_payload=sdk.UpdateHeartbeatPayload(interval=2, interval_unit="hours"))
said["listed"] = [[one.name, one.interval, one.interval_unit] for one in api.list_heart_beats().data.heartbeats]
said["disabled"] = api.disable_heartbeat(name).data.enabled
said["deleted"] = api.delete_heartbeat(name).result
try:
    api.get_heartbeat(name)
except sdk.OpenApiException as error:
    said["gone"] = [error.status, json.loads(error.body)["message"]]
print(json.dumps(said))
"""

REFUSED = """
import sys
import opsgenie_sdk as sdk
from opsgenie_sdk.exceptions import AuthenticationException, ConfigurationException
for key, message, kind in ((sys.argv[2], "", ConfigurationException), ("z" * 32, "x", AuthenticationException)):
    configuration = sdk.Configuration()
    configuration.host, configuration.retry_enabled = sys.argv[1], False
    configuration.api_key["Authorization"] = key
    try:
        sdk.AlertApi(sdk.ApiClient(configuration=configuration)).create_alert(sdk.CreateAlertPayload(message=message))
    except kind:
        continue
    sys.exit(f"{key[:5]} was not refused")
print("1")
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with drop_in(database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def port(house: House) -> AsyncIterator[int]:
    server = HttpServer(house.service.app, "127.0.0.1", 0, drain_seconds=1, port_variable="PORT")
    await server.start()
    yield server.port
    await server.stop()


async def client(script: str, url: str, key: str, **environ: str) -> Any:
    """What the script prints: a program of its own, as at whoever runs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", script, url, key),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 200)
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


async def test_the_pagerduty_client_over_tls(house: House, port: int, tmp_path: Path) -> None:
    async with tls_front(port, tmp_path) as front:
        made, named = await client(PAGERDUTY, front.url, ROUTING, SSL_CERT_FILE=str(front.authority))
    assert named == "queue/1"
    assert await told(house) == [
        (made, "firing"),
        ("queue/1", "firing"),
        ("queue/1", "acknowledged"),
        ("queue/1", "resolved"),
    ]
    first, second, *_ = await house.events()
    assert (first["severity"], first["labels"]["free"], second["service"]) == ("warning", "1%", "approvals")
    assert len(await house.rows("SELECT 1 FROM deliveries")) == 5, "the change is kept"


async def test_pdpyras(house: House, port: int) -> None:
    key = await client(PDPYRAS, f"http://127.0.0.1:{port}", ROUTING)
    assert await told(house) == [(key, "firing"), (key, "acknowledged"), (key, "resolved")]
    assert len(await house.rows("SELECT 1 FROM deliveries")) == 4, "the change is kept"


async def test_the_opsgenie_sdk(house: House, port: int) -> None:
    details = {"region": "eu1"}
    assert await client(OPSGENIE, f"http://127.0.0.1:{port}", GENIE) == {
        "create": ["Create", True, "checkout/down"],
        "open": ["open", False, 1, "P1", ["prod"], details],
        "acknowledged": ["open", True, 1, "P1", ["prod", "eu"], details],
        "listed": ["checkout/down"],
        "count": 1,
        "taken back": ["open", False, 1, "P1", ["prod", "eu"], details],
        "owner": "bob@example.org",
        "responders": [403, 40302],
        "closed": ["closed", False, 1, "P1", ["prod", "eu"], details],
    }
    words = [word for _, word in await told(house)]
    assert words == ["firing", "noted", "noted", "acknowledged", *["noted"] * 4, "noted", "resolved"]


async def test_the_heartbeats_of_the_opsgenie_sdk(house: House, port: int) -> None:
    assert await client(HEARTBEATS, f"http://127.0.0.1:{port}", GENIE) == {
        "created": ["nightly/invoices", False, "minutes"],
        "enabled": True,
        "pong": "PONG - Heartbeat received",
        "got": [10, False, True],
        "listed": [["nightly/invoices", 2, "hours"]],
        "disabled": False,
        "deleted": "Deleted",
        "gone": [404, "Heartbeat with name [nightly/invoices] does not exist."],
    }


async def test_the_opsgenie_sdk_tells_wrong_keys_from_wrong_alerts(house: House, port: int) -> None:
    assert await client(REFUSED, f"http://127.0.0.1:{port}", GENIE) == 1
    assert [word for _, word in await told(house)] == ["quarantined"]


async def test_a_throttled_opsgenie_sdk_comes_back(house: House, port: int) -> None:
    script = OPSGENIE.partition("status =")[0].replace(
        "retry_enabled = sys.argv[1], False", "retry_delay = sys.argv[1], 1; configuration.retry_count = 30"
    )
    await genie(house, "POST", "/v2/alerts", {"message": "uses up what may be sent"}, SLOW_GENIE)
    call = asyncio.create_task(client(script + 'print("1")', f"http://127.0.0.1:{port}", SLOW_GENIE))
    labels = {"method": "POST", "route": "/v2/alerts", "status": "429"}
    registry = house.service.platform.metrics.registry

    async def refused() -> bool:
        return bool(registry.get_sample_value("tocsin_http_requests_total", labels)) or call.done()

    await until(refused, 200)
    house.clock.advance(timedelta(minutes=2))
    assert await call == 1
    assert ("checkout/down", "firing") in await told(house)
