"""Mail is read as what it is: whose it is said to be is believed only with proof, and nothing of it is ever lost."""

from typing import Any

import pytest

from libs.common.events.base import TriggerKind
from services.intake.domain.message import mail_of
from services.intake.domain.trigger import ParsedTrigger, Reading
from services.intake.sources.packs.registry import all_packs
from tests.unit.intake.support import integration, only, read, samples_of

MX: dict[str, Any] = {"authserv_ids": ["mx.example.org"]}
SAMPLE = samples_of("mail")
STAMP = "Authentication-Results: mx.example.org; dmarc=pass header.from={}\n"


def letter(
    text: str,
    subject: str = "News",
    sender: str = "it@ziflow.example",
    date: str = "Mon, 02 Mar 2026 09:00:00 +0000",
    more: str = "",
) -> bytes:
    head = f"{more}From: {sender}\nSubject: {subject}\nDate: {date}\nMIME-Version: 1.0\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode()


def of(
    raw: bytes, kind: TriggerKind | None = None, *, stamped: dict[str, str] | None = None, **options: Any
) -> Reading:
    return read("mail", raw, integration("mail", kind, options), **(stamped or {}))


def window(trigger: ParsedTrigger) -> tuple[str, str]:
    assert trigger.window is not None
    bounds = (trigger.window.starts_at, trigger.window.ends_at)
    return f"{bounds[0]:%Y-%m-%d %H:%M}", f"{bounds[1]:%Y-%m-%d %H:%M}" if bounds[1] else "open"


def why(reading: Reading) -> list[str]:
    return [refusal.reason for refusal in reading.refusals]


def unstamped(name: str) -> bytes:
    """A sample without what our server found."""
    head, _, rest = SAMPLE[name].partition(b"From: ")
    assert b"Authentication-Results" in head
    return b"From: " + rest


def test_each_pack_reads_a_sample() -> None:
    mails = [mail_of(raw)[0] for raw in SAMPLE.values()]
    for pack in all_packs():
        assert any(pack.claims(mail) for mail in mails), pack.name


@pytest.mark.parametrize(
    ("stamp", "believed"),
    [
        ("mx.example.org; dmarc=pass header.from=microsoft.com", True),
        ("mx.example.org; dkim=pass header.d=microsoft.com", True),
        ("mx.example.org; dkim=pass header.i=@microsoft.com header.s=s1", True),
        ("MX.example.org 1; spf=pass smtp.mailfrom=bounce@azure.microsoft.com", True),
        ("mx.example.org (our own); dkim=fail header.d=list.example; dmarc=pass header.from=microsoft.com", True),
        ("mx.example.org; dmarc=fail header.from=microsoft.com; dkim=pass header.d=microsoft.com", False),
        ("mx.example.org; dkim=pass header.d=attacker.example", False),
        ("mx.example.org; spf=pass smtp.mailfrom=attacker.example", False),
        ("mx.example.org; none", False),
        ("mx.attacker.example; dmarc=pass header.from=microsoft.com", False),
        ("mx.example.org; spf=pass (dkim=pass header.d=microsoft.com) smtp.mailfrom=attacker.example", False),
        ('mx.example.org; spf=pass smtp.mailfrom="x; dkim=pass header.d=microsoft.com; "@attacker.example', False),
        ("mx.example.org; dkim=pass header.d=microsoft.com.attacker.example", False),
        ("mx.example.org; dkim=pass header.d=notmicrosoft.com", False),
        ("", False),
    ],
)
def test_a_vendor_is_believed_where_our_server_proves_its_domain(stamp: str, believed: bool) -> None:
    header = f"Authentication-Results: {stamp}\n".encode() if stamp else b""

    reading = of(header + unstamped("azure_active"), **MX)

    assert bool(reading.triggers) == believed
    assert why(reading) == ([] if believed else ["not-authenticated"])


def test_a_finding_that_came_with_the_mail_proves_nothing() -> None:
    forged = b"Authentication-Results: mx.example.org; dmarc=pass header.from=microsoft.com\n"
    true = b"Authentication-Results: mx.example.org; dkim=none; spf=pass smtp.mailfrom=attacker.example\n"

    assert why(of(true + forged + unstamped("azure_active"), **MX)) == ["not-authenticated"]
    assert of(true + forged + unstamped("azure_active"), **MX, authserv_count=2).triggers


