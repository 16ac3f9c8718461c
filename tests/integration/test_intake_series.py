"""Maintenance that recurs, through the front door: announced as it comes near, and called off where a newer calendar has it no more."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.intake.handlers.keep import drop_old
from tests.integration.intake_support import NATIVE, House, intake
from tests.unit.intake.test_notices_ics import calendar
from tests.unit.intake.test_series import FIVE, FOUR, LATER, ONE, STAMP, THREE, TWO, event, part


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with intake(database_url, tmp_path) as made:
        yield made


async def post(house: House, *events: str, method: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {NATIVE}", "Content-Type": "text/calendar"}
    answer = await house.client.post("/v1/maintenance", content=calendar(*events, method=method), headers=headers)
    assert answer.status_code == 202, answer.text
    return answer


async def told(house: House) -> list[tuple[str, str]]:
    return [(event["dedup_key"], event["ending"] or event["status"]) for event in await house.events()]


async def test_occurrences_that_come_near_are_announced_by_themselves_each_once(house: House) -> None:
    await post(house, event("SEQUENCE:1", STAMP))
    assert await told(house) == [(key, "firing") for key in (ONE, TWO, THREE, FOUR, FIVE)]
    await house.forward(days=20)
    assert (await told(house))[5:] == [(f"w/{day}T220000Z", "firing") for day in ("20260407", "20260414", "20260421")]
    newest = (await house.events())[-1]
    assert (newest["title"], newest["window"]["starts_at"]) == ("Patches", "2026-04-21T22:00:00Z")


async def test_after_an_outage_of_weeks_they_are_announced_once_and_not_in_a_burst_of_days(house: House) -> None:
    await post(house, event("SEQUENCE:1", STAMP))
    await house.jump_to(house.clock.now() + timedelta(days=15))
    assert (await told(house))[5:] == [("w/20260407T220000Z", "firing"), ("w/20260414T220000Z", "firing")]


async def test_the_body_of_what_recurs_is_kept_for_as_long_as_it_is_read(house: House) -> None:
    await post(house, event("SEQUENCE:1", STAMP))
    await post(house, "UID:once\nDTSTART:20260303T220000Z\nDURATION:PT1H")
    house.clock.advance(timedelta(days=40))
    async with house.uow.begin() as tx:
        await drop_old(tx, timedelta(days=30))
    assert len(await house.rows("SELECT 1 FROM deliveries WHERE body LIKE '%RRULE%'")) >= 1
    assert await house.rows("SELECT 1 FROM deliveries WHERE body LIKE '%UID:once%'") == []


async def test_a_newer_version_calls_off_what_it_has_no_more_also_what_was_announced_later(house: House) -> None:
    await post(house, event("SEQUENCE:1", STAMP))
    await house.forward(days=8)
    answer = await post(house, event("SEQUENCE:1", LATER, "EXDATE:20260317T220000Z", "EXDATE:20260407T220000Z"))
    assert len(answer.json()["triggers"]) == 5, "what it says, and the two ends"
    ended = [(key, word) for key, word in await told(house) if word == "cancelled"]
    assert ended == [(THREE, "cancelled"), ("w/20260407T220000Z", "cancelled")]
    late = await post(house, event("SEQUENCE:1", STAMP))
    assert late.json()["triggers"] == []
    assert {one["reason"] for one in late.json()["ignored"]} == {"no-news"}
    await house.forward(days=3)
    assert [key for key, word in await told(house) if word == "cancelled"] == [THREE, "w/20260407T220000Z"]


async def test_what_is_called_off_alone_or_as_a_whole_is_not_announced_later(house: House) -> None:
    await post(house, event("SEQUENCE:1", STAMP))
    await post(house, part("20260407", "SEQUENCE:2", "STATUS:CANCELLED"))
    await house.forward(days=10)
    assert ("w/20260407T220000Z", "firing") not in await told(house)
    assert await house.rows("SELECT 1 FROM maintenance_series") != []
    await post(house, event("SEQUENCE:3", rule=""), method="CANCEL")
    ended = [key for key, word in await told(house) if word == "cancelled"]
    assert set(ended) >= {THREE, FOUR, FIVE}
    assert TWO not in ended, "it was over"
    count = len(await told(house))
    await house.forward(days=40)
    assert len(await told(house)) == count
    assert await house.rows("SELECT 1 FROM maintenance_series") == [], "and nothing of it is kept"


async def test_two_versions_at_the_same_moment_end_as_the_newer_says(house: House) -> None:
    await asyncio.gather(
        post(house, event("SEQUENCE:2", "EXDATE:20260310T220000Z")), post(house, event("SEQUENCE:1", STAMP))
    )
    last = dict(await told(house))
    assert last.get(TWO) in (None, "cancelled")
    assert {key for key, word in last.items() if word == "firing"} == {ONE, THREE, FOUR, FIVE}


async def test_who_removes_its_integration_ends_the_announcing(house: House) -> None:
    made = {"id": "calendars", "name": "Calendars", "source": "native", "kind": "maintenance"}
    await house.call("POST", "/v1/integrations", json=made)
    key = (await house.call("POST", "/v1/integrations/calendars/keys")).json()["key"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/calendar"}
    body = calendar(event("SEQUENCE:1", STAMP))
    assert (await house.client.post("/v1/maintenance", content=body, headers=headers)).status_code == 202
    await house.call("DELETE", "/v1/integrations/calendars")
    count = len(await house.events())
    await house.forward(days=20)
    assert len(await house.events()) == count


async def test_by_mail_a_newer_calendar_calls_off_what_it_has_no_more(house: House) -> None:
    made = {"id": "post", "name": "Post", "source": "mail", "kind": "maintenance", "options": {"trust": "key"}}
    await house.call("POST", "/v1/integrations", json=made)
    key = (await house.call("POST", "/v1/integrations/post/keys")).json()["key"]
    head = "From: noc@example.net\r\nSubject: Patches\r\nMessage-ID: <{}@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar\r\n\r\n"
    for number, lines in enumerate([("SEQUENCE:1",), ("SEQUENCE:2", "EXDATE:20260310T220000Z")]):
        body = head.format(number).encode() + calendar(event(*lines), method="REQUEST")
        answer = await house.client.post(f"/v1/hooks/mail/{key}", content=body)
        assert answer.status_code == 202, answer.text
    events = await house.events()
    assert [(one["dedup_key"], one["ending"]) for one in events if one["status"] == "resolved"] == [(TWO, "cancelled")]
    assert {one["kind"] for one in events} == {"maintenance"}
    await house.forward(days=8)
    assert ("w/20260407T220000Z", "firing") in await told(house)


LINES = (
    "UID:w", "UID:" + "w" * 3000, "UID:\x00😀", "SEQUENCE:1", "SEQUENCE:-5", "SEQUENCE:99999999999", "SEQUENCE:x", "DTSTAMP:20260301T080000Z",
    "DTSTAMP:20260301T090000", "DTSTAMP:29990101T000000Z", "DTSTAMP:00000000T000000Z", "DTSTAMP;VALUE=DATE:20260301", "EXDATE:20260310T220000Z",
    "EXDATE;VALUE=DATE:20260310", "EXDATE:yesterday", "RDATE:20260312T220000Z", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=DAILY;UNTIL=2026",
    "RRULE:FREQ=MONTHLY;BYDAY=-1FR", "RRULE:", "RECURRENCE-ID:20260310T220000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260310T220000Z", "STATUS:CANCELLED",
    "STATUS:", "DTSTART:20260303T220000Z", "DTSTART;VALUE=DATE:20260303", "DTSTART;TZID=Mars/Olympus:20260303T220000", "DURATION:PT1H", "DURATION:-PT1H",
    "DTEND:20260304T000000Z", "SUMMARY:Patches\x00", "X-MAINTNOTE-MAINTENANCE-ID:M1", "X-MAINTNOTE-PROVIDER:p",
)  # fmt: skip
"""What calendars are made of, as it should be and otherwise."""


async def test_calendars_of_any_lines_in_any_order_are_taken_or_refused_and_kept(house: House) -> None:
    dice = random.Random(7)
    headers = {"Authorization": f"Bearer {NATIVE}", "Content-Type": "text/calendar"}
    for number in range(100):
        events = [
            "\n".join(
                dict.fromkeys(
                    [*dice.sample(LINES, dice.randint(3, 9)), "DTSTART:20260303T220000Z"][: dice.randint(4, 10)]
                )
            )
            for _ in range(dice.randint(1, 3))
        ]
        method = dice.choice(["", "REQUEST", "CANCEL", "PUBLISH"])
        body = calendar(*events, method=method) if dice.random() < 0.9 else calendar(*events).replace(b"\r\n", b"\n", 3)
        answer = await house.client.post("/v1/maintenance", content=body, headers=headers)
        assert answer.status_code in (202, 400, 422), (body, answer.text)
        assert (await house.rows("SELECT count(*) AS kept FROM deliveries"))[0]["kept"] == number + 1
    await house.forward(days=3)
    assert await house.rows("SELECT 1 FROM timers WHERE kind = 'series' AND attempts > 0") == []
