"""Every metric of the product, each with the sentence that ``docs/metrics.md`` is rendered from.

One :class:`Metrics` a service, with a registry of its own: nothing is registered at import time, and five services may
live in one process. Labels have few values (reasons are enums, routes are templates, never addresses or ids).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

M = TypeVar("M", bound=Counter | Gauge | Histogram)

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets for what should take milliseconds, in seconds."""

LATENESS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0)
"""Buckets for how late something was, in seconds."""


@dataclass(frozen=True)
class Described:
    """What the documentation says of one metric. A counter's ``name`` ends in ``_total`` as scrapers see it."""

    group: str
    name: str
    kind: str
    labels: tuple[str, ...]
    sentence: str


class Metrics:
    """The metrics of one service. Each attribute is the metric's name without ``tocsin_`` and ``_total``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        self._group = ""
        ProcessCollector(registry=self.registry)
        self._declare_http()
        self._declare_delivery()
        self._declare_configuration()
        self._declare_product()

    def _declare_http(self) -> None:
        self._group = "HTTP"
        self.http_requests = self._counter(
            "tocsin_http_requests", "Requests answered, by the route's template.", "method", "route", "status"
        )
        self.http_seconds = self._histogram(
            "tocsin_http_seconds", "How long requests took.", "method", "route", buckets=FAST
        )

    def _declare_delivery(self) -> None:
        self._group = "Bus, outbox and timers"
        self.outbox_pending = self._gauge("tocsin_outbox_pending", "Events that are committed and not yet on the bus.")
        self.outbox_oldest_seconds = self._gauge(
            "tocsin_outbox_oldest_seconds", "Age of the oldest event that is not yet on the bus."
        )
        self.outbox_published = self._counter(
            "tocsin_outbox_published", "Events that the bus has acknowledged.", "topic"
        )
        self.timer_lateness_seconds = self._histogram(
            "tocsin_timer_lateness_seconds",
            "How long after its due time a timer fired.",
            "kind",
            buckets=LATENESS,
        )
        self.timer_failures = self._counter(
            "tocsin_timer_failures", "Timers whose handler failed; they are tried again.", "kind"
        )
        self.consumed = self._counter(
            "tocsin_consumed",
            "Records read from the bus: handled, repeat (already handled), passed (no handler) or dead.",
            "topic",
            "outcome",
        )
        self.consumer_retries = self._counter(
            "tocsin_consumer_retries", "Handlers that failed and are tried again after a wait.", "topic"
        )
        self.dead_letters = self._counter(
            "tocsin_dead_letters", "Records set aside because they fail for good.", "topic", "reason"
        )
        self.consumer_stopped = self._gauge(
            "tocsin_consumer_stopped",
            "1 where a consumer stopped itself because too many of its records failed for good.",
            "group",
        )

    def _declare_configuration(self) -> None:
        self._group = "Configuration"
        self.config_loaded = self._gauge(
            "tocsin_config_loaded", "1 for each file of the configuration tree that is in force.", "file"
        )
        self.config_broken = self._gauge(
            "tocsin_config_broken", "1 while the tree on disk has an error and the one before stays in force."
        )

    def _declare_product(self) -> None:
        self._group = "Incidents"
        self.triggers_received = self._counter(
            "tocsin_triggers_received", "Triggers by what became of them.", "source", "outcome"
        )
        self.quarantined = self._counter(
            "tocsin_quarantined", "Bodies that could not be understood and are kept.", "source", "reason"
        )
        self.polls = self._counter(
            "tocsin_polls",
            "Providers' pages that were asked, by what came of it: changed, unchanged, or why the state is unknown.",
            "source",
            "outcome",
        )
        self.poller_unknown = self._gauge(
            "tocsin_poller_unknown", "1 while it is not known how a provider stands whose page is asked.", "integration"
        )
        self.mail_received = self._counter(
            "tocsin_mail_received",
            "Messages by what became of them: taken, quarantined, repeated, not-committed, throttled, rejected, wrong-recipient.",
            "transport",
            "outcome",
        )
        self.smtp_connections = self._gauge("tocsin_smtp_connections", "Connections to the mail server that are open.")
        self.mailbox_looks = self._counter(
            "tocsin_mailbox_looks", "Looks into mailboxes: read, or failed.", "integration", "outcome"
        )
        self.mailbox_failing = self._gauge("tocsin_mailbox_failing", "1 while a mailbox cannot be read.", "integration")
        self.incidents_opened = self._counter("tocsin_incidents_opened", "Incidents opened.", "kind")
        self.rungs_fired = self._counter(
            "tocsin_rungs_fired", "Rungs of escalation ladders that fired.", "rung", "reason"
        )
        self.obligations = self._counter(
            "tocsin_obligations", "Communication obligations: sent, late or waived.", "kind", "outcome"
        )
        self.resolutions = self._counter(
            "tocsin_resolutions", "Role references resolved to people, or why nobody was found.", "outcome"
        )
        self.oncall_doubts = self._gauge(
            "tocsin_oncall_doubts",
            "What is doubtful of the coming 14 days of schedules, by its kind: gaps, shifts of nobody, missing and unverified contacts.",
            "doubt",
        )
        self.verifications = self._counter(
            "tocsin_verifications", "Codes that verify contacts, asked for and given, by what came of it.", "reason"
        )
        self.attempts = self._counter(
            "tocsin_attempts", "Attempts to reach somebody, by their result.", "channel", "provider", "reason"
        )
        self.replies = self._counter("tocsin_replies", "Replies that people sent to a page.", "action")

    def _describe(self, kind: type[M], name: str, sentence: str, labels: tuple[str, ...]) -> None:
        shown = f"{name}_total" if issubclass(kind, Counter) else name
        self.described.append(Described(self._group, shown, kind.__name__.lower(), labels, sentence))

    def _counter(self, name: str, sentence: str, *labels: str) -> Counter:
        self._describe(Counter, name, sentence, labels)
        return Counter(name, sentence, labels, registry=self.registry)

    def _gauge(self, name: str, sentence: str, *labels: str) -> Gauge:
        self._describe(Gauge, name, sentence, labels)
        return Gauge(name, sentence, labels, registry=self.registry)

    def _histogram(self, name: str, sentence: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        self._describe(Histogram, name, sentence, labels)
        return Histogram(name, sentence, labels, registry=self.registry, buckets=buckets)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def render_docs() -> str:
    """The content of ``docs/metrics.md``."""
    lines = ["# Metrics", "", "Every service shows its own at `GET /metrics`, in Prometheus' text format."]
    lines += ["This page is generated: `python -m libs.common.docs`.", ""]
    group = ""
    for metric in Metrics().described:
        if metric.group != group:
            group = metric.group
            lines += ["", f"## {group}", "", "| metric | kind | labels | meaning |", "|---|---|---|---|"]
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.sentence} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
