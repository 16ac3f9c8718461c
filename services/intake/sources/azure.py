"""Azure Monitor: the common alert schema of action groups, and the older body of activity logs.

What identifies an alert differs by service: an activity log's ``alertId`` is that of its rule, so the event counts; a service
health's tracking id is the same from the first word to the last.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from libs.common.errors import Forbidden
from libs.common.events.base import Window
from services.intake.domain.entra import Entra, NotEntras, UnknownKey, check_token
from services.intake.domain.look import Look
from services.intake.domain.trigger import Ignored, ParsedTrigger
from services.intake.sources.azure_own import told_of
from services.intake.sources.base import Arrival, Network, Source
from services.intake.sources.common import (
    COMMON,
    CommonOptions,
    Part,
    Told,
    needed,
    plain,
    reads_one,
    refused,
    trigger_of,
)

SEVERITIES: Final = {"sev0": "critical", "sev1": "error", "sev2": "warning", "sev3": "info", "sev4": "info"}
LEVELS: Final = {"1": "critical", "2": "error", "3": "warning", "4": "info", "5": "info", "verbose": "info"}
"""Numbers are those of .NET's EventLevel."""

OVER: Final = frozenset({"resolved", "complete", "completed", "canceled", "cancelled", "rca"})
"""The words for the end, in ``stage`` and ``status``."""

PORTAL: Final = "https://portal.azure.com/#blade/Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId/"
SAMPLE: Final = "this is a sample"


class AzureOptions(CommonOptions):
    """What an integration of Azure may say beyond."""

    entra: Entra | None = None
    """Whose tokens must come with every body; without it the key alone counts."""


def _one(look: Look, arrival: Arrival[AzureOptions]) -> Part:
    log = look.at("data.context.activityLog")
    if log.is_object():
        return trigger_of(_activity(log, Look({})), arrival)
    essentials, context = look.at("data.essentials"), look.at("data.alertContext")
    if not essentials.is_object():
        own = told_of(look)
        if own is not None:
            return trigger_of(own, arrival)
        raise refused("wrong-shape", "The body needs data.essentials, as the common alert schema has it.", essentials)
    service = essentials.text("monitoringService").lower()
    if service == "costalerts" or not essentials.text("severity", "alertRule"):
        told = _budget(essentials, context)
    elif context.text("eventDataId", "eventSource"):
        told = _activity(context, essentials)
    else:
        told = _measured(essentials, context)
    trigger = trigger_of(told, arrival)
    return _test(trigger) if _is_test(essentials, service) else trigger


def _is_test(essentials: Look, service: str) -> bool:
    """Whether it is what the portal's test button sends. Budgets have no severity even where they are meant."""
    if essentials.text("severity"):
        return False
    return service != "costalerts" or SAMPLE in essentials.text("description").lower()


def _test(trigger: ParsedTrigger) -> Ignored:
    return Ignored("test", "Azure's test button: an alert without severity. It opens nothing.", trigger=trigger)


def _measured(essentials: Look, context: Look) -> Told:
    """Metric and log alerts."""
    key = needed(essentials, "alertId", "originAlertId")
    condition = context.at("condition.allOf.0")
    return Told(
        key=key,
        firing=essentials.text("monitorCondition").lower() != "resolved",
        title=essentials.text("alertRule", "description"),
        description=essentials.text("description") or context.text("DetectionSummary"),
        severity=_severity(essentials),
        services=_targets(essentials),
        links=[
            (
                condition.text("linkToSearchResultsUI", "linkToFilteredSearchResultsUI")
                or context.text("LinkToFilteredSearchResultsUI", "LinkToSearchResults"),
                "Search results",
            ),
            (PORTAL + quote(key, safe=""), "Azure portal"),
        ],
        labels={**_labels(essentials), **condition.facts("")},
        started_at=essentials.moment("firedDateTime"),
        ended_at=essentials.moment("resolvedDateTime"),
    )


