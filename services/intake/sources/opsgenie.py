"""Opsgenie: calls of its Alert API v2. The address says what is done to which alert, and so comes as two headers of ours."""

from typing import Any, Final

from services.intake.domain.dedup import bounded, hash_of_words
from services.intake.domain.drop_in import ALIAS, CALL
from services.intake.domain.look import Look
from services.intake.domain.mapping import NAME_LIMIT, TITLE_LIMIT, clean
from services.intake.domain.trigger import ParsedTrigger, Reading, Refusal, Remark
from services.intake.sources.base import Arrival, CannotRead, Source, plain_body
from services.intake.sources.common import COMMON, CommonOptions, Told, ignored, refused, trigger_of, value_of

DEFAULT_PRIORITY: Final = "P3"
OWNER: Final = ("owner.username", "owner.id")
ASKED: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "snooze": ("snooze until", "End time can not be empty.", ("endTime",)),
    "escalate": ("escalate to", "Escalation can not be empty.", ("escalation.name", "escalation.id")),
    "assign": ("assign to", "Owner can not be empty.", OWNER),
}
"""What is asked of people, as the timeline tells it; what is said where the call does not name it; and where it does."""


def read(arrival: Arrival[CommonOptions]) -> Reading:
    """What a call does to an alert."""
    call, alias = arrival.headers.get(CALL, "create"), arrival.headers.get(ALIAS, "")
    try:
        look = _object(arrival, call)
        if call == "create":
            return _create(look, alias, arrival)
        if not alias:
            return Reading(ignored=(ignored("no-news", "No alert of this integration has this id."),))
        return _change(look, call, alias, arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))


def _object(arrival: Arrival[CommonOptions], call: str) -> Look:
    """The body; only what creates an alert needs one."""
    if call != "create" and not plain_body(arrival.headers, arrival.body).strip():
        return Look({})
    look = value_of(arrival)
    if not look.is_object():
        raise CannotRead(Refusal("wrong-shape", "The body should be a JSON object."))
    return look


def _create(look: Look, alias: str, arrival: Arrival[CommonOptions]) -> Reading:
    message = look.text("message")
    if not message:
        raise refused("missing-field", "Message can not be empty.", look.at("message"))
    details = look.facts("details")
    key = look.text("alias") or alias or hash_of_words("message", [message, arrival.now.isoformat()])
    service = look.text("details.service", "entity")
    source = look.text("source")
    told = Told(
        key=key,
        firing=True,
        title=message,
        description=look.text("description"),
        severity=look.text("priority") or DEFAULT_PRIORITY,
        services=[service],
        links=[
            (source, "Source"),
            *((value, name) for name, value in details.items() if value.startswith(("https://", "http://"))),
        ],
        labels={
            **details,
            "entity": look.text("entity"),
            "source": source,
            "priority": look.text("priority"),
            "tags": ", ".join(look.texts("tags")),
            "responders": ", ".join(each.text("name", "username", "id") for each in look.each("responders")),
        },
    )
    trigger = trigger_of(told, arrival)
    return Reading((trigger,), remarks=_noted(look, trigger.dedup_key))


def _change(look: Look, call: str, alias: str, arrival: Arrival[CommonOptions]) -> Reading:
    key, by = bounded(clean(alias)), clean(look.text("user"), NAME_LIMIT)
    if call in ("close", "delete"):
        return Reading((_over(key, arrival),), remarks=_noted(look, key))
    if call == "acknowledge":
        return Reading(remarks=(Remark("acknowledged", key, by, clean(look.text("note"))),))
    if call == "note":
        if not look.text("note"):
            raise refused("missing-field", "Note can not be empty.", look.at("note"))
        return Reading(remarks=_noted(look, key))
    if call in ASKED:
        return _asked(look, call, key, by)
    words = look.texts("tags", "keys") or tuple(f"{name}={value}" for name, value in look.facts("details").items())
    told = f"{call.replace('-', ' ')}: {', '.join(words)}" if words else call.replace("-", " ")
    return Reading(remarks=(Remark("noted", key, by, clean(told, TITLE_LIMIT)), *_noted(look, key)))


def _asked(look: Look, call: str, key: str, by: str) -> Reading:
    """What Opsgenie would see to, and here stands on the timeline for whoever has the incident: the ladder goes on as it is."""
    verb, missing, paths = ASKED[call]
    asked = look.text(*paths)
    if not asked:
        raise refused("missing-field", missing, look.at(paths[0]))
    if call == "snooze" and look.moment(*paths) is None:
        raise refused(
            "invalid-field", "End time should be a date and time such as 2026-03-02T09:15:00Z.", look.at(paths[0])
        )
    return Reading(remarks=(Remark("noted", key, by, clean(f"{verb} {asked}", TITLE_LIMIT)), *_noted(look, key)))