def test_a_finding_in_mail_that_comes_past_our_servers_proves_nothing() -> None:
    past = {"x-tocsin-mail-transport": "smtp", "x-tocsin-peer": "203.0.113.9"}
    through = {**past, "x-tocsin-peer": "10.1.2.3"}
    raw = SAMPLE["azure_active"]

    assert why(of(raw, **MX, mx_peers=["10.0.0.0/8"], stamped=past)) == ["not-authenticated"]
    assert of(raw, **MX, mx_peers=["10.0.0.0/8"], stamped=through).triggers


def test_what_a_mail_service_verified_itself_counts_without_a_server_of_ours() -> None:
    proven = {"x-tocsin-authentication-results": "mailgun; dkim=pass header.d=microsoft.com"}
    other = {"x-tocsin-authentication-results": "mailgun; dkim=pass header.d=attacker.example"}

    assert of(unstamped("azure_active"), stamped=proven).triggers
    assert why(of(unstamped("azure_active"), stamped=other)) == ["not-authenticated"]


def test_a_list_of_ours_says_what_it_found_before_it_rewrote_the_mail() -> None:
    stamp = STAMP.format("groups.example.org")
    found = "X-Original-Authentication-Results: mx.google.com; dkim=pass header.i=@amazon.com; dmarc=pass header.from=amazon.com\n"
    raw = unstamped("aws_direct_connect").replace(
        b"From: ", b'From: "AWS via Vendors" <vendors@groups.example.org>\nX-Original-From: ', 1
    )

    assert of((stamp + found).encode() + raw, **MX, lists=["groups.example.org"]).triggers
    assert why(of((stamp + found).encode() + raw, **MX)) == ["not-authenticated"]
    assert why(of(stamp.encode() + raw, **MX, lists=["groups.example.org"])) == ["not-authenticated"]
    assert why(of(found.encode() + raw, **MX, lists=["groups.example.org"])) == ["not-authenticated"]


def test_a_calendar_is_believed_by_the_key_unless_a_check_failed_or_proof_is_wanted() -> None:
    raw = unstamped("maintnote_confirmed")
    failed = b"Authentication-Results: mx.other.example; spf=fail smtp.mailfrom=carrier.example; dkim=none\n"

    assert of(raw).triggers
    assert why(of(failed + raw)) == ["not-authenticated"]
    assert of(failed + raw, trust="key").triggers
    assert why(of(raw, **MX)) == ["not-authenticated"]
    assert of(raw, **MX, trust="vendors").triggers
    assert why(of(raw, trust="proof")) == ["not-authenticated"]


def test_with_senders_calendars_come_from_these_alone() -> None:
    raw = unstamped("maintnote_confirmed")

    assert of(raw, senders=["carrier.example"]).triggers
    assert of(raw, senders=["noc@carrier.example"]).triggers
    assert why(of(raw, senders=["other.example"])) == ["not-authenticated"]


def test_a_calendar_says_which_announcement_it_is_and_how_it_ended() -> None:
    moved, off = only(of(SAMPLE["maintnote_moved"], **MX)), only(of(SAMPLE["maintnote_cancelled"], **MX))

    assert (moved.sequence, moved.ending) == (2, None)
    assert (off.sequence, off.ending) == (3, "cancelled")
    assert only(of(SAMPLE["crown_castle_completed"], **MX)).ending == "completed"


def test_a_status_page_with_a_domain_of_its_own_is_believed_once_it_is_listed() -> None:
    raw = STAMP.format("twilio.com").encode() + unstamped("twilio_new").replace(
        b"noreply@statuspage.io", b"status@twilio.com"
    )

    assert why(of(raw, **MX)) == ["not-authenticated"]
    assert only(of(raw, **MX, senders=["twilio.com"])).provider == "twilio"


