"""The maintenance of a page as a calendar, for people's calendars and for programs that read MAINTNOTE."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from libs.common.events.base import Window
from libs.common.events.incidents import Incident, Maintenance, Update
from services.intake.domain.notices_ics import Notice, read_calendar
from services.statuspage.domain.calendar import Place, maintenance_calendar
from services.statuspage.domain.page import Folded, Tenant
from services.statuspage.domain.sentence import Names, sentence
from tests.support.statuspage import NOW, at, incident, uid

NAMES = Names(services={"invoicing": "Invoicing", "reports": "Reports"}, internal=frozenset({"data-warehouse"}))
PLACE = Place("Northwind status", "https://status.example.org", "")
ACME = Tenant("acme", "Acme", ("invoicing",))
TONIGHT = Window(starts_at=at(22), ends_at=at(22) + timedelta(hours=2))


def maintenance(number: int = 1, progress: Any = "planned", revision: int = 0, **changes: Any) -> Incident:
    record = Maintenance(id=uid(900 + number), external_id="CHG-1", state=progress, revision=revision, changed_at=at(9))
    given = {"category": "maintenance", "kind": "maintenance", "window": TONIGHT, "services": ("invoicing", "reports")}
    return incident(number, at(8), **{**given, "maintenance": record, **changes})


def rendered(*incidents: Incident, tenant: Tenant | None = None, place: Place = PLACE, **more: Any) -> bytes:
    return maintenance_calendar(Folded(incidents, more.get("updates", {}), (), NAMES), tenant, place)


def notices(*incidents: Incident, tenant: Tenant | None = None) -> tuple[Notice, ...]:
    """As intake reads a calendar that somebody else announces."""
    return read_calendar(rendered(*incidents, tenant=tenant), NOW).notices if incidents else ()


def test_one_event_is_one_maintenance_with_its_window_and_what_it_touches() -> None:
    [notice] = notices(maintenance())
    assert (notice.uid, notice.sequence, notice.state) == (str(uid(901)), 0, "scheduled")
    assert (notice.starts_at, notice.ends_at) == (TONIGHT.starts_at, TONIGHT.ends_at)
    assert notice.title == "Maintenance: Invoicing and Reports"
    assert [each.id for each in notice.affected] == ["invoicing", "reports"]
    assert (notice.provider, notice.maintenance_id, notice.account) == ("status.example.org", str(uid(901)), "public")
    assert (notice.impact, notice.organizer) == ("OUTAGE", "https://status.example.org")
    assert notice.url == "https://status.example.org/#incident-1"


@pytest.mark.parametrize(
    ("state", "read", "status"),
    [
        ("planned", "scheduled", "CONFIRMED"),
        ("running", "in_progress", "CONFIRMED"),
        ("over", "completed", "CONFIRMED"),
        ("cancelled", "cancelled", "CANCELLED"),
    ],
)
def test_its_state_is_told_in_both_vocabularies(state: str, read: str, status: str) -> None:
    [notice] = notices(maintenance(progress=state))
    assert notice.state == read
    [event] = Calendar.from_ical(rendered(maintenance(progress=state))).walk("VEVENT")
    assert event["STATUS"] == status


def test_a_change_keeps_the_uid_and_raises_the_sequence() -> None:
    before, after = notices(maintenance())[0], notices(maintenance(revision=3))[0]
    assert (after.uid, after.sequence) == (before.uid, 3)


def test_the_same_calendar_is_the_same_bytes_at_any_time() -> None:
    assert rendered(maintenance()) == rendered(maintenance())


@pytest.mark.parametrize(
    ("severity", "impact"), [("error", "DEGRADED"), ("warning", "REDUCED-REDUNDANCY"), ("info", "NO-IMPACT")]
)
def test_a_milder_maintenance_has_a_milder_impact(severity: str, impact: str) -> None:
    assert notices(maintenance(severity=severity))[0].impact == impact


def test_an_end_that_nobody_knows_is_left_away() -> None:
    [notice] = notices(maintenance(window=Window(starts_at=at(22))))
    assert notice.ends_at is None


def test_nothing_of_the_announcement_or_the_inside_is_in_it() -> None:
    inside = maintenance(
        title="Migrate db-7 for Globex",
        description="secret",
        services=("data-warehouse", "invoicing"),
        tenants=("globex",),
    )
    text = rendered(inside).decode()
    for word in ("db-7", "lobex", "secret", "warehouse", "CHG-1", "platform"):
        assert word not in text, word
    assert "Invoicing and a part of the system" in text.replace("\r\n ", "")


def test_a_public_update_is_its_description() -> None:
    said = Update(text="Shorter than planned; we expect an hour, no more", by="Rafael", at=at(9), audiences=("tenant",))
    text = rendered(maintenance(), updates={maintenance().id: (said,)})
    [event] = Calendar.from_ical(text).walk("VEVENT")
    assert str(event["DESCRIPTION"]) == said.text


def test_a_tenants_calendar_shows_what_concerns_it_and_nothing_else() -> None:
    shown = (
        maintenance(1, tenants=("acme", "globex")),
        maintenance(2, tenants=("globex",)),
        maintenance(3),
        maintenance(4, service="reports", services=("reports",)),
        maintenance(5, verdict="false_positive"),
    )
    assert [notice.uid for notice in notices(*shown, tenant=ACME)] == [str(uid(901)), str(uid(903))]
    assert len(notices(*shown)) == 4


def test_a_page_with_a_key_gives_no_address_away() -> None:
    keyed = rendered(
        maintenance(), tenant=ACME, place=Place("Status", "https://status.example.org", "/t/acme", keyed=True)
    )
    assert b"\r\nURL" not in keyed


def test_lines_end_and_are_folded_as_the_standard_wants() -> None:
    long = Update(text="Überall " * 60, by="x", at=at(9), audiences=("client",))
    text = rendered(maintenance(), updates={maintenance().id: (long,)})
    assert text.count(b"\n") == text.count(b"\r\n")
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        ({}, NOW, "Invoicing and Reports will be in maintenance from 22:00 UTC to 00:00 UTC tomorrow"),
        ({}, at(23), "Invoicing and Reports are in maintenance until 00:00 UTC tomorrow"),
        ({"services": ("invoicing",)}, at(23), "Invoicing is in maintenance until 00:00 UTC tomorrow"),
        ({"services": ("x", "y", "reports")}, at(23), "Reports and a part of the system are in maintenance until"),
        ({"state": "resolved", "resolved_at": at(23)}, at(23), "Invoicing and Reports were in maintenance for 1 hour"),
        (
            {
                "state": "resolved",
                "resolved_at": NOW,
                "maintenance": Maintenance(id=uid(1), external_id="", state="cancelled", changed_at=NOW),
            },
            NOW,
            "The maintenance of Invoicing and Reports was called off",
        ),
    ],
)
def test_a_maintenance_of_several_services_is_told_as_one_sentence(
    changes: dict[str, Any], now: datetime, expected: str
) -> None:
    assert sentence(maintenance(**changes), NAMES, now).startswith(expected)
