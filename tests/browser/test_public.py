"""The public page as a client reads it."""

import pytest

from libs.common.events.incidents import IncidentOpened
from tests.browser.eye import PHONE, Eye, painted
from tests.support.status_stage import statuspage
from tests.support.statuspage import ALERTMANAGER, NOW, burning, company, incident, story

pytestmark = pytest.mark.browser


async def test_it_says_everything_without_javascript(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page(PHONE, java_script_enabled=False)
        await page.goto(stage.url)
        first = await page.inner_text("h1")
        assert first == "Invoicing does not work for two clients since 09:15 UTC, and one more problem is open"
        assert await page.inner_text(".state .promise") == "Next update by 10:00 UTC, in 12 minutes"
        assert "90 days ago" in await page.inner_text("#page")
        await page.click("text=Two days with problems or maintenance >> nth=0")
        assert await page.is_visible("text=28 May: did not work for 33 minutes")


async def test_it_draws_itself_again_when_something_happens_and_keeps_what_was_opened(
    database_url: str, eye: Eye
) -> None:
    async with statuspage(database_url, company(), serve=True) as stage:
        page = await eye.page()
        await page.goto(stage.url)
        assert await page.inner_text("h1") == "Everything works"
        await stage.fold(*burning())
        await page.wait_for_selector("text=Invoicing does not work for two clients since 09:15 UTC")
        await page.click("#days-invoicing summary")
        await stage.fold(
            IncidentOpened(incident=incident(30, NOW, service="reports"), at=NOW, actor=ALERTMANAGER, text="x")
        )
        await page.wait_for_selector("text=Invoicing and Reports do not work since 09:15 UTC")
        assert await page.get_attribute("#days-invoicing", "open") is not None


DRAWN = """
const parse = DOMParser.prototype.parseFromString;
DOMParser.prototype.parseFromString = function (...given) {
  setTimeout(() => { window.fetched = given[0]; });
  return parse.apply(this, given);
};
"""
"""Tells which fresh page has come, once whatever is done with it at once is done."""


@pytest.mark.parametrize("device", ["mouse", "keyboard"])
async def test_what_a_reader_presses_is_not_drawn_again_before_they_let_go(
    database_url: str, eye: Eye, device: str
) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await page.add_init_script(DRAWN)
        await page.goto(stage.url)
        await painted(page)
        await page.focus("#days-invoicing summary")
        await page.hover("#days-invoicing summary")
        await (page.mouse.down() if device == "mouse" else page.keyboard.down(" "))
        await stage.fold(
            IncidentOpened(incident=incident(30, NOW, service="reports"), at=NOW, actor=ALERTMANAGER, text="x")
        )
        await page.wait_for_function("() => window.fetched?.includes('Reports do not work')")
        await (page.mouse.up() if device == "mouse" else page.keyboard.up(" "))
        await page.wait_for_selector("h1 >> text=Invoicing and Reports do not work since 09:15 UTC")
        assert await page.is_visible("#days-invoicing li")
        assert await page.evaluate("document.activeElement === document.querySelector('#days-invoicing summary')")


async def test_the_bars_are_one_stop_of_the_keyboard_and_tell_each_day_in_words(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        await page.goto(stage.url)
        strip = page.locator('[role=slider][aria-label^="Invoicing"]')
        await strip.focus()
        assert await strip.get_attribute("aria-valuetext") == "28 May: did not work for 33 minutes"
        await page.keyboard.press("ArrowLeft")
        assert await strip.get_attribute("aria-valuetext") == "27 May: no problems"
        await page.keyboard.press("Home")
        assert await strip.get_attribute("aria-valuetext") == "28 February: no problems"


async def test_readers_elsewhere_see_their_own_time_with_utc_beside_it(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page(zone="Europe/Zurich")
        await page.goto(stage.url)
        said = page.locator("#incident-17 .updates time")
        assert await said.inner_text() == "11:41"
        assert await said.get_attribute("title") == "09:41 UTC"
        assert "30 May, 04:00 to 06:00 in your zone" in await page.inner_text("#incident-19")


async def test_nothing_is_loaded_from_another_host_and_no_policy_is_broken(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(stage.url)
        await eye.sign_in(page, stage.url)
        await page.wait_for_selector(".on-call-name")
        assert {url for url in asked if not url.startswith(stage.url)} == set()
