"""A whole running instance as people meet it: an operator by the keyboard alone, a client without JavaScript."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from playwright.async_api import Page

from tests.browser.eye import PHONE, Eye, arrived, choose, overflows, ready, serious_findings, visit
from tests.support.instance import Instance, eventually, running, short_folder
from tests.support.sample import until

pytestmark = pytest.mark.browser

SECRET = "db-7.internal refuses connections"
WORDS = "Half of the invoices go through again."


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """One instance for the stories of this file, each of which looks at a service of its own."""
    with running(short_folder()) as started:
        yield started


async def alarm(instance: Instance, service: str, *, tenants: tuple[str, ...]) -> None:
    """Post what a monitoring would."""
    native = instance.facts["integrations"]["monitoring"]
    body = {"kind": "telemetry", "title": SECRET, "service": service, "tenants": tenants, "dedup_key": service}
    async with httpx.AsyncClient() as client:
        answer = await client.post(native["url"], json=body, headers={"Authorization": f"Bearer {native['key']}"})
    assert answer.status_code == 202, answer.text


async def not_understood(instance: Instance, body: str) -> None:
    """Post what no source can read."""
    native = instance.facts["integrations"]["monitoring"]
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": f"Bearer {native['key']}"}
        answer = await client.post(native["url"], content=body, headers=headers)
    assert answer.status_code in {400, 415, 422}


async def act(instance: Instance, number: int, action: str, body: dict[str, object]) -> None:
    """What somebody else does meanwhile, over the escalator's API."""
    await asyncio.to_thread(instance.call, "escalator", "POST", f"/v1/incidents/{number}/{action}", body)


async def said(page: Page, text: str) -> None:
    """Wait until the page says that something was done."""
    await page.wait_for_selector(f"#said >> text={text}")


async def press(page: Page, key: str, dialog: str = "#sheet[open]") -> None:
    """Press a key that opens a dialog."""
    await page.keyboard.press(key)
    await page.wait_for_selector(dialog)


async def tab(page: Page, times: int, end: str = "Enter") -> None:
    """Go on by Tab, and press a key there."""
    for _ in range(times):
        await page.keyboard.press("Tab")
    await page.keyboard.press(end)


@asynccontextmanager
async def watched(eye: Eye, url: str, text: str) -> AsyncIterator[Page]:
    """A client's page that is open all the while; at the end it says ``text`` without having been loaded again."""
    page = await eye.page(PHONE)
    await page.goto(url)
    await page.evaluate("window.untouched = true")
    yield page
    await page.wait_for_selector(f"text={text}")
    assert await page.evaluate("window.untouched")
    assert SECRET not in await page.content()
    assert await serious_findings(page) == []


async def sign_in_by_the_link(eye: Eye, instance: Instance) -> Page:
    """The link of run.json signs in; used again it is refused."""
    page = await eye.page()
    await page.goto(instance.facts["sign_in_url"])
    await arrived(page, "**/console")
    stranger = await eye.page()
    await stranger.goto(instance.facts["sign_in_url"])
    await stranger.wait_for_selector("text=This link was used already; it signs in once.")
    eye.complaints = [one for one in eye.complaints if "403" not in one]
    await stranger.close()
    return page


async def test_an_operator_carries_an_incident_from_the_alarm_to_the_analysis_by_keyboard_alone(
    instance: Instance, eye: Eye
) -> None:
    page = await sign_in_by_the_link(eye, instance)
    root = instance.url("statuspage")
    over = "Invoicing did not work for one client"
    async with watched(eye, f"{root}/", over), watched(eye, f"{root}/t/lumen", "Invoicing did not work for") as tenant:
        await page.wait_for_selector("text=Nothing burns")
        await page.evaluate("window.untouched = true")
        await alarm(instance, "invoicing", tenants=("lumen",))
        await page.wait_for_selector("text=Invoicing does not work for Lumen Studio")
        assert await page.evaluate("window.untouched")
        assert await serious_findings(page) == []
        await tenant.wait_for_selector("h1 >> text=Invoicing does not work since")

        await page.keyboard.press("1")
        await arrived(page, "**/console/incidents/1")
        await page.wait_for_selector("text=kept in the local outbox")
        await _take_judge_and_update(page)
        await tenant.wait_for_selector(f"text={WORDS}")
        await _escalate_and_resolve(page)
        await _issue_the_analysis(page)
        told = await page.inner_text(".timeline")
        assert "Routing rule: A telemetry alarm goes to whoever is on shift." in told
        assert "Rung 1 (First recipients) is due: the incident was opened." in told
        assert "_" not in told
        assert await serious_findings(page) == []


