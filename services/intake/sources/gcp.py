"""Google Cloud Monitoring: the webhook notification channel, versions 1.1 and 1.2."""

from base64 import b64decode
from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    ignored,
    needed,
    reads_one,
    refused,
    trigger_of,
)


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    if isinstance(look.at("message.data").value, str):
        look = _pushed(look)
    incident = look.at("incident")
    if look.text("version").lower() == "test":
        return ignored("test", "Google's test of the notification channel; it opens nothing.", look.at("version"))
    if not incident.is_object():
        raise refused("wrong-shape", "The body needs an incident.", incident)
    labels = incident.facts("policy_user_labels", "resource.labels", "metric.labels")
    own = incident.facts("policy_user_labels")
    told = Told(
        key=needed(incident, "incident_id"),
        firing=incident.text("state").lower() != "closed",
        title=incident.text("summary", "condition_name", "policy_name"),
        description=incident.text("documentation.content"),
        severity=incident.text("severity") or own.get("severity", ""),
        services=filter(
            None, [own.get("service") or incident.text("resource_name", "resource_display_name", "resource_id")]
        ),
        tenants=filter(None, [own.get("tenant")]),
        links=[(incident.text("url"), "Incident"), *_documents(incident)],
        labels={**labels, "policy": incident.text("policy_name"), "condition": incident.text("condition_name")},
        started_at=incident.moment("started_at"),
        ended_at=incident.moment("ended_at"),
    )
    return trigger_of(told, arrival)


def _pushed(look: Look) -> Look:
    """The notification in a message that Pub/Sub pushes."""
    try:
        return Look({"data": b64decode(look.text("message.data"), validate=True).decode()}).opened("data")
    except ValueError as error:
        raise refused("invalid-field", "This is no base64 of a notification.", look.at("message.data")) from error


def _documents(incident: Look) -> list[tuple[str, str]]:
    return [(link.text("url"), link.text("displayName")) for link in incident.each("documentation.links")]


DOCS = f"""
Cloud Monitoring posts an incident as it opens and as it closes.

## Set it up

*Monitoring → Alerting → Edit notification channels → Webhooks → Add new*, endpoint URL
`https://intake.example.org/v1/hooks/gcp/YOUR-KEY`. With *Use HTTP Basic Auth* any user name and the key as the password do as well, and the address
ends in `/v1/hooks/gcp`. Then choose the channel in alerting policies. *Test connection* opens nothing.
A channel of *Pub/Sub* does as well: give its topic a push subscription with that address as its endpoint.

## What is read

| Tocsin | from `incident` |
|---|---|
| dedup key | `incident_id` |
| status | `state`: closed resolves |
| title | `summary`, else the condition's or the policy's name |
| description | `documentation.content` |
| severity | `severity`, else the policy's user label `severity` |
| service, tenants | the policy's user labels `service` and `tenant`, else `resource_name` |
| links | `url`, the documentation's links |
| started, ended | `started_at`, `ended_at`, in seconds since 1970 |

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "version": "1.2",
    "incident": {
        "incident_id": "0.n0q7k3",
        "state": "open",
        "started_at": 1772442900,
        "ended_at": None,
        "severity": "Critical",
        "policy_name": "Approval queue",
        "condition_name": "Queue stuck",
        "policy_user_labels": {"service": "approvals"},
        "resource_name": "approvals-queue",
        "summary": "The approval queue has not moved for 12 minutes",
        "url": "https://console.cloud.example/monitoring/alerting/incidents/0.n0q7k3",
        "documentation": {"content": "1,204 approvals are waiting.", "mime_type": "text/markdown"},
    },
}

SOURCE: Final = Source(
    name="gcp",
    title="Google Cloud Monitoring",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