@pytest.mark.parametrize(
    ("subject", "status", "state", "category"),
    [
        ("[Proofs status] Investigating: Viewer is slow", "firing", "investigating", None),
        ("[Proofs status] Resolved: Viewer is slow", "resolved", "resolved", None),
        ("Proofs Status - Monitoring - Viewer is slow", "firing", "monitoring", None),
        ("[Proofs status] In progress: Viewer is slow", "firing", "in progress", "maintenance"),
        ("[Proofs status] Completed: Viewer is slow", "resolved", "completed", "maintenance"),
    ],
)
def test_how_it_stands_on_a_status_page_may_stand_in_the_subject_alone(
    subject: str, status: str, state: str, category: str | None
) -> None:
    head = f"From: Proofs Status <noreply@statuspage.io>\nSubject: {subject}\nMIME-Version: 1.0\n"
    page = 'Content-Type: text/html; charset=utf-8\n\n<p>More to come.</p><a href="https://stspg.io/k1mlxl">View</a>\n'
    trigger = only(of((STAMP.format("statuspage.io") + head + page).encode(), **MX))
    assert (trigger.dedup_key, trigger.title, trigger.status) == ("proofs:k1mlxl", "Viewer is slow", status)
    assert (trigger.labels["state"], trigger.category) == (state, category)


def test_what_nobody_reads_is_refused_with_its_subject_and_sender() -> None:
    (refusal,) = of(SAMPLE["newsletter"], **MX).refusals
    assert refusal.reason == "no-reader"
    assert "Our spring news" in refusal.detail
    assert "news@vendor.example" in refusal.detail


def test_parts_of_a_provider_become_services_and_tenants_of_ours() -> None:
    components = {
        "Virtual Machines + West Europe": {"service": "approvals", "tenants": ["northwind"]},
        "Storage + North Europe": {"service": "archive"},
        "twilio": {"service": "notifications"},
    }

    azure = only(of(SAMPLE["azure_active"], **MX, components=components))
    assert (azure.service, azure.tenants) == ("approvals", ("northwind",))
    assert only(of(SAMPLE["twilio_new"], **MX, components=components)).service == "notifications"
    (ignored,) = of(SAMPLE["azure_maintenance"], **MX, components=components).ignored
    assert ignored.reason == "not-mapped"


@pytest.mark.parametrize(
    ("first", "later", "status"),
    [
        ("azure_active", "azure_resolved", "resolved"),
        ("twilio_new", "twilio_resolved", "resolved"),
        ("maintnote_confirmed", "maintnote_moved", "firing"),
        ("maintnote_confirmed", "maintnote_cancelled", "resolved"),
        ("invitation", "invitation_cancelled", "resolved"),
        ("google_network_planned", "google_network_moved", "firing"),
        ("google_network_planned", "google_network_cancelled", "resolved"),
        ("google_cloud_incident", "google_cloud_resolved", "resolved"),
        ("aws_direct_connect", "aws_direct_connect_cancelled", "resolved"),
        ("crown_castle_planned", "crown_castle_completed", "resolved"),
        ("zayo_planned", "zayo_cancelled", "resolved"),
    ],
)
def test_what_follows_up_finds_the_same_incident(first: str, later: str, status: str) -> None:
    one, other = only(of(SAMPLE[first], **MX)), only(of(SAMPLE[later], **MX))

    assert (one.status, other.status) == ("firing", status)
    assert one.ending is None
    assert one.dedup_key == other.dedup_key
    if status == "firing":
        assert window(one) != window(other)


