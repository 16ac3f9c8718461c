from uuid import UUID

import pytest

from services.intake.domain.facts import received
from services.intake.domain.trigger import TicketRead
from services.intake.sources.registry import all_sources
from services.intake.sources.tickets import ticket_read
from tests.unit.intake.support import NOW, integration, only, read, sample

BELOW = {"zendesk": "HIGH", "jira": "Medium", "freshdesk": "Medium", "servicenow": "3"}


@pytest.mark.parametrize("source", sorted(BELOW))
def test_only_what_the_integration_calls_p1_opens_an_incident(source: str) -> None:
    body = sample(f"{source}/below_p1")
    assert [ignored.reason for ignored in read(source, body).ignored] == ["not-p1"]
    trigger = only(read(source, body, integration(source, None, {"p1": [BELOW[source].lower()]})))
    assert (trigger.kind, trigger.severity) == ("ticket", "critical")


def test_a_tag_makes_a_ticket_a_p1_and_names_its_service() -> None:
    options = {"p1_tags": ["Northwind"], "services": {"northwind": "approvals"}}
    trigger = only(read("zendesk", sample("zendesk/below_p1"), integration("zendesk", None, options)))
    assert trigger.service == "approvals"


def test_the_page_of_a_zendesk_event_needs_the_host() -> None:
    with_host = integration("zendesk", None, {"host": "acme.zendesk.example"})
    (link,) = only(read("zendesk", sample("zendesk/raised"), with_host)).links
    assert link.href == "https://acme.zendesk.example/agent/tickets/20418"


OURS: dict[str, dict[str, object]] = {
    "zendesk": {
        "type": "zen:event-type:ticket.comment_added",
        "detail": {"id": "20418", "subject": "Nobody can approve", "priority": "URGENT", "status": "OPEN"},
        "event": {"comment": {"body": "Incident 12 was acknowledged.", "is_public": True}},
    },
    "jira": {
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_commented",
        "issue": {"key": "HELP-418", "fields": {"summary": "x", "priority": {"name": "Highest"}}},
        "comment": {"body": "Incident 12 was acknowledged."},
    },
    "freshdesk": {
        "freshdesk_webhook": {
            "triggered_event": "{note_type:public}",
            "ticket_id": "20418",
            "ticket_status": "Open",
            "ticket_priority": "Urgent",
        }
    },
}
"""What a helpdesk posts of a comment of ours on an open P1. ServiceNow's rule posts none: its script says so."""


@pytest.mark.parametrize("source", sorted(OURS))
def test_our_own_comment_on_an_open_p1_is_no_news(source: str) -> None:
    reading = read(source, OURS[source])
    assert [ignored.reason for ignored in reading.ignored] == ["no-news"]
    assert not reading.triggers


def test_a_comment_that_comes_with_a_change_of_status_is_news() -> None:
    change = {"changelog": {"items": [{"field": "status", "fromString": "Done", "toString": "Open"}]}}
    assert only(read("jira", OURS["jira"] | change)).status == "firing"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("zendesk", ("20418", "20418", "")),
        ("jira", ("HELP-418", "HELP-418", "https://acme.atlassian.example/browse/HELP-418")),
        ("freshdesk", ("20418", "20418", "https://acme.freshdesk.example/helpdesk/tickets/20418")),
        (
            "servicenow",
            (
                "9d38",
                "INC0020418",
                "https://acme.service-now.example/nav_to.do?uri=incident.do?sys_id=9d38",
            ),
        ),
    ],
)
def test_a_trigger_says_which_ticket_it_is(source: str, expected: tuple[str, str, str]) -> None:
    parsed = only(read(source, all_sources()[source].example))
    event = received(parsed, integration(source), UUID(int=1), UUID(int=2), NOW)
    assert event.ticket is not None
    assert (event.ticket.integration_id, event.ticket.source) == ("shop-floor", source)
    assert (event.ticket.id, event.ticket.name, event.ticket.url) == expected


def test_a_native_ticket_is_one_and_a_link_that_nobody_should_open_is_left_out() -> None:
    ticket = {"kind": "ticket", "ticket": "HD-1", "priority": "P1", "title": "x", "url": "https://desk.example/HD-1"}
    parsed = only(read("native", ticket))
    assert parsed.ticket == TicketRead("HD-1", "HD-1", "https://desk.example/HD-1")
    assert ticket_read("HD-1", "HD-1", "javascript:alert(1)").url == ""
    assert only(read("native", {"kind": "telemetry", "title": "x"})).ticket is None


def jira_change(field: str, before: str, after: str) -> dict[str, object]:
    fields = {"summary": "x", "priority": {"name": "Highest"}, "status": {"name": after}}
    items = [{"field": field, "fromString": before, "toString": after}]
    return {
        "webhookEvent": "jira:issue_updated",
        "issue": {"key": "HELP-418", "fields": fields},
        "changelog": {"items": items},
    }


def zendesk_event(kind: str, **event: str) -> dict[str, object]:
    detail = {"id": "20418", "subject": "x", "priority": "URGENT", "status": "OPEN"}
    return {"type": f"zen:event-type:ticket.{kind}", "detail": detail, "event": event}


def freshdesk_rule(happened: str) -> dict[str, object]:
    ticket = {"ticket_id": "1", "ticket_status": "Open", "ticket_priority": "Urgent", "triggered_event": happened}
    return {"freshdesk_webhook": ticket}


@pytest.mark.parametrize(
    ("source", "body", "raised"),
    [
        ("jira", jira_change("status", "Done", "Open"), True),
        ("jira", jira_change("status", "In Progress", "Waiting for customer"), False),
        ("jira", jira_change("priority", "Medium", "Highest"), True),
        ("zendesk", zendesk_event("created"), True),
        ("zendesk", zendesk_event("priority_changed", current="URGENT", previous="NORMAL"), True),
        ("zendesk", zendesk_event("status_changed", current="OPEN", previous="SOLVED"), True),
        ("zendesk", zendesk_event("status_changed", current="PENDING", previous="OPEN"), False),
        ("zendesk", {"ticket_id": "1", "ticket_status": "Open", "ticket_priority": "Urgent"}, False),
        ("freshdesk", freshdesk_rule("{ticket_action:created}"), True),
        ("freshdesk", freshdesk_rule("{priority:{from:1,to:4}}"), True),
        ("freshdesk", freshdesk_rule("{status:{from:4,to:2}}"), True),
        ("freshdesk", freshdesk_rule("{status:{from:2,to:6}}"), False),
        ("servicenow", {"sys_id": "1", "priority": "1", "state": "2", "operation": "insert"}, True),
        ("servicenow", {"sys_id": "1", "priority": "1", "state": "2", "operation": "update"}, False),
    ],
)
def test_a_trigger_says_whether_its_ticket_was_raised_just_now(source: str, body: object, raised: bool) -> None:
    ticket = only(read(source, body)).ticket
    assert ticket is not None
    assert ticket.raised is raised
