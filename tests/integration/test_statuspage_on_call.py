"""On call and its proof in the console, in front of the real oncall service."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from libs.common.db.session import connect
from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import VIEWER_KEY, company

HTMX = {"HX-Request": "true"}
HTML = {"Accept": "text/html"}
TITLE = re.compile(r"<title>([^<]*)</title>")
MORNING = {"starts_at": "2025-05-29T10:00", "ends_at": "2025-05-29T18:00", "zone": "UTC"}


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with statuspage(database_url, company(), oncall=tmp_path) as stage:
        yield stage


async def shown(stage: Stage, path: str, **headers: str) -> str:
    answer = await stage.client.get(path, headers={**HTML, **headers})
    assert answer.status_code == 200, answer.text
    return answer.text


async def post(
    stage: Stage, path: str, csrf: str, headers: dict[str, str] | None = None, /, **form: str
) -> httpx.Response:
    return await stage.client.post(f"/console/on-call/{path}", data={"csrf": csrf, **form}, headers=headers or HTML)


def lane(page: str, label: str) -> str:
    """The drawing of a lane."""
    [found] = re.findall(rf'aria-label="{label}">.*?</div>', page, re.DOTALL)
    return str(found)


async def test_the_week_is_drawn_by_layer_role_and_person_and_the_address_holds_the_view(stage: Stage) -> None:
    await stage.sign_in()
    page = await shown(stage, "/console/on-call")
    assert "Stefania is on shift until" in page
    assert "Rafael, Wed 28 May 10:00 to 18:00 UTC, primary" in lane(page, "Final schedule, Primary")
    assert lane(page, "Layers, Turns").count('<rect class="bar') == 22
    assert set(TITLE.findall(lane(page, "By person, Abdul"))) <= set(
        TITLE.findall(lane(page, "Final schedule, Primary"))
    )
    assert "style=" not in page

    kolkata = await shown(stage, "/console/on-call?zone=Asia/Kolkata")
    assert "Rafael, Wed 28 May 15:30 to 23:30 (Wed 28 May 10:00 to 18:00 UTC), primary" in kolkata
    assert "18:30 UTC" in kolkata
    stage.client.cookies.set("tocsin_zone", "Asia/Kolkata", path="/console")
    assert "Asia/Kolkata (yours)" in await shown(stage, "/console/on-call")

    later = await shown(stage, "/console/on-call?schedule=platform&weeks=4&from=2025-06-04&zone=UTC")
    assert 'href="/console/on-call?schedule=platform&amp;from=2025-05-05&amp;weeks=4&amp;zone=UTC" rel="prev"' in later
    assert "Final schedule, Secondary" in later
    odd = await shown(stage, "/console/on-call?schedule=nowhere&from=soon&weeks=9&zone=../../etc/passwd")
    assert "There is no schedule &#39;nowhere&#39;" in odd


async def test_gaps_and_what_cannot_be_reached_are_red_with_their_reason(stage: Stage) -> None:
    await stage.sign_in()
    page = await shown(stage, "/console/on-call?schedule=platform")
    final = lane(page, "Final schedule, Primary")
    assert 'class="bar bar-nobody"' in final
    assert re.search(
        r"Nobody is on shift: Wed 28 May 18:00 to Thu 29 May 06:00 UTC; (Stefania|Rafael) could take it", final
    )
    assert "Nobody is primary in Platform" in page
    proof = await shown(stage, "/console/proof?schedule=platform")
    assert re.search(r"doubts in the next 14 days; the first begins in", proof)
    assert "Nobody would be reached at first" in proof
    assert re.search(r'<a href="/console/on-call/change/override\?[^"]*add=(stefania|rafael)[^"]*">Put', proof)
    assert "are shared evenly" in proof
    hours = dict(re.findall(r'<th scope="row">(\w+)</th><td>\d+</td><td>.*?</meter> (\d+) h</td>', proof))
    assert hours == {"Rafael": "120", "Stefania": "120"}  # twenty working days of twelve hours
    assert "Somebody can be reached" not in proof
    assert "Contacts to verify" in proof
    assert "nobody verified" not in page


async def test_an_override_is_shown_before_it_is_made_and_can_be_taken_back(stage: Stage) -> None:
    csrf = await stage.sign_in()
    form = await shown(stage, "/console/on-call/change/override?remove=rafael&starts_at=2025-05-29T10:00", **HTMX)
    assert '<option value="rafael" selected>' in form
    wanted = {"add": "helena", "remove": "rafael", **MORNING}
    seen = await post(stage, "change/override", csrf, HTMX, step="preview", **wanted)
    assert re.search(
        r"<h3>These shifts go</h3>.*<b>Rafael</b>.*<h3>These come</h3>.*<b>Helena</b>", seen.text, re.DOTALL
    )
    assert "None: everybody has their turn" in await shown(stage, "/console/on-call")
    made = await post(stage, "change/override", csrf, HTMX, step="save", **wanted)
    assert made.headers["HX-Redirect"] == "/console/on-call?schedule=default&weeks=1&zone=UTC"
    page = await shown(stage, "/console/on-call")
    assert "Helena has the place of Rafael, Thu 29 May 10:00 to 18:00 UTC" in page
    assert "Helena, Thu 29 May 10:00 to 18:00 UTC, primary, in place of Rafael by an override" in page
    [edit] = re.findall(r'href="(/console/on-call/change/override\?[^"]*change=[0-9a-f-]+)"', page)
    known = await shown(stage, edit.replace("&amp;", "&"), **HTMX)
    assert "Change an override" in known
    assert known.count("selected") == 3  # who comes, who goes, the role
    [[change], [version]] = [re.findall(rf'name="{name}" value="([^"]+)"', known) for name in ("change", "version")]
    other = {**wanted, "add": "abdul", "change": change, "version": version}
    seen = await post(stage, "change/override", csrf, HTMX, step="preview", **other)
    assert re.search(r"These shifts go</h3>.*<b>Helena</b>.*These come</h3>.*<b>Abdul</b>", seen.text, re.DOTALL)
    assert f'name="version" value="{version}"' in seen.text
    assert (await post(stage, "change/override", csrf, step="save", **other)).status_code == 303
    page = await shown(stage, "/console/on-call")
    assert "Abdul has the place of Rafael, Thu 29 May 10:00 to 18:00 UTC" in page
    assert "Helena has the place" not in page
    stale = await post(stage, "change/override", csrf, step="save", **{**other, "add": "luciane"})
    assert (stale.status_code, "Somebody changed this override" in stale.text) == (409, True)
    [where] = re.findall(r'action="/console/on-call/(take-back/override/[0-9a-f-]+)"', page)
    assert (await post(stage, where, csrf)).status_code == 303
    assert "None: everybody has their turn" in await shown(stage, "/console/on-call")


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"add": "helena", **MORNING, "ends_at": "2025-05-29T09:00"}, "The end must lie after the beginning."),
        ({**MORNING}, "Choose who comes, who goes, or both."),
        ({"add": "helena", **MORNING, "starts_at": "soon"}, "Say when the beginning is"),
        ({"add": "helena", **MORNING, "starts_at": "2023-05-29T10:00"}, "400 days at most"),
    ],
)
async def test_a_form_that_says_no_change_is_told_in_place(stage: Stage, wanted: dict[str, str], sentence: str) -> None:
    csrf = await stage.sign_in()
    answer = await post(stage, "change/override", csrf, step="save", **wanted)
    assert (answer.status_code, sentence in answer.text) == (422, True)


async def test_absences_pass_shifts_on_and_swaps_are_offered_taken_and_declined(stage: Stage) -> None:
    csrf = await stage.sign_in()
    away = {"person": "helena", "reason": "holiday", **MORNING}
    assert (await post(stage, "change/absence", csrf, step="save", **away)).status_code == 303
    for to in ("abdul", "abdul", ""):
        moved = {
            **MORNING,
            "starts_at": "2025-05-29T10:00" if to else "2025-05-30T10:00",
            "ends_at": "2025-05-30T18:00",
        }
        offered = await post(stage, "change/swap", csrf, of="rafael", to=to, **moved)
        assert offered.status_code in (303, 409), offered.text
    page = await shown(stage, "/console/on-call")
    assert "Helena is away (holiday), Thu 29 May 10:00 to 18:00 UTC" in page
    assert "Rafael offers their shifts to Abdul, Thu 29 May 10:00 to Fri 30 May 18:00 UTC" in page
    assert "Rafael offers their shifts to whoever takes them, Fri 30 May 10:00 to 18:00 UTC" in page
    [edit] = re.findall(r'href="(/console/on-call/change/absence\?[^"]*change=[0-9a-f-]+)"', page)
    known = await shown(stage, edit.replace("&amp;", "&"), **HTMX)
    assert 'name="reason" maxlength="200" value="holiday"' in known
    [[change], [version]] = [re.findall(rf'name="{name}" value="([^"]+)"', known) for name in ("change", "version")]
    longer = {**away, "ends_at": "2025-05-31T18:00", "change": change, "version": version}
    assert (await post(stage, "change/absence", csrf, step="save", **longer)).status_code == 303
    page = await shown(stage, "/console/on-call")
    assert "Helena is away (holiday), Thu 29 May 10:00 to Sat 31 May 18:00 UTC" in page
    [declined] = re.findall(r'action="/console/on-call/(swap/[0-9a-f-]+/decline)"', page)
    assert (await post(stage, declined, csrf, person="abdul")).status_code == 303
    [taken] = re.findall(r'action="/console/on-call/(swap/[0-9a-f-]+/take)"', await shown(stage, "/console/on-call"))
    assert (await post(stage, taken, csrf, person="helena")).status_code == 303
    page = await shown(stage, "/console/on-call")
    assert "taken by Helena" in page
    assert "Helena, Fri 30 May 10:00 to 18:00 UTC, primary, in place of Rafael by a swap" in page
    [withdrawn] = re.findall(r'action="/console/on-call/(take-back/swap/[0-9a-f-]+)"', page)
    await post(stage, withdrawn, csrf)
    assert "in place of Rafael by a swap" not in await shown(stage, "/console/on-call")


async def test_a_temporary_span_is_made_changed_and_ended_by_form(stage: Stage) -> None:
    csrf = await stage.sign_in()
    form = await shown(stage, "/console/on-call/change/span", **HTMX)
    assert form.count("<fieldset") == 1
    assert 'name="starts_at" required value="2025-05-28T10:00"' in form
    assert 'name="ends_at" required value="2025-05-29T10:00"' in form
    wanted = {**MORNING, "person.0": "helena", "role.0": "primary", "starts_at.0": "", "ends_at.0": ""}
    more = (await post(stage, "change/span", csrf, HTMX, step="more", **wanted)).text
    assert more.count("<fieldset") == 2
    assert '<option value="helena" selected>' in more
    seen = await post(stage, "change/span", csrf, HTMX, step="preview", **wanted)
    assert re.search(r"<h3>These shifts go</h3>.*<b>Rafael</b>.*These come</h3>.*<b>Helena</b>", seen.text, re.DOTALL)
    assert (await post(stage, "change/span", csrf, step="save", **wanted)).status_code == 303
    page = await shown(stage, "/console/on-call")
    assert "Only Helena counts, Thu 29 May 10:00 to 18:00 UTC" in page
    assert "Helena, Thu 29 May 10:00 to 18:00 UTC, primary, in a temporary span" in page
    edits = re.findall(r'href="(/console/on-call/change/span\?[^"]*change=([0-9a-f-]+))"', page)
    [change] = {one for _, one in edits}
    assert len(edits) == 3  # the button, and the shift in the timeline and in the list

    known = await shown(stage, edits[0][0].replace("&amp;", "&"), **HTMX)
    assert "Change a temporary span" in known
    assert 'name="ends_at" required value="2025-05-29T18:00"' in known
    assert 'name="ends_at.0" value=""' in known
    [version] = re.findall(r'name="version" value="([0-9a-f]+)"', known)
    later = {**wanted, "change": change, "version": version, "ends_at": "2025-05-29T20:00"}
    seen = await post(stage, "change/span", csrf, HTMX, step="preview", **later)
    assert re.search(r"These shifts go</h3>.*<b>Abdul</b>.*These come</h3>.*<b>Helena</b>", seen.text, re.DOTALL)
    assert f'name="version" value="{version}"' in seen.text
    assert "10:00 to 18:00 UTC" in await shown(stage, "/console/on-call")
    assert (await post(stage, "change/span", csrf, step="save", **later)).status_code == 303
    assert "Only Helena counts, Thu 29 May 10:00 to 20:00 UTC" in await shown(stage, "/console/on-call")
    stale = await post(stage, "change/span", csrf, step="save", **{**later, "person.0": "rafael"})
    assert (stale.status_code, "Somebody changed this temporary span" in stale.text) == (409, True)
    assert "Only Helena counts" in await shown(stage, "/console/on-call")
    known = await shown(stage, edits[0][0].replace("&amp;", "&"), **HTMX)
    [later["version"]] = re.findall(r'name="version" value="([0-9a-f]+)"', known)

    stage.clock.set(datetime(2025, 5, 29, 12, tzinfo=UTC))
    csrf = await stage.sign_in()
    page = await shown(stage, "/console/on-call")
    assert 'aria-label="End now: Only Helena counts' in page
    refused = await post(stage, "change/span", csrf, step="save", **{**later, "starts_at": "2025-05-29T13:00"})
    assert (refused.status_code, "cannot begin later" in refused.text) == (409, True)
    assert (await post(stage, f"take-back/span/{change}", csrf)).status_code == 303
    assert "None: everybody has their turn" in await shown(stage, "/console/on-call")
    gone = await stage.client.get(f"/console/on-call/change/span?change={change}", headers=HTML)
    assert (gone.status_code, "is over, or was taken back" in gone.text) == (404, True)


async def test_a_calendars_address_is_shown_once_and_revoked(stage: Stage) -> None:
    csrf = await stage.sign_in()
    made = (await post(stage, "feeds", csrf, of="rota:default")).text
    [address] = re.findall(r'value="(http://oncall.test/v1/feeds/[^"]+\.ics)"', made)
    page = await shown(stage, "/console/on-call")
    assert address not in page
    [revoke] = re.findall(r'action="/console/on-call/(feeds/[0-9a-f-]+/revoke)"', page)
    assert (await post(stage, revoke, csrf)).status_code == 303
    assert "/revoke" not in await shown(stage, "/console/on-call")
    refused = await post(stage, "feeds", csrf, of="rota:nowhere")
    assert refused.status_code >= 400
    assert 'role="alert"' in refused.text


async def test_what_is_wrong_with_a_calendar_is_told_to_whoever_can_change_it(stage: Stage, database_url: str) -> None:
    statement = """INSERT INTO calendars (id, rota, name, role, priority, text, read_at, problem, made_at, made_by)
        VALUES ($1, $2, $3, 'primary', 0, $4, now(), $5, now(), 'operator')"""
    event = "BEGIN:VEVENT\nSUMMARY:Rafael\nDTSTART;TZID=Lisboa:20250529T090000\nDURATION:PT1H\nEND:VEVENT"
    odd = f"BEGIN:VCALENDAR\n{event}\nEND:VCALENDAR\n"
    connection = await connect(database_url, "oncall")
    for name, rota, problem in (("Holidays", "", "The address answered 500."), ("Odd", "default", None)):
        await connection.execute(statement, uuid4(), rota, name, odd, problem)
    await connection.close()
    await stage.sign_in()
    page = unescape(await shown(stage, "/console/on-call"))
    assert "The calendar 'Holidays': The address answered 500." in page
    assert "The calendar 'Odd': the event 'Rafael' is on the clocks of 'Lisboa', a zone that nobody knows" in page
    await stage.sign_in(VIEWER_KEY)
    assert "Holidays" not in await shown(stage, "/console/on-call")


async def test_viewers_look_and_change_nothing_and_no_form_counts_without_its_token(stage: Stage) -> None:
    csrf = await stage.sign_in(VIEWER_KEY)
    page = await shown(stage, "/console/on-call")
    assert "Stefania is on shift until" in page
    assert "/console/on-call/change/override" not in page
    assert "told to operators" in page
    assert "Only operators of all tenants" in await shown(stage, "/console/proof")
    for path in ("change/override", f"take-back/override/{'0' * 8}-0000-0000-0000-{'0' * 12}"):
        assert (await post(stage, path, csrf, step="save", add="helena", **MORNING)).status_code == 403
        assert (await post(stage, path, "0" * 64, step="save", add="helena", **MORNING)).status_code == 403
