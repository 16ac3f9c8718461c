"""A person who is faster than the page, and a page that waits for its server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, Route

from libs.common.events.incidents import IncidentResolved
from tests.browser.eye import Eye, arrived, ready, visit
from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import NOW, RAFAEL, burning, company, story, uid

pytestmark = pytest.mark.browser

DONE = "text=Your update is on its way."


PAUSE_OVER = "new Promise((over) => setTimeout(over, 500))"
"""The page searches 200 ms after the last letter: in the page's own order of timers, that has come before this."""


class Held:
    """The requests to an address, which wait until they are let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._came = asyncio.Event()
        self._may_go = asyncio.Event()

    async def hold(self, route: Route) -> None:
        """Let a request wait."""
        self.asked.append(f"{route.request.method} {route.request.url}")
        self._came.set()
        await self._may_go.wait()
        await route.continue_()

    async def came(self) -> None:
        """Wait for the first request."""
        await self._came.wait()

    def let_go(self) -> None:
        """Let those that wait go on, and all that come."""
        self._may_go.set()


@asynccontextmanager
async def held(page: Page, address: str) -> AsyncIterator[Held]:
    """Hold what the page asks of an address."""
    found = Held()
    await page.route(address, found.hold)
    try:
        yield found
    finally:
        found.let_go()


def sent(stage: Stage) -> list[str]:
    """What the escalator was asked to do."""
    return [path.rpartition("/")[2] for method, path, *_ in stage.peers.calls if method == "POST"]


async def test_what_is_sent_twice_is_done_once_and_its_answer_closes_no_other_dialog(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        await page.keyboard.press("u")
        await page.wait_for_selector("#sheet[open] textarea:focus")
        await page.keyboard.type("Half of the invoices go through again.")
        await page.focus("#sheet button.primary")
        async with held(page, "**/incidents/17/update") as update:
            await page.keyboard.press("Enter")
            await update.came()
            await page.keyboard.press("Enter")
            await page.click("#sheet button.primary")
            await page.keyboard.press("Escape")
            await page.wait_for_selector("#sheet", state="hidden")
            await page.keyboard.press("v")
            await page.wait_for_selector("#sheet[open] textarea[name=note]")
            await page.focus("#sheet textarea[name=note]")
            await page.keyboard.type("I saw it ")
        await page.wait_for_selector(DONE)
        await page.keyboard.type("myself")
        assert await page.input_value("#sheet[open] textarea[name=note]") == "I saw it myself"
        await page.check("#sheet input[value=confirmed]")
        await page.click("#sheet button.primary")
        await page.wait_for_selector("text=Your verdict is on the record.")
        await page.wait_for_selector("#sheet", state="hidden")
        assert sent(stage) == ["updates", "verdict"]


async def test_a_plain_form_that_is_sent_twice_is_done_once(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, company(), serve=True) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        await page.keyboard.press("c")
        await arrived(page, f"{stage.url}/console/incidents/new")
        await page.fill("input[name=title]", "Invoices cannot be approved")
        async with held(page, "**/incidents/new") as form:
            await page.keyboard.press("Enter")
            await form.came()
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
        await arrived(page, f"{stage.url}/console/incidents/40")
        assert len(form.asked) == 1
        assert sent(stage) == ["incidents"]


async def test_what_is_typed_before_the_dialog_is_there_is_written_in_it_and_does_nothing_else(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        async with held(page, "**/incidents/17/update") as dialog:
            await page.keyboard.press("u")
            await dialog.came()
            await page.keyboard.type("area u is uo")
            await page.keyboard.press("Backspace")
            await page.keyboard.type("p again")
            await page.dblclick(".actions >> text=Update")
        await page.wait_for_selector("#sheet[open] textarea:focus")
        await page.keyboard.type(".")
        assert await page.input_value("#sheet textarea") == "area u is up again."
        assert await page.inner_text('[data-for="client"] [data-shown]') == "area u is up again."
        assert len(dialog.asked) == 1
        assert sent(stage) == []


async def test_what_is_pressed_right_after_a_dialog_was_closed_does_what_it_says(database_url: str, eye: Eye) -> None:
    """Until the page is painted anew the closed dialog's field has the keyboard, so that all happens before that here."""
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        await page.keyboard.press("u")
        await page.wait_for_selector("#sheet[open] textarea:focus")
        await page.evaluate(
            """() => {
              const field = document.activeElement;
              const press = (key) => field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
              document.addEventListener("htmx:before:request", () => [..."ok"].forEach(press), { once: true });
              document.getElementById("sheet").close();
              press("r");
            }"""
        )
        await page.wait_for_selector("#sheet[open] >> text=Note")
        assert await page.input_value("#sheet textarea") == "ok"