@pytest.mark.parametrize(
    ("subject", "text", "state", "bounds"),
    [
        ("Ziflow will be down on Saturday", "Start: 7 March 2026, 22:00 CET\nEnd: 8 March 2026, 01:00 CET", "will_be_down", "03-07 21:00/03-08 00:00"),
        ("Wartung SAP", "Das System ist am 14.03.2026 von 20:00 bis 23:30 Uhr MEZ nicht verfügbar.", "will_be_down", "03-14 19:00/03-14 22:30"),
        ("Maintenance planifiée", "Le service sera arrêté le 7 mars 2026 de 22h00 à 23h30 UTC.", "will_be_down", "03-07 22:00/03-07 23:30"),
        ("Scheduled upgrade", "We upgrade between 23:00 UTC on 31 Mar and 02:00 UTC on 1 Apr.", "will_be_down", "03-31 23:00/04-01 02:00"),
        ("Ziflow is down", "Nobody can open a proof since this morning. We look into it.", "down", ""),
        ("Re: Ziflow is down: resolved", "All proofs can be opened again.", "up", ""),
        ("Ziflow is up again", "Thank you for your patience.", "up", ""),
        ("The upgrade was cancelled", "We will tell you a new date.", "up", ""),
    ],
)  # fmt: skip
def test_notices_of_a_tools_owner_say_whether_it_is_or_will_be_down(
    subject: str, text: str, state: str, bounds: str
) -> None:
    trigger = only(of(letter(text, subject), "tool", tools={"ziflow.example": "ziflow"}))

    assert (trigger.kind, trigger.tool, trigger.dedup_key) == ("tool", "ziflow", "ziflow")
    assert trigger.labels["state"] == state
    assert trigger.status == ("resolved" if state == "up" else "firing")
    if bounds:
        assert "/".join(one[5:] for one in window(trigger)) == bounds


def test_the_tool_is_known_by_sender_by_words_or_as_the_only_one() -> None:
    raw = letter("It is down.", "SAP does not answer")

    assert only(of(raw, "tool", tools={"it@ziflow.example": "ziflow"})).tool == "ziflow"
    assert only(of(raw, "tool", tools={"*sap*": "sap"})).tool == "sap"
    assert only(of(raw, "tool", tool="sap")).tool == "sap"
    assert why(of(raw, "tool")) == ["missing-field"]
    page = only(of(SAMPLE["statuspage_maintenance"], "tool", **MX, tools={"ziflow": "ziflow"}))
    assert (page.tool, page.labels["state"]) == ("ziflow", "will_be_down")


def test_a_maintenance_goes_to_its_team_with_window_and_tenants() -> None:
    mailed = only(of(SAMPLE["invitation"], "maintenance", **MX, team="platform"))
    assert (mailed.kind, mailed.assigned_team, mailed.tenants) == ("maintenance", "platform", ("northwind",))
    assert window(mailed) == ("2026-03-14 19:00", "2026-03-14 22:30")
    named = SAMPLE["invitation"].replace(b"ORGANIZER", b"X-TOCSIN-TEAM:storage\nORGANIZER")
    assert only(of(named, "maintenance", **MX, team="platform")).assigned_team == "storage"


def test_a_maintenance_in_words_is_moved_and_called_off_by_its_number_or_its_conversation() -> None:
    first = letter(
        "Window: 2026-03-07 22:00 - 2026-03-08 01:00 UTC", "CHG-7731: planned maintenance", more="Message-ID: <a@x>\n"
    )
    moved = letter("Window: 2026-03-09 22:00 - 23:00 UTC", "Maintenance CHG-7731 was moved")
    off = letter("It does not take place.", "CHG-7731 cancelled")
    one, two, three = (only(of(raw, "maintenance", team="platform")) for raw in (first, moved, off))
    assert one.dedup_key == two.dedup_key == three.dedup_key == "CHG-7731"
    assert (two.status, window(two)) == ("firing", ("2026-03-09 22:00", "2026-03-09 23:00"))
    assert three.status == "resolved"

    begun = letter("From: 2026-03-07 22:00 UTC", "Planned maintenance of the store", more="Message-ID: <b@x>\n")
    reply = letter("It is called off.", "Re: Planned maintenance of the store: cancelled", more="References: <b@x>\n")
    assert only(of(begun, "maintenance")).dedup_key == only(of(reply, "maintenance")).dedup_key


def test_an_announcement_that_does_not_say_when_is_looked_at_by_a_person() -> None:
    assert why(of(letter("Soon.", "Planned maintenance"), "maintenance")) == ["missing-field"]
    assert why(of(letter("On 3/11/2026 at 22:00 UTC", "Planned maintenance"), "maintenance")) == ["missing-field"]
    known = only(of(letter("On 3/11/2026 at 22:00 UTC", "Planned maintenance"), "maintenance", date_order="MDY"))
    assert window(known) == ("2026-03-11 22:00", "open")


