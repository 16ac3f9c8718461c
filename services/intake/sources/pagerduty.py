"""PagerDuty: events of its Events API v2 and v1, and change events. What is refused is told in PagerDuty's own words."""

from typing import Any, Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.drop_in import ALIAS, CALL
from services.intake.domain.look import Look
from services.intake.domain.mapping import NAME_LIMIT, TEXT_LIMIT, TITLE_LIMIT, clean
from services.intake.domain.trigger import Reading, Refusal, Remark
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Told,
    ignored,
    refused,
    trigger_of,
    value_of,
)

KEY_LIMIT: Final = 255
SEVERITIES: Final = ("critical", "error", "warning", "info")
ACTIONS: Final = ("trigger", "acknowledge", "resolve")


def read(arrival: Arrival[CommonOptions]) -> Reading:
    """The trigger, the acknowledgement or the change that a body tells."""
    try:
        look = _object(arrival)
        if arrival.headers.get(CALL) == "change":
            return _change(look)
        return _event(look, arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))


def _object(arrival: Arrival[CommonOptions]) -> Look:
    look = value_of(arrival)
    if not look.is_object():
        raise CannotRead(Refusal("wrong-shape", "The event should be a JSON object."))
    return look


def _change(look: Look) -> Reading:
    summary = look.text("payload.summary")
    if not summary:
        raise refused("missing-field", "'payload.summary' is missing or blank", look.at("payload.summary"))
    return Reading(ignored=(ignored("change", f"A change: {summary}. It is kept and opens nothing."),))


def _event(look: Look, arrival: Arrival[CommonOptions]) -> Reading:
    first = look.at("event_action").value is None and look.at("event_type").value is not None
    named, wanted = ("event_type", "incident_key") if first else ("event_action", "dedup_key")
    action, key = look.text(named), look.text(wanted)
    if not action:
        raise refused("missing-field", f"'{named}' is missing or blank", look.at(named))
    if action not in ACTIONS:
        sentence = f"'{named}' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
        raise refused("invalid-field", sentence, look.at(named))
    if len(key) > KEY_LIMIT:
        sentence = f"Length of '{wanted}' is incorrect (should be less than or equal to {KEY_LIMIT} characters)"
        raise refused("invalid-field", sentence, look.at(wanted))
    if not key and action != "trigger":
        raise refused("missing-field", f"'{wanted}' is missing or blank", look.at(wanted))
    key = key or arrival.headers.get(ALIAS, "") or _key_of(arrival)
    if action == "acknowledge":
        note = look.text("description") if first else look.text("payload.summary")
        return Reading(remarks=(Remark("acknowledged", clean(key), note=clean(note, TITLE_LIMIT)),))
    told = _of_v1(look, key, action) if first else _of_v2(look, key, action, arrival.integration.options)
    return Reading((trigger_of(told, arrival),))


def _key_of(arrival: Arrival[CommonOptions]) -> str:
    """The key of an event without one: no other event is the same thing."""
    return hash_of_words("event", [arrival.body.decode("utf-8", "replace"), arrival.now.isoformat()])


def _of_v2(look: Look, key: str, action: str, options: CommonOptions) -> Told:
    payload = look.at("payload")
    if action == "trigger":
        _check(payload)
    summary, service = payload.text("summary"), payload.text("component", "group")
    details = payload.opened("custom_details")
    facts = {name: payload.text(name) for name in ("source", "component", "group", "class")}
    described = details.text("description", "firing", "details") or payload.text("custom_details")
    return Told(
        key=key,
        firing=action == "trigger",
        title=summary or payload.text("class", "component") or key,
        description=described if len(summary) <= TITLE_LIMIT else clean(f"{summary}\n{described}", TEXT_LIMIT),
        severity=payload.text("severity"),
        services=[service or ("" if options.service else payload.text("source"))],
        links=[
            *((link.text("href"), link.text("text") or "Link") for link in look.each("links")),
            (look.text("client_url"), look.text("client") or "Client"),
            *((image.text("href"), image.text("alt") or "Image") for image in look.each("images")),
        ],
        labels={**details.facts(""), **facts},
        started_at=payload.moment("timestamp"),
        ended_at=payload.moment("timestamp"),
    )