async def test_until_all_scripts_are_there_a_link_leads_on_as_without_them(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        async with held(page, "**/assets/sheet.*.js") as script:
            await page.goto(f"{stage.url}/console/incidents/17", wait_until="commit")
            await script.came()
            await page.wait_for_selector(".actions >> text=Update")
            await page.evaluate(PAUSE_OVER)
            await page.click(".actions >> text=Update", no_wait_after=True)
            await page.wait_for_url("**/incidents/17/update", wait_until="commit")
        await ready(page)
        assert sent(stage) == []


async def test_whoever_goes_on_to_another_page_does_nothing_more_on_the_one_they_leave(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        async with held(page, "**/console/incidents") as search:
            await page.keyboard.press("/")
            await search.came()
            await page.keyboard.type("acknowledge")
        await arrived(page, "**/console/incidents#search")
        assert [one for one in asked if "/incidents/17" in one] == []
        assert sent(stage) == []


async def test_a_dialog_that_is_given_up_stays_away_also_where_its_link_has_gone(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        async with held(page, "**/incidents/17/update") as dialog:
            await page.keyboard.press("u")
            await dialog.came()
            over = stage.peers.acted(uid(17), "resolve", {})
            await stage.fold(IncidentResolved(incident=over, at=NOW, actor=RAFAEL, text="It is over"))
            await page.wait_for_selector('[data-key="u"]', state="detached")
            async with page.expect_event("requestfailed", lambda request: request.url.endswith("/update")):
                await page.keyboard.press("Escape")
        await page.keyboard.press("w")
        await page.wait_for_selector("#sheet[open] >> text=Root cause analysis")
        eye.complaints = [one for one in eye.complaints if "abort" not in one]


async def test_what_was_done_is_told_until_it_was_read_and_something_else_is_begun(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        await page.clock.install()
        await page.keyboard.press("a")
        told = page.locator("#said >> text=Acknowledged. Nobody else is paged.")
        await told.wait_for()
        await page.keyboard.press("Shift")
        assert await told.is_visible()
        await page.clock.fast_forward(7_000)
        assert await told.is_visible()
        await page.keyboard.press("Shift")
        assert not await told.is_visible()


async def test_words_that_are_marked_up_to_beside_the_dialog_are_kept_and_a_click_there_closes_it(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        await page.keyboard.press("u")
        await page.wait_for_selector("#sheet[open] textarea:focus")
        await page.keyboard.type("The area is up again.")
        field = await page.locator("#sheet textarea").bounding_box()
        assert field
        await page.mouse.move(field["x"] + field["width"] / 2, field["y"] + 10)
        await page.mouse.down()
        await page.mouse.move(2, 2, steps=4)
        await page.mouse.up()
        assert await page.input_value("#sheet[open] textarea") == "The area is up again."
        await page.mouse.click(2, 2)
        await page.wait_for_selector("#sheet", state="hidden")


async def test_what_is_typed_while_the_search_is_under_way_is_searched_for(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents")
        await page.keyboard.press("/")
        async with held(page, "**/incidents?q=*") as search:
            await page.keyboard.type("a")
            await page.keyboard.press("Enter")
            await search.came()
            await page.keyboard.type("zure")
            await page.evaluate(PAUSE_OVER)
        await page.wait_for_selector("text=#17", state="detached")
        await page.wait_for_url("**/console/incidents?q=azure**")
        assert "Our provider Azure was unavailable" in await page.inner_text("#list")


async def test_whoever_was_signed_out_elsewhere_is_told_and_keeps_what_they_wrote(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await eye.sign_in(page, stage.url)
        other = await page.context.new_page()
        await visit(other, f"{stage.url}/console")
        await visit(page, f"{stage.url}/console/incidents/17")
        await page.keyboard.press("u")
        await page.wait_for_selector("#sheet[open] textarea:focus")
        await page.keyboard.type("Half of it works.")
        await other.click("text=Sign out")
        await other.wait_for_url("**/console/sign-in")
        await page.click("#sheet button.primary")
        await page.wait_for_selector("#sheet [role=alert] >> text=Your session has ended.")
        await page.wait_for_selector("#stale a >> text=Sign in again", state="attached")
        assert await page.input_value("#sheet textarea") == "Half of it works."
        assert await page.locator("#sheet form[aria-busy]").count() == 0


async def test_a_console_that_hears_nothing_says_so_stays_as_it_was_and_comes_back(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, company(), serve=True) as stage:
        page = await eye.page()

        async def away(route: Route) -> None:
            await route.fulfill(
                status=503, content_type="text/html", body="<!doctype html><main><p>One moment</p></main>"
            )

        await page.route("**/console/live?**", away)
        await eye.sign_in(page, stage.url)
        await page.wait_for_selector("#stale >> text=Not live since 09:48 UTC: the connection is lost")
        assert await page.is_visible("text=Nothing burns")
        await stage.fold(*burning())
        await page.unroute("**/console/live?**", away)
        await page.wait_for_selector("text=Invoicing does not work for Acme and Globex since 09:15 UTC")
        await page.wait_for_selector("#stale", state="hidden")
        await ready(page)
        eye.complaints = [one for one in eye.complaints if "503" not in one]


async def test_a_public_page_that_hears_nothing_says_how_old_it_is_and_comes_back(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, company(), serve=True) as stage:
        page = await eye.page()

        async def away(route: Route) -> None:
            await route.fulfill(status=502, content_type="text/html", body="Bad gateway")

        await page.route("**/live?**", away)
        await page.goto(stage.url)
        await page.wait_for_selector(
            "#stale >> text=Last updated 09:48 UTC. We cannot be reached from here at the moment"
        )
        assert await page.inner_text("h1") == "Everything works"
        await stage.fold(*burning())
        await page.unroute("**/live?**", away)
        await page.wait_for_selector("text=Invoicing does not work for two clients since 09:15 UTC")
        await page.wait_for_selector("#stale", state="hidden")
        eye.complaints = [one for one in eye.complaints if "502" not in one]