def _over(key: str, arrival: Arrival[CommonOptions]) -> ParsedTrigger:
    return trigger_of(Told(key=key, firing=False, title=key), arrival)


def _noted(look: Look, key: str) -> tuple[Remark, ...]:
    note = clean(look.text("note"))
    return (Remark("noted", key, clean(look.text("user"), NAME_LIMIT), note),) if note else ()


DOCS: Final = f"""
What speaks to Opsgenie's Alert API speaks to Tocsin: give it Tocsin's address, and the integration's key as its API key.

## Set it up

| sender | what to change |
|---|---|
| anything with a base address | `https://intake.example.org` in place of `https://api.opsgenie.com` |
| Alertmanager | `global: {{opsgenie_api_url: https://intake.example.org/}}`, and the key as `api_key` of the receiver |
| PyPI `opsgenie-sdk` | `configuration.host = "https://intake.example.org"` |

```sh
curl https://intake.example.org/v2/alerts -H 'Authorization: GenieKey YOUR-KEY' -H 'Content-Type: application/json' -d '{{
  "message": "The disk of srv01 is full", "alias": "srv01/disk", "priority": "P1", "entity": "srv01"}}'
```

## What is read

| Tocsin | from the call |
|---|---|
| dedup key | `alias`; where there is none, the id of the alert |
| status | create fires, close and delete resolve, acknowledge acknowledges the incident |
| title, description | `message`, `description` |
| severity | `priority`: P1 is critical, P2 an error, P3 (also where none is given) a warning, P4 and P5 are infos |
| service | `details.service`, else `entity` |
| links | `source` and those of `details` that are addresses |
| notes | `note` of every call, and changed tags and details, stand on the timeline |

## Calls

| call | what happens |
|---|---|
| `POST /v2/alerts` | an alert; on an open alias its count grows |
| `POST /v2/alerts/<id>/close`, `/acknowledge`, `/notes`, `/tags`, `/details`, `DELETE /v2/alerts/<id>`, `…/tags`, `…/details` | as in Opsgenie, by `identifierType` `id`, `alias` or `tiny` |
| `POST /v2/alerts/<id>/unacknowledge`, `/assign` | the alert of the API is open again, or has that owner; the incident keeps who has it, and a note says what was asked |
| `POST /v2/alerts/<id>/snooze`, `/escalate` | a note on the incident says what was asked; its ladder goes on as it is, and `GET /v2/alerts/requests/<requestId>` says *Noted on the incident* |
| `GET /v2/alerts`, `/v2/alerts/count`, `/v2/alerts/<id>` | the alerts of this key's integration, as their sender knows them: `query` reads `field: value` and words, joined by AND |
| `GET /v2/alerts/requests/<requestId>` | what became of a call |
| `POST /v2/heartbeats`, `GET`, `PATCH` and `DELETE /v2/heartbeats/<name>`, `POST …/enable` and `…/disable` | heartbeats of this key's integration: `name`, `interval`, `intervalUnit`, `enabled`, `description`, `alertMessage`, `alertTags`, `alertPriority` |
| `GET`, `POST`, `PUT`, `PATCH /v2/heartbeats/<name>/ping` | it was heard of; answered with 202 whatever the name, as by Opsgenie, so look into `GET /v2/heartbeats` once that the name is right |
| `…/responders`, `/teams`, `/actions`, `PUT …/message`, `/description`, `/priority`, the logs and notes of an alert, attachments, saved searches and everything else | 403 with the code 40302: Tocsin's ladders and rotas decide who is told, and when |

The time of a [heartbeat](heartbeat.md) runs from its first ping on. Where no ping comes within its interval, an alert of the integration fires under the dedup key
`heartbeat:<name>`; the next ping resolves it. Where the integration has `verify`, a ping is signed like every other call that changes something, also by
`GET` (over its empty body), and one that was recorded is no sign of life; for what merely reads, the key counts. `ownerTeam` is passed over: Tocsin's own ladders say who is told.

To preview a call other than create, say its address: `{{"path": "/v2/alerts/srv01%2Fdisk/close?identifierType=alias", "body": {{"user": "ada"}}}}`; with `"method"`
where it is not `POST`. `/v2/heartbeats/<name>/ping` shows what a ping would resolve.

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "message": "The approval queue is stuck",
    "alias": "approvals/queue",
    "description": "1,204 approvals are waiting.",
    "entity": "approvals",
    "source": "https://monitoring.example.org/approvals",
    "tags": ["production"],
    "details": {"region": "eu-1"},
    "priority": "P1",
}

SOURCE: Final = Source(
    name="opsgenie",
    title="Opsgenie Alert API (drop-in)",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=read,
    throttled=429,
)
