"""Alerts with labels and annotations, as Prometheus, Alertmanager and Grafana send them: one trigger for each.

The status of each alert counts, never the group's: a firing group may contain resolved alerts. The fingerprint is a hash of
the alert's labels and stays the same from firing to resolved; senders of 2017 have none.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from libs.common.events.base import Category, Link, Severity
from libs.common.events.triggers import TriggerGroup
from services.intake.domain.dedup import bounded, hash_of_labels
from services.intake.domain.integration import Integration
from services.intake.domain.lapse import Lapse, lapse_of
from services.intake.domain.look import moment_of, text_of
from services.intake.domain.mapping import (
    SIBLINGS_LIMIT,
    TITLE_LIMIT,
    clean,
    clean_labels,
    first_of,
    instant,
    several,
    web_links,
)
from services.intake.domain.severity import severity_of
from services.intake.domain.trigger import ParsedTrigger, Reading, Refusal
from services.intake.sources.base import pointer_of, refusals_of
from services.intake.sources.common import CommonOptions

RUNBOOKS: Final = ("runbook_url", "runbook")
DASHBOARDS: Final = ("dashboard_url", "dashboard")


def _word(value: Any) -> Any:
    """A status however it is spelt; Grafana's own words for its states count too."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return {"alerting": "firing", "ok": "resolved", "normal": "resolved"}.get(word, word) or None


def _texts(value: Any) -> Any:
    """Labels with what programs leave empty, and what they say as yes or no."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    said = {name: one for name, one in value.items() if one is not None}
    return {name: text_of(one) if isinstance(one, bool) else one for name, one in said.items()}


def _notes(value: Any) -> Any:
    """As :func:`_texts`; what is no text is told as it is, since no annotation is worth an alarm."""
    said = _texts(value)
    if not isinstance(said, dict):
        return {}
    return {name: json.dumps(one) if isinstance(one, dict | list) else one for name, one in said.items()}


Status = Literal["firing", "resolved"]
Spelt = Annotated[Status | None, BeforeValidator(_word)]
"""A status as senders spell it; an empty one is none."""


def known_or_none(value: Any, known: Callable[[Any], Any]) -> Any:
    """A status of the whole body that nobody knows says nothing: each alert has its own."""
    try:
        return known(value)
    except ValueError:
        return None


Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""One name or several, the first that is there counts."""


class LabelOptions(CommonOptions):
    """Which labels say what; each takes one name or a list of which the first that an alert has counts."""

    service_label: Names = ("service", "job")
    tenant_label: Names = ("tenant",)
    tool_label: Names = ("tool",)
    severity_label: Names = ("severity",)
    category_label: Names = ("category",)


LabelT = TypeVar("LabelT", bound=LabelOptions)


class Alert(BaseModel):
    """One alert of a body. Grafana's have the addresses at the end."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    status: Spelt = None
    labels: Annotated[dict[str, str], BeforeValidator(_texts)] = Field(default_factory=dict)
    annotations: Annotated[dict[str, str], BeforeValidator(_notes)] = Field(default_factory=dict)
    startsAt: str | None = None  # noqa: N815 - the sender's spelling
    endsAt: str | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815
    fingerprint: str | None = None
    panelURL: str | None = None  # noqa: N815
    dashboardURL: str | None = None  # noqa: N815
    silenceURL: str | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class Around:
    """What the body says around its alerts."""

    status: Status | None = None
    """Counts for alerts that have none."""
    group_key: str = ""
    sender: tuple[str | None, str] = (None, "")
    """The sender's own page, and its name."""
    at: tuple[str, ...] = ("alerts",)
    """Where in the body the alerts are."""
    title: str = ""
    """What the group is called, for alerts that say nothing of themselves."""
    repeats: datetime | None = None
    """The time of arrival, where the sender repeats firing alerts, so that each is over at its end unless it is repeated."""


def read_alerts(raws: Sequence[Any], around: Around, integration: Integration[LabelT]) -> Reading:
    """The triggers of alerts, which are read one by one so that a broken one does not take the others along."""
    alerts: list[Alert] = []
    refusals: list[Refusal] = []
    for number, raw in enumerate(raws):
        found = _alert(raw, number, around)
        if isinstance(found, Alert):
            alerts.append(found)
        else:
            refusals.extend(found)
    siblings = _siblings(alerts)
    triggers = tuple(_trigger(alert, around, integration, siblings) for alert in alerts)
    return Reading(triggers=triggers, refusals=tuple(refusals))