def test_with_plain_any_mail_opens_an_incident_and_a_conversation_is_one() -> None:
    first = letter("The shop is closed.", "Shop down", more="Message-ID: <1@x>\n")
    reply = letter("Fixed.", "Re: Shop down", more="Message-ID: <2@x>\nReferences: <1@x> <0@x>\nIn-Reply-To: <1@x>\n")
    over = letter("Fixed.", "[RESOLVED] Shop down", more="Message-ID: <3@x>\nIn-Reply-To: <1@x>\n")

    triggers = [only(of(raw, plain=True)) for raw in (first, reply, over)]

    assert [trigger.dedup_key for trigger in triggers] == ["<1@x>"] * 3
    assert [trigger.status for trigger in triggers] == ["firing", "firing", "resolved"]
    assert triggers[0].title == "Shop down"
    assert why(of(first)) == ["no-reader"]


def test_with_plain_a_vendors_mail_that_is_not_proven_is_still_not_believed() -> None:
    assert why(of(unstamped("azure_resolved"), plain=True)) == ["not-authenticated"]


def test_a_mail_that_a_pack_cannot_read_is_looked_at_by_a_person_or_taken_as_it_is() -> None:
    raw = SAMPLE["azure_active"].replace(b"9VTC-HZ8", b"")

    assert why(of(raw, **MX)) == ["missing-field"]
    assert only(of(raw, **MX, plain=True)).title.startswith("Azure Service Health alert")


def test_a_calendar_that_is_broken_is_refused_with_a_sentence() -> None:
    (refusal,) = of(
        SAMPLE["invitation"].replace(b"DTSTART;TZID=Europe/Berlin:20260314T200000", b"DTSTART:soon"), **MX
    ).refusals
    assert refusal.detail


AWAY = "Auto-Submitted: auto-replied\nIn-Reply-To: <1@tocsin.example>\n"


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ("Disk full on db-1", "Auto-Submitted: auto-replied\n"),
        ("Disk full on db-1", "Auto-Submitted: Auto-Replied; owner=ann\n"),
        ("Disk full on db-1", "Precedence: auto_reply\n"),
        ("Disk full on db-1", "X-Autoreply: yes\n"),
        ("Automatic reply: Disk full on db-1", "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n"),
        ("Abwesenheitsnotiz: Disk full on db-1", "In-Reply-To: <1@tocsin.example>\n"),
        ("Disk full on db-1", 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n'),
        ("Read: Disk full", "Content-Type: multipart/report; boundary=b; report-type=disposition-notification\n"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"plain": True}, {**MX, "senders": ["carrier.example"]}])
def test_what_a_program_answers_wakes_nobody_and_asks_nobody(subject: str, more: str, options: dict[str, Any]) -> None:
    reading = of(letter("I am away until Monday.", subject, more=more), **options)
    assert [one.reason for one in reading.ignored] == ["no-news"]
    assert not reading.triggers
    assert not reading.refusals


def test_what_monitoring_writes_by_itself_is_no_answer() -> None:
    for subject, more in (
        ("Disk full on db-1", "Auto-Submitted: auto-generated\n"),
        ("Automatic replication stopped", "Auto-Submitted: auto-generated\n"),
        ("Out of office hours the backup failed", "Auto-Submitted: auto-generated\n"),
        ("Disk full on db-1", "Precedence: bulk\n"),
    ):
        assert only(of(letter("Help.", subject, more=more), plain=True)).status == "firing", subject


def test_a_vendors_notice_is_read_whatever_its_program_calls_it() -> None:
    raw = SAMPLE["zayo_planned"].replace(b"From: MR Zayo", AWAY.encode() + b"From: MR Zayo")
    assert only(of(raw, **MX)).dedup_key == "zayo:TTN-0009876543"
    unproven = of(raw.partition(b"From: MR Zayo")[1] + raw.partition(b"From: MR Zayo")[2], **MX)
    assert why(unproven) == ["not-authenticated"]
