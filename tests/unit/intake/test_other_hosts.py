"""Status pages of other hosts, whose webhooks and summaries say what Statuspage's do by other names."""

from typing import Any

import pytest

from libs.common.events.base import Severity
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import only, read

AT = "2026-03-02T09:00:00Z"
PAGE: dict[str, Any] = {"id": "p1", "status_indicator": "HASISSUES", "url": "https://proofs.instatus.example"}
WIDGET: dict[str, Any] = {
    "page_title": "Proofs",
    "page_url": "https://status.proofs.example",
    "ongoing_incidents": [],
    "in_progress_maintenances": [],
    "scheduled_maintenances": [],
}
STACK: dict[str, Any] = {
    "event_type": "incident",
    "page": {"id": "7", "status_indicator": "downtime"},
    "incident": {"id": "9", "name": "Proofs are slow", "incident_updates": [{"body": "We look into it."}]},
}
WORK = {"id": "8", "name": "New disks", "starts_at": AT, "ends_at": "2026-03-02T11:00:00Z"}


def entry(title: str, text: str, guid: str = "https://p.example/i1", minute: int = 0) -> str:
    about = f"<title>{title}</title><link>{guid}</link><guid>{guid}</guid>"
    when = f"<pubDate>Mon, 02 Mar 2026 09:{minute:02} GMT</pubDate>"
    return f"<item>{about}{when}<description><![CDATA[{text}]]></description></item>"


def feed(*entries: str, before: bytes = b"") -> bytes:
    channel = f"<channel><title>Proofs - Status</title>{''.join(entries)}</channel>"
    return before + f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0">{channel}</rss>'.encode()


@pytest.mark.parametrize(
    ("title", "text", "status", "word"),
    [
        ("Errors", "<b>Status: Resolved</b><br/><br/>All is well.", "resolved", "resolved"),
        ("Errors", "<b>Status: Identified</b><br/><br/>Found.", "firing", "identified"),
        ("Disks", "<b>Status: Maintenance scheduled</b><br/>Soon.", "firing", "scheduled"),
        ("Disks", "<b>Status: Maintenance in progress</b><br/>Now.", "firing", "in progress"),
        ("Disks", "<b>Status: Maintenance complete</b><br/>Done.", "resolved", "complete"),
        ("Disks", "<p><strong>NOT STARTED YET</strong> - Soon.</p>", "firing", "not started yet"),
        ("Service is operating normally: [RESOLVED] Errors", "It was slow.", "resolved", "resolved"),
        ("Service is operating normally: Errors", "It was slow.", "resolved", "resolved"),
        ("Informational message: Errors", "We look into it.", "firing", ""),
        ("Incident: Trouble", "Some cannot log in.<br/>Status: resolved", "resolved", "resolved"),
    ],
)
def test_an_entry_says_how_its_incident_stands_in_the_words_of_its_host(
    title: str, text: str, status: str, word: str
) -> None:
    trigger = only(read("feed", feed(entry(title, text))))
    assert (trigger.status, trigger.labels.get("status", "")) == (status, word)


def test_of_several_entries_about_one_incident_the_newest_counts() -> None:
    first = entry("[Investigating] Slow", "We look.", "https://p.example/i1#update-11", 5)
    last = entry("[Resolved] Slow", "It works.", "https://p.example/i1#update-12", 10)
    other = entry("[Identified] Down", "Found.", "https://p.example/i2#update-3", 7)
    for entries in ((last, other, first), (first, other, last)):
        reading = read("feed", feed(*entries))
        assert {(one.dedup_key, one.status) for one in reading.triggers} == {
            ("https://p.example/i1", "resolved"),
            ("https://p.example/i2", "firing"),
        }


def test_an_entry_of_amazons_ends_what_another_of_the_same_service_and_region_began() -> None:
    page = "http://status.aws.amazon.com/#"
    began = entry("Informational message: Delivery Delays", "We look.", f"{page}sns-us-east-1_1642190240", 1)
    ended = entry(
        "Service is operating normally: [RESOLVED] Delivery Delays", "Over.", f"{page}sns-us-east-1_1642200240", 9
    )
    elsewhere = entry("Performance issues: Delivery Delays", "We look.", f"{page}sns-eu-west-1_1642190240", 1)
    fired = only(read("feed", feed(began)))
    both = read("feed", feed(ended, began, elsewhere)).triggers
    assert [(one.dedup_key == fired.dedup_key, one.status) for one in both] == [(True, "resolved"), (False, "firing")]


def test_a_feed_may_begin_with_a_mark_and_empty_lines() -> None:
    assert only(read("feed", feed(entry("Down", "<b>Investigating</b>"), before=b"\xef\xbb\xbf\n\n"))).title == "Down"


def instatus(**said: Any) -> dict[str, Any]:
    return {"meta": {}, "page": PAGE, **said}


@pytest.mark.parametrize(
    ("impact", "severity"),
    [
        ("MAJOROUTAGE", "critical"),
        ("PARTIALOUTAGE", "error"),
        ("DEGRADEDPERFORMANCE", "warning"),
        ("MINOROUTAGE", "warning"),
        ("OPERATIONAL", "info"),
    ],
)
def test_an_incident_of_instatus_ends_under_the_key_that_it_began_with(impact: str, severity: Severity) -> None:
    incident = {"id": "i1", "name": "Proofs cannot be opened", "impact": impact, "status": "INVESTIGATING", "url": "https://p.example/i1"}  # fmt: skip
    fired = only(read("statuspage", instatus(incident=incident)))
    assert (fired.status, fired.severity, fired.title) == ("firing", severity, incident["name"])
    assert [link.href for link in fired.links] == [incident["url"]]
    ended = only(read("statuspage", instatus(incident={**incident, "status": "RESOLVED", "resolved_at": AT})))
    assert (ended.status, ended.dedup_key) == ("resolved", fired.dedup_key)