def _alert(raw: Any, number: int, around: Around) -> Alert | Sequence[Refusal]:
    at: tuple[int | str, ...] = (*around.at, number)
    try:
        alert = Alert.model_validate(raw)
    except ValidationError as error:
        return refusals_of(error, at)
    if not alert.fingerprint and not alert.labels:
        sentence = "An alert without fingerprint needs labels: without either, nothing tells it from another."
        return (Refusal("missing-field", sentence, pointer_of(*at)),)
    if alert.status is None:
        if around.status is None:
            sentence = "The alert has no status: firing or resolved."
            return (Refusal("missing-field", sentence, pointer_of(*at, "status")),)
        alert.status = around.status
    return alert


def _dedup_key(alert: Alert) -> str:
    return bounded(clean(alert.fingerprint or "") or hash_of_labels(alert.labels))


def _siblings(alerts: Sequence[Alert]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_dedup_key(alert) for alert in alerts if alert.status == "firing"))


def _trigger(
    alert: Alert, around: Around, integration: Integration[LabelT], siblings: tuple[str, ...]
) -> ParsedTrigger:
    options, labels, annotations = integration.options, alert.labels, alert.annotations
    key, firing = _dedup_key(alert), alert.status != "resolved"
    service = first_of(labels, options.service_label)
    return ParsedTrigger(
        kind=integration.kind or "telemetry",
        status="firing" if firing else "resolved",
        dedup_key=key,
        title=clean(_title(annotations, labels) or around.title or key, TITLE_LIMIT),
        description=clean(annotations.get("description") or annotations.get("message") or ""),
        severity=_severity(alert, options),
        category=_category(first_of(labels, options.category_label)),
        service=(options.services.get(service, service) if service else options.service) or None,
        tool=first_of(labels, options.tool_label),
        tenants=several(first_of(labels, options.tenant_label)) or options.tenants,
        links=_links(alert, around),
        labels=clean_labels(labels),
        group=_group(around, key, siblings),
        started_at=instant(alert.startsAt),
        ended_at=None if firing else instant(alert.endsAt),
        lapse=None if around.repeats is None else _lapse(alert, key, around.repeats),
    )


def _lapse(alert: Alert, key: str, now: datetime) -> Lapse:
    """When the alert is over unless it is repeated, and the body that says so then: the alert itself, known by ``key``."""
    if alert.status == "resolved":
        return Lapse()
    words = {"startsAt": alert.startsAt, "endsAt": alert.endsAt, "generatorURL": alert.generatorURL}
    note = {
        "labels": {clean(name): clean(value) for name, value in alert.labels.items()},
        "annotations": {clean(name): clean(value) for name, value in alert.annotations.items()},
        **{name: clean(word) for name, word in words.items() if word},
        "fingerprint": key,
    }
    return lapse_of(moment_of(alert.endsAt), [note], now)


def _title(annotations: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """The line that names the alert: what its author wrote, else the name of its rule.

    Where Grafana cannot ask the data source, the rule's name stands in ``rulename``, and ``alertname`` says what is wrong.
    """
    name = ": ".join(filter(None, [labels.get("rulename", "").strip(), labels.get("alertname", "").strip()]))
    for text in (annotations.get("summary"), annotations.get("title"), name):
        if text and text.strip():
            return text
    return ""


def _severity(alert: Alert, options: LabelOptions) -> Severity:
    word = first_of(alert.labels, options.severity_label) or first_of(alert.annotations, options.severity_label)
    return severity_of(word, options.default_severity)


def _category(word: str | None) -> Category | None:
    """The category that a label names, if it is one of Tocsin's."""
    return next((category for category in get_args(Category) if category == word), None)


def _links(alert: Alert, around: Around) -> tuple[Link, ...]:
    return web_links(
        (
            (alert.panelURL, "Panel"),
            (alert.dashboardURL, "Dashboard"),
            (alert.generatorURL, "Source"),
            (first_of(alert.annotations, RUNBOOKS), "Runbook"),
            (first_of(alert.annotations, DASHBOARDS), "Dashboard"),
            (alert.silenceURL, "Silence"),
            around.sender,
        )
    )


def _group(around: Around, key: str, siblings: tuple[str, ...]) -> TriggerGroup:
    """The group of an alert. Its siblings are bounded, and its own key is always among those of a firing alert."""
    if len(siblings) <= SIBLINGS_LIMIT:
        bounded_siblings = siblings
    else:
        bounded_siblings = siblings[:SIBLINGS_LIMIT]
        if key in siblings and key not in bounded_siblings:
            bounded_siblings = (*bounded_siblings[:-1], key)
    return TriggerGroup(key=bounded(clean(around.group_key)), siblings=bounded_siblings)
