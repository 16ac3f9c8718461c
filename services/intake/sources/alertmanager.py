"""Prometheus Alertmanager: the webhook of version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).

The status of each alert counts, never the group's: a firing group may contain resolved alerts. The fingerprint is a hash of
the alert's labels and stays the same from firing to resolved; senders of 2017 have none.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from libs.common.events.base import Category, Link, Severity
from libs.common.events.triggers import TriggerGroup
from services.intake.domain.dedup import bounded, hash_of_labels
from services.intake.domain.integration import Integration, SourceOptions
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
from services.intake.domain.trigger import ParsedTrigger, Reading, Refusal, refuse
from services.intake.sources.base import CannotRead, Source, json_of, refusals_of

VERSION: Final = "4"
RUNBOOKS: Final = ("runbook_url", "runbook")
DASHBOARDS: Final = ("dashboard_url", "dashboard")

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""One name or several, the first that is there counts."""


class AlertmanagerOptions(SourceOptions):
    """Which labels say what; each takes one name or a list of which the first that an alert has counts."""

    service_label: Names = ("service", "job")
    tenant_label: Names = ("tenant",)
    tool_label: Names = ("tool",)
    severity_label: Names = ("severity",)
    category_label: Names = ("category",)
    services: dict[str, str] = Field(default_factory=dict)
    """From a label's value to the id of the service that it means; what is not listed is taken as it is."""
    default_severity: Severity = "critical"


class Alert(BaseModel):
    """One alert of the body."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    status: Literal["firing", "resolved"] | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    startsAt: str | None = None  # noqa: N815 - the sender's spelling
    endsAt: str | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815
    fingerprint: str | None = None


class Webhook(BaseModel):
    """The body around the alerts, which are read one by one so that a broken one does not take the others along."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    version: str = VERSION
    status: Literal["firing", "resolved"] | None = None
    alerts: list[Any]
    groupKey: str | None = None  # noqa: N815
    externalURL: str | None = None  # noqa: N815


def read(headers: Mapping[str, str], body: bytes, integration: Integration[AlertmanagerOptions]) -> Reading:
    """The triggers of a body: one for each alert in it."""
    try:
        webhook = Webhook.model_validate(json_of(headers, body))
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    except ValidationError as error:
        return Reading(refusals=refusals_of(error))
    if webhook.version != VERSION:
        return refuse("other-version", _other_version(webhook.version), "#/version")
    alerts: list[Alert] = []
    refusals: list[Refusal] = []
    for number, raw in enumerate(webhook.alerts):
        found = _alert(raw, number, webhook)
        if isinstance(found, Alert):
            alerts.append(found)
        else:
            refusals.extend(found)
    siblings = _siblings(alerts)
    triggers = tuple(_trigger(alert, webhook, integration, siblings) for alert in alerts)
    return Reading(triggers=triggers, refusals=tuple(refusals))


def _other_version(version: str) -> str:
    hint = " Grafana sends version 1." if version == "1" else ""
    return f"The body says that it is version {clean(version, 40)!r} of the webhook; this source reads version 4.{hint}"


def _alert(raw: Any, number: int, webhook: Webhook) -> Alert | Sequence[Refusal]:
    at = ("alerts", number)
    try:
        alert = Alert.model_validate(raw)
    except ValidationError as error:
        return refusals_of(error, at)
    pointer = f"#/alerts/{number}"
    if not alert.fingerprint and not alert.labels:
        sentence = "An alert without fingerprint needs labels: without either, nothing tells it from another."
        return (Refusal("missing-field", sentence, pointer),)
    if alert.status is None:
        if webhook.status is None:
            return (Refusal("missing-field", "The alert has no status: firing or resolved.", f"{pointer}/status"),)
        alert.status = webhook.status
    return alert


def _dedup_key(alert: Alert) -> str:
    return bounded(clean(alert.fingerprint or "") or hash_of_labels(alert.labels))


def _siblings(alerts: Sequence[Alert]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_dedup_key(alert) for alert in alerts if alert.status == "firing"))


def _trigger(
    alert: Alert, webhook: Webhook, integration: Integration[AlertmanagerOptions], siblings: tuple[str, ...]
) -> ParsedTrigger:
    options, labels, annotations = integration.options, alert.labels, alert.annotations
    key, firing = _dedup_key(alert), alert.status != "resolved"
    service = first_of(labels, options.service_label)
    return ParsedTrigger(
        kind=integration.kind or "telemetry",
        status="firing" if firing else "resolved",
        dedup_key=key,
        title=clean(first_of_texts(annotations, labels) or key, TITLE_LIMIT),
        description=clean(annotations.get("description") or annotations.get("message") or ""),
        severity=_severity(alert, options),
        category=_category(first_of(labels, options.category_label)),
        service=options.services.get(service, service) if service else None,
        tool=first_of(labels, options.tool_label),
        tenants=several(first_of(labels, options.tenant_label)),
        links=_links(alert, webhook),
        labels=clean_labels(labels),
        group=_group(webhook, key, siblings),
        started_at=instant(alert.startsAt),
        ended_at=None if firing else instant(alert.endsAt),
    )


