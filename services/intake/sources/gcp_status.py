"""Google Cloud's public status: ``incidents.json``, a list of every incident of the last years with products and regions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.common.events.base import Severity
from services.intake.domain.look import Look
from services.intake.domain.polling import Watch, only_itself
from services.intake.domain.trigger import Reading, Refusal
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import needed, refused, value_of
from services.intake.sources.watched import ASKING, POLLED, WATCHED, Notice, PolledOptions, reading_of

IMPACTS: Final[Mapping[str, Severity]] = {
    "SERVICE_OUTAGE": "critical",
    "SERVICE_DISRUPTION": "error",
    "SERVICE_INFORMATION": "info",
}
SEVERITIES: Final[Mapping[str, Severity]] = {"high": "error", "medium": "warning", "low": "info"}
PROVIDER: Final = "google-cloud"
HOME: Final = "https://status.cloud.google.com/"


def _read(arrival: Arrival[PolledOptions]) -> Reading:
    try:
        look = value_of(arrival)
        if not isinstance(look.value, list):
            raise refused("wrong-shape", "The body should be a JSON array of incidents, as incidents.json is.")
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    notices: list[Notice] = []
    refusals: list[Refusal] = []
    for incident in look.each():
        try:
            notices.append(_notice(incident))
        except CannotRead as error:
            refusals.append(error.refusal)
    return reading_of(notices, arrival, refusals[:10])


def _notice(incident: Look) -> Notice:
    ended = incident.moment("end")
    newest = incident.text("most_recent_update.text", "updates.0.text")
    products = [name for one in incident.each("affected_products") if (name := one.text("title"))]
    severity = IMPACTS.get(incident.text("status_impact")) or SEVERITIES.get(incident.text("severity").lower())
    return Notice(
        key=needed(incident, "id", "number"),
        firing=ended is None,
        title=incident.text("external_desc", "service_name"),
        description=newest,
        severity=severity,
        provider=PROVIDER,
        parts=products or [name for name in [incident.text("service_name")] if name],
        names=list(_names(incident)),
        follow_up=newest if len(list(incident.each("updates"))) > 1 else "",
        link=HOME + incident.text("uri").lstrip("/"),
        labels={"impact": incident.text("status_impact"), "locations": ", ".join(_locations(incident, "title"))},
        started_at=incident.moment("begin", "created"),
        ended_at=ended,
    )


def _names(incident: Look) -> Iterator[str]:
    for product in incident.each("affected_products"):
        yield from (product.text("title"), product.text("id"))
    yield incident.text("service_name")
    yield from _locations(incident, "title")
    yield from _locations(incident, "id")


def _locations(incident: Look, member: str) -> list[str]:
    """Where it is felt, or was felt as long as it lasted."""
    lists = ("currently_affected_locations", "previously_affected_locations")
    places = [place.text(member) for name in lists for place in incident.each(name)]
    return list(dict.fromkeys(place for place in places if place))


DOCS: Final = f"""
Google Cloud's status page as JSON, `https://status.cloud.google.com/incidents.json`.

## Set it up

```yaml
  - id: google-cloud-status
    name: Google Cloud's status page
    source: gcp_status
    options:
      url: https://status.cloud.google.com/incidents.json
      every: 5m
      components:
        "Cloud Run + europe-west3": {{service: workflow}}
```

## What is read

| Tocsin | from an incident |
|---|---|
| dedup key | `id` |
| status | fires until `end` is set |
| title | `external_desc` |
| description | `most_recent_update.text`; each later one is a note on the timeline |
| severity | `status_impact`: outage is critical, disruption is error, information is info; else `severity` |
| components | titles and ids of `affected_products` and of the locations, through the mapping: `"Vertex Gemini API + europe-west3"` |
| link | `uri` |

The list holds what is long over too: that opens nothing.
{ASKING}
## Options

{POLLED.strip()}

{WATCHED.strip()}
"""

EXAMPLE: Final[list[Any]] = [
    {
        "id": "ow5i3PPK96RduMcb1SsW",
        "number": "6480404374567616512",
        "begin": "2026-03-02T09:01:00+00:00",
        "created": "2026-03-02T09:10:00+00:00",
        "end": None,
        "external_desc": "Requests to several products fail",
        "updates": [{"text": "We are investigating.", "status": "SERVICE_OUTAGE"}],
        "most_recent_update": {"text": "We are investigating.", "status": "SERVICE_OUTAGE"},
        "status_impact": "SERVICE_OUTAGE",
        "severity": "high",
        "affected_products": [{"title": "Cloud Run", "id": "9D7d2iNBQWN24zc1VamE"}],
        "currently_affected_locations": [{"title": "Frankfurt (europe-west3)", "id": "europe-west3"}],
        "uri": "incidents/ow5i3PPK96RduMcb1SsW",
    }
]

SOURCE: Final = Source(
    name="gcp_status",
    title="Google Cloud status",
    kind="provider",
    docs=DOCS,
    options=PolledOptions,
    example=EXAMPLE,
    read=_read,
    watch=Watch(pages=only_itself, quiet="operational", provider=PROVIDER),
)
