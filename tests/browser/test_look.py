"""Every page in both sizes and both schemes: accessible, in its window, without an error."""

from pathlib import Path
from typing import Literal

import pytest

from tests.browser.eye import SIZES, Eye, overflows, serious_findings
from tests.support.status_stage import kept, statuspage, trigger
from tests.support.statuspage import story, uid

pytestmark = pytest.mark.browser

PUBLIC = ("/", "/t/acme", "/history/2025-03", "/console/sign-in")
CONSOLE = (
    "/console",
    "/console/incidents",
    "/console/incidents/17",
    "/console/incidents/4",
    "/console/incidents/17/update",
    "/console/incidents/17/verdict",
    "/console/on-call",
    "/console/on-call?schedule=platform&weeks=4&zone=Asia/Kolkata",
    "/console/on-call/change/override?remove=rafael",
    "/console/on-call/change/span",
    "/console/proof?schedule=platform",
    "/console/people",
    "/console/me",
    "/console/simulate",
    "/console/outbox",
    "/console/triggers",
    f"/console/triggers/{uid(60)}",
    f"/console/deliveries/{uid(61)}/replay",
    "/console/sources",
    "/console/quarantine",
    f"/console/quarantine/{uid(70)}",
    "/console/incidents/new",
    "/console/incidents/4/rca",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_no_page_has_a_serious_finding_of_axe_or_leaves_its_window(
    database_url: str, eye: Eye, size: str, scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    async with statuspage(database_url, story(), serve=True, oncall=tmp_path) as stage:
        stage.peers.kept = [kept(70)]
        stage.peers.triggers = [trigger(60), trigger(62, title="Again")]
        page = await eye.page(SIZES[size], scheme)
        found: dict[str, list[str]] = {}
        wide: list[str] = []
        for path in (*PUBLIC, *CONSOLE):
            if path == CONSOLE[0]:
                await eye.sign_in(page, stage.url)
                await page.wait_for_selector(".on-call-name")
            else:
                await page.goto(stage.url + path)
            if findings := await serious_findings(page):
                found[path] = findings
            if await overflows(page):
                wide.append(path)
        assert found == {}
        assert wide == []


async def test_open_dialogs_have_no_serious_finding(database_url: str, eye: Eye) -> None:
    async with statuspage(database_url, story(), serve=True) as stage:
        page = await eye.at(stage.url, "/console/incidents/17")
        for key, dialog in (("u", "#sheet[open]"), ("e", "#sheet[open]"), ("?", "#keys[open]")):
            await page.keyboard.press(key)
            await page.wait_for_selector(dialog)
            assert await serious_findings(page) == []
            await page.keyboard.press("Escape")
            await page.wait_for_selector(dialog, state="hidden")
