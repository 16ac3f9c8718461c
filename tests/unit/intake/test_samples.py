"""Every sample under ``tests/samples/<source>/`` becomes what ``expected.yaml`` beside it says."""

from typing import Any

import pytest
import yaml

from libs.common.events.base import Window
from services.intake.domain.trigger import ParsedTrigger, Reading
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import SAMPLES, integration, read, samples_of

OPTIONS: dict[str, dict[str, Any]] = {
    "cloudwatch": {"topics": ["arn:aws:sns:eu-west-1:123456789012:*"]},
    "mail": {"authserv_ids": ["mx.example.org"]},
}
FOLDERS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


PLANNED = ("mail",)
"""Sources of which windows and regions are told as well."""

MINUTE = "%Y-%m-%dT%H:%MZ"


def _window(window: Window | None) -> str:
    if window is None:
        return ""
    return f"{window.starts_at:{MINUTE}} to {f'{window.ends_at:{MINUTE}}' if window.ends_at else 'open'}"


def told(reading: Reading, source: str) -> list[dict[str, Any]]:
    """A reading in the words of ``expected.yaml``: triggers, what opens nothing, remarks, what was refused."""
    found = [_trigger(trigger, source) for trigger in reading.triggers]
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


def _trigger(trigger: ParsedTrigger, source: str) -> dict[str, Any]:
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
    if source in PLANNED:
        words |= {
            "window": _window(trigger.window),
            "region": trigger.labels.get("region", ""),
        }
    return {name: word for name, word in words.items() if word}


@pytest.mark.parametrize("source", FOLDERS)
def test_every_sample_of_a_source_becomes_what_is_expected(source: str) -> None:
    expected = yaml.safe_load((SAMPLES / source / "expected.yaml").read_text())
    sender = integration(source, None, OPTIONS.get(source))
    assert {name: told(read(source, body, sender), source) for name, body in samples_of(source).items()} == expected


def test_every_source_but_the_native_one_has_samples() -> None:
    assert set(FOLDERS) == set(all_sources()) - {"native"}
