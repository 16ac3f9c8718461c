"""Bodies that real senders posted, where a collection of them stands beside the project or ``TOCSIN_PAYLOADS`` names one.

``manifest.json`` says of each what a receiver derives. The bodies stay where they are: they are not ours to ship.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.support import read

ROOT = Path(__file__).resolve().parents[3]
PAYLOADS = Path(os.environ.get("TOCSIN_PAYLOADS") or ROOT.parent / "shared" / "payloads")
FOLDERS = {"prometheus_alertmanager": "alertmanager"}
"""Which source reads which folder's JSON."""


def entries() -> list[dict[str, Any]]:
    manifest = PAYLOADS / "manifest.json"
    found: list[dict[str, Any]] = json.loads(manifest.read_text()) if manifest.exists() else []
    return [one for one in found if one["file"].endswith(".json") and one["file"].partition("/")[0] in FOLDERS]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry["file"])
def test_a_real_body_yields_what_its_manifest_derives(entry: dict[str, Any]) -> None:
    raw = (PAYLOADS / entry["file"]).read_bytes()
    reading = read(FOLDERS[entry["file"].partition("/")[0]], raw)
    assert not reading.refusals
    alerts, derive = json.loads(raw)["alerts"], entry["derive"]
    assert len(reading.triggers) == len(alerts)
    for trigger, alert in zip(reading.triggers, alerts, strict=True):
        labels = alert["labels"]
        assert trigger.status == alert["status"]
        assert trigger.status in derive["status"]
        assert trigger.severity == labels["severity"]
        assert trigger.severity in derive["severity"]
        assert trigger.service == labels.get("service", labels.get("job"))
        assert (trigger.service or "-") in derive["service"]
        assert trigger.title == alert["annotations"]["summary"]
        assert trigger.links[0].href == alert["generatorURL"]
        assert trigger.started_at is not None
        assert (trigger.ended_at is None) == (trigger.status == "firing")
        if "fingerprint" in alert:
            assert trigger.dedup_key == alert["fingerprint"]
        else:
            assert trigger.dedup_key.startswith("labels-")
