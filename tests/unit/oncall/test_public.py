"""Clients read names that the directory calls public, and never an alert's own words."""

from typing import Any

import pytest

from libs.common.events.incidents import Incident
from services.oncall.domain.directory import Directory
from services.oncall.domain.nouns import Service, Tool
from services.oncall.domain.public import public_title
from tests.support.bodies import golden_incident

DIRECTORY = Directory.of(
    [
        Service(id="invoicing", name="Invoicing"),
        Service(id="ledger", name="Ledger", public=False),
        Tool(id="sap", name="SAP"),
    ]
)


@pytest.mark.parametrize(
    ("about", "title"),
    [
        ({"category": "system_down"}, "The system is down"),
        ({"category": "service_down", "service": "invoicing"}, "Invoicing does not work"),
        ({"category": "service_down", "service": "ledger"}, "A part of the system does not work"),
        ({"category": "service_down", "service": "node-exporter"}, "A part of the system does not work"),
        ({"category": "process_blocked", "service": "invoicing"}, "Some work in Invoicing is blocked"),
        ({"category": "process_blocked", "service": None}, "Some work is blocked"),
        ({"category": "provider_unavailable"}, "A provider of ours is unavailable"),
        ({"category": "tool_unavailable", "tool": "sap"}, "SAP is unavailable"),
        ({"category": "tool_unavailable", "tool": "vault"}, "An integrated tool is unavailable"),
        ({"category": "maintenance", "service": "invoicing"}, "Scheduled maintenance of Invoicing"),
        ({"category": "maintenance", "service": None}, "Scheduled maintenance"),
    ],
)
def test_what_clients_are_told_it_is_about(about: dict[str, Any], title: str) -> None:
    incident: Incident = golden_incident().model_copy(update={"title": "db-07 OOM", **about})
    assert public_title(DIRECTORY, incident) == title
