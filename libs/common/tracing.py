"""Traces through HTTP, the bus and timers: OpenTelemetry's API, and W3C ``traceparent`` wherever work is handed on.

Ids are always made, so that logs of one alarm can be read across services; spans are recorded and exported only where
an OTLP address is set. One provider serves a process.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


class _Process:
    """The provider of this process; without an address it makes ids and records nothing."""

    provider: TracerProvider | None = None
    recorded = False
    tracer: Tracer | None = None


def _tracer() -> Tracer:
    if _Process.tracer is None:
        _use(TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    assert _Process.tracer is not None  # noqa: S101 - for the type checker
    return _Process.tracer


def _use(provider: TracerProvider) -> None:
    if _Process.provider is not None:
        _Process.provider.shutdown()
    _Process.provider, _Process.tracer = provider, provider.get_tracer("tocsin")


def configure_tracing(service: str, otlp_url: str | None, exporter: SpanExporter | None = None) -> None:
    """Send this process's spans to ``otlp_url`` (its ``/v1/traces``), or nowhere. ``exporter`` takes its place in tests."""
    _Process.recorded = otlp_url is not None or exporter is not None
    if not _Process.recorded:
        _use(TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
        return
    resource = Resource.create({"service.name": f"tocsin-{service}", "service.namespace": "tocsin"})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter or _otlp(f"{otlp_url}/v1/traces")))
    _use(provider)


def _otlp(endpoint: str) -> SpanExporter:
    # Imported only where it is used: it brings requests and protobuf, which nothing else here needs.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint)


def flush_traces(timeout_seconds: float = 5.0) -> None:
    """Send what was recorded and not yet sent; returns after at most ``timeout_seconds``."""
    if _Process.provider is not None:
        _Process.provider.force_flush(int(timeout_seconds * 1000))


def current_traceparent() -> str | None:
    """The ``traceparent`` of the present span, to hand on with an event or a request; ``None`` outside any."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def current_trace_id() -> str | None:
    """The trace id of the present span as 32 hexadecimal digits; ``None`` outside any."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def extract(traceparent: str | None) -> Context:
    """The context that ``traceparent`` stands for; a malformed one counts as none."""
    if not traceparent:
        return Context()
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context())


@contextmanager
def start_span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, traceparent: str | None = None, **attributes: str | int
) -> Iterator[Span]:
    """A span around what follows: a child of ``traceparent`` if given, else of the present span."""
    context = extract(traceparent) if traceparent is not None else None
    with _tracer().start_as_current_span(name, context=context, kind=kind, attributes=attributes) as span:
        yield span


def request_span(method: str, traceparent: str | None) -> AbstractContextManager[Span]:
    """The span of one HTTP request that this service answers; its name gets the route once it is known."""
    tracer, context = _tracer(), extract(traceparent)
    if _Process.recorded:
        return tracer.start_as_current_span(method, context=context, kind=SpanKind.SERVER)
    return _Unrecorded(tracer.start_span(method, context=context, kind=SpanKind.SERVER))


class _Unrecorded(AbstractContextManager[Span]):
    """A span of which only the ids count is the present one. Every request has one, and the library's own way has more than twice the cost."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, *_: object) -> None:
        detach(self._token)


@contextmanager
def consumer_span(topic: str, event_type: str, traceparent: str | None) -> Iterator[Span]:
    """The span of one record's handling, a child of the span in which the event was emitted.

    The incident that the handler binds to the log ends with it.
    """
    with (
        structlog.contextvars.bound_contextvars(event_type=event_type, incident_id=None),
        start_span(
            f"{topic} process",
            kind=SpanKind.CONSUMER,
            traceparent=traceparent or "",
            topic=topic,
            event_type=event_type,
        ) as span,
    ):
        yield span


@contextmanager
def timer_span(kind: str, traceparent: str | None = None) -> Iterator[Span]:
    """The span of one due timer; ``traceparent`` is of the span that scheduled it, where that was kept."""
    with (
        structlog.contextvars.bound_contextvars(timer=kind, incident_id=None),
        start_span(f"timer {kind}", traceparent=traceparent or "", timer=kind) as span,
    ):
        yield span


@contextmanager
def publish_span(topic: str, count: int) -> Iterator[Span]:
    """The span of the relay's hand-over of ``count`` events to the bus."""
    with start_span(f"{topic} publish", kind=SpanKind.PRODUCER, topic=topic, count=count) as span:
        yield span


@contextmanager
def client_span(name: str, **attributes: str | int) -> Iterator[Span]:
    """The span of one call to somebody else's server; send :func:`current_traceparent` with it."""
    with _tracer().start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes) as span:
        yield span
