"""Prometheus itself, without an Alertmanager between: it posts arrays to ``…/api/v2/alerts``, as it would to Alertmanager."""

from collections.abc import Mapping
from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading, Refusal
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import COMMON, value_of
from services.intake.sources.labelled import Around, LabelOptions, read_alerts


def read(arrival: Arrival[LabelOptions]) -> Reading:
    """The triggers of a body: one for each alert in the array."""
    try:
        look = value_of(arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    if not isinstance(look.value, list):
        return Reading(refusals=(Refusal("wrong-shape", "The body should be a JSON array of alerts."),))
    raws = [_with_status(alert, arrival) for alert in look.each()]
    return read_alerts(raws, Around(at=(), repeats=arrival.now), arrival.integration)


def _with_status(alert: Look, arrival: Arrival[LabelOptions]) -> Any:
    """The alert with the status that its end tells: firing alerts end in the future, or have no end yet."""
    if not isinstance(alert.value, Mapping):
        return alert.value
    ends = alert.moment("endsAt")
    return {**alert.value, "status": "resolved" if ends is not None and ends <= arrival.now else "firing"}


DOCS = f"""
For a Prometheus without an Alertmanager: Tocsin takes its alerts as an Alertmanager would, at `…/api/v2/alerts`. `amtool alert add` works too.

## Set it up

```yaml
alerting:
  alertmanagers:
    - scheme: https
      path_prefix: /v1/hooks/prometheus/YOUR-KEY
      static_configs:
        - targets: [intake.example.org]
```

To keep the key out of the address, `path_prefix: /v1/hooks/prometheus` with `authorization: {{credentials_file: /etc/prometheus/tocsin.key}}`.

```sh
amtool alert add QueueStuck service=approvals severity=critical \\
  --alertmanager.url=https://intake.example.org/v1/hooks/prometheus/YOUR-KEY
```

## What is read

As with [Alertmanager](alertmanager.md), with two differences: the dedup key is a hash of the labels, since Prometheus sends no fingerprint; and
an alert fires while `endsAt` lies ahead or is missing, and is resolved once it lies behind. Prometheus sends every firing alert again each
minute; that attaches to the open incident and pages nobody. The answer is 200.

An alert that is merely not sent any more (its rule is gone, or Prometheus is) is resolved at its `endsAt`, which Prometheus puts four of its own intervals
ahead each time. One without `endsAt`, as `amtool` sends it unless it is given `--end`, stays open until somebody resolves it. Where Tocsin itself was
away at that time, it waits once more, as long as the sender gave itself, one to five minutes.

## Options

Those of [Alertmanager](alertmanager.md). {COMMON}
"""

EXAMPLE: Final[list[dict[str, Any]]] = [
    {
        "labels": {"alertname": "QueueStuck", "service": "approvals", "severity": "critical"},
        "annotations": {"summary": "The approval queue has not moved for 12 minutes"},
        "startsAt": "2026-03-02T09:11:00Z",
        "endsAt": "2026-03-02T09:19:00Z",
        "generatorURL": "https://prometheus.example.org/graph?g0.expr=approvals_moved",
    }
]

SOURCE: Final = Source(
    name="prometheus",
    title="Prometheus, directly",
    kind="telemetry",
    docs=DOCS,
    options=LabelOptions,
    example=EXAMPLE,
    read=read,
    accepted=200,
    suffix="/api/v2/alerts",
)
