"""Azure Monitor without the common alert schema: each service's own body, as action groups and older rules post it.

Metric alerts of both generations, log alerts (of Application Insights and of Log Analytics), budgets, and autoscale. Their words are those of
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-non-common-schema-definitions.
"""

from typing import Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.look import Look
from services.intake.sources.common import Told, needed

SEVERITIES: Final = {"0": "critical", "1": "error", "2": "warning", "3": "info", "4": "info", "verbose": "info"}
OVER: Final = frozenset({"deactivated", "resolved"})


def told_of(look: Look) -> Told | None:
    """The alert of a body in a service's own schema; ``None`` where it is none of them."""
    kind = look.text("schemaId").lower()
    data = look.at("data") if look.at("data").is_object() else look
    if "loganalytics" in kind or data.text("SearchQuery", "AlertThresholdOperator"):
        return _log(data)
    if "budget" in kind or data.text("NotificationThresholdAmount"):
        return _budget(data)
    if data.at("context").is_object() and data.text("status"):
        return _autoscale(data) if data.text("operation") else _metric(data)
    return None


def _metric(data: Look) -> Told:
    context = data.at("context")
    rule, target = needed(context, "id", "name"), context.text("resourceId", "resourceName")
    condition = context.at("condition")
    measured = condition.at("allOf.0") if condition.at("allOf.0").is_object() else condition
    parts = {one.text("name"): one.text("value") for one in measured.each("dimensions") if one.text("name")}
    said = (
        measured.text("metricName"),
        measured.text("operator"),
        measured.text("threshold"),
        measured.text("metricValue"),
    )
    firing = data.text("status").lower() not in OVER
    at = context.moment("timestamp")
    return Told(
        # one rule may watch many resources, and of each many series
        key=hash_of_words("metric", [rule, target, *(f"{name}={parts[name]}" for name in sorted(parts))]),
        firing=firing,
        title=context.text("name"),
        description="\n".join(filter(None, [context.text("description"), "{} {} {}: {}".format(*said).strip(" :")])),
        severity=_severity(context),
        services=filter(None, [context.text("resourceName") or target.rpartition("/")[2]]),
        links=[(context.text("portalLink"), "Azure portal")],
        labels={**data.facts("properties"), **parts, "metric": said[0], "region": context.text("resourceRegion")},
        started_at=at if firing else None,
        ended_at=at,
    )


def _log(data: Look) -> Told:
    rule = needed(data, "AlertRuleName", "AlertName")
    where = data.text("ApplicationId", "WorkspaceId", "ResourceId")
    return Told(
        key=hash_of_words("log", [data.text("SubscriptionId"), where, rule]),
        firing=True,
        title=rule,
        description=data.text("Description", "SearchQuery"),
        severity=_severity(data, "Severity"),
        services=filter(None, [data.text("ResourceName") or data.text("ResourceId").rpartition("/")[2]]),
        links=[
            (
                data.text("LinkToFilteredSearchResultsUI", "LinkToSearchResultsUI", "LinkToSearchResults"),
                "Search results",
            )
        ],
        labels={"results": data.text("ResultCount"), "type": data.text("AlertType"), "query": data.text("SearchQuery")},
        started_at=data.moment("SearchIntervalEndtimeUtc", "SearchIntervalEndTimeUtc"),
    )


def _budget(data: Look) -> Told:
    budget, spent = needed(data, "BudgetName"), data.text("SpendingAmount")
    return Told(
        key=hash_of_words("budget", [data.text("SubscriptionId"), data.text("ResourceGroup"), budget]),
        firing=True,
        title=f"{budget}: {spent} of {data.text('Budget')} {data.text('Unit')} are spent".strip(),
        severity="info",
        services=filter(None, [data.text("ResourceGroup", "SubscriptionName")]),
        labels=data.facts(""),
    )


def _autoscale(data: Look) -> Told:
    """A step of autoscale: news, as budgets are."""
    context = data.at("context")
    return Told(
        key=hash_of_words("autoscale", [needed(context, "id", "name"), data.text("operation")]),
        firing=data.text("status").lower() not in OVER,
        title=f"{data.text('operation')}: {context.text('resourceName', 'name')}",
        description=context.text("details", "description"),
        severity="info",
        services=filter(None, [context.text("resourceName")]),
        links=[(context.text("portalLink"), "Azure portal")],
        labels={"from": context.text("oldCapacity"), "to": context.text("newCapacity")},
        started_at=context.moment("timestamp"),
    )


def _severity(look: Look, name: str = "severity") -> str:
    word = look.text(name).lower()
    return SEVERITIES.get(word, word)
