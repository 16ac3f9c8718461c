"""Logs: one JSON line each on standard output, with the service, the trace and the incident that it belongs to.

The library's loggers (uvicorn, aiokafka, SQLAlchemy, Alembic) speak through the same. What looks like a secret is
taken out before a line is written, also out of addresses with a key in their path.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache, lru_cache
from typing import Any, Literal, TextIO
from uuid import UUID

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(r"(secret|password|passwd|authorization|cookie|api_?key|token|private_?key)", re.IGNORECASE)
_SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(/v1/hooks/[^/\s?\"']+/)[^/\s?\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s:@\"']*:[^/\s@\"']+@"), rf"\1{REDACTED}@"),
    (re.compile(r"\btocsin_[a-z0-9]{32}\b"), f"tocsin_{REDACTED}"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\b(\w*(?:password|secret|token|key|sig|signature))=[^&\s\"']+", re.IGNORECASE), rf"\1={REDACTED}"),
)


def _suspect(text: str) -> bool:
    """Whether ``text`` has in it what any of the patterns above needs: most are done with after this look, a fifth of the cost of a pattern's."""
    low = text.casefold()
    return "=" in low or "://" in low or "tocsin_" in low or "bearer" in low or "basic" in low or "/v1/hooks/" in low


_JSON = json.JSONEncoder(default=str, ensure_ascii=False).encode


@lru_cache(maxsize=1024)
def _secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def redact(text: str) -> str:
    """``text`` without keys in paths, passwords in addresses, API keys and authorisation headers."""
    if not _suspect(text):
        return text
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return text


def _clean(name: str, value: Any) -> Any:
    if value is not None and _secret_name(name):
        return REDACTED
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", inner) for inner in value]
    if isinstance(value, BaseException):
        return redact(f"{type(value).__name__}: {value}")
    return value


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: take secrets out of every value of a line."""
    return {name: _clean(name, value) for name, value in event.items()}


def add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: add the present trace's id; drop an incident that was unbound."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
    if event.get("incident_id", "") is None:
        del event["incident_id"]
    return event


class _Ours:
    """A logger of Tocsin's own modules: puts a line on the handler's stream by the handler's lock, without a record of the library.

    Every request has a line, and making a record, formatting it, and taking it apart again was most of its cost.
    A line that cannot be made or written is told on standard error, as the library tells it, and disturbs nobody.
    """

    def __init__(self, name: str, handler: "logging.StreamHandler[TextIO]", ending: Sequence[Processor]) -> None:
        self.name = name
        self._handler = handler
        self._ending = ending

    def info(self, /, **event: Any) -> None:
        """Write one line; which level it has stands in it."""
        line: Any = event
        handler = self._handler
        try:
            for processor in self._ending:
                line = processor(self, "", line)
            with handler.lock or nullcontext():
                handler.stream.write(f"{line}\n")
                handler.flush()
        except Exception:  # noqa: BLE001 - no request fails because of its line
            handler.handleError(logging.makeLogRecord({"msg": str(event.get("event")), "name": self.name}))

    debug = warning = error = critical = info


def configure(service: str, level: str = "info", log_format: Literal["json", "console"] = "json") -> None:
    """Send this process's logs to standard output. A line of a task says the service that the task was started for."""

    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        name_service,
        add_trace,
    ]
    if log_format == "json":
        ending: list[Processor] = [structlog.processors.format_exc_info, redact_event, _as_json]
    else:
        ending = [redact_event, structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )

    @cache
    def ours(name: str) -> _Ours:
        return _Ours(name, handler, ending)

    structlog.configure(
        processors=shared,
        logger_factory=ours,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten(level)


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _JSON(event)


def _quieten(level: str) -> None:
    """Libraries speak from warnings on, unless everything is wanted; uvicorn writes no access log of its own."""
    least = logging.INFO if level == "debug" else logging.WARNING
    for name in (
        "uvicorn",
        "uvicorn.error",
        "sqlalchemy",
        "alembic",
        "asyncio",
        "httpx",
        "httpcore",
        "twilio",
    ):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(least)
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(capture=True)
    # While a broker is away this library says so a dozen times a second; the bus itself says it once, and readiness always.
    logging.getLogger("aiokafka").setLevel(logging.INFO if level == "debug" else logging.CRITICAL)


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module. Cheap, and configured only when it first speaks."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def bind_incident(incident_id: UUID | str) -> None:
    """Say in every further line of this message, request or timer which incident it is about."""
    structlog.contextvars.bind_contextvars(incident_id=str(incident_id))


@contextmanager
def service_context(service: str) -> Iterator[None]:
    """Lines of what is started inside say ``service``, also in a process that runs several."""
    with structlog.contextvars.bound_contextvars(service=service):
        yield
