"""Bodies as senders post them, written for these tests."""

import hashlib
import json
from pathlib import Path
from typing import Any

from libs.common.events.incidents import Incident


def alertmanager_body(*alerts: str, service: str, status: str = "firing", tenant: str | None = None) -> dict[str, Any]:
    """A webhook body (version 4) of one group with these alerts."""
    shared = {"service": service, "severity": "critical"} | ({"tenant": tenant} if tenant else {})
    return {
        "version": "4",
        "groupKey": f'{{}}:{{service="{service}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "tocsin",
        "groupLabels": {"service": service},
        "commonLabels": shared,
        "commonAnnotations": {},
        "externalURL": "https://alertmanager.example",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, **shared},
                "annotations": {"summary": f"{name} on {service}"},
                "startsAt": "2026-11-24T08:00:00Z",
                "endsAt": "2026-11-24T08:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
                "generatorURL": "https://prometheus.example/graph",
                "fingerprint": hashlib.sha256(f"{name}{service}".encode()).hexdigest()[:16],
            }
            for name in alerts
        ],
    }


def golden_incident() -> Incident:
    """An incident with every field filled, as the golden files have it."""
    written = json.loads(Path("tests/golden/events/tocsin.incident.opened.v1.json").read_text())
    return Incident.model_validate(written["value"]["incident"])
