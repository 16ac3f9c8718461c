"""Every sample under ``tests/samples/<source>/`` becomes what ``expected.yaml`` beside it says."""

from typing import Any

import pytest
import yaml

from services.intake.domain.trigger import ParsedTrigger, Reading
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import SAMPLES, integration, read

OPTIONS: dict[str, dict[str, Any]] = {"cloudwatch": {"topics": ["arn:aws:sns:eu-west-1:123456789012:*"]}}
FOLDERS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


def told(reading: Reading) -> list[dict[str, Any]]:
    """A reading in the words of ``expected.yaml``: triggers, what opens nothing, remarks, what was refused."""
    found = [_trigger(trigger) for trigger in reading.triggers]
    found += [{"ignored": ignored.reason} for ignored in reading.ignored]
    found += [
        {
            name: word
            for name, word in ((remark.kind, remark.dedup_key), ("by", remark.by), ("note", remark.note))
            if word
        }
        for remark in reading.remarks
    ]
    found += [{"refused": refusal.reason, "at": refusal.pointer} for refusal in reading.refusals]
    return found


def _trigger(trigger: ParsedTrigger) -> dict[str, Any]:
    words = {
        "key": trigger.dedup_key,
        "status": trigger.status,
        "title": trigger.title,
        "severity": trigger.severity,
        "service": trigger.service,
        "tenants": ", ".join(trigger.tenants),
        "kind": trigger.kind if trigger.kind != "telemetry" else None,
        "started": trigger.started_at and trigger.started_at.isoformat(),
        "ended": trigger.ended_at and trigger.ended_at.isoformat(),
        "links": " ".join(link.href for link in trigger.links),
    }
    return {name: word for name, word in words.items() if word}


@pytest.mark.parametrize("source", FOLDERS)
def test_every_sample_of_a_source_becomes_what_is_expected(source: str) -> None:
    expected = yaml.safe_load((SAMPLES / source / "expected.yaml").read_text())
    bodies = {path.stem: path.read_bytes() for path in (SAMPLES / source).iterdir() if path.suffix in (".json", ".xml")}
    sender = integration(source, None, OPTIONS.get(source))
    assert {name: told(read(source, body, sender)) for name, body in bodies.items()} == expected


def test_every_source_but_the_native_one_has_samples() -> None:
    assert set(FOLDERS) == set(all_sources()) - {"native"}
