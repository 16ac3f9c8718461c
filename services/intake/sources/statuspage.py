"""Statuspage: the public API (version 2) of the pages that it hosts, and the webhooks that they send to subscribers.

An incident has one id from its first word to its last, in webhooks as in the API; a maintenance is an incident with a window.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.common.events.base import Severity
from services.intake.domain.look import Look
from services.intake.domain.polling import Watch
from services.intake.domain.trigger import Reading, Refusal
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import ignored, needed, plain, refused, value_of
from services.intake.sources.statuspage_hosts import in_statuspages_words
from services.intake.sources.watched import ASKING, POLLED, WATCHED, Notice, PolledOptions, reading_of, window_of

SEVERITIES: Final[Mapping[str, Severity]] = {
    "critical": "critical",
    "major": "error",
    "minor": "warning",
    "none": "info",
    "maintenance": "info",
    "major_outage": "critical",
    "partial_outage": "error",
    "degraded_performance": "warning",
    "under_maintenance": "info",
    "operational": "info",
}
"""Impacts of incidents, and states of components."""

LISTS: Final = ("incidents", "scheduled_maintenances", "components")
OVER: Final = frozenset({"resolved", "postmortem", "completed"})


def _read(arrival: Arrival[PolledOptions]) -> Reading:
    try:
        look = value_of(arrival)
        look = in_statuspages_words(look) if look.is_object() else look
        if not look.is_object() or not look.at("page").is_object():
            raise refused("wrong-shape", "The body needs a page, as Statuspage's own bodies have it.", look.at("page"))
        _page(look)
        if look.at("component_update").is_object():
            return reading_of([_component_update(look)], arrival)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    wrong = [name for name in LISTS if look.at(name).value is not None and not isinstance(look.at(name).value, list)]
    if wrong:  # of a page that cannot be read nobody knows how its provider stands
        sentence = f"{wrong[0]} should be an array."
        return Reading(refusals=(Refusal("wrong-shape", sentence, f"#/{wrong[0]}"),))
    incidents = [look.at("incident")] if look.at("incident").is_object() else list(look.each("incidents"))
    notices: list[Notice] = []
    refusals: list[Refusal] = []
    groups = {one.text("id"): one.text("name") for one in look.each("components") if one.at("group").value is True}
    for incident in (*incidents, *look.each("scheduled_maintenances")):
        try:
            notices.append(_incident(look, incident, groups))
        except CannotRead as error:
            refusals.append(error.refusal)
    covered = {name for notice in notices if notice.firing for name in notice.siblings}
    notices += _components(look, covered, groups)
    reading = reading_of(notices, arrival, refusals)
    if not notices and not refusals and look.at("status").is_object() and not look.at("incidents").value:
        said = look.text("status.description", "status.indicator")
        return Reading(ignored=(ignored("no-news", f"The page as a whole: {said[:200]}. Incidents tell the rest."),))
    return reading


def _incident(look: Look, incident: Look, groups: Mapping[str, str]) -> Notice:
    page = _page(look)
    updates = list(incident.each("incident_updates"))
    newest = next((plain(text) for update in updates if (text := update.text("body"))), "")
    components = [*incident.each("components")] or [
        part for update in updates[:1] for part in update.each("affected_components")
    ]
    window = window_of(incident.moment("scheduled_for"), incident.moment("scheduled_until"))
    maintenance = window is not None or incident.text("impact") == "maintenance"
    status = incident.text("status").lower()
    return Notice(
        key=f"{page}/{needed(incident, 'id')}",
        firing=status not in OVER,
        title=incident.text("name"),
        description=newest,
        severity=SEVERITIES.get(incident.text("impact_override", "impact").lower()),
        provider=_provider(look),
        parts=[name for part in components if (name := part.text("name"))],
        names=[name for part in components for name in _names(part, groups)],
        siblings=[f"{page}/{code}" for part in components if (code := part.text("id", "code"))],
        maintenance=maintenance,
        window=window,
        follow_up=f"{status.replace('_', ' ').capitalize()}: {newest}" if len(updates) > 1 and newest else "",
        link=incident.text("shortlink") or look.text("page.url"),
        labels={"status": status, "impact": incident.text("impact")},
        started_at=incident.moment("started_at", "created_at"),
        ended_at=incident.moment("resolved_at"),
    )


def _components(look: Look, covered: set[str], groups: Mapping[str, str]) -> Iterator[Notice]:
    """Components that are not well and that no incident speaks of. Those that are well, or are spoken of, end what was told of them."""
    for component in look.each("components"):
        code = component.text("id")
        if component.at("group").value is not True and code:
            alone = f"{_page(look)}/{code}" not in covered
            yield _component(look, component, component.text("status"), groups, alone=alone)


def _component_update(look: Look) -> Notice:
    component, update = look.at("component"), look.at("component_update")
    needed(update, "new_status")
    if not component.text("id"):
        needed(update, "component_id")
    return _component(look, component, update.text("new_status"), {}, update, alone=True)


def _component(
    look: Look, component: Look, status: str, groups: Mapping[str, str], update: Look | None = None, *, alone: bool
) -> Notice:
    name = component.text("name") or component.text("id")
    code = component.text("id") or (update.text("component_id") if update else "")
    firing = status.lower() != "operational"
    passed = ""
    if update is None and not (firing and alone):
        passed = "It works." if not firing else "An incident of the page speaks of it."
    return Notice(
        key=f"{_page(look)}/{code}",
        firing=firing and alone,
        title=f"{name}: {status.replace('_', ' ')}",
        severity=SEVERITIES.get(status.lower()),
        provider=_provider(look),
        parts=[name],
        names=_names(component, groups),
        maintenance=status.lower() == "under_maintenance",
        link=look.text("page.url"),
        labels={"status": status},
        started_at=(update or component).moment("created_at" if update else "updated_at"),
        passed_over=passed,
    )


def _names(component: Look, groups: Mapping[str, str]) -> list[str]:
    group = component.text("group_id")
    return [name for name in (component.text("name"), component.text("id", "code"), group, groups.get(group)) if name]


def _page(look: Look) -> str:
    return needed(look, "page.id", "page.name", "page.url", "incident.page_id")


def _pages(url: str) -> tuple[str, ...]:
    """The summary, and the lists that hold what is over too; a page's own address leads to its API, one of the API to the others.

    Other hosts' summaries are asked as they are named, and have no such lists.
    """
    plain_url = url.partition("?")[0].partition("#")[0].rstrip("/")
    if "/api/v2" not in plain_url and plain_url.endswith(("/summary.json", "/summary")):
        return (url,)
    base = url.partition("?")[0].partition("#")[0].partition("/api/v2")[0].rstrip("/") + "/api/v2"
    return (f"{base}/summary.json", f"{base}/incidents.json", f"{base}/scheduled-maintenances.json")


def _provider(look: Look) -> str:
    return look.text("page.name").lower()


DOCS: Final = f"""
The status pages that Statuspage hosts (GitHub, Twilio, Cloudflare, Zoom and many more), asked every two minutes, or heard through their webhooks.