def first_of_texts(annotations: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """The line that names the alert: what its author wrote, else the name of its rule."""
    for text in (annotations.get("summary"), annotations.get("title"), labels.get("alertname")):
        if text and text.strip():
            return text
    return ""


def _severity(alert: Alert, options: AlertmanagerOptions) -> Severity:
    word = first_of(alert.labels, options.severity_label) or first_of(alert.annotations, options.severity_label)
    return severity_of(word, options.default_severity)


def _category(word: str | None) -> Category | None:
    """The category that a label names, if it is one of Tocsin's."""
    return next((category for category in get_args(Category) if category == word), None)


def _links(alert: Alert, webhook: Webhook) -> tuple[Link, ...]:
    return web_links(
        (
            (alert.generatorURL, "Source"),
            (first_of(alert.annotations, RUNBOOKS), "Runbook"),
            (first_of(alert.annotations, DASHBOARDS), "Dashboard"),
            (webhook.externalURL, "Alertmanager"),
        )
    )


def _group(webhook: Webhook, key: str, siblings: tuple[str, ...]) -> TriggerGroup | None:
    """The group of an alert. Its siblings are bounded, and its own key is always among those of a firing alert."""
    if len(siblings) <= SIBLINGS_LIMIT:
        bounded_siblings = siblings
    else:
        bounded_siblings = siblings[:SIBLINGS_LIMIT]
        if key in siblings and key not in bounded_siblings:
            bounded_siblings = (*bounded_siblings[:-1], key)
    return TriggerGroup(key=bounded(clean(webhook.groupKey or "")), siblings=bounded_siblings)


DOCS = """
Alertmanager posts its groups of alerts as they fire and resolve; each alert becomes one trigger.

## Set it up

Give Alertmanager a receiver and a route to it:

```yaml
route:
  receiver: tocsin
receivers:
  - name: tocsin
    webhook_configs:
      - url: https://intake.example.org/v1/hooks/alertmanager/YOUR-KEY
        send_resolved: true
```

To keep the key out of the address, leave it away there and send it as a header:

```yaml
      - url: https://intake.example.org/v1/hooks/alertmanager
        http_config:
          authorization: {credentials_file: /etc/alertmanager/tocsin.key}
```

Try it without Alertmanager:

```sh
curl -d @alert.json https://intake.example.org/v1/hooks/alertmanager/YOUR-KEY
```

## What is read

| Tocsin | from the body |
|---|---|
| status | `alerts[].status` of each alert, never the group's |
| dedup key | `fingerprint`, else a hash of the labels |
| title | annotation `summary`, else `title`, else label `alertname` |
| description | annotation `description`, else `message` |
| severity | label `severity`: critical, page, error, warning, info, none and the usual other words; an unknown word is critical |
| service | label `service`, else `job` |
| tenants | label `tenant`; several with commas |
| tool, category | labels `tool`, `category` |
| links | `generatorURL`, annotations `runbook_url` and `dashboard_url`, `externalURL` |
| group | `groupKey`, with the dedup keys of the firing alerts in the same body |
| started, ended | `startsAt`, `endsAt`; the zero time `0001-01-01` is none |

A body without alerts is understood and opens nothing. The same body again attaches to the incident that is open and pages nobody.

## Options

`service_label`, `tenant_label`, `tool_label`, `severity_label`, `category_label`: another label, or a list of which the first that
an alert has counts. `services`: from a label's value to a service's id. `default_severity`: where the label is missing or unknown.

```yaml
integrations:
  - id: alertmanager
    name: Alertmanager
    source: alertmanager
    options:
      service_label: [app, service, job]
      services: {checkout-api: checkout}
    key: {env: TOCSIN_KEY_ALERTMANAGER}
```

## When something is wrong

Alertmanager tries again after a 5xx and drops the body after any other refusal. So Tocsin answers 503 while it cannot commit, and keeps a
body that it cannot understand in quarantine before it answers 400 or 422. If only some alerts are broken, the others count: the
answer is 202 with `problems`.
"""

EXAMPLE: Final[dict[str, Any]] = {
    "version": "4",
    "groupKey": '{}:{alertname="QueueStuck"}',
    "status": "firing",
    "receiver": "tocsin",
    "groupLabels": {"alertname": "QueueStuck"},
    "commonLabels": {"alertname": "QueueStuck"},
    "commonAnnotations": {},
    "externalURL": "https://alertmanager.example.org",
    "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "QueueStuck",
                "service": "approvals",
                "severity": "critical",
                "tenant": "northwind",
            },
            "annotations": {
                "summary": "The approval queue has not moved for 12 minutes",
                "description": "1,204 approvals are waiting.",
                "runbook_url": "https://runbooks.example.org/approvals/queue",
            },
            "startsAt": "2026-03-02T09:15:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.org/graph?g0.expr=approvals_moved",
            "fingerprint": "6f2b0c9d41e7a835",
        }
    ],
}

SOURCE: Final = Source(
    name="alertmanager",
    title="Prometheus Alertmanager",
    kind="telemetry",
    docs=DOCS,
    options=AlertmanagerOptions,
    example=EXAMPLE,
    read=read,
)
