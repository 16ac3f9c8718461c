import pytest

from tests.unit.intake.support import integration, only, read, sample

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
