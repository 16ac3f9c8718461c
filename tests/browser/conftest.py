"""A real Chromium for the tests of this folder."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Playwright, async_playwright

from tests.browser.eye import Eye

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable(playwright: Playwright) -> str | None:
    """A Chromium on the path; else ``None``, which is Playwright's own where it is installed."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    if Path(playwright.chromium.executable_path).exists():
        return None
    pytest.fail(
        "No Chromium was found. Install one (Debian: apt-get install chromium) or Playwright's own: "
        "python -m playwright install chromium",
        pytrace=False,
    )


ENDED = ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE", "Failed to fetch")
"""What a page complains of that is still open when the test has ended, and its server with it."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own for each test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(playwright), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def eye(browser: Browser) -> AsyncIterator[Eye]:
    """Opens pages and, at the end, fails where the console of one of them told of an error."""
    eye = Eye(browser)
    yield eye
    assert not [one for one in eye.complaints if not any(words in one for words in ENDED)]
