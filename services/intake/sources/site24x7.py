"""Site24x7: the webhook of IT automation and third-party integrations, as JSON or as a form."""

from typing import Any, Final

from services.intake.domain.look import Look
from services.intake.sources.base import Arrival, Source
from services.intake.sources.common import COMMON, CommonOptions, Part, Told, ignored, needed, reads_one, trigger_of

SEVERITIES: Final = {"down": "critical", "critical": "critical", "trouble": "error", "up": "info"}
PASSED_OVER: Final = frozenset({"maintenance", "suspended", "discovery", "discovery in progress"})
GROUP: Final = "MONITOR_GROUPNAME"


def _one(look: Look, arrival: Arrival[CommonOptions]) -> Part:
    look = Look({str(name).upper(): value for name, value in look.value.items()}, look.path)
    state = needed(look, "STATUS").lower()
    name = look.text("MONITORNAME")
    if state in PASSED_OVER:
        return ignored("no-news", f"{name} is in the state {state}; that opens nothing.", look.at("STATUS"))
    at = look.moment("INCIDENT_TIME_ISO", "OUTAGE_TIME_UNIX_FORMAT")
    reason = look.text("INCIDENT_REASON", "REASON")
    told = Told(
        key=look.text("MONITOR_ID", "MONITORID") or needed(look, "MONITORNAME"),
        firing=state != "up",
        title=reason or f"{name} is {state}",
        description=f"{name}: {state.upper()}. {look.text('INCIDENT_DETAILS')}".strip(),
        severity=SEVERITIES.get(state, state),
        services=filter(None, [name or look.text(GROUP)]),
        tenants=look.texts("TENANT"),
        links=[(look.text("MONITOR_DASHBOARD_LINK"), "Monitor"), (look.text("RCA_LINK"), "Root cause")],
        labels={
            "type": look.text("MONITORTYPE"),
            "groups": look.text(GROUP),
            "url": look.text("MONITORURL"),
            "locations": look.text("FAILED_LOCATIONS"),
            "tags": ", ".join(look.texts("TAGS")),
        },
        started_at=at,
        ended_at=at,
    )
    return trigger_of(told, arrival)


DOCS = f"""
Site24x7 posts when the status of a monitor changes.

## Set it up

*Admin → Third-Party Integrations → Webhooks*: hook URL `https://intake.example.org/v1/hooks/site24x7/YOUR-KEY`, method POST, *send incident parameters*, as
JSON or as a form. Or without the key in the URL, with a custom header `X-Tocsin-Key`. Trigger it for Down, Critical, Trouble **and** Up.

## What is read

| Tocsin | from the body |
|---|---|
| dedup key | `MONITOR_ID`, else `MONITORNAME` |
| status, severity | `STATUS`: UP resolves; DOWN and CRITICAL are critical, TROUBLE is error; MAINTENANCE, SUSPENDED and DISCOVERY open nothing |
| title | `INCIDENT_REASON` |
| service | `MONITORNAME`, else `MONITOR_GROUPNAME`; map it with `services` |
| links | `MONITOR_DASHBOARD_LINK`, `RCA_LINK` |
| started | `INCIDENT_TIME_ISO`, else `OUTAGE_TIME_UNIX_FORMAT` |

## Options

{COMMON}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "MONITOR_ID": "2041700",
    "MONITORNAME": "approvals",
    "MONITORTYPE": "URL",
    "MONITORURL": "https://approvals.example.org/healthz",
    "MONITOR_DASHBOARD_LINK": "https://www.site24x7.example/monitors/2041700",
    "STATUS": "DOWN",
    "INCIDENT_REASON": "Read timed out",
    "INCIDENT_TIME_ISO": "2026-03-02T10:15:00+0100",
    "FAILED_LOCATIONS": "Vienna,Graz",
}

SOURCE: Final = Source(
    name="site24x7",
    title="Site24x7",
    kind="telemetry",
    docs=DOCS,
    options=CommonOptions,
    example=EXAMPLE,
    read=reads_one(_one, form=True),
)
