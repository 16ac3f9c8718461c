"""The first line of the page."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from libs.common.events.base import Window
from services.statuspage.domain.sentence import Names, headline, level_of, sentence
from tests.support.statuspage import NOW, at, incident

NAMES = Names(
    services={"invoicing": "Invoicing", "reports": "Reports"},
    tools={"sap": "SAP"},
    tenants={"acme": "Acme", "globex": "Globex"},
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tenants": ("acme", "globex")}, "Invoicing does not work for two clients since 09:15 UTC"),
        ({"tenants": ("acme",)}, "Invoicing does not work for one client since 09:15 UTC"),
        ({"tenants": tuple(f"t{n}" for n in range(13))}, "Invoicing does not work for 13 clients since 09:15 UTC"),
        ({}, "Invoicing does not work since 09:15 UTC"),
        ({"severity": "warning"}, "Invoicing has problems since 09:15 UTC"),
        ({"service": None}, "A part of the system does not work since 09:15 UTC"),
        ({"service": "data-warehouse"}, "A part of the system does not work since 09:15 UTC"),
        ({"category": "system_down", "service": None}, "The system is down since 09:15 UTC"),
        ({"category": "process_blocked"}, "Some work in Invoicing cannot be completed since 09:15 UTC"),
        ({"category": "provider_unavailable", "provider": "azure"}, "Our provider Azure is unavailable since 09:15 UTC"),
        ({"category": "tool_unavailable", "tool": "sap"}, "SAP is unavailable since 09:15 UTC"),
        ({"category": "tool_unavailable", "tool": "crm-sync"}, "An integrated tool is unavailable since 09:15 UTC"),
        ({"opened_at": at(23, 50, 1)}, "Invoicing does not work since 23:50 UTC yesterday"),
        ({"opened_at": at(23, 50, 3)}, "Invoicing does not work since 25 May, 23:50 UTC"),
        ({"state": "resolved", "resolved_at": at(9, 40)}, "Invoicing did not work for 25 minutes"),
        ({"category": "maintenance"}, "Invoicing is in maintenance since 09:15 UTC"),
    ],
)  # fmt: skip
def test_each_kind_of_incident_has_its_sentence(changes: dict[str, Any], expected: str) -> None:
    given: dict[str, Any] = {"opened_at": at(9, 15), **changes}
    assert sentence(incident(1, given.pop("opened_at"), **given), NAMES, NOW) == expected


def test_names_of_the_inside_are_for_operators_only() -> None:
    names = Names(services={"ledger": "Ledger"}, internal=frozenset({"ledger"}))
    for service, name in (("node", "Node"), ("ledger", "Ledger")):
        given = incident(1, at(9, 15), service=service)
        assert sentence(given, names, NOW, named=True) == f"{name} does not work since 09:15 UTC"
        assert sentence(given, names, NOW) == "A part of the system does not work since 09:15 UTC"
        assert headline([given], names, NOW).text == "A part of the system does not work since 09:15 UTC"
        planned = given.model_copy(update={"category": "maintenance"})
        assert sentence(planned, names, NOW) == "A part of the system is in maintenance since 09:15 UTC"
    both = [incident(1, at(9), service="node"), incident(2, at(9, 15), service="ledger"), incident(3, at(9, 20))]
    text = headline(both, Names(services={"invoicing": "Invoicing"}), NOW).text
    assert text == "Invoicing and a part of the system do not work since 09:00 UTC"
    tool = incident(1, at(9, 15), category="tool_unavailable", tool="crm-sync")
    assert sentence(tool, names, NOW, named=True) == "CRM sync is unavailable since 09:15 UTC"


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "expected"),
    [
        (at(9), at(11), "Invoicing is in maintenance until 11:00 UTC"),
        (at(9), None, "Invoicing is in maintenance since 09:00 UTC"),
        (at(8), at(9), "Invoicing is in maintenance, which should have ended at 09:00 UTC"),
        (at(22), at(23), "Invoicing will be in maintenance today from 22:00 to 23:00 UTC"),
        (at(22), at(1, 0, -1), "Invoicing will be in maintenance from 22:00 UTC to 01:00 UTC tomorrow"),
        (at(2, 0, -2), at(4, 0, -2), "Invoicing will be in maintenance on 30 May from 02:00 to 04:00 UTC"),
    ],
)
def test_maintenance_says_its_window(starts_at: datetime, ends_at: datetime | None, expected: str) -> None:
    window = Window(starts_at=starts_at, ends_at=ends_at)
    given = incident(1, at(7), category="maintenance", kind="maintenance", window=window)
    assert sentence(given, NAMES, NOW) == expected


def test_an_alerts_own_words_never_reach_the_public() -> None:
    secret = incident(1, at(9, 15), title="db-prod-7.internal is on fire", description="root password in vault")
    said = sentence(secret, NAMES, NOW) + headline([secret], NAMES, NOW).text
    assert "db-prod" not in said
    assert "password" not in said


def test_a_tenants_page_counts_nobody_and_operators_read_names() -> None:
    given = incident(1, at(9, 15), tenants=("acme", "globex"))
    assert sentence(given, NAMES, NOW, tenant="acme") == "Invoicing does not work since 09:15 UTC"
    assert sentence(given, NAMES, NOW, named=True) == "Invoicing does not work for Acme and Globex since 09:15 UTC"


def test_nothing_open_is_told_as_everything_works() -> None:
    assert headline([], NAMES, NOW).text == "Everything works"
    assert headline([], NAMES, NOW).level == "ok"


def test_incidents_of_one_kind_become_one_sentence_with_united_clients_and_the_earliest_time() -> None:
    both = [
        incident(2, at(9, 30), service="reports", tenants=("globex", "acme")),
        incident(1, at(9, 15), tenants=("acme",)),
    ]
    assert headline(both, NAMES, NOW).text == "Invoicing and Reports do not work for two clients since 09:15 UTC"


def test_the_worst_incident_leads_and_the_others_are_counted() -> None:
    several = [
        incident(1, at(8), service="reports", severity="warning"),
        incident(2, at(9, 15)),
        incident(3, at(9, 20), category="tool_unavailable", tool="sap"),
    ]
    found = headline(several, NAMES, NOW)
    assert found.level == "down"
    assert found.text == "Invoicing does not work since 09:15 UTC, and two more problems are open"


def test_planned_maintenance_leaves_the_headline_alone_until_it_begins() -> None:
    window = Window(starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=2))
    planned = incident(1, at(9), category="maintenance", window=window)
    assert headline([planned], NAMES, NOW).level == "ok"
    begun = headline([planned], NAMES, NOW + timedelta(hours=1))
    assert (begun.level, begun.text) == ("maintenance", "Invoicing is in maintenance until 11:48 UTC")


def test_levels_follow_category_and_severity() -> None:
    assert level_of(incident(1, NOW)) == "down"
    assert level_of(incident(1, NOW, severity="info")) == "degraded"
    assert level_of(incident(1, NOW, category="system_down", severity="warning")) == "down"
    assert level_of(incident(1, NOW, category="provider_unavailable")) == "degraded"