def _activity(context: Look, essentials: Look) -> Told:
    """Alerts on the activity log: service health, resource health, and everything else that is written there."""
    if context.text("properties.trackingId"):
        return _service_health(context, essentials)
    source, status = context.text("eventSource"), context.text("status")
    resource_health = source.replace(" ", "").lower() == "resourcehealth"
    target = essentials.text("alertTargetIDs.0") or context.text("resourceId", "authorization.scope")
    operation = context.text("operationName")
    return Told(
        key=f"{target}/{source}" if resource_health and target else needed(context, "eventDataId", "correlationId"),
        firing=not resource_health or status.lower() not in OVER,
        title=context.text("properties.title") if resource_health else f"{operation} {status}".strip(),
        description=essentials.text("description") or context.text("description", "properties.message"),
        severity=_severity(essentials) or _level(context),
        services=_targets(essentials) or filter(None, [target.rpartition("/")[2]]),
        labels={**_labels(essentials), "operation": operation, "status": status, **context.facts("properties")},
        started_at=context.moment("eventTimestamp") or essentials.moment("firedDateTime"),
    )


def _service_health(context: Look, essentials: Look) -> Told:
    """Service health: news of the provider, of an incident or of a maintenance, under the provider's tracking id."""
    properties = context.at("properties")
    tracking, stage = properties.text("trackingId"), properties.text("stage")
    maintenance = properties.text("incidentType").lower() == "maintenance"
    starts, ends = properties.moment("impactStartTime"), properties.moment("impactMitigationTime")
    ends = ends if starts and ends and ends > starts else None
    subscription = context.text("subscriptionId") or essentials.text("alertTargetIDs.0").rpartition("/")[2]
    services = list(_impacted(properties))
    regions = [region for _, region in services if region]
    return Told(
        key=tracking,
        firing=stage.lower() not in OVER,
        title=properties.text("title", "defaultLanguageTitle"),
        description=plain(properties.text("communication", "defaultLanguageContent")),
        severity="info" if maintenance else _level(context) or _severity(essentials),
        kind="provider",
        provider="azure",
        category="maintenance" if maintenance else None,
        services=[name for name, _ in services] or properties.texts("service"),
        window=Window(starts_at=starts, ends_at=ends) if maintenance and starts else None,
        links=[(f"https://app.azure.com/h/{tracking}/{subscription[:3]}{subscription[-3:]}", "Azure Service Health")],
        labels={
            "region": ", ".join(dict.fromkeys(regions)) or properties.text("region"),
            "stage": stage,
            "incident_type": properties.text("incidentType"),
        },
        started_at=starts or context.moment("eventTimestamp"),
        ended_at=ends,
    )


def _impacted(properties: Look) -> Iterator[tuple[str, str]]:
    """Services with their regions: an array in some bodies, the text of an array in others."""
    for service in properties.opened("impactedServices").each():
        regions = [region.text("RegionName") for region in service.each("ImpactedRegions")]
        if service.text("ServiceName"):
            yield service.text("ServiceName"), ", ".join(filter(None, regions))


def _budget(essentials: Look, context: Look) -> Told:
    """Budgets: they have no severity."""
    data = context.at("AlertData")
    return Told(
        key=needed(essentials, "alertId", "originAlertId"),
        firing=essentials.text("monitorCondition").lower() != "resolved",
        title=essentials.text("description", "alertRule") or data.text("BudgetName"),
        severity="info",
        services=_targets(essentials),
        labels={**_labels(essentials), **data.facts("")},
        started_at=essentials.moment("firedDateTime"),
    )


def _severity(essentials: Look) -> str:
    word = essentials.text("severity").lower()
    return SEVERITIES.get(word, word)


def _level(context: Look) -> str:
    word = context.text("level").lower()
    return LEVELS.get(word, word)


def _targets(essentials: Look) -> tuple[str, ...]:
    named = essentials.texts("configurationItems")
    return named or tuple(target.rpartition("/")[2] for target in essentials.texts("alertTargetIDs"))


def _labels(essentials: Look) -> dict[str, str]:
    names = ("alertRule", "signalType", "monitoringService", "severity")
    return {name: essentials.text(name) for name in names}