def test_a_maintenance_of_instatus_has_its_window_from_its_minutes() -> None:
    work = {"id": "m1", "name": "New disks", "status": "NOTSTARTEDYET", "start": AT, "duration": "90"}
    planned = only(read("statuspage", instatus(maintenance=work)))
    assert planned.window is not None
    assert planned.window.ends_at is not None
    assert (planned.window.ends_at - planned.window.starts_at).total_seconds() == 5400
    assert (planned.status, planned.severity, planned.category) == ("firing", "info", "maintenance")
    done = only(read("statuspage", instatus(maintenance={**work, "status": "COMPLETED"})))
    assert (done.status, done.dedup_key, done.ending) == ("resolved", planned.dedup_key, "completed")


def test_a_part_of_instatus_or_better_stack_goes_down_and_up() -> None:
    for down, up in (("MAJOROUTAGE", "OPERATIONAL"), ("downtime", "operational")):
        body = instatus(component={"id": "c1", "name": "Viewer"}, component_update={"component_id": "c1"})
        shown = [{**body, "component_update": {"component_id": "c1", "new_status": word}} for word in (down, up)]
        fired, ended = (only(read("statuspage", one)) for one in shown)
        assert (fired.status, fired.severity, fired.service) == ("firing", "critical", "Viewer")
        assert (ended.status, ended.dedup_key) == ("resolved", fired.dedup_key)


def test_the_summary_of_instatus_lists_what_is_going_on() -> None:
    page = {"name": "Proofs", "url": "https://proofs.instatus.example", "status": "HASISSUES"}
    incident = {"name": "Slow", "started": AT, "status": "MONITORING", "impact": "PARTIALOUTAGE", "url": "https://p.example/incident/i1"}  # fmt: skip
    work = {"id": "m1", "name": "New disks", "start": AT, "status": "INPROGRESS", "duration": "60"}
    reading = read("statuspage", {"page": page, "activeIncidents": [incident], "activeMaintenances": [work]})
    assert [(one.dedup_key, one.status, one.severity) for one in reading.triggers] == [
        ("Proofs/i1", "firing", "error"),
        ("Proofs/m1", "firing", "info"),
    ]
    assert [one.reason for one in read("statuspage", {"page": {**page, "status": "UP"}}).ignored] == ["no-news"]
    for wrong, reason in (("none", "wrong-shape"), ([None], "missing-field")):
        broken = read("statuspage", {"page": page, "activeIncidents": wrong})
        assert [one.reason for one in broken.refusals] == [reason]


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"summary": body}])
def test_the_widget_of_incident_io_lists_what_is_going_on_and_what_is_planned(wrap: Any) -> None:
    part = {"id": "c1", "name": "Viewer", "current_status": "full_outage"}
    ongoing = {"id": "i1", "name": "Down", "status": "identified", "url": "https://p.example/i1", "current_worst_impact": "full_outage",
               "last_update_message": "Found.", "affected_components": [part]}  # fmt: skip
    planned = {"id": "m1", "name": "New disks", "status": "maintenance_scheduled", "starts_at": AT, "ends_at": "2026-03-02T11:00:00Z"}  # fmt: skip
    reading = read("statuspage", wrap({**WIDGET, "ongoing_incidents": [ongoing], "scheduled_maintenances": [planned]}))
    first, second = reading.triggers
    assert (first.dedup_key, first.severity, first.service, first.description) == (
        "Proofs/i1",
        "critical",
        "Viewer",
        "Found.",
    )
    assert (second.dedup_key, second.severity, second.window is not None) == ("Proofs/m1", "info", True)


def test_a_widget_that_lists_nothing_opens_nothing() -> None:
    assert [one.reason for one in read("statuspage", WIDGET).ignored] == ["no-news"]


def test_an_incident_of_better_stack_is_over_where_its_page_is_well() -> None:
    fired = only(read("statuspage", STACK))
    well = {**STACK, "page": {"id": "7", "status_indicator": "operational"}}
    ended = only(read("statuspage", well))
    assert (fired.status, ended.status, ended.dedup_key) == ("firing", "resolved", fired.dedup_key)


@pytest.mark.parametrize(
    ("indicator", "changed_at", "state", "status"),
    [
        ("operational", "2026-03-01T09:00:00Z", "scheduled", "firing"),
        ("maintenance", AT, "in_progress", "firing"),
        ("operational", "2026-03-02T11:00:00Z", "completed", "resolved"),
    ],
)
def test_a_maintenance_of_better_stack_stands_as_its_time_says(
    indicator: str, changed_at: str, state: str, status: str
) -> None:
    page = {"id": "7", "status_indicator": indicator}
    body = {"event_type": "maintenance", "page": page, "maintenance": {**WORK, "updated_at": changed_at}}
    trigger = only(read("statuspage", body))
    assert (trigger.status, trigger.labels["status"], trigger.category) == (status, state, "maintenance")


@pytest.mark.parametrize(
    ("url", "first", "pages"),
    [
        ("https://status.example", "https://status.example/api/v2/summary.json", 3),
        ("https://status.example/api/v2/status.json", "https://status.example/api/v2/summary.json", 3),
        ("https://proofs.instatus.com/summary.json", "https://proofs.instatus.com/summary.json", 1),
        ("https://status.example/api/v1/summary", "https://status.example/api/v1/summary", 1),
    ],
)
def test_a_summary_of_another_host_is_asked_as_it_is_named(url: str, first: str, pages: int) -> None:
    watch = all_sources()["statuspage"].watch
    assert watch is not None
    found = watch.pages(url)
    assert (found[0], len(found)) == (first, pages)
