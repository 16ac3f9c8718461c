"""Pages as a person opens them, and what a browser complains about."""

from dataclasses import dataclass, field
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
        """Sign in as an operator would, by the keyboard."""
        await page.goto(f"{url}/console/sign-in")
        await page.wait_for_selector("input[name=key]:focus")
        await page.keyboard.type(key)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/console")


async def ready(page: Page) -> None:
    """Wait until the page's scripts have taken its forms over; before that they work as plain forms."""
    await page.wait_for_selector("#incident[data-htmx-powered]")


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