async def _take_judge_and_update(page: Page) -> None:
    await page.keyboard.press("a")
    await said(page, "Acknowledged. Nobody else is paged.")
    await page.wait_for_selector("text=Taken by Operator")

    await press(page, "v")
    await page.keyboard.press("Space")
    await tab(page, 3)
    await said(page, "Your verdict is on the record.")
    await page.wait_for_selector(".chip >> text=Confirmed")

    await press(page, "u")
    await page.keyboard.type(WORDS)
    for audience in ("tenant", "client"):
        assert await page.inner_text(f'[data-for="{audience}"] [data-shown]') == WORDS
    assert "1 SMS" in await page.inner_text('[data-for="client"]')
    assert "next by" in await page.inner_text('[data-for="tenant"]')
    assert await serious_findings(page) == []
    await tab(page, 4)
    await said(page, "Your update is on its way.")
    await page.wait_for_selector(f"text=Operator told the team, the tenants and the clients: {WORDS}")


async def _escalate_and_resolve(page: Page) -> None:
    await press(page, "e")
    assert await page.inner_text("#sheet .effect") == "Pages Inês Duarte (the service's responsible) now."
    await page.keyboard.press("Enter")
    await said(page, "The next rung is being paged.")
    await page.wait_for_selector("text=Rung 2 (Responsible for the service) is due: Operator escalated.")
    await page.wait_for_selector(".line-pages >> text=Inês Duarte")

    await press(page, "r")
    assert "Sends the closing word to the" in await page.inner_text("#sheet .effect")
    await page.keyboard.type("Failed over to the standby.")
    await tab(page, 2)
    await said(page, "Resolved.")
    await page.wait_for_selector("h1 >> text=Invoicing did not work for Lumen Studio")


async def _issue_the_analysis(page: Page) -> None:
    await page.wait_for_selector('[data-key="w"]')
    assert "Root cause analysis in" in await page.inner_text(".coming")
    await press(page, "w")
    assert "in 23 hours" in await page.inner_text("#sheet .effect")
    await page.keyboard.type("https://wiki.example.com/rca/1")
    await tab(page, 3)
    await said(page, "The root cause analysis is on the record.")
    await page.wait_for_selector('.links a[href="https://wiki.example.com/rca/1"]')


async def test_what_nobody_understands_is_shown_and_opened_by_hand(instance: Instance, eye: Eye) -> None:
    await not_understood(instance, "<b>Proofs are stuck</b>")
    page = await eye.page()
    await eye.sign_in(page, instance.url("statuspage"), instance.facts["operator"]["key"])
    await page.wait_for_selector("text=One body waits in quarantine")
    await page.keyboard.press("q")
    await arrived(page, "**/console/quarantine")
    await page.wait_for_selector("pre >> text=<b>Proofs are stuck</b>")
    assert await serious_findings(page) == []

    await page.keyboard.press("n")
    await arrived(page, "**/console")
    await page.keyboard.press("c")
    await arrived(page, "**/console/incidents/new")
    await page.wait_for_selector("input[name=title]:focus")
    assert await serious_findings(page) == []
    await page.keyboard.type("Proofs are stuck")
    await page.keyboard.press("Tab")
    await choose(page, "Proofing")
    assert await page.input_value("select[name=service]") == "proofing"
    await tab(page, 4, "Space")
    await tab(page, 4)
    await page.wait_for_url(re.compile(r"/console/incidents/\d+$"))
    await page.wait_for_selector("h1 >> text=Some work in Proofing cannot be completed for Harbour & Finch")
    await page.wait_for_selector(".line-pages >> text=Greta Lind")


