"""An operator's stories, by the keyboard alone."""

from pathlib import Path

import pytest

from libs.common.auth import hash_key
from libs.common.events.directory import PrincipalChanged
from libs.common.events.incidents import IncidentNoted
from tests.browser.eye import PHONE, Eye, arrived, choose, overflows, painted, ready, serious_findings, visit
from tests.support.status_stage import statuspage
from tests.support.statuspage import NOW, SIGN_IN_TOKEN, STEFANIA_KEY, SYSTEM, burning, company, story, uid

pytestmark = pytest.mark.browser


async def test_an_operator_takes_an_incident_updates_it_and_resolves_it_by_keyboard_alone(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        await page.keyboard.press("1")
        await arrived(page, f"{stage.url}/console/incidents/17")

        await page.keyboard.press("a")
        await page.wait_for_selector("text=Acknowledged. Nobody else is paged.")
        await page.wait_for_selector("text=Taken by Rafael")

        await page.keyboard.press("u")
        await page.wait_for_selector("#sheet[open]")
        await page.keyboard.type("Half of the invoices go through again.")
        assert await page.inner_text('[data-for="client"] [data-shown]') == "Half of the invoices go through again."
        assert "1 SMS" in await page.inner_text('[data-for="client"]')
        for _ in range(4):
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Your update is on its way.")

        await page.wait_for_selector("#sheet", state="hidden")
        await page.keyboard.press("r")
        await page.wait_for_selector("#sheet[open]")
        await page.keyboard.type("Failed over")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Resolved. Everyone who was reached gets the closing word.")

        sent = [(path.rpartition("/")[2], body) for method, path, body, _ in stage.peers.calls if method == "POST"]
        assert sent == [
            ("acknowledge", {}),
            ("updates", {"text": "Half of the invoices go through again.", "audiences": ["team", "tenant", "client"]}),
            ("resolve", {"note": "Failed over"}),
        ]


async def test_escalating_says_first_whom_it_pages_and_escape_does_nothing(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        await page.keyboard.press("e")
        await page.wait_for_selector("text=Pages Marguerite (the CAO) and Henrik (the Head of Engineering) now.")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#sheet", state="hidden")
        assert not [call for call in stage.peers.calls if call[0] == "POST"]


async def test_the_question_mark_lists_the_keys_and_the_slash_searches(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        await page.keyboard.press("?")
        await page.wait_for_selector("#keys[open]")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#keys", state="hidden")
        await page.keyboard.press("/")
        await arrived(page, "**/console/incidents#search")
        await page.keyboard.type("azure")
        await page.wait_for_selector("text=#17", state="detached")
        assert "Our provider Azure was unavailable" in await page.inner_text("#list")
        await page.wait_for_url("**/console/incidents?q=azure**")


HELD = """
const soon = setTimeout, held = [];
window.setTimeout = (act, delay, ...more) => delay ? soon(act, delay, ...more) : held.push(() => act(...more));
window.goOn = () => { window.setTimeout = soon; held.forEach((act) => act()); };
"""
"""Holds what the page puts off "to the next moment", the start of htmx, until the page is told to go on."""


async def test_what_is_typed_before_the_page_listens_is_searched_for(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        await page.add_init_script(HELD)
        await page.keyboard.press("/")
        await page.wait_for_url("**/console/incidents#search")
        await painted(page)
        await page.wait_for_selector("input[name=q]:focus")
        await page.keyboard.type("azure")
        assert await page.locator("[data-htmx-powered]").count() == 0
        await page.evaluate("goOn()")
        await page.wait_for_selector("text=#17", state="detached")
        await page.wait_for_url("**/console/incidents?q=azure**")
        assert await page.input_value("input[name=q]") == "azure"


AGAIN = """new Promise((drawn) => {
  document.addEventListener("htmx:finally:request", drawn, { once: true });
  htmx.trigger(document.body, "resync");
})"""
"""Has the page draw everything again, as it does where it may have missed something, and waits for it."""


async def test_what_happens_elsewhere_appears_by_itself_while_a_dialog_stays_open(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        await page.keyboard.press("u")
        await page.wait_for_selector("#sheet[open]")
        await page.keyboard.type("I am ")
        known = stage.peers.known[uid(17)].model_copy(update={"version": 10})
        await stage.fold(IncidentNoted(incident=known, at=NOW, actor=SYSTEM, text="Rafael is being paged"))
        await page.wait_for_selector("text=Rafael is being paged")
        await page.keyboard.type("still typing")
        assert await page.input_value("textarea") == "I am still typing"


async def test_times_stay_in_the_readers_zone_where_a_page_is_drawn_again_as_it_was(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page(zone="Europe/Zurich")
        await eye.sign_in(page, stage.url)
        await visit(page, f"{stage.url}/console/incidents/17")
        shown = await page.locator("#incident time").all_inner_texts()
        assert "11:41" in shown
        await page.evaluate(AGAIN)
        assert await page.locator("#incident time").all_inner_texts() == shown


async def test_a_new_incident_appears_on_now_by_itself(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, company(), serve=True) as stage:
        page = await eye.page(PHONE)
        await eye.sign_in(page, stage.url)
        await page.wait_for_selector("text=Nothing burns")
        await stage.fold(*burning())
        await page.wait_for_selector("text=Invoicing does not work for Acme and Globex since 09:15 UTC")


async def test_the_outbox_answers_for_its_recipient(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page(PHONE)
        await page.goto(f"{stage.url}/console/sign-in?token={SIGN_IN_TOKEN}")
        await page.wait_for_url(f"{stage.url}/console")
        await visit(page, f"{stage.url}/console/outbox")
        await page.click(f"#message-{uid(1701)} button >> text=ACK")
        await page.wait_for_selector("text=Stefania answered ACK.")
        sent = [(path, body) for method, path, body, _ in stage.peers.calls if method == "POST"]
        assert sent == [(f"/v1/outbox/{uid(1701)}/reply", {"text": "ACK"})]


async def test_a_refusal_is_told_in_the_dialog_and_keeps_what_was_written(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        stage.peers.refusal = (409, "The incident is resolved already.")
        await page.keyboard.press("r")
        await page.wait_for_selector("#sheet[open]")
        await page.keyboard.type("My note")
        await page.click("#sheet button.primary")
        await page.wait_for_selector("#sheet [role=alert] >> text=The incident is resolved already.")
        assert await page.input_value("textarea") == "My note"
        eye.complaints = [one for one in eye.complaints if "409" not in one]


async def test_the_thumb_reaches_every_action_on_a_phone(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17", PHONE)
        buttons = await page.locator(".actions button, .actions .button").all()
        assert len(buttons) == 5
        for button in buttons:
            box = await button.bounding_box()
            assert box
            assert box["height"] >= 44
            assert box["width"] >= 44
            assert box["y"] > 844 / 2


async def test_an_operator_puts_somebody_on_shift_by_keyboard_alone_and_sees_first_what_it_changes(
    database_url: str, eye: Eye, tmp_path: Path
) -> None:
    async with statuspage(database_url, company(), serve=True, oncall=tmp_path) as stage:
        page = await eye.page(zone="Europe/Lisbon")
        await eye.sign_in(page, stage.url)
        await page.keyboard.press("s")
        await arrived(page, f"{stage.url}/console/on-call")
        await page.wait_for_selector("text=Europe/Lisbon (yours)", state="attached")
        assert await page.text_content(".axis text.beside >> nth=0") == "23:00 UTC"
        await page.keyboard.press("e")
        await page.wait_for_selector("#sheet[open] select[name=add]")
        await choose(page, "Helena")
        await page.keyboard.press("Tab")
        await choose(page, "Rafael")
        await page.fill("#sheet input[name=starts_at]", "2025-05-29T11:00")
        await page.fill("#sheet input[name=ends_at]", "2025-05-29T19:00")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#sheet .before-after >> text=Helena")
        assert "Thu 29 May 11:00 to 19:00 (Thu 29 May 10:00 to 18:00 UTC)" in await page.inner_text(
            "#sheet .before-after"
        )
        assert await page.locator("#made-title + p >> text=None").count() == 1
        assert await page.evaluate("document.activeElement.value") == "save"
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Helena has the place of Rafael")
        await ready(page)
        await page.keyboard.press("f")
        await page.wait_for_selector(".axis text >> text=Mon 2 Jun")


async def test_an_operator_replaces_everything_for_a_while_and_ends_it_by_keyboard_alone(
    database_url: str, eye: Eye, tmp_path: Path
) -> None:
    async with statuspage(database_url, company(), serve=True, oncall=tmp_path) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        await page.keyboard.press("s")
        await arrived(page, f"{stage.url}/console/on-call")
        await page.wait_for_selector("#made-title")
        await page.keyboard.press("r")
        await page.wait_for_selector("#sheet[open] input[name=starts_at]:focus")
        await page.fill("#sheet input[name=starts_at]", "2025-05-29T10:00")
        await page.fill("#sheet input[name=ends_at]", "2025-05-29T18:00")
        await page.focus("#sheet select[name='person.0']")
        await choose(page, "Helena")
        await page.focus("#sheet button[value=more]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#sheet select[name='person.1']:focus")
        await choose(page, "Luciane")
        await page.keyboard.press("Tab")
        await choose(page, "Shadow")
        await page.focus("#sheet input[name='ends_at.1']")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#sheet .before-after >> text=Luciane")
        await page.wait_for_selector("#sheet button[value=save]:focus")
        assert await serious_findings(page) == []
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Only Helena and Luciane count, Thu 29 May 10:00 to 18:00 UTC")
        await ready(page)
        await page.focus(".row-buttons a >> text=Edit")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#sheet[open] >> text=Change a temporary span")
        await page.focus("#sheet select[name='person.1']")
        await choose(page, "Nobody")
        await page.focus("#sheet input[name=ends_at]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#sheet button[value=save]:focus")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Only Helena counts, Thu 29 May 10:00 to 18:00 UTC")
        await ready(page)
        await page.focus(".row-buttons button >> text=Take back")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=None: everybody has their turn")


async def test_somebody_is_marked_away_and_shifts_are_offered_on_a_phone(
    database_url: str, eye: Eye, tmp_path: Path
) -> None:
    async with statuspage(database_url, company(), serve=True, oncall=tmp_path) as stage:
        page = await eye.at(stage.url, "/console/on-call", PHONE, "dark")
        await page.click(".actions >> text=Away")
        await page.wait_for_selector("#sheet[open] select[name=person]")
        await page.select_option("#sheet select[name=person]", "rafael")
        await page.click("#sheet >> text=What would it change?")
        await page.wait_for_selector("#sheet .before-after >> text=Rafael")
        foot = await page.locator("#sheet .sheet-foot").bounding_box()
        assert foot
        assert foot["y"] + foot["height"] <= PHONE["height"] + 1
        await page.click("#sheet >> text=Save")
        await page.wait_for_selector("text=Rafael is away, Wed 28 May 10:00 to Thu 29 May 10:00 UTC")
        await ready(page)
        await page.click("text=The schedule as a list")
        await page.click(".as-list a >> text=Abdul >> nth=1")
        await page.wait_for_selector("#sheet[open] >> text=Change who is on shift")
        assert await page.input_value("#sheet select[name=remove]") == "abdul"
        await page.click("#sheet >> text=Cancel")
        await page.wait_for_selector("#sheet", state="hidden")
        await page.click(".actions >> text=Swap")
        await page.wait_for_selector("#sheet[open] select[name=of]")
        await page.select_option("#sheet select[name=of]", "abdul")
        await page.click("#sheet >> text=Offer it")
        await page.wait_for_selector("text=Abdul offers their shifts to whoever takes them")
        assert await serious_findings(page) == []
        assert not await overflows(page)


async def test_the_week_is_read_without_javascript(database_url: str, eye: Eye, tmp_path: Path) -> None:
    async with statuspage(database_url, company(), serve=True, oncall=tmp_path) as stage:
        page = await eye.page(PHONE, java_script_enabled=False)
        await page.goto(f"{stage.url}/console/sign-in?token={SIGN_IN_TOKEN}")
        await page.goto(f"{stage.url}/console/on-call")
        await page.click("text=The schedule as a list")
        assert "Rafael" in await page.inner_text(".as-list table")
        await page.click("text=Away")
        await page.select_option("select[name=person]", "rafael")
        await page.fill("input[name=starts_at]", "2025-05-29T10:00")
        await page.fill("input[name=ends_at]", "2025-05-29T18:00")
        await page.click("text=What would it change?")
        await page.wait_for_selector(".before-after >> text=Rafael")
        await page.click("button >> text=Save")
        await page.wait_for_selector("text=Rafael is away")


async def test_somebody_changes_how_they_are_reached_on_their_phone(
    database_url: str, eye: Eye, tmp_path: Path
) -> None:
    known = PrincipalChanged(
        id="stefania-key", name="Stefania", roles=("viewer",), person="stefania", keys=(hash_key(STEFANIA_KEY),), at=NOW
    )
    async with statuspage(database_url, company(), serve=True, oncall=tmp_path) as stage:
        await stage.fold(known)
        page = await eye.page(PHONE, "dark")
        await eye.sign_in(page, stage.url, STEFANIA_KEY)
        await page.click("header >> text=You")
        await arrived(page, f"{stage.url}/console/me")
        await page.wait_for_selector("h1 >> text=Two of your two contacts are not verified")
        await page.fill("input[name=address]:not([type=hidden])", "+15550177")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1 >> text=Three of your three contacts are not verified")
        await ready(page)
        await page.click("[aria-label^='Put first'] >> nth=-1")
        await page.wait_for_selector(".contact >> nth=0 >> text=+15550177")
        await ready(page)
        await page.select_option("select[name='high.0.contact']", "sms")
        await page.select_option("select[name='high.1.contact']", "email")
        await page.fill("input[name='high.1.after']", "5")
        await page.check("input[name='quiet.0.mo']")
        await page.fill("input[name='quiet.0.begin']", "22:00")
        await page.fill("input[name='quiet.0.end']", "07:00")
        await page.click("text=Save")
        await page.wait_for_selector("dd >> text=SMS at once, e-mail after 5 minutes")
        await ready(page)
        assert await page.is_checked("input[name='quiet.0.mo']")
        assert await serious_findings(page) == []
        assert not await overflows(page)
        for button in await page.locator("main button").all():
            box = await button.bounding_box()
            assert box
            assert box["height"] >= 44, await button.inner_text()
