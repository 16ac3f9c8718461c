"""The links that an incident carries: which, for whom, and never a broken one."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from libs.common.events.incidents import Incident
from services.oncall.domain.directory import Directory
from services.oncall.domain.links import MOST_TENANTS, check_links, public_links
from services.oncall.domain.nouns import CheckLink
from tests.unit.oncall.company import MORNING, directory, entries

STATUS = "https://status.example.com/"
LINKS: list[dict[str, Any]] = [
    {"id": "helpdesk", "name": "Helpdesk's workspace", "href": "https://helpdesk.example.com/incidents/{number}"},
    {"id": "status-page", "name": "Our status page", "href": "{status_page}/", "public": True},
    {
        "id": "azure",
        "name": "Azure's status page",
        "href": "https://azure.example/",
        "provider": "azure",
        "public": True,
    },
    {"id": "workspace", "name": "{service} at {tenant}", "href": "https://{tenant}.example.com/{service}"},
    {"id": "logs", "name": "Logs of {tool} at {tenant}", "href": "https://{tenant}.example.com/tools/{tool}/logs"},
]


def incident(**facts: Any) -> Incident:
    return Incident.model_validate(
        {
            "id": UUID(int=9),
            "number": 7,
            "version": 1,
            "title": "Down",
            "state": "open",
            "kind": "telemetry",
            "category": "service_down",
            "severity": "critical",
            "opened_at": MORNING,
            **facts,
        }
    )


def company(**changed: list[dict[str, Any]]) -> Directory:
    return directory(**{"link": LINKS, **changed})


def hrefs(facts: dict[str, Any], **changed: list[dict[str, Any]]) -> list[str]:
    return [link.href for link in check_links(company(**changed), incident(**facts), STATUS)]


def test_every_incident_carries_the_workspace_and_our_status_page() -> None:
    assert hrefs({}) == ["https://helpdesk.example.com/incidents/7", "https://status.example.com/"]


def test_the_providers_page_stands_where_the_incident_is_of_that_provider() -> None:
    assert "https://azure.example/" in hrefs({"provider": "Azure"})
    assert "https://azure.example/" not in hrefs({"provider": "twilio"})


def test_the_services_workspace_stands_once_for_each_tenant_concerned() -> None:
    found = check_links(company(), incident(service="invoicing", tenants=["acme", "borg"]), STATUS)
    assert [(link.text, link.href) for link in found[2:]] == [
        ("Invoicing at Acme", "https://acme.example.com/invoicing"),
        ("Invoicing at Borg", "https://borg.example.com/invoicing"),
    ]


def test_the_tools_logs_stand_for_the_tenant() -> None:
    assert hrefs({"tool": "ziflow", "tenants": ["borg"]})[2:] == ["https://borg.example.com/tools/ziflow/logs"]


def test_a_service_or_tool_that_nobody_knows_has_no_link() -> None:
    assert len(hrefs({"service": "a/../b?x", "tool": "ghost", "tenants": ["acme", "nosuch"]})) == 2


def test_a_tenant_that_does_not_use_the_service_has_no_workspace_for_it() -> None:
    tenants: list[dict[str, Any]] = [
        {"id": "acme", "name": "Acme", "services": ["orphan"]},
        {"id": "borg", "name": "Borg"},
    ]
    assert hrefs({"service": "invoicing"}, tenant=tenants)[2:] == ["https://borg.example.com/invoicing"]


def test_an_incident_of_every_tenant_carries_links_of_a_few() -> None:
    many = [{"id": f"t{number}", "name": f"T{number}"} for number in range(40)]
    assert len(hrefs({"service": "invoicing"}, tenant=many)) == 2 + MOST_TENANTS


def test_things_carry_their_own_links_and_each_address_stands_once() -> None:
    own = [
        {"href": "https://grafana.example.com/invoicing", "text": "Dashboard"},
        {"href": "https://status.example.com/", "text": "Again"},
    ]
    services = [{**entries()["service"][0], "links": own}]
    found = check_links(company(service=services), incident(service="invoicing", tenants=["acme"]), STATUS)
    assert [link.text for link in found] == [
        "Helpdesk's workspace",
        "Our status page",
        "Invoicing at Acme",
        "Dashboard",
    ]


def test_without_a_status_page_there_is_no_link_to_it() -> None:
    assert [link.text for link in check_links(company(), incident(), None)] == ["Helpdesk's workspace"]


def test_clients_see_public_links_alone() -> None:
    found = public_links(company(), incident(service="invoicing", provider="azure", tenants=["acme"]), STATUS)
    assert [link.text for link in found] == ["Our status page", "Azure's status page"]


@pytest.mark.parametrize(
    ("href", "words"),
    [
        ("https://x.example/{nosuch}", "{nosuch} is not known here"),
        ("https://x.example/{incident.id}", "not known here"),
        ("https://x.example/{incident", "expected '}'"),
        ("javascript:alert(1)", "https://"),
        ("{tenant}.example.com", "https://"),
    ],
)
def test_a_template_that_could_break_is_refused(href: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("{", r"\{").replace("}", r"\}").replace("(", r"\(")):
        CheckLink.model_validate({"id": "x", "name": "X", "href": href})