## Set it up

Ask the page, and nothing has to be set up there:

```yaml
  - id: github-status
    name: GitHub's status page
    source: statuspage
    options:
      url: https://www.githubstatus.com
      provider: github
      components:
        "Git Operations": {{service: integrations}}
        "API Requests":   {{service: integrations}}
```

Or hear of news at once: on the page *Subscribe to updates → Webhook* with `https://intake.example.org/v1/hooks/statuspage/YOUR-KEY`. Its webhooks are not signed, so the
key stands in the address.

## What is read

| Tocsin | from an incident or a maintenance |
|---|---|
| dedup key | `page.id` and the incident's id, the same in webhooks and in the API |
| status | `resolved`, `postmortem` and `completed` resolve; everything else fires |
| title | `name` |
| description | the newest of `incident_updates`; each later one is a note on the timeline |
| severity | `impact`: critical; major is error, minor is warning, none and maintenance are info |
| service, tenants | `components`, through the mapping |
| window | `scheduled_for` to `scheduled_until`; a maintenance that is moved keeps its id |
| link | `shortlink` |

A component that is not operational and that no incident speaks of fires by itself, and resolves when it works again or when an incident takes over; the
incident then joins it. A whole group may be mapped by its name.

## Other hosts

Pages of Instatus, incident.io and Better Stack say the same by other names, and are read too: the webhooks of Instatus and Better Stack, and, where `url` names it, the
`/summary.json` of an Instatus page or the address of incident.io's widget API, such as `https://status.example.com/api/v1/summary`. incident.io's pages also have
Statuspage's API, so that the page's own address does. Better Stack does not say how an incident stands: it is over where the page says that all is well. These summaries list
only what is going on; what is gone from one is noted, and somebody resolves it.

## How it is asked of Statuspage

`summary.json` is asked, which holds what is unresolved. What is no longer in it is looked for in `incidents.json` and `scheduled-maintenances.json`: only when
these say that it is over does it resolve.
{ASKING}
## Options

{POLLED.strip()}

{WATCHED.strip()}
"""

EXAMPLE: Final[dict[str, Any]] = {
    "page": {"id": "kctbh9vrtdwd", "status_indicator": "major", "status_description": "Partial System Outage"},
    "incident": {
        "id": "4m2dbk0n8x7p",
        "name": "Proofs cannot be opened",
        "status": "identified",
        "impact": "major",
        "shortlink": "https://stspg.example/4m2dbk0n8x7p",
        "created_at": "2026-03-02T09:10:00.000Z",
        "scheduled_for": None,
        "incident_updates": [
            {"id": "u1", "status": "identified", "body": "Proofs cannot be opened in Europe. We have found the cause."}
        ],
        "components": [{"id": "b13yz5g2cw10", "name": "Viewer", "status": "partial_outage"}],
    },
}

SOURCE: Final = Source(
    name="statuspage",
    title="Statuspage",
    kind="provider",
    docs=DOCS,
    options=PolledOptions,
    example=EXAMPLE,
    read=_read,
    watch=Watch(pages=_pages, quiet="operational"),
)
