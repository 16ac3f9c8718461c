import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from libs.common.tracing import (
    client_span,
    configure_tracing,
    consumer_span,
    current_trace_id,
    current_traceparent,
    flush_traces,
    publish_span,
    request_span,
    start_span,
    timer_span,
)

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    configure_tracing("test", None, exporter)
    yield exporter
    configure_tracing("test", None)


def test_there_is_no_traceparent_outside_a_span() -> None:
    assert current_traceparent() is None
    assert current_trace_id() is None


def test_ids_are_made_although_nothing_is_exported() -> None:
    with request_span("POST", None):
        first, trace_id = current_traceparent(), current_trace_id()
    assert first is not None
    assert trace_id is not None
    assert first.split("-")[1] == trace_id


def test_a_request_leaves_the_trace_around_it_as_it_was_even_where_it_fails() -> None:
    with start_span("outer"):
        outer = current_traceparent()
        with contextlib.suppress(RuntimeError), request_span("POST", None) as span:
            assert format(span.get_span_context().trace_id, "032x") == current_trace_id()
            assert current_traceparent() != outer
            raise RuntimeError
        assert current_traceparent() == outer
    assert current_traceparent() is None


def test_a_trace_goes_on_through_http_bus_and_timers() -> None:
    with request_span("POST", PARENT):
        handed_on = current_traceparent()
    with consumer_span("triggers", "tocsin.trigger.received.v1", handed_on):
        assert current_trace_id() == TRACE
        scheduled = current_traceparent()
    with timer_span("rung", scheduled):
        assert current_trace_id() == TRACE


def test_a_record_without_a_trace_begins_a_new_one_even_inside_another_span() -> None:
    with start_span("outer"):
        outer = current_trace_id()
        with consumer_span("triggers", "x", None):
            assert current_trace_id() not in {None, outer}


def test_a_malformed_traceparent_counts_as_none() -> None:
    with request_span("GET", "00-zz-1-1"):
        assert current_trace_id() is not None


def test_spans_are_exported_with_their_parents_where_an_exporter_is_set(exported: InMemorySpanExporter) -> None:
    with request_span("POST", PARENT), client_span("twilio", channel="sms"), publish_span("incidents", 3):
        pass
    flush_traces()
    spans = {span.name: span for span in exported.get_finished_spans()}
    assert set(spans) == {"POST", "twilio", "incidents publish"}
    parent = spans["POST"].parent
    assert parent is not None
    assert format(parent.span_id, "016x") == "00f067aa0ba902b7"
    assert spans["twilio"].resource.attributes["service.name"] == "tocsin-test"


def test_spans_are_posted_to_the_otlp_address() -> None:
    posted: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        configure_tracing("intake", f"http://127.0.0.1:{server.server_port}")
        try:
            with start_span("one step"):
                pass
            flush_traces()
        finally:
            configure_tracing("intake", None)
            server.shutdown()
    [(path, body)] = posted
    assert path == "/v1/traces"
    assert b"one step" in body
    assert b"tocsin-intake" in body