async def test_an_operator_searches_a_trigger_replays_it_and_makes_an_incident_of_a_body_by_keyboard_alone(
    instance: Instance, eye: Eye
) -> None:
    await alarm(instance, "proofing", tenants=())
    page = await eye.page()
    await eye.sign_in(page, instance.url("statuspage"), instance.facts["operator"]["key"])
    await page.keyboard.press("t")
    await arrived(page, "**/console/triggers")
    assert await page.inner_text("#new-triggers") == ""
    await alarm(instance, "workflow", tenants=())
    await page.wait_for_selector("#new-triggers a >> text=/^1 new$/")
    await page.keyboard.press("/")
    await page.keyboard.type("refuses proofing")
    await page.wait_for_url("**/console/triggers?q=refuses+proofing**")
    await page.wait_for_selector("#list:not(:has-text('workflow')) .found")
    await page.evaluate("document.querySelector('#list .found').dataset.before = ''")
    await page.keyboard.press("ArrowDown")
    await page.wait_for_selector("#list .found:not([data-before]) a:focus")
    await page.keyboard.press("Enter")
    await arrived(page, re.compile(r"/console/triggers/[0-9a-f-]{36}$"))
    await page.wait_for_selector("pre >> text=db-7.internal refuses connections")
    first = page.url
    await page.wait_for_selector("#alerts a >> text=Incident")
    await press(page, "r")
    await page.wait_for_selector("#sheet >> text=Read today it gives one trigger, the same as when it came.")
    assert await serious_findings(page) == []
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Read again from a body that came before")
    await ready(page)
    assert page.url != first
    assert first.endswith(await page.get_attribute('[aria-label="Of the same alert"] a', "href") or "nowhere")

    await not_understood(instance, "<b>The printer is on fire</b>")
    await page.keyboard.press("q")
    await arrived(page, "**/console/quarantine")
    await page.wait_for_selector("pre >> text=<b>The printer is on fire</b>")
    await page.keyboard.press("1")
    await arrived(page, re.compile(r"/console/quarantine/[0-9a-f-]{36}$"))
    await page.keyboard.press("m")
    await page.wait_for_selector("input[name=title]:focus")
    await page.keyboard.type("Proofs are stuck at the printer")
    await page.keyboard.press("Enter")
    await arrived(page, "**/console/triggers/**")
    await page.wait_for_selector("h1 >> text=Proofs are stuck at the printer")
    await page.click("#alerts a >> text=Incident")
    await page.wait_for_url("**/console/incidents/**")
    await page.wait_for_selector("text=Proofs are stuck at the printer")


async def test_an_operator_plays_an_incident_through_before_it_happens_and_nobody_is_told(
    instance: Instance, eye: Eye
) -> None:
    page = await eye.page()
    await eye.sign_in(page, instance.url("statuspage"), instance.facts["operator"]["key"])
    await page.keyboard.press("y")
    await arrived(page, "**/console/simulate")
    before = await asyncio.to_thread(_known, instance)
    await page.focus("select[name=service]")
    await choose(page, "Invoicing")
    await page.keyboard.press("Tab")
    await choose(page, "Lumen Studio")
    await page.fill("input[name=at]", "2026-11-29T23:50")
    await page.focus("input[name=acknowledge_after]")
    await page.keyboard.type("7")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".foreseen-rule >> text=Rule “A telemetry alarm goes to whoever is on shift” decides")
    await page.wait_for_url("**service=invoicing&tenant=lumen**")
    told = [
        " ".join((await line.inner_text()).split()) for line in await page.query_selector_all(".foreseen .line-what")
    ]
    assert told[:3] == [
        "Rung 1: First recipients Abdul, whoever is on shift, by SMS, then e-mail The incident opens.",
        "Rung 2: Responsible for the service Inês Duarte, the service's responsible, by SMS, then e-mail Nobody acknowledged in time.",
        "Acknowledged: the escalation stops",
    ]
    assert told[3].startswith("Reminder: team status Inês Duarte, by SMS, then e-mail It is due by 00:20 UTC.")
    await page.click("summary >> text=Why")
    assert "✗ kind is telemetry; wanted: maintenance, so this does not hold." in await page.inner_text(".tried")
    assert await serious_findings(page) == []
    phone = await eye.page(PHONE)
    await eye.sign_in(phone, instance.url("statuspage"), instance.facts["operator"]["key"])
    await visit(phone, page.url)
    await phone.wait_for_selector(".foreseen >> text=Inês Duarte")
    assert not await overflows(phone)
    assert await serious_findings(phone) == []
    told_of = {
        one["subject_id"] for one in await asyncio.to_thread(instance.messages) if "Invoicing" in one["headline"]
    }
    assert await asyncio.to_thread(_known, instance) == before
    assert told_of <= before


