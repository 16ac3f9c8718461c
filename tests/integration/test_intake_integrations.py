"""Integrations and keys: by API, by configuration, with rotation, roles and audit; and what happens without a database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from libs.common.chance import Chance
from libs.common.config import ConfigWatcher
from libs.common.db.migrate import check_models
from libs.common.db.tables import COMMON
from libs.common.db.work import UnitOfWork
from libs.common.errors import Misconfigured
from services.intake.handlers import configure
from services.intake.handlers.keep import PRUNE, drop_old
from services.intake.handlers.senders import Senders
from services.intake.sources.native_page import EXAMPLES
from services.intake.store import Base
from tests.integration.intake_support import ALERTS, FABRIKAM, NATIVE, OPERATOR, VIEWER, House, intake, no_database
from tests.unit.intake.support import sample

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "config" / configure.FILE
SHOP = {"id": "shop", "name": "Shop floor", "source": "alertmanager", "options": {"service_label": "app"}}


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as made:
        yield made


async def test_the_tables_are_those_of_the_models(house: House, database_url: str) -> None:
    assert await check_models(database_url, "intake", [COMMON, Base.metadata]) == []


async def test_a_new_integration_gets_a_key_and_sends_with_it_at_once(house: House) -> None:
    assert (await house.call("POST", "/v1/integrations", json=SHOP)).status_code == 201
    issued = await house.call("POST", "/v1/integrations/shop/keys")
    assert issued.status_code == 201
    key = issued.json()["key"]
    assert len(key) == 32
    assert issued.json()["hook_url"].endswith(f"/v1/hooks/alertmanager/{key}")
    body = {"alerts": [{"status": "firing", "labels": {"app": "till", "job": "node"}}]}
    assert (await house.post_alerts(body, key)).status_code == 202
    (event,) = await house.events()
    assert (event["integration_id"], event["integration_name"], event["service"]) == ("shop", "Shop floor", "till")


@pytest.mark.parametrize("how", ["removed", "another source"])
async def test_what_an_integration_did_not_end_before_it_goes_is_noted_once_for_each_incident(
    house: House, how: str
) -> None:
    await house.call("POST", "/v1/integrations", json=SHOP)
    key = (await house.call("POST", "/v1/integrations/shop/keys")).json()["key"]
    alerts = [
        {"status": "firing", "labels": {"app": app, "job": job}} for app, job in (("a", "1"), ("a", "2"), ("b", "3"))
    ]
    over = {"status": "firing", "labels": {"app": "c"}}
    await house.post_alerts({"alerts": alerts, "groupKey": "one"}, key)
    await house.post_alerts({"alerts": [over], "groupKey": "two"}, key)
    await house.post_alerts({"alerts": [{**over, "status": "resolved"}], "groupKey": "two"}, key)
    if how == "removed":
        await house.call("DELETE", "/v1/integrations/shop")
    else:
        other = {"name": "Shop floor", "source": "native"}
        assert (await house.call("PUT", "/v1/integrations/shop", json=other)).status_code == 200
        renamed = {"name": "Shop", "source": "native"}
        assert (await house.call("PUT", "/v1/integrations/shop", json=renamed)).status_code == 200
    events = await house.events()
    fired = {event["dedup_key"]: event["service"] for event in events if "service" in event}
    noted = [event for event in events if event["type"] == "tocsin.trigger.noted.v1"]
    assert sorted(fired[event["dedup_key"]] for event in noted) == ["a", "b"], "not what ended, and one incident once"
    assert all("by Admin: nothing will say here that this is over." in event["note"] for event in noted)


async def test_a_key_is_shown_once_and_stored_nowhere(house: House) -> None:
    await house.call("POST", "/v1/integrations", json=SHOP)
    key = (await house.call("POST", "/v1/integrations/shop/keys")).json()["key"]
    shown = await house.call("GET", "/v1/integrations/shop", VIEWER)
    assert [one["id"] for one in shown.json()["keys"]] == [key[:8]]
    assert key[8:] not in shown.text
    for table in ("integration_keys", "integrations", "audit"):
        assert key[8:] not in str(await house.rows(f"SELECT * FROM {table}"))  # noqa: S608


async def test_two_keys_are_good_while_a_sender_changes_from_one_to_the_other(house: House) -> None:
    await house.call("POST", "/v1/integrations", json=SHOP)
    old = (await house.call("POST", "/v1/integrations/shop/keys")).json()["key"]
    new = (await house.call("POST", "/v1/integrations/shop/keys")).json()["key"]
    body = sample("alertmanager/firing")
    assert [(await house.post_alerts(body, key)).status_code for key in (old, new)] == [202, 202]
    gone = await house.call("DELETE", f"/v1/integrations/shop/keys/{old[:8]}")
    assert gone.status_code == 204
    assert [(await house.post_alerts(body, key)).status_code for key in (old, new)] == [401, 202]


async def test_a_key_with_an_end_is_refused_after_it(house: House) -> None:
    await house.call("POST", "/v1/integrations", json=SHOP)
    end = house.clock.now() + timedelta(hours=1)
    issued = await house.call("POST", "/v1/integrations/shop/keys", json={"expires_at": end.isoformat()})
    key = issued.json()["key"]
    assert (await house.post_alerts(sample("alertmanager/firing"), key)).status_code == 202
    house.clock.set(end)
    refused = await house.post_alerts(sample("alertmanager/firing"), key)
    assert refused.status_code == 401
    assert "expired" in refused.json()["detail"]
    late = await house.call("POST", "/v1/integrations/shop/keys", json={"expires_at": end.isoformat()})
    assert late.status_code == 422


async def test_another_replica_knows_of_a_new_key_within_a_second(house: House) -> None:
    other = Senders(UnitOfWork(house.uow.database, house.clock, Chance(2), "intake"))
    assert (await other.sender(ALERTS, "alertmanager")).id == "alertmanager"
    await house.call("POST", "/v1/integrations", json=SHOP)
    key = (await house.call("POST", "/v1/integrations/shop/keys")).json()["key"]
    await asyncio.sleep(1.1)
    assert (await other.sender(key, "alertmanager")).id == "shop"


async def test_an_integration_is_changed_and_removed_and_every_change_is_audited(house: House) -> None:
    await house.call("POST", "/v1/integrations", json=SHOP)
    assert (await house.call("POST", "/v1/integrations", json=SHOP)).status_code == 409
    changed = {"name": "Tills", "source": "alertmanager", "kind": "tool"}
    assert (await house.call("PUT", "/v1/integrations/shop", json=changed)).json()["name"] == "Tills"
    assert (await house.call("DELETE", "/v1/integrations/shop")).status_code == 204
    assert (await house.call("GET", "/v1/integrations/shop")).status_code == 404
    trail = (await house.call("GET", "/v1/audit")).json()
    assert [(one["action"], one["actor"]["id"]) for one in trail if one["subject"] == "shop"] == [
        ("integration removed", "admin"),
        ("integration changed", "admin"),
        ("integration created", "admin"),
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"source": "pigeon"}, "#/source"), ({"options": {"nope": 1}}, "#/options/nope"), ({"id": "No!"}, "#/id")],
)
async def test_a_wrong_integration_is_refused_with_the_field(
    house: House, changes: dict[str, object], pointer: str
) -> None:
    response = await house.call("POST", "/v1/integrations", json={**SHOP, **changes})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/v1/integrations", VIEWER, 200),
        ("GET", "/v1/sources", VIEWER, 200),
        ("GET", "/v1/quarantine", VIEWER, 403),
        ("GET", "/v1/quarantine", OPERATOR, 200),
        ("GET", "/v1/quarantine", FABRIKAM, 403),
        ("GET", "/v1/audit", OPERATOR, 403),
        ("DELETE", "/v1/integrations/monitoring", OPERATOR, 403),
        ("POST", "/v1/integrations/monitoring/keys", OPERATOR, 403),
        ("GET", "/v1/integrations", ALERTS, 401),
        ("GET", "/v1/deliveries/0192d3a0-0000-7000-8000-000000000000", OPERATOR, 404),
    ],
)
async def test_everybody_may_do_what_their_role_allows(
    house: House, method: str, path: str, key: str, status: int
) -> None:
    assert (await house.call(method, path, key)).status_code == status


async def test_what_the_configuration_says_is_changed_there_and_may_still_be_given_a_key(house: House) -> None:
    for method, path in (
        ("DELETE", "/v1/integrations/monitoring"),
        ("DELETE", f"/v1/integrations/monitoring/keys/{NATIVE[:8]}"),
    ):
        response = await house.call(method, path)
        assert response.status_code == 409
        assert "integrations.yaml" in response.json()["detail"]
    key = (await house.call("POST", "/v1/integrations/silent/keys")).json()["key"]
    assert (await house.post_triggers(EXAMPLES["tool"], key)).status_code == 202


async def test_a_changed_file_takes_keys_away_and_leaves_those_that_were_issued(house: House) -> None:
    issued = (await house.call("POST", "/v1/integrations/monitoring/keys")).json()["key"]
    (house.folder / "integrations.yaml").write_text(
        "integrations:\n  - {id: monitoring, name: Renamed, source: native, kind: tool}\n"
    )
    await watcher_of(house).take()
    listed = (await house.call("GET", "/v1/integrations")).json()
    assert [(one["id"], one["name"]) for one in listed] == [("monitoring", "Renamed")]
    assert (await house.post_triggers(EXAMPLES["tool"], NATIVE)).status_code == 401
    assert (await house.post_triggers(EXAMPLES["tool"], issued)).status_code == 202
    assert (await house.post_alerts(sample("alertmanager/firing"))).status_code == 401


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "{id: a, name: A, source: pigeon}",
            "integrations.yaml:2: integrations[0].source: there is no source 'pigeon'",
        ),
        ("{id: a, name: A, source: native, options: {nope: 1}}", "integrations[0].options.nope: no such option"),
        ("{id: a, name: A, source: native, key: {file: FOLDER/short.key}}", "integrations[0].key: a key is 32"),
        ("{id: a, name: A, source: native, kind: weather}", "integrations[0].kind"),
        (
            "{id: a, name: A, source: native, keys: [{key: {file: FOLDER/native.key}}, {key: {file: FOLDER/native.key}}]}",
            "integrations[0].keys[1]: this key is already",
        ),
    ],
)
async def test_a_broken_file_is_told_with_line_and_rule_and_changes_nothing(
    house: House, entry: str, told: str
) -> None:
    (house.folder / "short.key").write_text("short")
    text = f"integrations:\n  - {entry}\n".replace("FOLDER", str(house.folder))
    (house.folder / "integrations.yaml").write_text(text)
    with pytest.raises(Misconfigured) as caught:
        await watcher_of(house).take()
    assert told in str(caught.value)
    assert (await house.post_alerts(sample("alertmanager/firing"))).status_code == 202


async def test_bodies_are_deleted_when_they_are_old_and_their_quarantine_with_them(house: House) -> None:
    await house.post_alerts(b"no json")
    house.clock.advance(timedelta(days=8))
    await house.post_alerts(sample("alertmanager/firing"))
    async with house.uow.begin() as tx:
        await drop_old(tx, timedelta(days=7))
        assert await tx.scheduled(PRUNE, PRUNE) == house.clock.now() + timedelta(hours=24)
    assert [row["triggers"] for row in await house.rows("SELECT triggers FROM deliveries")] == [1]
    assert await house.rows("SELECT id FROM quarantine") == []


async def test_without_the_database_senders_are_told_to_come_back_and_nothing_is_promised(
    house: House, database_url: str
) -> None:
    async with no_database(house):
        response = await house.post_alerts(sample("alertmanager/firing"))
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1
        assert response.headers["content-type"] == "application/problem+json"
    assert (await house.post_alerts(sample("alertmanager/firing"))).status_code == 202
    assert len(await house.rows("SELECT id FROM deliveries")) == 1


def watcher_of(house: House) -> ConfigWatcher:
    (watcher,) = [part for part in house.service.components if isinstance(part, ConfigWatcher)]
    return watcher


async def test_the_shipped_configuration_has_an_integration_for_each_way_to_trigger(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / configure.FILE).write_text(SHIPPED.read_text())
    async with intake(database_url, tmp_path) as house:
        listed = (await house.call("GET", "/v1/integrations")).json()
    assert {(one["id"], one["source"], one["kind"]) for one in listed} == {
        ("alertmanager", "alertmanager", "telemetry"),
        ("monitoring", "native", "telemetry"),
        ("helpdesk", "native", "ticket"),
        ("providers", "native", "provider"),
        ("maintenance", "native", "maintenance"),
        ("tools", "native", "tool"),
        ("provider-mail", "mail", "provider"),
        ("maintenance-mail", "mail", "maintenance"),
        ("tool-mail", "mail", "tool"),
    }
