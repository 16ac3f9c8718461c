"""Debian's Prometheus and amtool, unchanged but for address and key, against a Tocsin as a newcomer starts it."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, rmtree

import httpx
import pytest

from tests.support.instance import Instance, eventually, running, short_folder
from tests.support.programs import free_port, program, started

KEY = "prometheuskey" + "1" * 19
RESEND_SECONDS = 5
"""A machine that is busy for longer than four of these lets an alert end that Prometheus still has."""
INTEGRATIONS = """
  - {id: prometheus, name: Prometheus, source: prometheus, key: {file: FOLDER/prometheus.key}}
"""
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - {job_name: queue, file_sd_configs: [{files: [targets.json]}]}
alerting:
  alertmanagers:
    - path_prefix: /v1/hooks/prometheus
      authorization: {credentials: KEY}
      static_configs: [{targets: ["TARGET"]}]
"""
RULES = """
groups:
  - name: approvals
    rules:
      - alert: Approvals
        expr: EXPRESSION
        labels: {service: invoicing, severity: critical}
        annotations: {summary: SUMMARY}
"""


@dataclass
class Prometheus:
    """A running Prometheus."""

    process: subprocess.Popen[bytes]
    folder: Path
    address: str

    def find_queue(self) -> None:
        """Let it find what it has missed: itself."""
        (self.folder / "targets.new").write_text(json.dumps([{"targets": [self.address]}]))
        (self.folder / "targets.new").rename(self.folder / "targets.json")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = short_folder()
    yield made
    rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def instance(folder: Path) -> Iterator[Instance]:
    config = folder / "config"
    copytree("deploy/config", config)
    (folder / "prometheus.key").write_text(KEY)
    with (config / "integrations.yaml").open("a") as file:
        file.write(INTEGRATIONS.replace("FOLDER", str(folder)))
    with running(folder / "data", TOCSIN_CONFIG_DIR=str(config), TOCSIN_LOG_LEVEL="info") as made:
        yield made


@contextmanager
def prometheus(folder: Path, intake: str, expression: str, summary: str) -> Iterator[Prometheus]:
    """A Prometheus with one rule."""
    folder.mkdir()
    config = CONFIG.replace("KEY", KEY).replace("TARGET", intake.removeprefix("http://"))
    (folder / "prometheus.yml").write_text(config)
    (folder / "rules.yml").write_text(RULES.replace("EXPRESSION", expression).replace("SUMMARY", summary))
    (folder / "targets.json").write_text("[]")
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        f"--rules.alert.resend-delay={RESEND_SECONDS}s",
    ]

    def ready() -> bool:
        try:
            return httpx.get(f"http://{address}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    with started(command, folder, ready) as process:
        yield Prometheus(process, folder, address)


def test_what_prometheus_fires_opens_an_incident_and_its_end_resolves_it(instance: Instance, folder: Path) -> None:
    rule = ('absent(up{job="queue"})', "The approval queue is gone")
    with prometheus(folder / "prometheus", instance.url("intake"), *rule) as made:
        gone = instance.incident_in("The approval queue is gone", "open")
        assert (gone["kind"], gone["source"]) == ("telemetry", "prometheus")
        made.find_queue()
        assert instance.incident_in("The approval queue is gone", "resolved")["number"] == gone["number"]


def test_the_silence_of_a_prometheus_that_died_resolves_what_it_fired(instance: Instance, folder: Path) -> None:
    rule = ("vector(1)", "Prometheus says something")
    with prometheus(folder / "mortal", instance.url("intake"), *rule) as made:
        alone = instance.incident_in("Prometheus says something", "open")
        time.sleep(4 * RESEND_SECONDS + 1)  # each time the alert's own endsAt lies four of these ahead
        still = instance.incident("Prometheus says something")
        assert still is not None
        assert (still["number"], still["state"], still["alerts"]) == (alone["number"], "open", 1)
        made.process.kill()
        made.process.wait()
        assert instance.incident_in("Prometheus says something", "resolved")["number"] == alone["number"]


def amtool(instance: Instance, name: str, *more: str) -> None:
    """Add an alert as a person does at a shell."""
    url = f"--alertmanager.url={instance.url('intake')}/v1/hooks/prometheus/{KEY}"
    labels = [name, "service=invoicing", "severity=critical"]
    command = [program("amtool", "prometheus-alertmanager"), "alert", "add", *labels, *more, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr


def test_an_alert_that_amtool_adds_opens_an_incident_that_stays_until_its_end(instance: Instance) -> None:
    amtool(instance, "AddedByHand", "--annotation=summary=Added by hand")
    opened = instance.incident_in("Added by hand", "open")
    end = datetime.now(UTC) + timedelta(seconds=20)  # from before the program was started
    amtool(instance, "AddedForAWhile", "--annotation=summary=Added for a while", f"--end={end.isoformat()}")
    instance.incident_in("Added for a while", "resolved")
    still = instance.incident("Added by hand")
    assert still is not None
    assert (still["number"], still["state"]) == (opened["number"], "open")


def test_the_key_in_the_path_that_amtool_posts_to_stands_in_no_line_of_any_service(instance: Instance) -> None:
    amtool(instance, "AddedOnceMore")
    output = instance.folder / "output"
    eventually(lambda: "/v1/hooks/{source}/[redacted]" in output.read_text(errors="replace"), "the request's line")
    assert KEY[8:] not in output.read_text(errors="replace")
