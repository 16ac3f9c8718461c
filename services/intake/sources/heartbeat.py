"""Heartbeats: jobs, agents and whole monitoring systems that report that they are alive. Their silence is the alert."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import Field

from libs.common.durations import Duration, text_of
from libs.common.events.base import Severity
from services.intake.domain.heartbeat import Heartbeat
from services.intake.domain.look import Look
from services.intake.domain.mapping import NAME_LIMIT, clean
from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import COMMON, CommonOptions, Told, trigger_of, value_of

JUDGED: Final = "tocsin_heartbeat"
"""The member that marks the one body which opens something here: Tocsin's own note that a heartbeat is missing, or back."""


class HeartbeatOptions(CommonOptions):
    """How often a heartbeat is expected, and what its silence means."""

    every: Duration = Field(timedelta(minutes=5), gt=timedelta(0))
    """How often it comes."""
    grace: Duration = timedelta(minutes=1)
    """How late it may be."""
    severity: Severity = "critical"
    """Of the alert."""
    enabled: bool = True
    """Whether anybody waits for it."""


Turn = Literal["missing", "back", "withdrawn"]
"""What Tocsin tells itself of a heartbeat: it was not heard of, it was again, nobody waits for it any more."""


def note(heartbeat: Heartbeat, turn: Turn, why: str = "") -> dict[str, Any]:
    """The body in which Tocsin tells itself that a heartbeat is missing, or is no longer, and ``why`` nobody waits for it any more."""
    said = heartbeat.said
    words = {"message": said.message, "about": said.description, "severity": said.priority, "why": why}
    more: dict[str, Any] = {**words, "tags": list(said.tags)}
    return {
        JUDGED: heartbeat.name,
        "title": heartbeat.title,
        "state": turn,
        "every": text_of(heartbeat.every),
        "last_at": None if heartbeat.last_at is None else heartbeat.last_at.isoformat(),
        **{name: value for name, value in more.items() if value},
    }


def read(arrival: Arrival[HeartbeatOptions]) -> Reading:
    """A ping opens nothing; Tocsin's own note fires or resolves."""
    try:
        look = value_of(arrival) if JUDGED.encode() in arrival.body else Look(None)
        if look.is_object():
            return Reading((_judged(look, arrival),))
        integration = arrival.integration
        silent = Look({JUDGED: integration.id, "title": integration.name, "state": "missing"})
        silence = _judged(silent, arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    return Reading(ignored=(Ignored("no-news", "A ping: while it comes in time, all is well.", trigger=silence),))


def _judged(look: Look, arrival: Arrival[HeartbeatOptions]) -> ParsedTrigger:
    named, options = look.at(JUDGED).value, arrival.integration.options
    name = named.strip() if isinstance(named, str) else look.text(JUDGED)
    last = look.moment("last_at")
    heard = f"It was last heard of at {last:%Y-%m-%d %H:%M} UTC." if last else "It was never heard of."
    every = look.text("every") or text_of(options.every)
    told = Told(
        key=f"heartbeat:{name}",
        firing=look.text("state") == "missing",
        title=look.text("message") or f"No heartbeat of {look.text('title') or name}",
        description=f"{look.text('about')}\n\nIt is expected every {every}. {heard}".strip(),
        severity=look.text("severity") or options.severity,
        labels={"heartbeat": name, "tags": ", ".join(look.texts("tags"))},
    )
    return replace(trigger_of(told, arrival), withdrawn="" if told.firing else clean(look.text("why"), NAME_LIMIT))


DOCS = f"""
A heartbeat turns the watch around: a nightly job, a backup, an agent, a whole Prometheus reports that it is alive, and silence is the alert.

## Set it up

```yaml
integrations:
  - id: nightly-invoices
    name: Nightly invoices
    source: heartbeat
    key: {{env: TOCSIN_KEY_NIGHTLY_INVOICES}}
    options:
      every: 24h
      grace: 30m
      service: invoicing
```

Let the job call its address when it has done its work; `GET`, `HEAD`, `POST` and `PUT` count alike, whatever the body:

```sh
run-invoices && curl -fsS --retry 5 https://intake.example.org/v1/hooks/heartbeat/YOUR-KEY
```

Prometheus can watch itself so: route its always-firing alert `Watchdog` to a webhook receiver with this address and a `repeat_interval` below `every`.
What pings Opsgenie's heartbeats pings these through the [drop-in API](opsgenie.md).

## What happens

Its time begins to run when the integration is made, and anew with every ping. Where none came within `every` + `grace`, one trigger fires; it pages as
every other. The next ping, however late, resolves it. Where Tocsin itself was away when the time ran out, the sender gets a little more time, since
its pings may have found a closed door.

Who deletes or disables a heartbeat, or its integration, while it is missing, ends its alert: the timeline says by whom, and who was told of the incident is
told that nobody watches for this any more, never that all is well.

`GET /v1/heartbeats` of intake lists every heartbeat with its state, the last ping, and when the next is expected. The answer to a ping says the same.

`POST /v1/integrations/<id>/preview` with `{{}}` shows what a ping would do now: resolve the alert, or nothing, and then what the silence would open.

## Options

`every`, `grace`: durations such as `90s`, `5m`, `24h`. `severity`: of the alert, critical unless set. `enabled`: `false` stops the wait. {COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    JUDGED: "nightly-invoices",
    "title": "Nightly invoices",
    "state": "missing",
    "every": "24h",
    "last_at": "2026-03-01T01:58:00+00:00",
}

SOURCE: Final = Source(
    name="heartbeat",
    title="Heartbeats",
    kind="telemetry",
    docs=DOCS,
    options=HeartbeatOptions,
    example=EXAMPLE,
    read=read,
    accepted=200,
    throttled=429,
)
