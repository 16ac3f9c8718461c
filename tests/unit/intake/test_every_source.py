"""What every source promises, whatever a body is."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.facts import received
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Source
from services.intake.sources.pages import pages
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import integration, read, samples_of, texts_of

SOURCES = sorted(all_sources())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\x00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def bodies_of(source: str) -> list[bytes]:
    return [all_sources()[source].example_body, *samples_of(source).values()]


def json_of(source: str) -> list[Any]:
    """Those bodies that are JSON, as their values."""
    return [json.loads(body) for body in bodies_of(source) if body[:1] in b"{["]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]


def replaced(value: Any, at: tuple[Any, ...], by: Any) -> Any:
    if not at:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], by)
    return copy


def check(reading: Reading) -> None:
    """A reading that intake can commit: every trigger fits into its event, every text into PostgreSQL and UTF-8."""
    now = datetime(2026, 3, 4, 8, 0, tzinfo=UTC)
    for trigger in reading.triggers:
        event = received(trigger, integration("native"), UUID(int=1), UUID(int=2), now)
        assert "\x00" not in "".join(texts_of(event.model_dump(mode="json")))
        event.model_dump_json().encode()
        assert 1 <= len(event.dedup_key) <= 255
        assert event.title
    told = [(refusal.detail, refusal.pointer) for refusal in reading.refusals]
    told += [(ignored.detail, ignored.pointer) for ignored in reading.ignored]
    for detail, pointer in told:
        assert detail
        assert "\x00" not in detail + pointer
        (detail + pointer).encode()


@pytest.mark.parametrize("name", [name for name in SOURCES if json_of(name)])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_body_with_one_value_changed_is_read_or_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(json_of(name)))
    at = data.draw(st.sampled_from(places(body)))
    check(read(name, json.dumps(replaced(body, at, data.draw(JSON))).encode()))


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_body_with_bytes_changed_is_read_or_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(bodies_of(name))))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        body[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    check(read(name, bytes(body)))


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_read_or_refused_and_nothing_else(name: str, body: bytes) -> None:
    check(read(name, body))


@pytest.mark.parametrize("name", [name for name in SOURCES if not json_of(name)])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_feed_with_one_text_or_tag_changed_is_read_or_refused_and_nothing_else(
    name: str, data: st.DataObject
) -> None:
    parts = re.split(r"(<[^>]*>)", data.draw(st.sampled_from(bodies_of(name))).decode())
    at = data.draw(st.integers(0, len(parts) - 1))
    parts[at] = data.draw(
        st.text(max_size=12) | st.sampled_from(["<id>", "&lt;b&gt;", "&lt;p", "&#0;", "Mon, 99 Foo 2026", "<item>"])
    )
    check(read(name, "".join(parts).encode("utf-8", "replace")))


@pytest.mark.parametrize("name", SOURCES)
def test_the_example_of_each_source_is_read_and_explained(name: str) -> None:
    source: Source[Any] = all_sources()[name]
    reading = read(name, source.example_body)
    assert len(reading.triggers) >= 1
    assert not reading.refusals
    assert len(source.docs) > 200


def test_the_pages_of_the_sources_are_current() -> None:
    folder = Path(__file__).resolve().parents[3] / "docs" / "integrations"
    assert {path.name: path.read_text() for path in folder.glob("*.md")} == pages(all_sources()), (
        "run `python -m services.intake.sources.pages`"
    )


@settings(max_examples=150, deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-severity", "content-type"]),
        st.text(max_size=12) | st.sampled_from(["%", "%ff", "application/json", "text/plain", "0001-01-01T00:00:00Z"]),
    ),
    body=st.binary(max_size=20) | st.sampled_from([b"", b"{}", b'"x"', b'{"status": []}']),
)
def test_a_binary_cloudevent_with_any_headers_is_read_or_refused_and_nothing_else(
    headers: dict[str, str], body: bytes
) -> None:
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    check(read("cloudevents", body, None, ce_specversion="1.0", **named))