def _check(payload: Look) -> None:
    """What PagerDuty asks of what triggers. Raises :class:`CannotRead`. A summary that is there and blank is one that Alertmanager sends."""
    if not payload.is_object():
        raise refused("missing-field", "'payload' is missing or blank", payload)
    for name in ("summary", "source", "severity"):
        said = payload.at(name)
        if said.value is None or (name != "summary" and not payload.text(name)):
            raise refused("missing-field", f"'payload.{name}' is missing or blank", said)
    if payload.text("severity").lower() not in SEVERITIES:
        sentence = (
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
        )
        raise refused("invalid-field", sentence, payload.at("severity"))


def _of_v1(look: Look, key: str, action: str) -> Told:
    description = look.text("description")
    if action == "trigger" and not description:
        raise refused("missing-field", "'description' is missing or blank", look.at("description"))
    contexts = list(look.each("contexts"))
    return Told(
        key=key,
        firing=action == "trigger",
        title=description or key,
        description=look.text("details.description", "details") or (description if len(description) > 1 else ""),
        services=[look.text("details.service", "details.component")],
        links=[
            (look.text("client_url"), look.text("client") or "Client"),
            *((context.text("href"), clean(context.text("text"), NAME_LIMIT) or "Link") for context in contexts),
        ],
        labels=look.facts("details"),
    )


DOCS: Final = f"""
What speaks to PagerDuty's Events API speaks to Tocsin: give it Tocsin's address, and the integration's key as its routing key.

## Set it up

| sender | what to change |
|---|---|
| anything with a base address | `https://intake.example.org` in place of `https://events.pagerduty.com` |
| Alertmanager | `global: {{pagerduty_url: https://intake.example.org/v2/enqueue}}`, and the key as `routing_key` of the receiver |
| PyPI `pagerduty`, `pdpyras` | `EventsApiV2Client(key, base_url="https://intake.example.org")`, `EventsAPISession(key)` with its `url` |
| Uptime Kuma | *Integration URL* `https://intake.example.org/v2/enqueue`, *Integration Key* |

```sh
curl https://intake.example.org/v2/enqueue -H 'Content-Type: application/json' -d '{{
  "routing_key": "YOUR-KEY", "event_action": "trigger", "dedup_key": "srv01/disk",
  "payload": {{"summary": "The disk of srv01 is full", "source": "srv01", "severity": "critical"}}}}'
```

`POST /v2/enqueue`, `POST /v2/change/enqueue` and, for the first version, `POST /generic/2010-04-15/create_event.json`, each also with a slash at its
end. The key may stand in `X-Routing-Key` in place of the body.

## What is read

| Tocsin | of v2 | of v1 |
|---|---|---|
| dedup key | `dedup_key`; made and returned where a trigger has none | `incident_key` |
| status | `event_action`: trigger fires, resolve resolves, acknowledge acknowledges the incident | `event_type` |
| title | `payload.summary`, else class or component | `description` |
| severity | `payload.severity` | critical unless the integration says otherwise |
| service | `payload.component`, `payload.group`, else the option `service`, else `payload.source` | `details.service` |
| links | `links`, `client_url`, `images` | `client_url`, `contexts` |
| labels | `payload.custom_details` and the fields of the payload | `details` |

A change event is kept and opens nothing. To preview one, say its address: `{{"path": "/v2/change/enqueue", "body": {{…}}}}`.

## What is answered

As PagerDuty does: 202 with `dedup_key`, 400 with `errors` (a trigger needs `payload.summary`, which may be blank, `payload.source` and one of the four `payload.severity`), 413 over 512 KB, 429 where too much comes. An event that was refused with 400 is kept in the
quarantine if its key is good. In what is kept, the secret part of the key is blanked.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "event_action": "trigger",
    "dedup_key": "approvals/queue",
    "payload": {
        "summary": "The approval queue is stuck",
        "source": "approvals-1.example.org",
        "severity": "critical",
        "component": "approvals",
        "class": "queue",
        "custom_details": {"waiting": 1204},
    },
    "links": [{"href": "https://runbooks.example.org/queue", "text": "Runbook"}],
}

SOURCE: Final = Source(
    name="pagerduty",
    title="PagerDuty Events API (drop-in)",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=read,
    throttled=429,
)
