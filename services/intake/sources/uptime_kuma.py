"""Uptime Kuma: the webhook notification, versions 1 and 2. Its test button, and notices about certificates, have no heartbeat."""

import re
from typing import Any, Final

from services.intake.domain.dedup import hash_of_words
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

EXPIRY: Final = re.compile(r"\bwill (?:be expired|expire) in \d+ days?\b", re.IGNORECASE)
PASSED_OVER: Final = {"2": "pending", "3": "under maintenance"}


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    look = look.opened("data") if look.opened("data").is_object() else look
    heartbeat, monitor, message = look.at("heartbeat"), look.at("monitor"), look.text("msg")
    if not heartbeat.is_object():
        return _without_heartbeat(look, message, arrival)
    state = needed(heartbeat, "status")
    name = monitor.text("pathName", "name")
    if state in PASSED_OVER:
        return ignored("no-news", f"{name} is {PASSED_OVER[state]}; that opens nothing.", heartbeat.at("status"))
    tags = {tag: each.text("value") or "true" for each in monitor.each("tags") if (tag := each.text("name"))}
    told = Told(
        key=monitor.text("id") or needed(heartbeat, "monitorID"),
        firing=state != "1",
        title=message or f"{name}: {heartbeat.text('msg')}",
        description=" ".join(filter(None, [monitor.text("description"), heartbeat.text("msg")])),
        severity=tags.get("severity", ""),
        services=filter(None, [tags.get("service") or monitor.text("name")]),
        tenants=filter(None, [tags.get("tenant")]),
        links=[(monitor.text("url"), "What is watched")],
        labels={**tags, "type": monitor.text("type"), "monitor": name},
        started_at=heartbeat.moment("time"),
        ended_at=heartbeat.moment("time"),
    )
    return trigger_of(told, arrival)


def _without_heartbeat(look: Look, message: str, arrival: Arrival[CommonOptions]) -> Part:
    if EXPIRY.search(message):
        key = hash_of_words("expiry", [EXPIRY.sub("", message)])
        return trigger_of(Told(key=key, firing=True, title=message, severity="warning"), arrival)
    if message and "testing" not in message.lower():
        raise refused(
            "wrong-shape", "A notice of Uptime Kuma that is neither its test button nor an expiry.", look.at("msg")
        )
    if "heartbeat" in look.value or message:
        return ignored("test", "Uptime Kuma's test button: a body without heartbeat. It opens nothing.")
    raise refused("wrong-shape", "The body has no heartbeat and no msg, as Uptime Kuma's have.", look.at("heartbeat"))


DOCS = f"""
Uptime Kuma posts when a monitor goes down or up again.

## Set it up

*Settings → Notifications → Setup Notification*, type **Webhook**:

- Post URL: `https://intake.example.org/v1/hooks/uptime_kuma/YOUR-KEY`, request body *Preset - application/json*;
- or without the key in the URL, with *Additional Headers* `{{"Authorization": "Bearer YOUR-KEY"}}`.

*Test* is answered with 200 and opens nothing.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `monitor.id`; give each Uptime Kuma an integration of its own, since their ids are the same |
| status | `heartbeat.status`: 0 fires, 1 resolves, 2 (pending) and 3 (maintenance) open nothing |
| title | `msg` |
| service, tenants, severity | tags `service`, `tenant` and `severity` of the monitor, else its name |
| link | `monitor.url` |
| started | `heartbeat.time`, in UTC |

A certificate or a domain that will expire fires as a warning and is resolved by hand: Uptime Kuma never says that it was renewed.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "heartbeat": {"monitorID": 7, "status": 0, "time": "2026-03-02 09:15:00.123", "msg": "timeout of 48000ms exceeded"},
    "monitor": {
        "id": 7,
        "name": "Approvals",
        "url": "https://approvals.example.org/healthz",
        "type": "http",
        "tags": [{"name": "tenant", "value": "northwind"}],
    },
    "msg": "[Approvals] [🔴 Down] timeout of 48000ms exceeded",
}

SOURCE: Final = Source(
    name="uptime_kuma",
    title="Uptime Kuma",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
