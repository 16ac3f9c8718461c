"""Debian's Alertmanager, unchanged but for addresses and keys, against a Tocsin as a newcomer starts it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import httpx
import pytest

from tests.support.instance import Instance, eventually, running, short_folder
from tests.support.programs import free_port, program, started

WEBHOOK = "webhookofthe" + "1" * 20
ROUTING = "routingkeyof" + "2" * 20
GENIE = "geniekeyofth" + "3" * 20
INTEGRATIONS = """
  - {id: am-webhook, name: By webhook, source: alertmanager, options: {rate_limit: 20}, key: {file: FOLDER/webhook}}
  - {id: am-pagerduty, name: By PagerDuty, source: pagerduty, options: {rate_limit: 20}, key: {file: FOLDER/routing}}
  - {id: am-opsgenie, name: By Opsgenie, source: opsgenie, options: {rate_limit: 20}, key: {file: FOLDER/genie}}
"""
CONFIG = """
global:
  pagerduty_url: INTAKE/v2/enqueue
  opsgenie_api_url: INTAKE/
route:
  receiver: webhook
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
    - {receiver: pagerduty, matchers: [by="pagerduty"]}
    - {receiver: opsgenie, matchers: [by="opsgenie"]}
receivers:
  - name: webhook
    webhook_configs:
      - url: INTAKE/v1/hooks/alertmanager
        http_config: {authorization: {credentials: WEBHOOK}}
  - name: pagerduty
    pagerduty_configs:
      - routing_key: ROUTING
  - name: opsgenie
    opsgenie_configs:
      - api_key: GENIE
        priority: P1
"""
RECEIVERS = ["webhook", "pagerduty", "opsgenie"]


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, name: str, by: str, *, over: bool = False) -> None:
        """What Prometheus would send of an alert."""
        now = datetime.now(UTC)
        alert = {
            "labels": {"alertname": name, "by": by, "service": "invoicing", "severity": "critical"},
            "startsAt": (now - timedelta(minutes=1)).isoformat(),
            **({"endsAt": now.isoformat()} if over else {}),
        }
        httpx.post(f"{self.url}/api/v2/alerts", json=[alert]).raise_for_status()

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = short_folder()
    yield made
    rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def instance(folder: Path) -> Iterator[Instance]:
    config = folder / "config"
    copytree("deploy/config", config)
    for name, key in (("webhook", WEBHOOK), ("routing", ROUTING), ("genie", GENIE)):
        (folder / name).write_text(key)
    with (config / "integrations.yaml").open("a") as file:
        file.write(INTEGRATIONS.replace("FOLDER", str(folder)))
    with running(folder / "data", TOCSIN_CONFIG_DIR=str(config)) as made:
        yield made


@pytest.fixture(scope="module")
def alertmanager(folder: Path, instance: Instance) -> Iterator[Alertmanager]:
    with _alertmanager(folder / "alertmanager", instance.url("intake")) as made:
        yield made


@contextmanager
def _alertmanager(folder: Path, intake: str) -> Iterator[Alertmanager]:
    words = {"INTAKE": intake, "WEBHOOK": WEBHOOK, "ROUTING": ROUTING, "GENIE": GENIE}
    text = CONFIG
    for word, value in words.items():
        text = text.replace(word, value)
    folder.mkdir()
    (folder / "alertmanager.yml").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'storage'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    made = Alertmanager(f"http://{address}")
    with started(command, folder, made.ready):
        yield made


@pytest.mark.parametrize("by", RECEIVERS)
def test_an_alert_opens_an_incident_and_its_end_resolves_it(
    instance: Instance, alertmanager: Alertmanager, by: str
) -> None:
    name = f"QueueStuckBy{by.title()}"
    alertmanager.send(name, by)
    opened = instance.incident_in(name, "open")
    assert (opened["kind"], opened["source"]) == ("telemetry", "alertmanager" if by == "webhook" else by)
    pages = eventually(lambda: [one for one in instance.messages("page") if name in json.dumps(one)], "a page")
    assert len(pages) == 1
    alertmanager.send(name, by, over=True)
    assert instance.incident_in(name, "resolved")["alerts"] == 1


def test_who_acknowledges_through_either_api_acknowledges_the_incident(
    instance: Instance, alertmanager: Alertmanager
) -> None:
    url = instance.url("intake")
    genie = {"Authorization": f"GenieKey {GENIE}"}
    for by in ("pagerduty", "opsgenie"):
        alertmanager.send(f"SlowBy{by.title()}", by)
        instance.incident_in(f"SlowBy{by.title()}", "open")
    [alert] = httpx.get(f"{url}/v2/alerts", params={"query": "SlowByOpsgenie"}, headers=genie).json()["data"]
    httpx.post(f"{url}/v2/alerts/{alert['id']}/acknowledge", json={"user": "ann"}, headers=genie).raise_for_status()
    taken = instance.incident_in("SlowByOpsgenie", "acknowledged")
    assert taken["acknowledged_by"]["id"] == "am-opsgenie"
    trigger = {"summary": "The queue is slow", "source": "queue", "severity": "error"}
    for action in ("trigger", "acknowledge"):
        body = {"routing_key": ROUTING, "event_action": action, "dedup_key": "queue/slow", "payload": trigger}
        httpx.post(f"{url}/v2/enqueue", json=body).raise_for_status()
    assert instance.incident_in("The queue is slow", "acknowledged")["acknowledged_by"]["id"] == "am-pagerduty"


def _send(instance: Instance, by: str) -> int:
    """Send what opens nothing with this receiver's key; the status that answers it."""
    url = instance.url("intake")
    match by:
        case "webhook":
            body: dict[str, Any] = {"version": "4", "receiver": "x", "status": "firing", "alerts": []}
            headers = {"Authorization": f"Bearer {WEBHOOK}"}
            return httpx.post(f"{url}/v1/hooks/alertmanager", json=body, headers=headers).status_code
        case "pagerduty":
            body = {"routing_key": ROUTING, "payload": {"summary": "A build", "source": "ci"}}
            return httpx.post(f"{url}/v2/change/enqueue", json=body).status_code
        case _:
            return httpx.get(f"{url}/v2/alerts", headers={"Authorization": f"GenieKey {GENIE}"}).status_code


@pytest.mark.parametrize(("by", "status"), [("webhook", 503), ("pagerduty", 429), ("opsgenie", 429)])
def test_an_alert_that_was_not_taken_at_first_comes_again(
    instance: Instance, alertmanager: Alertmanager, by: str, status: int
) -> None:
    ours = _refused(instance, status)

    def refused() -> bool:
        """Use up what the key may send, and see whether Alertmanager has been refused as well."""
        nonlocal ours
        while (answer := _send(instance, by)) != status:
            assert answer < 300
        ours += 1
        return _refused(instance, status) > ours

    def fate(name: str) -> str | None:
        if refused():
            return "refused"
        return "taken" if instance.incident(name) else None

    names = [f"DiskFull{attempt}By{by.title()}" for attempt in range(5)]
    for name in names:
        assert not refused()
        alertmanager.send(name, by)
        if eventually(partial(fate, name), f"an attempt for {name}") == "refused":
            break  # otherwise it came just when one more was allowed
    else:
        raise AssertionError("every first attempt was taken")
    instance.incident_in(name, "open")


def _refused(instance: Instance, status: int) -> float:
    """How many requests were answered with this status so far."""
    lines = httpx.get(f"{instance.url('intake')}/metrics").text.splitlines()
    mine = [one for one in lines if one.startswith("tocsin_http_requests_total") and f'status="{status}"' in one]
    return sum(float(line.rpartition(" ")[2]) for line in mine)
