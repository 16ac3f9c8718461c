"""Calendars that announce maintenance: whatever program wrote them, each event is one maintenance."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.notices_ics import Notice, read_calendar
from services.intake.domain.recurrence import NoCalendar
from services.intake.sources.native import SOURCE
from tests.unit.intake.real_bodies import PAYLOADS
from tests.unit.intake.support import NOW, integration, only, read

WINDOW = "DTSTART:20260307T220000Z\nDTEND:20260308T010000Z"
TEN = datetime(2026, 3, 7, 22, tzinfo=UTC)


def calendar(*events: str, method: str = "") -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Somebody//", *([f"METHOD:{method}"] if method else [])]
    for event in events:
        lines += ["BEGIN:VEVENT", event, "END:VEVENT"]
    return "\n".join([*lines, "END:VCALENDAR", ""]).replace("\n", "\r\n").encode()


def one(*lines: str, method: str = "", zone: str = "UTC") -> Notice:
    (notice,) = read_calendar(calendar("\n".join(lines), method=method), NOW, zone).notices
    return notice


MAINTNOTE = f"""UID:42
{WINDOW}
SEQUENCE:3
SUMMARY:Moving to new disks
ORGANIZER;CN="NOC":mailto:noc@example.com
X-MAINTNOTE-PROVIDER:example.com
X-MAINTNOTE-ACCOUNT:137
X-MAINTNOTE-MAINTENANCE-ID:WorkOrder-2
X-MAINTNOTE-MAINTENANCE-ID;X-MAINTNOTE-PRECEDENCE=PRIMARY:WorkOrder-1
X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=NO-IMPACT:circuit-1
X-MAINTNOTE-OBJECT-ID:circuit-2
X-MAINTNOTE-IMPACT:DEGRADED
X-MAINTNOTE-STATUS:CONFIRMED"""


def test_a_maintnote_is_known_by_its_provider_and_its_main_id() -> None:
    notice = one(MAINTNOTE)
    assert (notice.key, notice.state, notice.sequence) == ("example.com:WorkOrder-1", "scheduled", 3)
    assert (notice.starts_at, notice.ends_at) == (TEN, TEN + timedelta(hours=3))
    assert [(each.id, each.impact) for each in notice.affected] == [
        ("circuit-1", "NO-IMPACT"),
        ("circuit-2", "DEGRADED"),
    ]
    assert (notice.provider, notice.account, notice.organizer) == ("example.com", "137", "noc@example.com")


def test_a_plain_event_is_known_by_its_uid() -> None:
    notice = one("UID:a@example.org", WINDOW, "SUMMARY:Disks", "DESCRIPTION:All of them")
    assert (notice.key, notice.title, notice.description) == ("a@example.org", "Disks", "All of them")


@pytest.mark.parametrize(
    ("line", "method", "ended"),
    [
        ("STATUS:CONFIRMED", "", None),
        ("STATUS:CANCELLED", "", "cancelled"),
        ("STATUS:CONFIRMED", "CANCEL", "cancelled"),
        ("X-MAINTNOTE-STATUS:CANCELLED", "", "cancelled"),
        ("X-MAINTNOTE-STATUS:COMPLETED", "", "completed"),
        ("X-MAINTNOTE-STATUS:IN-PROCESS", "", None),
        ("X-MAINTNOTE-STATUS:RE-SCHEDULED", "", None),
        ("X-MAINTNOTE-STATUS:TENTATIVE", "REQUEST", None),
    ],
)
def test_method_and_status_say_whether_it_ended(line: str, method: str, ended: str | None) -> None:
    assert one("UID:1", WINDOW, line, method=method).ended == ended


@pytest.mark.parametrize("method", ["REPLY", "COUNTER", "REFRESH"])
def test_an_answer_to_an_invitation_announces_nothing(method: str) -> None:
    assert read_calendar(calendar(f"UID:1\n{WINDOW}", method=method), NOW).notices == ()


@pytest.mark.parametrize(
    ("times", "zone", "starts", "hours"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260307T230000\nDURATION:PT3H", "UTC", TEN, 3),
        ("DTSTART;TZID=W. Europe Standard Time:20260307T230000\nDURATION:PT3H", "UTC", TEN, 3),
        ("DTSTART:20260307T230000\nDTEND:20260308T010000", "Europe/Berlin", TEN, 2),
        ("DTSTART;VALUE=DATE:20260307", "UTC", TEN - timedelta(hours=22), 24),
        ("DTSTART;VALUE=DATE-TIME:20260307T220000Z\nDTEND;VALUE=DATE-TIME:20260307T230000Z", "UTC", TEN, 1),
        ("DTSTART:20260307T220000Z", "UTC", TEN, None),
        ("DTSTART:20260307T220000Z\nDTEND:20260307T210000Z", "UTC", TEN, None),
    ],
)
def test_times_of_every_kind_become_utc(times: str, zone: str, starts: datetime, hours: int | None) -> None:
    notice = one("UID:1", times, zone=zone)
    assert notice.starts_at == starts
    assert notice.ends_at == (None if hours is None else starts + timedelta(hours=hours))


def test_times_in_a_zone_that_nobody_knows_are_not_guessed_but_what_is_called_off_is() -> None:
    times = "UID:1\nDTSTART;TZID=Unheard/Of:20260307T220000\nDURATION:PT1H\nSUMMARY:New disks"
    with pytest.raises(NoCalendar, match="times of New disks are in the zone Unheard/Of, which is unknown: name one"):
        one(times)
    assert one(f"{times}\nSTATUS:CANCELLED").state == "cancelled"


@given(
    st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})),
    st.datetimes(datetime(1971, 1, 1), datetime(2098, 1, 1)),  # noqa: DTZ001 - the wall clock of a calendar
)
def test_a_time_of_any_zone_is_the_same_instant_in_utc(name: str, wall: datetime) -> None:
    wall = wall.replace(microsecond=0, fold=0)
    notice = one("UID:1", f"DTSTART:{wall:%Y%m%dT%H%M%S}", zone=name)
    assert notice.starts_at == wall.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)


def test_each_occurrence_of_an_event_that_recurs_is_a_maintenance_of_its_own() -> None:
    weekly = "UID:w\nDTSTART;TZID=Europe/Berlin:20260303T220000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nSUMMARY:Patches"
    skipped = "EXDATE;TZID=Europe/Berlin:20260310T220000"
    moved = (
        "UID:w\nRECURRENCE-ID;TZID=Europe/Berlin:20260317T220000\nSUMMARY:Patches\nSEQUENCE:2\n"
        "DTSTART;TZID=Europe/Berlin:20260318T220000\nDURATION:PT1H"
    )
    found = read_calendar(calendar(f"{weekly}\n{skipped}", moved), NOW)
    assert [(each.key, f"{each.starts_at:%d.%m. %H:%M}") for each in found.notices] == [
        ("w/20260303T210000Z", "03.03. 21:00"),
        ("w/20260317T210000Z", "18.03. 21:00"),
        ("w/20260324T210000Z", "24.03. 21:00"),
        ("w/20260331T200000Z", "31.03. 20:00"),
    ]
    assert [(one.key, one.recurs, one.goes_on) for one in found.series] == [("w", True, True)]


def test_an_occurrence_that_is_moved_beyond_the_weeks_that_are_announced_is_announced_all_the_same() -> None:
    weekly = "UID:w\nDTSTART:20260303T220000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2\nSUMMARY:Patches"
    moved = "UID:w\nRECURRENCE-ID:20260310T220000Z\nDTSTART:20260910T220000Z\nDURATION:PT1H\nSUMMARY:Patches"
    found = read_calendar(calendar(weekly, moved), NOW)
    assert [(each.key, f"{each.starts_at:%d.%m.}") for each in found.notices] == [
        ("w/20260303T220000Z", "03.03."),
        ("w/20260310T220000Z", "10.09."),
    ]
    assert [one.goes_on for one in found.series] == [False]


def test_of_many_daily_events_no_occurrence_is_left_out() -> None:
    daily = [f"UID:{number}\nDTSTART:20260303T220000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY" for number in range(20)]
    found = read_calendar(calendar(*daily), NOW)
    assert len(found.notices) == 20 * 34
    often = [
        f"UID:{number}\n{WINDOW}\nRDATE:"
        + ",".join(f"202603{day:02d}T{hour:02d}0000Z" for day in range(8, 29) for hour in range(24))
        for number in range(5)
    ]
    with pytest.raises(NoCalendar, match="2000 are read"):
        read_calendar(calendar(*often), NOW)


@pytest.mark.parametrize(
    ("rule", "occurs"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "20280229"),
        ("FREQ=MONTHLY;BYDAY=5SU", "20280130"),
        ("FREQ=YEARLY;BYYEARDAY=366", "20281231"),
        ("FREQ=DAILY;INTERVAL=9999;BYDAY=SA", "20260307"),
    ],
)
def test_a_rule_that_seldom_occurs_is_read_all_the_same(rule: str, occurs: str) -> None:
    soon = datetime.strptime(f"{occurs}T12+0000", "%Y%m%dT%H%z") - timedelta(days=3)
    found = read_calendar(calendar(f"UID:1\n{WINDOW}\nRRULE:{rule}"), soon)
    assert f"{occurs}T220000Z" in [notice.recurrence for notice in found.notices]


def test_the_highest_sequence_of_an_event_counts() -> None:
    old, new = f"UID:1\n{WINDOW}\nSEQUENCE:1\nSUMMARY:Old", f"UID:1\n{WINDOW}\nSEQUENCE:2\nSUMMARY:New"
    for events in ((old, new), (new, old)):
        assert [notice.title for notice in read_calendar(calendar(*events), NOW).notices] == ["New"]


def test_events_with_one_maintenance_id_and_several_uids_are_several_windows() -> None:
    ids = "X-MAINTNOTE-PROVIDER:p\nX-MAINTNOTE-MAINTENANCE-ID:M1"
    found = read_calendar(calendar(f"UID:1\n{WINDOW}\n{ids}", f"UID:2\n{WINDOW}\n{ids}"), NOW)
    assert [notice.key for notice in found.notices] == ["p:M1:1", "p:M1:2"]


def test_lines_that_are_folded_wrongly_are_mended() -> None:
    broken = calendar(f"UID:1\n{WINDOW}\nDESCRIPTION:Work as\n  outlined\nbelow once\n more\nSTATUS:CANCELLED")
    (notice,) = read_calendar(broken, NOW).notices
    assert notice.ended == "cancelled"
    assert notice.description.startswith("Work as")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"hello", "no BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR", "no event"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT", "no iCalendar"),
        (calendar("UID:1\nSUMMARY:Disks"), "times of Disks cannot be read"),
        (calendar("UID:1\nDTSTART:yesterday"), "times of 1 cannot be read"),
        (calendar("UID:1\nDTSTART:00010101T000000Z"), "years 1970 to 2999"),
        (calendar(WINDOW), "needs a UID"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=BOGUS"), "cannot be read"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=MINUTELY"), "recurs daily at most"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=DAILY;BYHOUR=1,2,3"), "recurs daily at most"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"), "recurs daily at most"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "never does"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=DAILY;INTERVAL=0"), "never does"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=DAILY;BYSETPOS=2"), "never does"),
        (calendar(f"UID:1\n{WINDOW}\nRRULE:FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=31"), "never does"),
        (calendar(*[f"UID:{number}\n{WINDOW}\nRRULE:FREQ=YEARLY" for number in range(51)]), "50 at most"),
        (calendar(*[f"UID:{number}\n{WINDOW}" for number in range(201)]), "200 at most"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(NoCalendar, match=sentence):
        read_calendar(body, NOW)


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 60))
def test_a_mutated_calendar_is_read_or_refused(noise: bytes, at: int, drop: int) -> None:
    body = calendar(MAINTNOTE)
    reading = read("native", body[:at] + noise + body[at + drop :], content_type="text/calendar")
    assert reading.triggers or reading.refusals


class TestPostedToTheNativeAddresses:
    def test_the_trigger_has_window_services_severity_and_sequence(self) -> None:
        options = {
            "calendar": {"assigned_team": "platform", "services": {"circuit-1": "documents"}, "tenants": ["northwind"]}
        }
        trigger = only(read("native", calendar(MAINTNOTE), integration("native", options=options)))
        assert (trigger.kind, trigger.status, trigger.ending) == ("maintenance", "firing", None)
        assert (trigger.dedup_key, trigger.sequence, trigger.severity) == ("example.com:WorkOrder-1", 3, "error")
        assert trigger.services == ("documents", "circuit-2")
        assert (trigger.assigned_team, trigger.tenants) == ("platform", ("northwind",))
        assert trigger.window is not None
        assert trigger.window.starts_at == TEN

    def test_the_calendar_may_name_team_and_tenants_itself(self) -> None:
        body = calendar(f"{MAINTNOTE}\nX-TOCSIN-TEAM:network\nX-TOCSIN-TENANT:fabrikam\nX-TOCSIN-TENANT:contoso")
        trigger = only(read("native", body))
        assert (trigger.assigned_team, trigger.tenants) == ("network", ("fabrikam", "contoso"))

    def test_categories_are_services_only_where_the_integration_says_so(self) -> None:
        body = calendar(f"UID:1\n{WINDOW}\nCATEGORIES:Maintenance,Search cluster")
        assert only(read("native", body)).services == ()
        options = {"calendar": {"services": {"Search cluster": "search"}}}
        assert only(read("native", body, integration("native", options=options))).services == ("search",)

    def test_a_cancelled_one_ends_under_the_same_key(self) -> None:
        trigger = only(read("native", calendar(f"UID:1\n{WINDOW}", method="CANCEL")))
        assert (trigger.dedup_key, trigger.status, trigger.ending) == ("1", "resolved", "cancelled")

    def test_an_integration_for_tickets_may_post_no_calendar(self) -> None:
        helpdesk = integration("native", options={"only": ["ticket"]})
        assert read("native", calendar(MAINTNOTE), helpdesk).refusals[0].reason == "kind-not-allowed"

    def test_a_zone_that_nobody_knows_is_refused_when_it_is_configured(self) -> None:
        with pytest.raises(ValueError, match="Mars"):
            SOURCE.options.model_validate({"calendar": {"zone": "Mars/Olympus"}})


REAL = sorted((PAYLOADS / "maintenance_ics").glob("*.ics.txt"))


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_calendars_of_networks_yield_what_their_properties_say(path: Path) -> None:
    def said(name: str) -> list[str]:
        return re.findall(rf"^{name}(?:;[^:\n]*)?:(.*?)\r?$", text, re.MULTILINE)

    text = path.read_text()
    trigger = only(read("native", path.read_bytes(), content_type="text/calendar"))
    assert trigger.dedup_key == f"{said('X-MAINTNOTE-PROVIDER')[0]}:{said('X-MAINTNOTE-MAINTENANCE-ID')[0]}"
    assert trigger.sequence == int(said("SEQUENCE")[0])
    assert trigger.title == said("SUMMARY")[0]
    assert list(trigger.services) == said("X-MAINTNOTE-OBJECT-ID")
    assert trigger.severity == ("critical" if said("X-MAINTNOTE-IMPACT") == ["OUTAGE"] else "info")
    state = said("X-MAINTNOTE-STATUS")[0]
    assert trigger.ending == {"CANCELLED": "cancelled", "COMPLETED": "completed"}.get(state)
    assert trigger.window is not None
    assert f"{trigger.window.starts_at:%Y%m%dT%H%M%SZ}" == said("DTSTART")[0]