DOCS = f"""
Azure Monitor posts through action groups. Metric, log, activity log, resource health, service health and budget alerts of the **common alert
schema** are read, and each service's own body for action groups without it: of metric alerts (both generations), log alerts, the activity log, budgets and autoscale.

## Set it up

1. In the portal, *Monitor → Alerts → Action groups → Create*, and there under *Actions* a **Webhook** with the URI
   `https://intake.example.org/v1/hooks/azure/YOUR-KEY`. Azure can set no header on it, so the key stands in the address; Tocsin never logs it.
2. *Enable the common alert schema*: Yes.
3. Let alert rules use the action group.

*Test action group* sends samples. One without severity is answered with 200 and opens nothing; choose *Metric alert* there to see one open.

## What is read

| alert | dedup key | status |
|---|---|---|
| metric, log | `essentials.alertId` | `monitorCondition` |
| activity log | `alertContext.eventDataId`, since `alertId` is the rule's | always firing: no end is ever sent; resolve it by hand |
| resource health | `alertTargetIDs[0]` and the source | `alertContext.status`: `Resolved` resolves |
| service health | `properties.trackingId` | `properties.stage`: Resolved, Complete, Canceled and RCA resolve |
| budget | `essentials.alertId` | firing |
| without the common schema: metric | rule, resource and dimensions | `status`: Deactivated and Resolved resolve |
| without it: log, budget, autoscale | rule; budget; step | firing |

Sev0 is critical, Sev1 error, Sev2 warning, Sev3 and Sev4 info. Budgets are info. The service is `configurationItems`, else the end of
`alertTargetIDs`; of service health the impacted services, with their regions as a label. Service health is news of the provider `azure`: DevOps
hears of it first, unless the integration has a `kind` of its own. Its maintenances carry their window.

The caller and the claims of activity logs are not taken over into triggers.

## A secure webhook

In place of *Webhook* choose *Secure Webhook*: Azure then sends a token of Microsoft Entra with every body, and Tocsin takes nothing without it.

```yaml
    options:
      entra:
        tenant: 9d1c3a52-0000-4000-8000-5f0d5f0d5f0d   # the directory
        audience: api://tocsin                        # the application's ID URI
        role: ActionGroupsSecureWebhook               # the role that it gives to Azure's action groups
```

Signature, issuer, audience, role and time are looked at; the tenant's keys come from `login.microsoftonline.com`.

## Options

{COMMON} `entra`: whose tokens are asked for; without it the key alone counts.
"""


async def check(arrival: Arrival[AzureOptions], network: Network) -> None:
    """Take only what comes with a token of Entra, where the option ``entra`` asks for one. Raises :class:`Forbidden`."""
    wanted = arrival.integration.options.entra
    if wanted is None:
        return
    scheme, _, token = arrival.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Forbidden("This integration takes secure webhooks alone: send the token of Entra as a Bearer token.")
    try:
        try:
            check_token(token.strip(), await network.get(wanted.keys_url, keep=True), wanted, arrival.now)
        except UnknownKey:  # the tenant may have changed its keys
            check_token(token.strip(), await network.get(wanted.keys_url, keep=True, anew=True), wanted, arrival.now)
    except NotEntras as error:
        raise Forbidden(str(error)) from error


EXAMPLE: Final[dict[str, Any]] = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/5f0d/providers/Microsoft.AlertsManagement/alerts/0b7c",
            "alertRule": "approval-queue-stuck",
            "severity": "Sev1",
            "signalType": "Metric",
            "monitorCondition": "Fired",
            "monitoringService": "Platform",
            "alertTargetIDs": ["/subscriptions/5f0d/resourcegroups/shop/providers/microsoft.servicebus/approvals"],
            "configurationItems": ["approvals"],
            "firedDateTime": "2026-03-02T09:15:00.1234567Z",
            "description": "The approval queue has not moved for 12 minutes",
        },
        "alertContext": {"condition": {"allOf": [{"metricName": "ActiveMessages", "metricValue": 1204}]}},
    },
}

SOURCE: Final = Source(
    name="azure",
    title="Azure Monitor",
    kind="telemetry",
    docs=DOCS,
    options=AzureOptions,
    example=EXAMPLE,
    read=reads_one(_one),
    check=check,
)
