"""Pages as a person opens them, and what a browser complains about."""

from dataclasses import dataclass, field
from re import Pattern
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.support.statuspage import OPERATOR_KEY

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
SIZES = {"phone": PHONE, "desktop": DESKTOP}
PATIENCE = 90_000
"""How long a page may take until it shows what is waited for, in milliseconds: machines are shared."""
SERIOUS = {"serious", "critical"}


@dataclass
class Eye:
    """A browser with a memory for errors."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def page(
        self,
        size: dict[str, int] | None = None,
        scheme: Literal["light", "dark"] = "light",
        zone: str = "UTC",
        **more: Any,
    ) -> Page:
        """A new page in a window of its own."""
        context = await self.browser.new_context(
            viewport=size or DESKTOP,  # type: ignore[arg-type]
            color_scheme=scheme,
            locale="en-GB",
            timezone_id=zone,
            **more,
        )
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    async def sign_in(self, page: Page, url: str, key: str = OPERATOR_KEY) -> None:
        """Sign in as an operator would, by the keyboard; the console's first page listens then."""
        await page.goto(f"{url}/console/sign-in")
        await painted(page)
        await page.wait_for_selector("input[name=key]:focus")
        await page.keyboard.type(key)
        await page.keyboard.press("Enter")
        await arrived(page, f"{url}/console")

    async def at(
        self, url: str, path: str, size: dict[str, int] | None = None, scheme: Literal["light", "dark"] = "light"
    ) -> Page:
        """A new page of the console at ``path``, signed in, which listens."""
        page = await self.page(size, scheme)
        await self.sign_in(page, url)
        await visit(page, url + path)
        return page


async def painted(page: Page) -> None:
    """Wait until the page has been seen, with all of its scripts run: a browser drops what is pressed before it has painted."""
    await page.wait_for_function(
        "() => document.readyState === 'complete' && performance.getEntriesByName('first-contentful-paint').length > 0"
    )


async def ready(page: Page) -> None:
    """Wait until a page of the console listens: until then its links lead on, and its forms go, as without JavaScript.

    htmx takes a page over in one go, a moment after its scripts have run, and its body last of all. After a key or a
    click that leads on, wait with :func:`arrived` instead: the page that is left listens too.
    """
    await painted(page)
    await page.wait_for_selector("body[data-htmx-powered]")


async def visit(page: Page, url: str) -> None:
    """Open a page of the console, and wait until it listens."""
    await page.goto(url)
    await ready(page)


async def arrived(page: Page, url: str | Pattern[str]) -> None:
    """Wait until a key or a click has led to ``url``, another page of the console, and that page listens."""
    await page.wait_for_url(url)
    await ready(page)


async def choose(page: Page, text: str) -> None:
    """Choose in the list that has the keyboard, by its arrows: letters find something else where they come slowly."""
    await page.keyboard.press("Home")
    chosen = "() => document.activeElement.selectedOptions[0].text"
    for _ in range(await page.evaluate("() => document.activeElement.options.length")):
        if await page.evaluate(chosen) == text:
            return
        await page.keyboard.press("ArrowDown")
    raise AssertionError(f"{text} is no choice")


async def serious_findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical, each with where."""
    found = await Axe().run(page)
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes']]}"
        for one in found.response["violations"]
        if one["impact"] in SERIOUS
    ]


async def overflows(page: Page) -> bool:
    """Whether the page is wider than its window."""
    wider: bool = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wider
