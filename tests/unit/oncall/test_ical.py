"""iCalendar: what we write is read back as the same shifts, and what others write is understood."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import recurring_ical_events  # type: ignore[import-untyped]  # it has no stubs
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from services.oncall.domain.amendments import Amendments
from services.oncall.domain.ical import Entry, Imported, doubt_of, etag_of, occurrences, parsed, rendered
from services.oncall.domain.layer import Layer
from services.oncall.domain.rota import Rota
from services.oncall.domain.schedule import on_shift, shifts
from services.oncall.domain.shift import Shift
from tests.unit.oncall.test_layers import instants, layers, zones

START = datetime(2026, 3, 2, tzinfo=UTC)
KNOWN = {"ana": "ana", "ben@example.com": "ben", "cem kaya": "cem"}


def event(*lines: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT", "END:VCALENDAR"))


def read(text: str, days: int = 14, zone: str = "UTC") -> list[tuple[str, str, str]]:
    found = occurrences(text, START, START + timedelta(days=days), zone)
    return [(one.names[0], f"{one.starts_at:%m-%d %H:%M}", f"{one.ends_at:%m-%d %H:%M}") for one in found]


def entry(**changed: Any) -> Entry:
    shift = Shift("ana", START, START + timedelta(days=1), 0)
    return Entry("default", changed.pop("rota_name", "On shift"), changed.pop("person_name", "Ana"), shift)


@settings(max_examples=25, deadline=None)
@given(one=layers(), zone=zones, start=instants, days=st.integers(1, 12))
def test_another_reader_of_our_feed_finds_the_same_shifts(one: Layer, zone: str, start: datetime, days: int) -> None:
    start = start.replace(microsecond=0)
    rota = Rota(id="r", name="R", zone=zone, layers=(one,))
    end = start + timedelta(days=days)
    listed = shifts(rota, start, end)
    body = rendered("R", [Entry("r", "R", shift.person or "", shift) for shift in listed], START)
    again = recurring_ical_events.of(Calendar.from_ical(body)).between(start, end)
    found = sorted((str(one["X-TOCSIN-PERSON"]), one.start, one.end) for one in again)
    assert found == sorted((shift.person or "", *shift.span) for shift in listed)
    assert len({str(one["UID"]) for one in again}) == len(listed)


@settings(max_examples=25, deadline=None)
@given(one=layers(), zone=zones, start=instants)
def test_our_own_feed_read_in_gives_the_same_people_at_every_instant(one: Layer, zone: str, start: datetime) -> None:
    start = start.replace(microsecond=0)
    rota = Rota(id="r", name="R", zone=zone, layers=(one,))
    end = start + timedelta(days=4)
    listed = shifts(rota, start, end)
    body = rendered("R", [Entry("r", "R", shift.person or "", shift) for shift in listed], START).decode()
    known = {person: person for group in one.people for person in group}
    empty = Rota(id="copy", name="Copy", zone=zone)
    copy = Amendments.of((), (), [Imported("ics", body, "primary", 0, known)])
    moment = start + timedelta(days=2)
    assert [(one.person, one.span) for one in on_shift(empty, moment, copy)] == [
        (one.person, one.span) for one in on_shift(rota, moment)
    ]


def test_every_line_is_at_most_75_octets_and_ends_with_crlf() -> None:
    body = rendered("Ünï " * 40, [entry(person_name="Ñandú, the; odd \\ one " * 9)], START, timedelta(minutes=30))
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"\n" not in b"".join(lines)
    (found,) = Calendar.from_ical(body).walk("VEVENT")
    assert str(found["SUMMARY"]).startswith("Ñandú, the; odd \\ one ")
    assert body.count(b"BEGIN:VALARM") == 1


def test_the_mark_changes_with_the_shifts_and_not_with_the_hour_of_rendering() -> None:
    assert etag_of("R", [entry()]) == etag_of("R", [entry()])
    assert etag_of("R", [entry()]) != etag_of("R", [entry(person_name="Anna")])
    assert etag_of("R", [entry()]) != etag_of("R", [])


def test_rules_exceptions_and_moved_occurrences_are_followed() -> None:
    zone = ";TZID=W. Europe Standard Time"
    weekly = event(
        "SUMMARY:Ana",
        f"DTSTART{zone}:20260302T090000",
        f"DTEND{zone}:20260302T170000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU",
        f"EXDATE{zone}:20260303T090000",
    )
    moved = event(
        "SUMMARY:Ben",
        f"RECURRENCE-ID{zone}:20260309T090000",
        f"DTSTART{zone}:20260309T100000",
        f"DTEND{zone}:20260309T180000",
    )
    both = weekly.replace("END:VCALENDAR", moved.split("VERSION:2.0\n")[1])
    assert read(both) == [
        ("Ana", "03-02 08:00", "03-02 16:00"),
        ("Ben", "03-09 09:00", "03-09 17:00"),
        ("Ana", "03-10 08:00", "03-10 16:00"),
    ]


@pytest.mark.parametrize(
    "start",
    ["DTSTART;TZID=Nowhere/Land:20260304T090000", "DTSTART:20260304T090000", 'DTSTART;TZID="Odd Zone":20260304T090000'],
)
def test_a_time_without_a_zone_that_anybody_knows_is_on_the_clocks_of_the_rota_where_it_is_kept(start: str) -> None:
    text = event("SUMMARY:Ana", start, "DURATION:PT2H")
    assert read(text, zone="America/Chicago") == [("Ana", "03-04 15:00", "03-04 17:00")]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["DTEND:20260304T100000Z"], "'Ana' does not say when it begins: it has no DTSTART"),
        (["DTSTART:2026-03-04", "DTEND:20260304T100000Z"], "'Ana' has a DTSTART that cannot be read"),
        (["DTSTART:20260304T090000Z", "DTEND:noon"], "'Ana' has a DTEND that cannot be read"),
        (["DTSTART:20260304T090000Z", "RRULE:FREQ=SOMETIMES"], "'Ana' has a RRULE that cannot be read"),
        (["DTSTART:20260304T090000Z", "DTSTART:20260305T090000Z"], "'Ana' has more than one DTSTART"),
        (["DTSTART:20260304T090000Z", "DTEND:20260304T080000Z"], "'Ana' ends before it begins"),
        (["DTSTART;VALUE=DATE:20260304", "DTEND;VALUE=DATE:20260302"], "'Ana' ends before it begins"),
        (["DTSTART:20260304T090000Z", "DURATION:-PT1H"], "'Ana' ends before it begins"),
        (["DTSTART:20260304T090000Z", "DTEND:99991231T235959Z"], "'Ana' lies beyond the year 9000"),
        (
            ["DTSTART:20260304T090000Z", "RRULE:FREQ=DAILY;INTERVAL=0"],
            "'Ana' recurs by a rule under which it never does",
        ),
        (
            ["DTSTART:20260304T090000Z", "RRULE:FREQ=DAILY;INTERVAL=-1"],
            "'Ana' recurs by a rule under which it never does",
        ),
        (
            ["DTSTART:20260304T090000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"],
            "'Ana' recurs by a rule under which it never does",
        ),
        (["DTSTART:20260304T090000Z", "RRULE:COUNT=3"], "'Ana' has an RRULE that does not say how often"),
        (["DTSTART:20260304T090000Z", "RRULE:RSCALE=HEBREW;FREQ=YEARLY"], "'Ana' recurs by an RSCALE"),
        (["DTSTART:20260304T090000Z", "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY;BYDAY=TU"], "'Ana' has an EXRULE"),
    ],
)
def test_an_event_of_which_nobody_can_tell_when_it_is_is_refused_by_its_name(lines: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parsed(event("SUMMARY:Ana", *lines), new=True)


def defined(offset: str, name: str = "Customized Time Zone") -> tuple[str, ...]:
    """A zone as Outlook defines its own."""
    edges = (f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}")
    return (
        "BEGIN:VTIMEZONE",
        f"TZID:{name}",
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        *edges,
        "END:STANDARD",
        "END:VTIMEZONE",
    )


@pytest.mark.parametrize(
    ("tzid", "begin"),
    [
        ("Europe/Berlin", "03-04 08:00"),
        ("europe/berlin", "03-04 08:00"),
        ("W. Europe Standard Time", "03-04 08:00"),
        ("tokyo standard time", "03-04 00:00"),
        ('"Eastern Standard Time"', "03-04 14:00"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Lisbon", "03-04 09:00"),
        ('"tzone://Microsoft/Utc"', "03-04 09:00"),
    ],
)
def test_zones_are_known_by_the_names_that_programs_give_them(tzid: str, begin: str) -> None:
    text = event("SUMMARY:Ana", f"DTSTART;TZID={tzid}:20260304T090000", f"DTEND;X-ODD=1;TZID={tzid}:20260304T100000")
    parsed(text, new=True)
    assert [found[1] for found in read(text, zone="America/Chicago")] == [begin]


def test_a_name_that_is_folded_in_its_middle_is_one_name() -> None:
    text = event("SUMMARY:Ana", "DTSTART;TZID=W. Europe St", " andard Time:20260304T090000", "DURATION:PT1H")
    assert read(text) == [("Ana", "03-04 08:00", "03-04 09:00")]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["DTSTART;TZID=Nowhere/Land:20260304T090000"], "on the clocks of 'Nowhere/Land', a zone that nobody knows: name"),
        (["DTSTART;TZID=Europe/Lisboa:20260304T090000"], "'Europe/Lisboa', a zone that nobody knows; did you mean Europe/Lisbon?"),
        (["DTSTART;TZID=GMT+0200:20260304T090000"], "'GMT+0200'"),
        (["DTSTART:20260304T090000Z", "DTEND;TZID=Mars/Utc:20260304T100000"], "'Mars/Utc'"),
        (["DTSTART:20260304T090000Z", "RRULE:FREQ=DAILY", "EXDATE;TZID=Odd Zone:20260305T090000"], "'Odd Zone'"),
        (["DTSTART:20260304T090000Z", "EXDATE:20260305T090000Z", "EXDATE;TZID=Odd Zone:20260306T090000"], "'Odd Zone'"),
    ],
)  # fmt: skip
def test_a_zone_that_nobody_knows_is_refused_where_it_is_new_and_told_where_it_is_kept(
    lines: list[str], sentence: str
) -> None:
    text = event("SUMMARY:Ana", *lines)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parsed(text, new=True)
    assert "the event 'Ana' is on the clocks of" in (doubt_of(text) or "")
    assert read(text)


def test_a_zone_that_a_calendar_defines_counts_for_that_calendar_alone() -> None:
    at = ("SUMMARY:Ana", "DTSTART;TZID=Customized Time Zone:20260304T090000", "DURATION:PT1H")
    begins = []
    for offset in ("+0300", "-0800"):
        text = event(*at).replace("BEGIN:VEVENT", "\n".join((*defined(offset), "BEGIN:VEVENT")))
        parsed(text, new=True)
        begins += [found[1] for found in read(text)]
    assert begins == ["03-04 06:00", "03-04 17:00"]
    with pytest.raises(ValueError, match="'Customized Time Zone', a zone that nobody knows"):
        parsed(event(*at), new=True)
    after = event(*at).replace("END:VCALENDAR", "\n".join((*defined("+0300"), "END:VCALENDAR")))
    assert doubt_of(after) is None
    assert [found[1] for found in read(after)] == ["03-04 06:00"]


def test_what_is_called_off_is_no_shift() -> None:
    begin = ("DTSTART:20260304T090000Z", "DTEND:20260304T100000Z")
    assert read(event("SUMMARY:Ana", "STATUS:CANCELLED", *begin)) == []
    series = event("SUMMARY:Ana", "RRULE:FREQ=DAILY;COUNT=3", *begin)
    gone = event("SUMMARY:Ana", "RECURRENCE-ID:20260305T090000Z", "STATUS:cancelled", *begin)
    both = series.replace("END:VCALENDAR", gone.split("VERSION:2.0\n")[1])
    parsed(both, new=True)
    assert [begins for _, begins, _ in read(both)] == ["03-04 09:00", "03-06 09:00"]


def test_two_events_that_are_said_to_be_one_are_refused_unless_one_is_the_newer() -> None:
    one = event("SUMMARY:Ana", "DTSTART:20260304T090000Z", "DURATION:PT1H")
    other = event("SUMMARY:Ben", "DTSTART:20260305T090000Z", "DURATION:PT1H").split("VERSION:2.0\n")[1]
    both = one.replace("END:VCALENDAR", other)
    with pytest.raises(ValueError, match="the events 'Ana' and 'Ben' have one UID, '1', and begin at two times"):
        parsed(both, new=True)
    newer = both.replace("SUMMARY:Ben", "SUMMARY:Ben\nSEQUENCE:2")
    parsed(newer, new=True)
    assert [name for name, _, _ in read(newer)] == ["Ben"]


def test_what_was_taken_in_before_is_laid_out_all_the_same() -> None:
    text = event("SUMMARY:Ana", "DTSTART:20260304T090000Z", "DTEND:20260304T080000Z")
    assert len(read(text)) == 1
    assert doubt_of(text) is None
    assert "'Ana' has a DTEND that cannot be read" in (doubt_of(text.replace("DTEND:", "DTEND:x")) or "")


def test_what_says_nothing_of_its_time_may_be_odd() -> None:
    odd = ("PRIORITY:high", "CREATED:once", "GEO:here")
    text = event("SUMMARY:Ana", "DTSTART:20260304T090000Z", "DTEND:20260304T100000Z", *odd)
    parsed(text, new=True)
    assert read(text) == [("Ana", "03-04 09:00", "03-04 10:00")]


def test_a_whole_day_is_from_midnight_to_midnight_of_the_rota() -> None:
    text = event("SUMMARY:Ana", "DTSTART;VALUE=DATE:20260305")
    assert read(text, zone="Europe/Rome") == [("Ana", "03-04 23:00", "03-05 23:00")]


def test_broken_folding_is_mended() -> None:
    text = event("SUMMARY:Ana on", "call (Platform)", "DTSTART:20260304T090000Z", "DTEND:20260304T100000Z")
    assert read(text)[0][0] == "Ana oncall (Platform)"


@pytest.mark.parametrize(
    ("line", "person"),
    [
        ("SUMMARY:Ana", "ana"),
        ("SUMMARY:ANA on call (Platform)", "ana"),
        ("SUMMARY:Cem Kaya - late", "cem"),
        ("ATTENDEE;CN=Somebody:mailto:BEN@example.com", "ben"),
        ("ATTENDEE;CN=Cem Kaya:mailto:cem@elsewhere.example", "cem"),
        ("SUMMARY:Lunch", None),
    ],
)
def test_whose_an_event_is(line: str, person: str | None) -> None:
    text = event(line, "DTSTART:20260304T090000Z", "DTEND:20260304T100000Z")
    (shift,) = Imported("ics", text, "primary", 0, KNOWN).shifts(START, START + timedelta(days=7), "UTC")
    assert (shift.person, shift.origin) == (person, "calendar")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>Sign in</html>", "no BEGIN:VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "no iCalendar"),
        (event("DTSTART:20260304T090000Z", "RRULE:FREQ=SECONDLY"), "by the minute or the second"),
        (event("DTSTART:20260304T090000Z", "RRULE:FREQ=DAILY;BYMINUTE=1,2"), "by the minute or the second"),
        (event("SUMMARY:" + "x" * 1024 * 1024), "1024 KiB at most"),
    ],
)
def test_what_is_no_calendar_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parsed(text)
