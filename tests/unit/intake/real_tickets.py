"""The expectations of :mod:`real_bodies` for helpdesks."""

from tests.unit.intake.real_expectations import CRITICAL, FIRING, NOTHING, RESOLVED, Expected

TICKETS: dict[str, list[Expected]] = {
    "zendesk/trigger_custom_json.json": [
        {"key": "ticket_id", "status": FIRING, "severity": CRITICAL, "title": "ticket_title", "link": "link"}
    ],
    "zendesk/event_ticket_created.json": [{"key": "detail.id", "status": FIRING}],
    "zendesk/event_status_changed.json": [
        {"key": "detail.id", "status": RESOLVED, "severity": CRITICAL, "title": "detail.subject"}
    ],
    "jira/issue_created.json": [
        {
            "key": "issue.key",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "issue.fields.project.key",
            "title": "issue.fields.summary",
            "link": ["http://jira.example.org:8080/browse/BUG-15"],
        }
    ],
    "jira/issue_updated_status.json": [
        {
            "key": "issue.key",
            "status": FIRING,
            "service": "issue.fields.project.key",
            "title": "issue.fields.summary",
            "link": ["https://acme.atlassian.net/browse/TEST-1"],
        }
    ],
    "freshdesk/ticket_created.json": [
        {
            "key": "freshdesk_webhook.ticket_id",
            "status": FIRING,
            "service": "freshdesk_webhook.ticket_type",
            "title": "freshdesk_webhook.ticket_subject",
            "link": "freshdesk_webhook.ticket_url",
        }
    ],
    "freshdesk/status_changed.json": [
        {
            "key": "freshdesk_webhook.ticket_id",
            "status": RESOLVED,
            "service": "freshdesk_webhook.ticket_type",
            "title": "freshdesk_webhook.ticket_subject",
            "link": "freshdesk_webhook.ticket_url",
        }
    ],
    "servicenow/table_api_incident.json": [
        {
            "key": "result.sys_id",
            "status": FIRING,
            "service": NOTHING,
            "link": "join('', ['https://dev00000.service-now.com/nav_to.do?uri=incident.do?sys_id=', result.sys_id])",
        }
    ],
    "servicenow/business_rule_outbound.json": [
        {
            "key": "sys_id",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "cmdb_ci",
            "title": "short_description",
            "link": "link",
        }
    ],
}
