"""Calendar feeds, and calendars that are read, through the API on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import recurring_ical_events  # type: ignore[import-untyped]  # it has no stubs
from icalendar import Calendar

from libs.common.errors import Invalid
from services.oncall.calendars import CalendarReader, Fetcher
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import key_of, problem
from tests.integration.test_oncall_changes import hours, made, person_key, primary

__all__ = ["rig"]

NIGHT = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
SUMMARY:Helena on call
DTSTART:20260302T090000Z
DTEND:20260302T120000Z
RRULE:FREQ=DAILY
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Team lunch
DTSTART:20260302T200000Z
DTEND:20260302T210000Z
END:VEVENT
END:VCALENDAR
"""


async def feed(rig: Rig, subject: str, entity: str, **more: Any) -> dict[str, Any]:
    return dict(await made(rig, "feeds", {"of": subject, "id": entity, **more}))


async def opened(rig: Rig, url: str, **headers: str) -> httpx.Response:
    """The feed as a calendar program opens it: without a key."""
    transport = rig.http._transport  # noqa: SLF001 - another client of the same service
    async with httpx.AsyncClient(transport=transport, base_url="http://oncall") as http:
        return await http.get(url, headers=headers)


async def test_a_rotas_feed_has_the_same_shifts_as_the_api(rig: Rig) -> None:
    await made(rig, "schedules/default/overrides", {"remove": "stefania", "add": "helena", **hours(20, 22)})
    answer = await opened(rig, (await feed(rig, "rota", "default"))["url"])
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    span = (MORNING, MORNING + timedelta(days=30))
    params = {"from": span[0].isoformat(), "to": span[1].isoformat()}
    listed = (await rig.http.get("/v1/schedules/default/shifts", params=params)).json()["shifts"]
    found = [
        (str(one["X-TOCSIN-PERSON"]), one.start.isoformat(), one.end.isoformat())
        for one in recurring_ical_events.of(Calendar.from_ical(answer.content)).between(*span)
    ]
    wanted = [
        (one["person"]["id"], one["since"].replace("Z", "+00:00"), one["until"].replace("Z", "+00:00"))
        for one in listed
    ]
    assert sorted(found) == sorted(wanted)


async def test_a_person_and_a_team_have_feeds_of_their_own(rig: Rig) -> None:
    one = await opened(rig, (await feed(rig, "person", "rafael", alarm_minutes=30))["url"])
    assert {str(event["X-TOCSIN-PERSON"]) for event in Calendar.from_ical(one.content).walk("VEVENT")} == {"rafael"}
    assert one.text.count("TRIGGER:-PT30M") == one.text.count("BEGIN:VEVENT") > 200
    team = await opened(rig, (await feed(rig, "team", "operations"))["url"])
    people = {str(event["X-TOCSIN-PERSON"]) for event in Calendar.from_ical(team.content).walk("VEVENT")}
    assert people == {"stefania", "rafael", "abdul"}


