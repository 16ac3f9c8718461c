"""The expectations of :mod:`real_bodies`, by file: expressions over the body, or a constant as a list of one value.

A text in place of a list names the reason for which the body opens nothing; with what it would have been beside it, where that is
known.
"""

from typing import Any

Expected = dict[str, Any]
FIRING, RESOLVED = ["firing"], ["resolved"]
CRITICAL, ERROR, WARNING, INFO, NOTHING = ["critical"], ["error"], ["warning"], ["info"], [None]


def _labelled(number: int, status: list[str], severity: list[str], service: str, **other: Any) -> Expected:
    alert = f"alerts[{number}]"
    return {
        "key": f"{alert}.fingerprint",
        "status": status,
        "severity": severity,
        "service": f"{alert}.labels.{service}",
        "title": f"{alert}.annotations.summary",
        "link": f"{alert}.generatorURL",
        **other,
    }


PROMETHEUS: Expected = {
    "severity": CRITICAL,
    "service": "[0].labels.service",
    "title": "[0].annotations.summary",
    "link": "[0].generatorURL",
}

EXPECTED: dict[str, list[Expected] | str | tuple[str, Expected]] = {
    "prometheus_alertmanager/firing_single.json": [_labelled(0, FIRING, CRITICAL, "service")],
    "prometheus_alertmanager/firing_multi.json": [
        _labelled(0, FIRING, CRITICAL, "job"),
        _labelled(1, FIRING, WARNING, "job"),
        _labelled(2, FIRING, WARNING, "job"),
    ],
    "prometheus_alertmanager/resolved_single.json": [_labelled(0, RESOLVED, CRITICAL, "service")],
    "prometheus_alertmanager/resolved_multi.json": [
        _labelled(0, RESOLVED, CRITICAL, "job"),
        _labelled(1, RESOLVED, WARNING, "job"),
    ],
}

