"""Grafana: the webhook contact point of unified alerting (version 8 and later), and the one of legacy alerting."""

from typing import Any, Final

from pydantic import ValidationError

from services.intake.domain.look import Look
from services.intake.domain.mapping import clean
from services.intake.domain.trigger import Ignored, Reading, Refusal
from services.intake.sources.alertmanager import Webhook
from services.intake.sources.base import Arrival, CannotRead, Source, refusals_of
from services.intake.sources.common import COMMON, Part, Told, gathered, ignored, needed, trigger_of, value_of
from services.intake.sources.labelled import Around, LabelOptions, Names, read_alerts

TEST_LABELS: Final = {"alertname": "TestAlert", "instance": "Grafana"}
"""What the alert of Grafana's test button carries."""


class GrafanaOptions(LabelOptions):
    """As Alertmanager's; where no label names a service, the folder of the rule does."""

    service_label: Names = ("service", "job", "instance", "grafana_folder")


def read(arrival: Arrival[GrafanaOptions]) -> Reading:
    """The triggers of a body: of unified alerting one for each alert in it, of legacy alerting one for its rule."""
    try:
        look = value_of(arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    if not look.is_object():
        return Reading(refusals=(Refusal("wrong-shape", "The body should be a JSON object."),))
    if "alerts" not in look.value:
        return gathered([look], _legacy, arrival)
    try:
        webhook = Webhook.model_validate(look.value)
    except ValidationError as error:
        return Reading(refusals=refusals_of(error))
    tests = [_is_test(alert) for alert in look.each("alerts")]
    if tests and all(tests):
        return Reading(ignored=(Ignored("test", "Grafana's test button; it opens nothing."),))
    named = look.text("commonLabels.alertname", "groupLabels.alertname")
    around = Around(webhook.status, webhook.groupKey or "", (webhook.externalURL, "Grafana"), title=clean(named))
    return read_alerts(webhook.alerts, around, arrival.integration)


def _is_test(alert: Look) -> bool:
    return all(alert.text(f"labels.{name}").lower() == value.lower() for name, value in TEST_LABELS.items())


def _legacy(look: Look, arrival: Arrival[GrafanaOptions]) -> Part:
    state = needed(look, "state").lower()
    title = look.text("ruleName", "title")
    if look.text("ruleId") in ("", "0") and "test notification" in look.text("title", "ruleName").lower():
        return ignored("test", "Grafana's test button; it opens nothing.")
    if state in ("paused", "pending"):
        return ignored("no-news", f"The rule is {state}; it opens nothing.", look.at("state"))
    tags = look.facts("tags")
    told = Told(
        key=needed(look, "ruleId", "ruleName"),
        firing=state != "ok",
        title=title,
        description=look.text("message"),
        severity=tags.get("severity", ""),
        services=filter(None, [tags.get("service")]),
        links=[(look.text("ruleUrl"), "Rule"), (look.text("imageUrl"), "Picture")],
        labels={**tags, "state": state},
    )
    return trigger_of(told, arrival)


DOCS = f"""
Grafana posts its alerts as they fire and resolve; each alert becomes one trigger. Bodies of unified alerting (Grafana 8 and later) and of
legacy alerting are both read.

## Set it up

In Grafana, *Alerting → Contact points → Add contact point*, integration **Webhook**:

- URL: `https://intake.example.org/v1/hooks/grafana/YOUR-KEY`, method `POST`;
- or without the key in the URL, with *Authorization Header*: scheme `Bearer`, credentials `YOUR-KEY`.

Then let a notification policy use the contact point. *Test* sends an alert named `TestAlert`: it is answered and opens nothing.

Grafana 12 can sign bodies with HMAC; put the secret under `verify` (see the overview).

## What is read

As with [Alertmanager](alertmanager.md), with `panelURL`, `dashboardURL` and `silenceURL` as further links, and the label `grafana_folder` for the
service where none of `service`, `job` and `instance` names one. `values` may be null.

Of a legacy body: `ruleId` is the dedup key, `state` the status (`ok` resolves; `alerting` and `no_data` fire; `paused` and `pending` open nothing),
`ruleName` the title, `message` the description, `tags.severity`, `tags.service`, `ruleUrl` the link.

## Options

Those of [Alertmanager](alertmanager.md). {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "receiver": "tocsin",
    "status": "firing",
    "orgId": 1,
    "version": "1",
    "groupKey": '{}/{team="approvals"}:{alertname="QueueStuck"}',
    "externalURL": "https://grafana.example.org/",
    "title": "[FIRING:1] QueueStuck",
    "state": "alerting",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "QueueStuck", "service": "approvals", "severity": "critical"},
            "annotations": {"summary": "The approval queue has not moved for 12 minutes"},
            "startsAt": "2026-03-02T09:15:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://grafana.example.org/alerting/grafana/q1/view",
            "fingerprint": "0d3c5b7a91e2f486",
            "panelURL": "https://grafana.example.org/d/q?viewPanel=2",
            "values": None,
        }
    ],
}

SOURCE: Final = Source(
    name="grafana",
    title="Grafana",
    kind="telemetry",
    docs=DOCS,
    options=GrafanaOptions,
    example=EXAMPLE,
    read=read,
)