async def test_a_feed_that_did_not_change_is_not_sent_again(rig: Rig) -> None:
    url = (await feed(rig, "rota", "default"))["url"]
    first = await opened(rig, url)
    rig.clock.set(MORNING + timedelta(hours=3))
    strong = first.headers["etag"].removeprefix("W/")
    for known in (first.headers["etag"], strong, f'"older", {strong}', "*"):
        again = await opened(rig, url, **{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert (await opened(rig, url, **{"If-None-Match": '"older"'})).status_code == 200
    head = await rig.http.head(url)
    assert (head.status_code, head.headers["etag"], head.content) == (200, first.headers["etag"], b"")
    await made(rig, "schedules/default/overrides", {"remove": "abdul", **hours(10, 11)})
    changed = await opened(rig, url, **{"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    uids = [
        {str(event["UID"]) for event in Calendar.from_ical(body.content).walk("VEVENT")} for body in (first, changed)
    ]
    assert len(uids[0] - uids[1]) == 0
    assert len(uids[1] - uids[0]) == 1


async def test_a_revoked_feed_opens_nothing_and_its_secret_is_kept_nowhere(rig: Rig) -> None:
    new = await feed(rig, "person", "rafael")
    secret = new["url"].rpartition("/")[2].removesuffix(".ics")
    assert secret not in (await rig.http.get("/v1/feeds")).text
    assert secret not in (await rig.http.get("/v1/audit")).text
    assert (await rig.http.delete(f"/v1/feeds/{new['id']}")).status_code == 204
    assert "revoked" in problem(await opened(rig, new["url"]), 404)["detail"]
    problem(await rig.http.delete(f"/v1/feeds/{new['id']}"), 404)


async def test_a_viewer_makes_feeds_of_their_own_shifts_alone(rig: Rig) -> None:
    viewer = await key_of(rig, "reader", "viewer")
    for wish in ({"of": "person", "id": "rafael"}, {"of": "rota", "id": "default"}):
        problem(await rig.http.post("/v1/feeds", json=wish, headers=viewer), 403)
    own = await person_key(rig, "rafael")
    assert (await rig.http.post("/v1/feeds", json={"of": "person", "id": "rafael"}, headers=own)).status_code == 201
    problem(await rig.http.post("/v1/feeds", json={"of": "person", "id": "ghost"}), 422)


async def test_shifts_are_read_from_a_calendar_above_the_rotas_own(rig: Rig) -> None:
    wish = {"name": "Mornings", "text": NIGHT, "priority": 5}
    answer = await made(rig, "schedules/default/calendars", wish)
    assert answer["unknown"] == ["Team lunch"]
    assert [await primary(rig, after) for after in (-0.5, 0, 2.5, 3, 24)] == [
        "stefania",
        "helena",
        "helena",
        "rafael",
        "helena",
    ]
    resolved = (await rig.http.post("/v1/resolve", json={"refs": ["on-shift"]})).json()
    assert [one["name"] for one in resolved["recipients"]] == ["Helena"]
    path = f"/v1/schedules/default/calendars/{answer['id']}"
    assert (await rig.http.delete(path)).status_code == 204
    assert await primary(rig, 0) == "stefania"
    problem(await rig.http.delete(path), 404)


async def test_absences_are_read_from_a_calendar(rig: Rig) -> None:
    text = NIGHT.replace("Helena on call", "stefania@example.com")
    await made(rig, "absence-calendars", {"name": "Holidays", "text": text})
    resolved = (await rig.http.post("/v1/resolve", json={"refs": ["on-shift"]})).json()
    assert [one["name"] for one in resolved["recipients"]] == ["Helena"]
    assert await primary(rig, -1) == "stefania"


async def test_a_whole_day_away_is_a_day_on_their_own_clocks(rig: Rig) -> None:
    rig.rewrite(
        "people.yaml",
        "zone: Europe/Rome, contacts: [{sms: +15550100}",
        "zone: America/Los_Angeles, contacts: [{sms: +15550100}",
    )
    await rig.watcher.take()
    day = "BEGIN:VEVENT\nUID:1\nSUMMARY:{}\nDTSTART;VALUE=DATE:20260304\nEND:VEVENT\n"
    text = "BEGIN:VCALENDAR\nVERSION:2.0\n" + day.format("Stefania") + day.format("Rafael").replace("UID:1", "UID:2")
    await made(rig, "absence-calendars", {"name": "Holidays", "text": f"{text}END:VCALENDAR\n"})
    span = {"from": "2026-03-03T00:00:00Z", "to": "2026-03-06T00:00:00Z"}
    shifts = (await rig.http.get("/v1/schedules/default/shifts", params=span)).json()["shifts"]
    away = [
        (one["instead_of"]["id"], one["since"][5:16], one["until"][5:16])
        for one in shifts
        if one["origin"] == "absence"
    ]
    assert away == [
        ("stefania", "03-04T08:00", "03-04T10:00"),
        ("rafael", "03-04T10:00", "03-04T18:00"),
        ("stefania", "03-05T02:00", "03-05T08:00"),
    ]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"name": "X"}, "either text or url"),
        ({"name": "X", "text": "<html>"}, "no iCalendar"),
        (
            {"name": "X", "text": NIGHT.replace("DTSTART:20260302T090000Z", "DTSTART;TZID=Lisboa:20260302T090000")},
            "'Lisboa', a zone that nobody knows",
        ),
        ({"name": "X", "text": NIGHT, "person": "ghost"}, "no person 'ghost'"),
        ({"name": "X", "url": "http://127.0.0.1:9/x.ics"}, "private network"),
        ({"name": "X", "url": "http://169.254.169.254/latest"}, "private network"),
        ({"name": "X", "url": "http://[::1]/x.ics"}, "private network"),
        ({"name": "X", "url": "file:///etc/passwd"}, "pattern"),
    ],
)
async def test_a_calendar_that_cannot_be_read_says_why(rig: Rig, wish: dict[str, Any], words: str) -> None:
    assert words in str(problem(await rig.http.post("/v1/schedules/default/calendars", json=wish), 422))


class Shelf(Fetcher):
    """A fetcher of calendars that are at hand."""

    def __init__(self, *answers: str | Invalid) -> None:
        super().__init__()
        self._answers = list(answers)

    async def fetched(self, url: str) -> str:
        """The next answer, whatever the address."""
        assert url
        answer = self._answers.pop(0)
        if isinstance(answer, Invalid):
            raise answer
        return answer


async def test_a_calendar_at_an_address_is_read_anew_and_keeps_its_text_when_that_fails(rig: Rig) -> None:
    shelf = Shelf(NIGHT, Invalid("The calendar's address answered 500."), NIGHT.replace("Helena", "Luciane"), "<html>")
    rig.service.app.state.calendars = shelf
    wish = {"name": "Mornings", "url": "https://calendar.example/x.ics", "priority": 5}
    await made(rig, "schedules/default/calendars", wish)
    reader = CalendarReader(rig.uow, shelf)

    async def told() -> Any:
        return (await rig.http.get("/v1/schedules/default/calendars")).json()["calendars"][0]["problem"]

    await reader.read_all()
    assert (await primary(rig, 0), await told()) == ("helena", "The calendar's address answered 500.")
    await reader.read_all()
    assert (await primary(rig, 0), await told()) == ("luciane", None)
    await reader.read_all()
    assert await primary(rig, 0) == "luciane"
    assert "no iCalendar" in await told()