EXPECTED |= {
    "prometheus_alertmanager/v4_no_fingerprint_2017.json": [
        {
            "status": FIRING,
            "severity": CRITICAL,
            "service": NOTHING,
            "title": "alerts[0].annotations.summary",
            "link": "alerts[0].generatorURL",
        }
    ],
    "prometheus_direct/firing.json": [{**PROMETHEUS, "status": FIRING}],
    "prometheus_direct/resolved.json": [{**PROMETHEUS, "status": RESOLVED}],
    "grafana/legacy_alerting.json": [{"key": "ruleId", "status": FIRING, "title": "ruleName", "link": "ruleUrl"}],
    "grafana/legacy_ok.json": [{"key": "ruleId", "status": RESOLVED, "title": "ruleName", "link": "ruleUrl"}],
    "grafana/unified_resolved_v9.json": [_labelled(0, RESOLVED, CRITICAL, "service")],
    "grafana/unified_mixed_v9.json": [
        _labelled(0, RESOLVED, CRITICAL, "job"),
        _labelled(1, RESOLVED, CRITICAL, "job"),
        _labelled(2, FIRING, CRITICAL, "job"),
    ],
    "grafana/unified_firing_v11.json": [
        _labelled(0, FIRING, CRITICAL, "grafana_folder", link="alerts[0].panelURL"),
    ],
    "aws_sns/subscription_confirmation.json": "handshake",
    "aws_sns/signed_v2_subscription_confirmation.json": "handshake",
    "aws_sns/notification_cloudwatch_alarm.json": [
        {
            "key": "join('/', [Message.AWSAccountId, Message.Region, Message.AlarmName])",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "Message.Trigger.Dimensions[1].value",
            "title": "Subject",
        }
    ],
    "aws_sns/notification_insufficient_data.json": [
        {
            "key": "join('/', [Message.AWSAccountId, Message.Region, Message.AlarmName])",
            "status": FIRING,
            "severity": WARNING,
            "title": "Subject",
        }
    ],
    "aws_sns/notification_ok_moto_v2.json": [
        {
            "key": "Message.AlarmArn",
            "status": RESOLVED,
            "service": "Message.Trigger.Dimensions[0].value",
            "title": "Message.AlarmDescription",
        }
    ],
    "aws_sns/signed_v2_alarm.json": [
        {
            "key": "Message.AlarmArn",
            "status": FIRING,
            "service": "Message.Trigger.Dimensions[0].value",
            "title": "Subject",
        }
    ],
    "pingdom/http_down.json": [
        {
            "key": "check_id",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "check_name",
            "title": "join(': ', [check_name, description])",
            "link": "check_params.full_url",
        }
    ],
    "pingdom/http_up.json": [
        {"key": "check_id", "status": RESOLVED, "service": "check_name", "link": "check_params.full_url"}
    ],
    "newrelic/legacy_incident_open.json": [
        {
            "key": "join(':', [to_string(account_id), to_string(incident_id)])",
            "status": FIRING,
            "severity": INFO,
            "service": "policy_name",
            "title": "join(': ', [condition_name, details])",
            "link": "incident_url",
        }
    ],
    "newrelic/issue_activated.json": [
        {
            "key": "id",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "impactedEntities[0]",
            "title": "title",
            "link": "issueUrl",
        }
    ],
    "newrelic/issue_closed.json": [
        {
            "key": "id",
            "status": RESOLVED,
            "severity": CRITICAL,
            "service": "impactedEntities[0]",
            "title": "title",
            "link": "issueUrl",
        }
    ],
    "gcp_monitoring/incident_open.json": [
        {
            "key": "incident.incident_id",
            "status": FIRING,
            "service": "incident.resource_name",
            "title": "incident.summary",
            "link": "incident.url",
        }
    ],
    "gcp_monitoring/incident_closed.json": [
        {
            "key": "incident.incident_id",
            "status": RESOLVED,
            "service": "incident.resource_name",
            "title": "incident.summary",
            "link": "incident.url",
        }
    ],
    "graylog/legacy_notification.json": [
        {
            "key": "join('/', [stream.id, check_result.triggered_condition.id])",
            "status": FIRING,
            "service": "stream.title",
            "title": "check_result.result_description",
        }
    ],
    "azure_monitor/metric_resolved.json": [
        {
            "key": "data.essentials.alertId",
            "status": RESOLVED,
            "severity": INFO,
            "service": "data.essentials.configurationItems[0]",
            "title": "data.essentials.alertRule",
        }
    ],
    "azure_monitor/metric_fired.json": [
        {
            "key": "data.essentials.alertId",
            "status": FIRING,
            "severity": INFO,
            "service": "data.essentials.configurationItems[0]",
            "title": "data.essentials.alertRule",
        }
    ],
    "azure_monitor/log_alert_v2_fired.json": [
        {
            "key": "data.essentials.alertId",
            "status": FIRING,
            "severity": INFO,
            "service": "data.essentials.configurationItems[0]",
            "title": "data.essentials.alertRule",
            "link": "data.alertContext.condition.allOf[0].linkToSearchResultsUI",
        }
    ],
    "azure_monitor/activity_log_administrative.json": [
        {
            "key": "data.alertContext.eventDataId",
            "status": FIRING,
            "severity": INFO,
            "service": "data.essentials.configurationItems[0]",
            "title": "join(' ', [data.alertContext.operationName, data.alertContext.status])",
            "link": NOTHING,
        }
    ],
    "azure_monitor/resource_health.json": [
        {
            "key": "join('/', [data.essentials.alertTargetIDs[0], data.alertContext.eventSource])",
            "status": FIRING,
            "severity": INFO,
            "service": "data.essentials.configurationItems[0]",
            "title": "data.alertContext.properties.title",
            "link": NOTHING,
        }
    ],
    "azure_monitor/service_health_incident.json": [
        {
            "key": "data.alertContext.properties.trackingId",
            "status": RESOLVED,
            "severity": WARNING,
            "service": "data.alertContext.properties.impactedServices[0].ServiceName",
            "title": "data.alertContext.properties.title",
            "link": ["https://app.azure.com/h/TEST-TTT/aaae4e"],
        }
    ],
    "azure_monitor/service_health_maintenance.json": [
        {
            "key": "data.alertContext.properties.trackingId",
            "status": FIRING,
            "severity": INFO,
            "service": "data.alertContext.properties.impactedServices[0].ServiceName",
            "title": "data.alertContext.properties.title",
        }
    ],
    "azure_monitor/budget_null_severity.json": (
        "test",
        {
            "key": "data.essentials.alertId",
            "status": FIRING,
            "severity": INFO,
            "service": ["budgets"],
            "title": "data.essentials.description",
        },
    ),
    "azure_monitor/service_health_legacy_noncommon.json": [
        {
            "key": "data.context.activityLog.properties.trackingId",
            "status": FIRING,
            "severity": WARNING,
            "service": "data.context.activityLog.properties.impactedServices[0].ServiceName",
            "title": "data.context.activityLog.properties.title",
            "link": ["https://app.azure.com/h/NA0F-BJG/bbadb3"],
        }
    ],
    "datadog/default_template_triggered.json": [
        {"status": FIRING, "severity": CRITICAL, "service": ["srv1-us1-prod"], "title": "title", "link": NOTHING}
    ],
    "datadog/recommended_template_triggered.json": [
        {
            "key": "alert_cycle_key",
            "status": FIRING,
            "severity": ERROR,
            "service": ["api"],
            "title": "title",
            "link": "link",
        }
    ],
    "sentry/issue_created.json": [
        {
            "key": "data.issue.id",
            "status": FIRING,
            "severity": ERROR,
            "service": "data.issue.project.slug",
            "title": "data.issue.title",
            "link": NOTHING,
        }
    ],
    "sentry/issue_resolved.json": [
        {
            "key": "data.issue.id",
            "status": RESOLVED,
            "severity": ERROR,
            "service": "data.issue.project.slug",
            "title": "data.issue.title",
        }
    ],
    "sentry/metric_alert_resolved.json": [
        {
            "key": "join(':', ['metric_alert', data.metric_alert.id])",
            "status": RESOLVED,
            "service": "data.metric_alert.projects[0]",
            "title": "data.description_title",
            "link": "data.web_url",
        }
    ],
    "sentry/event_alert_triggered.json": [
        {
            "key": "data.event.issue_id",
            "status": FIRING,
            "severity": "data.event.level",
            "title": "data.event.title",
            "link": "data.event.web_url",
        }
    ],
    "zabbix/problem_zulip_script.json": [
        {
            "key": ["10528"],
            "status": FIRING,
            "severity": WARNING,
            "service": "hostname",
            "title": "trigger",
            "link": "link",
        }
    ],
    "zabbix/media_type_problem.json": [
        {
            "key": "id",
            "status": FIRING,
            "severity": ERROR,
            "service": "tags[?tag=='service'].value | [0]",
            "title": "name",
        }
    ],
    "zabbix/media_type_resolved.json": [
        {
            "key": "id",
            "status": RESOLVED,
            "severity": ERROR,
            "service": "tags[?tag=='service'].value | [0]",
            "title": "name",
            "link": "join('', [url, '/tr_events.php?triggerid=', triggerId, '&eventid=', id])",
        }
    ],
    "uptime_kuma/down.json": [
        {"key": "monitor.id", "status": FIRING, "service": "monitor.name", "title": "msg", "link": "monitor.url"}
    ],
    "site24x7/down.json": [
        {
            "key": "MONITORNAME",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "MONITORNAME",
            "title": "INCIDENT_REASON",
            "link": "MONITOR_DASHBOARD_LINK",
        }
    ],
    "cloudevents/http_structured.json": [
        {
            "key": "data.alertId",
            "status": FIRING,
            "severity": "severity",
            "service": "data.service",
            "title": "data.summary",
            "link": "data.link",
        }
    ],
    "cloudevents/http_binary.http.txt": [
        {
            "key": "alertId",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "service",
            "title": "summary",
            "link": "link",
        }
    ],
    "cloudevents/http_batch.json": [
        {"key": "[0].data.alertId", "status": FIRING, "severity": CRITICAL, "title": "[0].data.summary"},
        {"key": "[1].data.alertId", "status": RESOLVED, "severity": CRITICAL, "title": "[1].data.summary"},
    ],
    "cloudevents/kafka_binary.json": [
        {
            "key": "alertId",
            "status": FIRING,
            "severity": CRITICAL,
            "service": "service",
            "title": "summary",
            "link": "link",
        }
    ],
    "generic/apprise_json.json": [
        {"status": FIRING, "severity": CRITICAL, "service": NOTHING, "title": "title", "link": NOTHING}
    ],
}
