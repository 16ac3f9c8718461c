"""Pingdom: the webhook of an integration (https://www.pingdom.com/resources/webhooks/)."""

from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, CommonOptions, Part, Told, ignored, needed, reads_one, trigger_of

GOOD: Final = frozenset({"up", "success"})
PASSED_OVER: Final = frozenset({"unknown", "unconfirmed", "unconfirmed_down", "paused"})


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    state = needed(look, "current_state").lower()
    if state in PASSED_OVER:
        return ignored("no-news", f"The check is {state}; that opens nothing.", look.at("current_state"))
    name, said = look.text("check_name"), look.text("description")
    at = look.moment("state_changed_timestamp", "state_changed_utc_time")
    level = look.text("importance_level").lower()
    told = Told(
        key=needed(look, "check_id"),
        firing=state not in GOOD,
        title=": ".join(filter(None, [name, said])),
        description=look.text("long_description"),
        severity={"high": "critical", "low": "warning"}.get(level, level),
        services=filter(None, [name]),
        links=[(look.text("check_params.full_url", "check_params.url"), "What is watched")],
        labels={"type": look.text("check_type"), "tags": ", ".join(look.texts("tags")), "state": state},
        started_at=at,
        ended_at=at,
    )
    return trigger_of(told, arrival)


DOCS = f"""
Pingdom posts when the state of a check changes.

## Set it up

*Integrations → Add integration → Webhook*, URL `https://intake.example.org/v1/hooks/pingdom/YOUR-KEY`. Pingdom can set no header and signs nothing, so
the key stands in the address; Tocsin never logs it. Then tick the integration in each check.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `check_id` |
| status | `current_state`: UP and SUCCESS resolve, DOWN and FAILING fire, unconfirmed and paused open nothing |
| title | `check_name` and `description` |
| severity | `importance_level`: HIGH is critical, LOW is warning |
| service | `check_name`; map it with `services` |
| link | `check_params.full_url` |
| started | `state_changed_timestamp` |

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "check_id": 20417,
    "check_name": "approvals",
    "check_type": "HTTP",
    "check_params": {"full_url": "https://approvals.example.org/healthz"},
    "previous_state": "UP",
    "current_state": "DOWN",
    "importance_level": "HIGH",
    "state_changed_timestamp": 1772442900,
    "description": "HTTP Error 503",
    "long_description": "HTTP Server Error 503 Service Unavailable",
    "tags": [],
    "version": 1,
}

SOURCE: Final = Source(
    name="pingdom",
    title="Pingdom",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one),
)
