"""Every event that was ever written must be read for ever: one file a type, never edited, only added."""

import json
from pathlib import Path
from typing import Any

import pytest

from libs.common.events.base import Event
from libs.common.events.catalogue import documents, name_of
from libs.common.events.envelope import Envelope, Undecodable, decode, encode
from libs.common.events.registry import BY_TYPE, EVENTS
from libs.common.events.topics import TOPICS

FILES = Path(__file__).parent / "events"


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_an_event_written_once_is_read_for_ever(event: type[Event]) -> None:
    golden = json.loads((FILES / f"{name_of(event)}.json").read_text())
    envelope = decode(golden["headers"], json.dumps(golden["value"]).encode())
    assert type(envelope.event) is event
    message = encode(envelope)
    assert (message.topic, message.key) == (golden["topic"], golden["key"])
    assert dict(message.headers) == golden["headers"]
    written = json.loads(message.value or b"")
    assert _within(golden["value"], written) == golden["value"]


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_a_field_that_a_newer_version_added_is_passed_over(event: type[Event]) -> None:
    golden = json.loads((FILES / f"{name_of(event)}.json").read_text())
    value = {**golden["value"], "a_field_of_tomorrow": {"deep": [1]}}
    assert decode(golden["headers"], json.dumps(value).encode()).event == _read(golden)


def _within(old: Any, new: Any) -> Any:
    """``new`` without the fields that ``old`` did not have yet, at any depth."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: _within(old[name], new[name]) for name in old if name in new}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_within(before, after) for before, after in zip(old, new, strict=True)]
    return new


def _read(golden: dict[str, object]) -> Event:
    envelope: Envelope = decode(golden["headers"], json.dumps(golden["value"]).encode())  # type: ignore[arg-type]
    return envelope.event


def test_every_golden_file_belongs_to_a_type_that_is_still_known() -> None:
    assert {path.stem for path in FILES.glob("*.json")} <= set(BY_TYPE)


def test_an_event_says_when_it_is_sent_and_goes_to_a_topic_of_the_table() -> None:
    topics = {topic.name for topic in TOPICS}
    for event in EVENTS:
        assert (event.__doc__ or "").startswith("Sent when"), event
        assert event.topic in topics


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({}, b"{}"),
        ({"ce_type": "tocsin.no.such.v1"}, b"{}"),
        ({"ce_type": "tocsin.trigger.quarantined.v1", "ce_id": "x"}, b"{"),
        ({"ce_type": "tocsin.trigger.quarantined.v1", "ce_id": "x"}, None),
    ],
)
def test_what_is_no_event_is_called_undecodable(headers: dict[str, str], value: bytes | None) -> None:
    with pytest.raises(Undecodable):
        decode(headers, value)


def test_the_documents_of_the_events_are_current() -> None:
    written = {path.name: path.read_text() for path in Path("docs/events").glob("*.json")}
    assert written == documents(), "run `make docs`"
