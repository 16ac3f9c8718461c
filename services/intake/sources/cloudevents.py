"""CloudEvents 1.0 over HTTP: structured, binary and batch (https://github.com/cloudevents/spec, http-protocol-binding)."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from services.intake.domain.look import Look
from services.intake.domain.trigger import Reading, Refusal
from services.intake.sources.base import Arrival, CannotRead, Source, json_of
from services.intake.sources.common import COMMON, CommonOptions, Part, Told, gathered, needed, refused, trigger_of

STRUCTURED: Final = "application/cloudevents"
BATCH: Final = "application/cloudevents-batch"
OVER: Final = frozenset({"resolved", "recovered", "closed", "ok", "up", "cleared", "succeeded", "fixed", "normal"})


def read(arrival: Arrival[CommonOptions]) -> Reading:
    """The triggers of a body: one, or as many as the batch has."""
    media = arrival.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if "ce-specversion" in arrival.headers and not media.startswith(STRUCTURED):
            return gathered([Look(_binary(arrival, media))], _one, arrival)
        value = json_of(arrival.headers, arrival.body)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    if isinstance(value, list):
        return gathered(Look(value).each(), _one, arrival)
    if media.startswith(BATCH):
        return Reading(refusals=(Refusal("wrong-shape", "A batch should be a JSON array of events."),))
    return gathered([Look(value)], _one, arrival)


def _binary(arrival: Arrival[CommonOptions], media: str) -> dict[str, Any]:
    """The event of a binary message: attributes from the headers, data from the body."""
    event: dict[str, Any] = {
        name.removeprefix("ce-"): _decoded(value) for name, value in arrival.headers.items() if name.startswith("ce-")
    }
    if arrival.body and (not media or media.endswith("json")):
        event["data"] = json_of(arrival.headers, arrival.body)
    elif arrival.body:
        event["data"] = arrival.body.decode("utf-8", "replace")
    return event


def _decoded(value: str) -> str:
    """The text of a header: triplets are decoded, and raw UTF-8, which some senders put there, is read as such."""
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeError:
        return value


def _one(event: Look, arrival: Arrival[CommonOptions]) -> Part:
    if not event.is_object():
        raise refused("wrong-shape", "An event should be a JSON object.", event)
    if not event.text("specversion").startswith("1."):
        raise refused("invalid-field", "The event should have a specversion of 1.0.", event.at("specversion"))
    kind, source = needed(event, "type"), needed(event, "source")
    number = needed(event, "id")
    data = _data(event)
    subject = event.text("subject")
    status = data.text("status", "state").lower() or kind.lower().rpartition(".")[2]
    told = Told(
        key=data.text("alertId", "alert_id", "dedup_key") or subject or f"{source} {number}",
        firing=status not in OVER,
        title=data.text("summary", "title", "message") or " ".join(filter(None, [kind, subject])),
        description=data.text("description", "message") or (data.value if isinstance(data.value, str) else ""),
        severity=event.text("severity") or data.text("severity"),
        services=data.texts("service", "services") or filter(None, [subject.partition("/")[0] or source]),
        tenants=data.texts("tenant", "tenants"),
        links=[(data.text("link", "url"), "Source"), (source, "Sender")],
        labels={**event.facts("extensions"), "type": kind, "source": source, "subject": subject, "event": number},
        started_at=event.moment("time"),
        ended_at=event.moment("time"),
    )
    return replace(trigger_of(told, arrival), once=f"{source}\n{number}")


def _data(event: Look) -> Look:
    """The data of an event, whichever way it is given."""
    encoded = event.at("data_base64").value
    if isinstance(encoded, str):
        try:
            return Look({"data": base64.b64decode(encoded).decode()}).opened("data")
        except ValueError as error:
            raise refused("invalid-field", "This is no base64 of a text.", event.at("data_base64")) from error
    return event.opened("data")


def granted(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The answer's headers to a sender that asks by ``OPTIONS`` whether it may send (http-webhook, 4); ``None``: it does not ask."""
    origin = headers.get("webhook-request-origin", "").strip()
    if not origin:
        return None
    return {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": headers.get("webhook-request-rate", "*") or "*"}


DOCS = f"""
Every sender of [CloudEvents](https://cloudevents.io) 1.0 over HTTP: structured and binary mode, and batches.

## Set it up

Let the sender post to `https://intake.example.org/v1/hooks/cloudevents/YOUR-KEY`, or to `…/v1/hooks/cloudevents` with `Authorization: Bearer YOUR-KEY` or
`?access_token=YOUR-KEY`. Senders that first ask with `OPTIONS` and `WebHook-Request-Origin`, such as Azure Event Grid, are granted.

```sh
curl https://intake.example.org/v1/hooks/cloudevents/YOUR-KEY -H "Content-Type: application/json" \\
  -H "ce-specversion: 1.0" -H "ce-id: 1" -H "ce-source: /approvals" -H "ce-type: org.example.alert.firing" -H "ce-subject: approvals/queue" \\
  -d '{{"summary": "The approval queue is stuck", "severity": "critical"}}'
```

## What is read

| Tocsin | from the event |
|---|---|
| dedup key | `data.alertId` or `data.dedup_key`, else `subject`, else `source` and `id` |
| status | `data.status`, else the last word of `type`: resolved, recovered, closed, ok, up resolve; everything else fires |
| title | `data.summary`, `data.title` or `data.message`, else type and subject |
| severity | the extension `severity`, else `data.severity` |
| service, tenants | `data.service`, `data.tenant`; else the part of `subject` before the first `/`, else `source` |
| link | `data.link` or `data.url` |
| started | `time` |

An event is known by its `source` and `id`, which together are no other's: one that comes again, alone or in a batch, is not taken twice. A body
that has nothing else is answered with 200.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "01J9-1",
    "source": "/approvals",
    "type": "org.example.alert.firing",
    "subject": "approvals/queue",
    "time": "2026-03-02T09:15:00Z",
    "datacontenttype": "application/json",
    "data": {
        "status": "firing",
        "severity": "critical",
        "service": "approvals",
        "summary": "The approval queue has not moved for 12 minutes",
        "link": "https://dashboards.example.org/approvals",
    },
}

SOURCE: Final = Source(
    name="cloudevents",
    title="CloudEvents",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=read,
    throttled=429,
    greeting=granted,
)
