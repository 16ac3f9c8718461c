"""What the tests of intake share: integrations and samples."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from libs.common.events.base import TriggerKind
from services.intake.domain.integration import Integration
from services.intake.domain.trigger import ParsedTrigger, Reading
from services.intake.sources.base import Arrival
from services.intake.sources.registry import all_sources

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def samples_of(source: str) -> dict[str, bytes]:
    """The samples of a source by their names: JSON documents, feeds, or e-mails."""
    paths = sorted(path for path in (SAMPLES / source).glob("*.*") if path.suffix in (".json", ".xml", ".eml"))
    return {path.stem: path.read_bytes() for path in paths}


def integration(
    source: str, kind: TriggerKind | None = None, options: Mapping[str, Any] | None = None
) -> Integration[Any]:
    read_options = all_sources()[source].options.model_validate(options or {})
    return Integration("shop-floor", "Shop floor", source, kind, read_options)


def read(source: str, body: bytes | object, of: Integration[Any] | None = None, **headers: str) -> Reading:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return all_sources()[source].read(Arrival(names, raw, of or integration(source), NOW))


def only(reading: Reading) -> ParsedTrigger:
    assert not reading.refusals
    (trigger,) = reading.triggers
    return trigger


def texts_of(value: object) -> Iterator[str]:
    """Every text in ``value``, keys included: the characters themselves, since a text may hold the words of an escape."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (name, *texts_of(one))
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
