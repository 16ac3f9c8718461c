"""What providers say of themselves: which of it concerns us, as whose trouble, and what is no news at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libs.common.events.base import Window
from services.intake.domain.trigger import ParsedTrigger, Reading
from services.intake.sources.base import Arrival
from services.intake.sources.feeds import guessed_severity, is_page, moment_of_mail, plain_words
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import NOW, SAMPLES, integration, only, read

SUMMARY = (SAMPLES / "statuspage" / "summary.json").read_bytes()
GCP = (SAMPLES / "gcp_status" / "end_is_empty.json").read_bytes()
AZURE = (SAMPLES / "azure_status" / "open.xml").read_bytes()
VIEWER, API, STORAGE = "b13yz5g2cw10", "api00000000", "st0"


def mapped(source: str, body: bytes, components: dict[str, Any], **options: Any) -> Reading:
    return read(source, body, integration(source, None, {"components": components, **options}))


def told(reading: Reading) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {
        trigger.dedup_key.rpartition("/")[2]: (trigger.services, trigger.tenants)
        for trigger in reading.triggers
        if trigger.status == "firing"
    }


def window_of(trigger: ParsedTrigger) -> Window:
    assert trigger.window is not None
    return trigger.window


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ({"Viewer": {"service": "proofing"}}, {"4m2dbk0n8x7p": (("proofing",), ())}),
        ({"viewer": {"service": "proofing", "tenants": ["lumen"]}}, {"4m2dbk0n8x7p": (("proofing",), ("lumen",))}),
        ({VIEWER: {"service": "proofing"}}, {"4m2dbk0n8x7p": (("proofing",), ())}),
        ({"Web": {"service": "proofing"}}, {"4m2dbk0n8x7p": (("proofing",), ())}),
        ({"A*": {"service": "integrations"}}, {API: (("integrations",), ())}),
        (
            {"Viewer": {"service": "proofing"}, "API": {"service": "integrations"}},
            {"4m2dbk0n8x7p": (("proofing",), ()), API: (("integrations",), ())},
        ),
        ({"Storage": {"service": "projects"}}, {"wkbfy2qx6m6t": (("projects",), ())}),
        ({"Printing": {"service": "projects"}}, {}),
    ],
    ids=["by name", "in any case", "by id", "by group", "by pattern", "two parts", "maintenance", "nothing"],
)
def test_only_what_is_mapped_opens_something_and_as_our_service(
    components: dict[str, Any], expected: dict[str, Any]
) -> None:
    reading = mapped("statuspage", SUMMARY, components)
    assert told(reading) == expected
    others = [ignored for ignored in reading.ignored if ignored.reason == "not-mapped"]
    assert all(ignored.trigger and "no component is mapped" in ignored.detail for ignored in others)
    assert len(reading.triggers) + len(reading.ignored) == 5, "nothing is lost without a reason"


@pytest.mark.parametrize(
    ("parts", "services", "tenants"),
    [
        ({"Cloud Run": ("a", ["x"]), "Vertex*": ("b", ["y", "x"])}, ("a", "b"), ("x", "y")),
        ({"Cloud Run": ("a", ["x"]), "Vertex*": ("b", [])}, ("a", "b"), ()),
        ({"Cloud Run": ("a", ["x"]), "9D7": ("a", ["y"])}, ("a",), ("x", "y")),
        ({"Cloud Run + europe-west3": ("a", ["x"])}, ("a",), ("x",)),
    ],
    ids=["tenants of both", "one that all tenants feel", "name and id", "product and region"],
)
def test_several_parts_are_one_incident_of_all_their_services_and_tenants(
    parts: dict[str, tuple[str, list[str]]], services: tuple[str, ...], tenants: tuple[str, ...]
) -> None:
    components = {name: {"service": service, "tenants": whose} for name, (service, whose) in parts.items()}
    trigger = only(mapped("gcp_status", GCP, components))
    assert (trigger.service, trigger.services, trigger.tenants) == (services[0], services, tenants)


def test_a_product_in_another_region_does_not_concern_us() -> None:
    (ignored,) = mapped("gcp_status", GCP, {"Cloud Run + us-*": {"service": "a"}}).ignored
    assert ignored.reason == "not-mapped"
    assert "Cloud Run, Vertex Gemini API" in ignored.detail


def test_azure_is_mapped_by_category_title_service_and_region() -> None:
    for name in ("Virtual Machines", "West Europe", "Virtual Machines + west europe", "*machines*"):
        trigger = only(mapped("azure_status", AZURE, {name: {"service": "workflow"}}))
        assert (trigger.service, trigger.provider) == ("workflow", "azure")


def test_maintenance_is_the_providers_news_unless_a_team_is_assigned_to_it() -> None:
    parts = {"Storage": {"service": "projects"}}
    news = only(mapped("statuspage", SUMMARY, parts))
    assert (news.kind, news.category, news.assigned_team) == ("provider", "maintenance", None)
    assert window_of(news).starts_at == datetime(2026, 3, 7, 1, tzinfo=UTC)
    assert window_of(news).ends_at == datetime(2026, 3, 7, 3, tzinfo=UTC)
    assigned = only(mapped("statuspage", SUMMARY, parts, team="operations"))
    assert (assigned.kind, assigned.assigned_team) == ("maintenance", "operations")
    incident = only(mapped("statuspage", SUMMARY, {"Viewer": {"service": "proofing"}}, team="operations"))
    assert (incident.kind, incident.assigned_team, incident.window) == ("provider", None, None)


def test_an_incident_joins_what_its_component_has_opened_already() -> None:
    trigger = only(mapped("statuspage", SUMMARY, {"Viewer": {"service": "proofing"}}))
    assert trigger.group is not None
    assert trigger.group.siblings == (trigger.dedup_key, f"kctbh9vrtdwd/{VIEWER}")


def test_the_provider_is_named_as_the_integration_says_else_as_it_names_itself() -> None:
    assert {trigger.provider for trigger in read("statuspage", SUMMARY).triggers} == {"proofs"}
    named = mapped("statuspage", SUMMARY, {"Viewer": {"service": "proofing"}}, provider="proof-hq")
    assert only(named).provider == "proof-hq"


def test_an_entry_of_a_feed_grows_stale() -> None:
    body = (SAMPLES / "feed" / "history.xml").read_bytes()
    sender = integration("feed")
    seen = {}
    for days in (0, 3, 8):
        arrival = Arrival({}, body, sender, NOW + timedelta(days=days))
        found = all_sources()["feed"].read(arrival)
        seen[days] = [trigger.title for trigger in found.triggers if trigger.status == "firing"]
    assert seen == {
        0: ["Viewer shows errors", "Storage is moved"],
        3: ["Viewer shows errors", "Storage is moved"],
        8: ["Storage is moved"],
    }


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("Partial outage of uploads", "error"),
        ("Service outage", "critical"),
        ("A subset of customers may see latency", "warning"),
        ("Requests fail", "error"),
        ("Advisory: certificates are renewed", "info"),
        ("Something is up", None),
    ],
)
def test_a_severity_is_guessed_from_words(text: str, severity: str | None) -> None:
    assert guessed_severity([text]) == severity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thu, 27 Jan 2026 13:44:13 GMT", datetime(2026, 1, 27, 13, 44, 13, tzinfo=UTC)),  # it was a Tuesday
        ("Mon, 02 Mar 2026 09:05:00 Z", datetime(2026, 3, 2, 9, 5, tzinfo=UTC)),
        ("2026-03-02T10:05:00+01:00", datetime(2026, 3, 2, 9, 5, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_of_mails_are_read_whatever_their_weekday_says(text: str, expected: datetime | None) -> None:
    assert moment_of_mail(text) == expected


def test_html_becomes_words_and_its_first_bold_ones_are_known() -> None:
    assert plain_words("<p>Jun <b>18</b>,<br>x &amp; y</p>") == ("Jun 18, x & y", "18")
    assert plain_words("a < b") == ("a < b", "")
    assert plain_words("plain") == ("plain", "")


@pytest.mark.parametrize(
    ("body", "page"),
    [
        (b"<!DOCTYPE html><html>", True),
        (b"\n <!-- a --> <!-- b -->\n<HTML lang='en'>", True),
        (b"\xef\xbb\xbf<!doctype  html>", True),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">', True),
        (b'<?xml version="1.0"?><rss version="2.0"/>', False),
        (b"<htmlish/>", False),
        (b"{}", False),
        (b"<!---->" * 280, False),
        (b"<!--" * 500, False),
    ],
)
def test_a_web_page_is_known_as_one_and_quickly(body: bytes, page: bool) -> None:
    assert is_page(body) == page


def test_a_long_run_of_signs_is_read_quickly() -> None:
    item = f"<item><title>x</title><description>{'-' * 9_000}</description></item>"
    body = f'<rss version="2.0"><channel>{item * 60}</channel></rss>'
    assert len(read("azure_status", body.encode()).triggers) == 60


def test_a_file_is_never_read_whatever_the_body_names() -> None:
    for body in (b"/etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1:1/feed"):
        (refusal,) = read("feed", body).refusals
        assert refusal.reason in ("invalid-xml", "wrong-shape")


def test_a_feed_that_defines_entities_without_end_is_read_or_refused() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY a{n} "{("&a" + str(n - 1) + ";") * 10 if n else "&a;" * 10}">' for n in range(9)
    )
    body = f'<?xml version="1.0"?>{bomb}]><rss version="2.0"><channel><item><title>&a8;</title></item></channel></rss>'
    reading = read("feed", body.encode())
    assert all(len(trigger.title) <= 300 for trigger in reading.triggers)


def test_what_no_part_can_be_told_of_is_refused_and_the_rest_is_read() -> None:
    body = (SAMPLES / "statuspage" / "one_incident_without_an_id.json").read_bytes()
    reading = mapped("statuspage", body, {"Viewer": {"service": "proofing"}})
    assert [refusal.pointer for refusal in reading.refusals] == ["#/incidents/0/id"]
    assert len(reading.triggers) == 1


def test_a_kind_of_the_integration_counts() -> None:
    sender = replace(integration("statuspage"), kind="tool")
    assert {trigger.kind for trigger in read("statuspage", SUMMARY, sender).triggers} == {"tool"}


@pytest.mark.parametrize("source", ["azure_status", "feed"])
def test_an_encoding_that_nobody_can_ask_for_is_refused(source: str) -> None:
    (refusal,) = read(source, b'<?xml version="1.0" encoding="ut\x00f-8"?><rss version="2.0"></rss>').refusals
    assert refusal.reason == "invalid-xml"
