"""The expectations of :mod:`real_bodies` for what providers say of themselves: webhooks, APIs and feeds of status pages."""

from typing import Final

from tests.unit.intake.real_expectations import FIRING, INFO, NOTHING, RESOLVED, WARNING, Expected

INCIDENT: Final[Expected] = {
    "key": "join('/', [page.id, incident.id])",
    "severity": INFO,
    "service": "incident.components[0].name",
    "title": "incident.name",
    "link": "incident.shortlink",
}
"""An incident of Statuspage whose impact is none or maintenance."""

HEALTH: Final = "https://health.aws.amazon.com/health/home#/event-log?eventID="

PROVIDERS: Final[dict[str, list[Expected] | str | tuple[str, Expected]]] = {
    "statuspage/incident_created.json": [{**INCIDENT, "status": FIRING}],
    "statuspage/incident_resolved.json": [{**INCIDENT, "status": RESOLVED}],
    "statuspage/maintenance_scheduled.json": [{**INCIDENT, "status": FIRING}],
    "statuspage/component_update.json": [
        {
            "key": "join('/', [page.id, component.id])",
            "status": FIRING,
            "severity": INFO,
            "service": "component.name",
            "title": ["Database component: under maintenance"],
        }
    ],
    "statuspage/history_atom.xml.txt": [
        {
            "key": "entry[0].id[0]",
            "status": RESOLVED,
            "service": NOTHING,
            "title": "entry[0].title[0]",
            "link": "entry[0].link[0]",
        }
    ],
    "statuspage_api_v2/summary.json": (
        "no-news",
        {"key": "join('/', [page.id, components[0].id])", "status": RESOLVED},
    ),
    "statuspage_api_v2/components.json": (
        "no-news",
        {"key": "join('/', [page.id, components[0].id])", "status": RESOLVED},
    ),
    "statuspage_api_v2/status.json": "no-news",
    "statuspage_api_v2/incidents.json": [
        {
            "key": "join('/', [page.id, incidents[0].id])",
            "status": RESOLVED,
            "severity": WARNING,
            "service": "incidents[0].components[0].name",
            "title": "incidents[0].name",
            "link": "incidents[0].shortlink",
        }
    ],
    "statuspage_api_v2/incidents_unresolved.json": [],
    "statuspage_api_v2/scheduled-maintenances.json": [
        {
            "key": "join('/', [page.id, scheduled_maintenances[0].id])",
            "status": RESOLVED,
            "severity": ["error"],
            "service": NOTHING,
            "title": "scheduled_maintenances[0].name",
            "link": "scheduled_maintenances[0].shortlink",
        }
    ],
    "statuspage_api_v2/scheduled-maintenances_upcoming.json": [],
    "statuspage_api_v2/scheduled-maintenances_active.json": [],
    "azure_status/feed_empty.rss.txt": [],
    "azure_status/feed_incident_2018.rss.txt": [
        {
            "status": RESOLVED,
            "service": ["Virtual Machines/VM Scale Sets"],
            "title": "channel[0].item[0].title[0]",
            "link": "channel[0].link[0]",
        }
    ],
    "gcp_status/incidents.json": [
        {
            "key": "[0].id",
            "status": RESOLVED,
            "severity": ["critical"],
            "service": "[0].affected_products[0].title",
            "title": "[0].external_desc",
            "link": "join('', ['https://status.cloud.google.com/', [0].uri])",
        }
    ],
    "freshstatus/incident_open.json": [
        {
            "key": "join('/', [to_string(event_data.account_id), id])",
            "status": FIRING,
            "service": "affected_services",
            "title": "title",
            "link": NOTHING,
        }
    ],
    "freshstatus/maintenance_planned.json": [
        {
            "key": "join('/', [to_string(event_data.account_id), id])",
            "status": FIRING,
            "severity": INFO,
            "service": "affected_services",
            "title": "title",
        }
    ],
    "aws_health/eventbridge_public_issue.json": [
        {
            "key": "detail.eventArn",
            "status": RESOLVED,
            "severity": ["error"],
            "service": "detail.service",
            "title": "join(': ', [detail.eventTypeCode, 'Current severity level: Operating normally'])",
            "link": f"join('', ['{HEALTH}', detail.eventArn])",
        }
    ],
    "aws_health/eventbridge_scheduled_change.json": [
        {
            "key": "detail.eventArn",
            "status": FIRING,
            "severity": WARNING,
            "service": "detail.service",
            "title": "detail.eventTypeCode",
            "link": f"join('', ['{HEALTH}', detail.eventArn])",
        }
    ],
}
