"""The events as documents: one JSON Schema a type and one AsyncAPI 3.0 file, generated from the models.

``python -m libs.common.events.catalogue`` writes ``docs/events/``; with ``--check`` it only says whether that is current.
"""

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from libs.common.events.base import Event
from libs.common.events.registry import EVENTS
from libs.common.events.topics import TOPICS

ROOT = Path("docs/events")


def name_of(event: type[Event]) -> str:
    """The event's type, such as ``tocsin.trigger.received.v1``."""
    return str(event.model_fields["type"].default)


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the event's data, as it is written."""
    schema = event.model_json_schema(mode="serialization")
    schema["properties"].pop("type")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://tocsin.dev/events/{name_of(event)}.schema.json",
        **schema,
        "title": event.__name__,
        "description": inspect.getdoc(event) or "",
    }


def asyncapi() -> dict[str, Any]:
    """All topics and events as AsyncAPI 3.0."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for topic in TOPICS:
        events = [event for event in EVENTS if event.topic == topic.name]
        channels[topic.name] = {
            "address": topic.name,
            "messages": {e.__name__: {"$ref": f"#/components/messages/{e.__name__}"} for e in events},
            "bindings": {"kafka": {"partitions": topic.partitions}},
        }
        operations[f"receive-{topic.name}"] = {"action": "receive", "channel": {"$ref": f"#/channels/{topic.name}"}}
    for event in EVENTS:
        messages[event.__name__] = {
            "name": name_of(event),
            "title": event.__name__,
            "summary": inspect.getdoc(event) or "",
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
            "payload": {"$ref": f"./{name_of(event)}.schema.json"},
        }
    headers = {
        name: {"type": "string"}
        for name in ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_partitionkey")
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tocsin's events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_` headers, JSON data as the value.",
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": {
                "CloudEventHeaders": {
                    "type": "object",
                    "required": list(headers),
                    "properties": {**headers, "ce_traceparent": {"type": "string"}},
                }
            },
        },
    }


def documents() -> dict[str, str]:
    """Every generated file by its name."""
    files = {f"{name_of(event)}.schema.json": schema_of(event) for event in EVENTS}
    files["asyncapi.json"] = asyncapi()
    return {name: json.dumps(body, indent=2, ensure_ascii=False) + "\n" for name, body in files.items()}


def main() -> int:
    """Write the documents, or with ``--check`` compare them with what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where docs/events is out of date")
    check = parser.parse_args().check
    wanted = documents()
    present = {path.name: path.read_text() for path in ROOT.glob("*.json")} if ROOT.exists() else {}
    if check:
        stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        if stale:
            sys.stderr.write(f"docs/events is out of date ({', '.join(stale)}): run `make docs`\n")
        return 1 if stale else 0
    ROOT.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - wanted.keys():
        (ROOT / name).unlink()
    for name, text in wanted.items():
        (ROOT / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