def _known(instance: Instance) -> set[str]:
    """The incidents of Invoicing; those of the other stories go on meanwhile, and their people are told."""
    listed = instance.get("escalator", "/v1/incidents?limit=100")["incidents"]
    return {one["id"] for one in listed if one["service"] == "invoicing"}


async def test_an_operator_tries_a_rule_on_content_source_and_severity_and_sees_why_each_rule_matches_or_not(
    instance: Instance, eye: Eye
) -> None:
    said = await asyncio.to_thread(instance.get, "escalator", "/v1/config")
    routing = said["files"]["routing.yaml"]["document"]
    when = {
        "source": "alertmanager",
        "severity": "error",
        "title": {"contains": "pdf"},
        "labels": {"team": {"equals": "shop"}},
    }
    rule = {
        "id": "pdf",
        "name": "Printing goes to DevOps",
        "when": when,
        "first": ["role:devops"],
        "ladder": "standard",
        "clocks": "standard",
    }
    changed = {"routing": {**routing["routing"], "rules": [rule, *routing["routing"]["rules"]]}}
    await asyncio.to_thread(instance.call, "escalator", "PUT", "/v1/config", {"files": {"routing.yaml": changed}})
    try:
        page = await eye.page()
        await eye.sign_in(page, instance.url("statuspage"), instance.facts["operator"]["key"])
        await visit(page, instance.url("statuspage") + "/console/simulate")
        box, row = [await page.locator(one).bounding_box() for one in ("input[name=at]", ".filter-row >> nth=0")]
        assert box
        assert row
        assert box["x"] + box["width"] <= row["x"] + row["width"]
        await page.select_option("select[name=severity]", "error")
        await page.click("summary >> text=More")
        for name, value in (
            ("title", "The PDF is empty"),
            ("source", "alertmanager"),
            ("labels", "team=shop, region=eu"),
        ):
            await page.fill(f"input[name={name}]", value)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".foreseen-rule >> text=Rule “Printing goes to DevOps” decides: DevOps first")
        decided = await page.inner_text(".decided")
        assert "✗" not in decided
        assert [name for name in ("source", "severity", "title", "label") if name not in decided] == []

        await page.fill("input[name=title]", "Nothing to print")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".foreseen-rule >> text=A telemetry alarm goes to whoever is on shift")
        await page.click("summary >> text=Why")
        first, second, third = [await page.inner_text(f".tried li >> nth={place}") for place in range(3)]
        assert first.startswith("1. Printing goes to DevOps does not match")
        assert "✓ source is alertmanager" in first
        assert "✗ title" in first
        assert "does not match" in second
        assert third.startswith("3. A telemetry alarm goes to whoever is on shift decides")
        assert await serious_findings(page) == []
        await page.fill("input[name=labels]", "shop")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[role=alert] >> text=Write labels as name=value, not as “shop”.")
    finally:
        await asyncio.to_thread(instance.call, "escalator", "PUT", "/v1/config", {"files": {"routing.yaml": routing}})


async def test_a_client_without_javascript_reads_the_state_the_promise_and_the_words(
    instance: Instance, eye: Eye
) -> None:
    await alarm(instance, "sign-in", tenants=())
    page = await eye.page(PHONE, java_script_enabled=False)
    url = instance.url("statuspage")
    number = await _number_of(instance, "sign-in")
    await act(instance, number, "updates", {"text": "We restart the sign-in.", "audiences": ["team", "client"]})

    async def told() -> bool:
        await page.goto(f"{url}/t/lumen")
        return "We restart the sign-in." in await page.inner_text("#page")

    await until(told, 180)
    assert "Sign-in" in await page.inner_text("h1")
    assert (await page.inner_text(".state .promise")).startswith("Next update by")
    text = await page.inner_text("#page")
    assert "We restart the sign-in." in text
    assert "90 days ago" in text
    assert SECRET not in await page.content()
    assert "Harbour" not in await page.content()
    assert not await overflows(page)
    await page.click("text=For operators")
    await page.wait_for_url("**/console/sign-in**")


async def _number_of(instance: Instance, service: str) -> int:
    def found() -> int | None:
        listed = instance.get("escalator", "/v1/incidents")["incidents"]
        return next((int(one["number"]) for one in listed if one["service"] == service), None)

    return await asyncio.to_thread(eventually, found, f"an incident of {service}")
