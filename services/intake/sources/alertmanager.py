"""Prometheus Alertmanager: the webhook of version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config)."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, WrapValidator

from services.intake.domain.mapping import clean
from services.intake.domain.trigger import Reading, refuse
from services.intake.sources.base import Arrival, CannotRead, Source, json_of, refusals_of
from services.intake.sources.labelled import Around, LabelOptions, Spelt, known_or_none, read_alerts

VERSION: Final = "4"


class Webhook(BaseModel):
    """The body around the alerts."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    version: str = VERSION
    status: Annotated[Spelt, WrapValidator(known_or_none)] = None
    alerts: list[Any]
    groupKey: str | None = None  # noqa: N815 - the sender's spelling
    externalURL: str | None = None  # noqa: N815


def read(arrival: Arrival[LabelOptions]) -> Reading:
    """The triggers of a body: one for each alert in it."""
    try:
        webhook = Webhook.model_validate(json_of(arrival.headers, arrival.body))
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    except ValidationError as error:
        return Reading(refusals=refusals_of(error))
    if webhook.version != VERSION:
        return refuse("other-version", _other_version(webhook.version), "#/version")
    around = Around(webhook.status, webhook.groupKey or "", (webhook.externalURL, "Alertmanager"))
    return read_alerts(webhook.alerts, around, arrival.integration)


def _other_version(version: str) -> str:
    hint = " Grafana sends version 1: use the source grafana." if version == "1" else ""
    return f"The body says that it is version {clean(version, 40)!r} of the webhook; this source reads version 4.{hint}"


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
    options=LabelOptions,
    example=EXAMPLE,
    read=read,
)
