"""People in the console, in front of the real oncall service: contacts, and codes that verify them."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from libs.common.auth import hash_key
from libs.common.db.tables import OUTBOX
from libs.common.events.directory import PrincipalChanged
from libs.common.events.envelope import decode
from libs.common.events.notifications import NotificationRequested
from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import ACME_KEY, NOW, OPERATOR_KEY, STEFANIA_KEY, VIEWER_KEY, company

HTML = {"Accept": "text/html"}
PAGE = "/console/people"
SMS = {"channel": "sms", "address": "+15550100"}
ZARA: dict[str, Any] = {
    "id": "zara", "name": "Zara", "title": "Operations", "zone": "Europe/Rome",
    "contacts": [{"sms": "+15550190", "verified": True}, {"email": "zara@example.com", "verified": True}],
    "chain": {"high": ["sms", {"email": "5m"}], "low": ["email"]},
    "quiet_hours": [{"days": "mo-fr", "hours": "22:00-07:00"}],
}  # fmt: skip


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with statuspage(database_url, company(), oncall=tmp_path) as stage:
        yield stage


async def shown(stage: Stage, path: str = PAGE) -> str:
    answer = await stage.client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


async def post(stage: Stage, csrf: str, action: str, **form: str) -> httpx.Response:
    where = f"{PAGE}/stefania/0/{action}"
    return await stage.client.post(where, data={"csrf": csrf, **SMS, **form}, headers=HTML)


def card(page: str, person: str) -> str:
    """What the page says of a person."""
    [found] = re.findall(rf'<article class="card person" id="person-{person}".*?</article>', page, re.DOTALL)
    return " ".join(str(found).split())


def first_line(page: str) -> str:
    [found] = re.findall(r"<h1.*?<span>(.*?)</span></h1>", page, re.DOTALL)
    return str(found)


async def codes(stage: Stage) -> list[str | None]:
    """The codes that oncall had sent, the first one first."""
    async with stage.service.platform.uow.begin() as tx:
        query = select(OUTBOX).order_by(OUTBOX.c.id)
        rows = await tx.session.execute(query, execution_options={"schema_translate_map": {None: "oncall"}})
        events = [decode(row.headers, row.value).event for row in rows]
    return [event.code for event in events if isinstance(event, NotificationRequested)]


async def add(stage: Stage, person: dict[str, Any]) -> None:
    peers = stage.service.app.state.context.peers
    await peers.ask("oncall", "PUT", f"http://oncall.test/v1/people/{person['id']}", OPERATOR_KEY, person)


async def test_a_contact_is_verified_by_the_code_that_came_to_it(stage: Stage) -> None:
    csrf = await stage.sign_in()
    page = await shown(stage)
    assert first_line(page) == "All 19 people have contacts that nobody verified"
    stefania = card(page, "stefania")
    assert "Operations, Europe/Rome" in stefania
    assert stefania.count("Not verified") == stefania.count("Send a code</button>") == 2
    assert "SMS at once, then e-mail if that fails" in stefania
    assert "On shift</span>" in stefania
    assert "<dt>Shift</dt><dd>The team on shift and Platform</dd>" in stefania
    assert "On shift</span>" not in card(page, "samuel")
    assert 'name="code"' not in page

    sent = await post(stage, csrf, "code")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{PAGE}?at=stefania.0")
    [code] = await codes(stage)
    assert code is not None
    page = await shown(stage, sent.headers["location"])
    assert code not in page
    [field] = re.findall(r'<input name="code"[^>]*>', page)
    assert all(f" {one}" in field for one in ('inputmode="numeric"', 'autocomplete="one-time-code"', "autofocus"))
    assert "good until" in card(page, "stefania")

    wrong = await post(stage, csrf, "confirm", code="000000" if code != "000000" else "111111")
    assert wrong.status_code == 422
    assert "This is not the code that was sent; 4 more tries." in card(wrong.text, "stefania")
    assert 'aria-invalid="true" aria-describedby="problem-stefania.0"' in wrong.text
    unread = await post(stage, csrf, "confirm", code="12345")
    assert (unread.status_code, "A code is 6 digits" in card(unread.text, "stefania")) == (422, True)

    right = await post(stage, csrf, "confirm", code=f" {code[:3]} {code[3:]} ")
    assert right.headers["location"] == f"{PAGE}#person-stefania", right.text
    stefania = card(await shown(stage, right.headers["location"]), "stefania")
    assert re.search(r"Verified</span>.*By a code, .*09:48 UTC.*; operator gave it", stefania)
    assert stefania.count("Not verified") == stefania.count("Send a code</button>") == 1
    assert 'name="code"' not in stefania


async def test_what_oncall_refuses_is_told_beside_the_contact(stage: Stage) -> None:
    csrf = await stage.sign_in()
    await post(stage, csrf, "code")
    again = await post(stage, csrf, "code")
    assert again.status_code == 429
    assert "A code was sent to this contact lately; ask for another in" in card(again.text, "stefania")
    [code] = await codes(stage)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        await post(stage, csrf, "confirm", code=wrong)
    spent = await post(stage, csrf, "confirm", code=code or "")
    assert spent.status_code == 409
    assert "Too many wrong codes were given; ask for a new one." in card(spent.text, "stefania")
    stage.clock.advance(timedelta(minutes=1))
    assert (await post(stage, csrf, "code")).status_code == 303
    stage.clock.advance(timedelta(minutes=10))
    assert 'name="code"' not in await shown(stage), "the code has expired"
    late = await post(stage, csrf, "confirm", code=(await codes(stage))[-1] or "")
    assert "The code has expired; ask for a new one." in card(late.text, "stefania")
    gone = await post(stage, csrf, "code", address="+15550999")
    assert (gone.status_code, "Stefania has no such sms contact." in gone.text) == (404, True)


async def test_chains_and_quiet_hours_are_told_in_words_and_whom_nothing_reaches_comes_first(stage: Stage) -> None:
    await stage.sign_in()
    await add(stage, ZARA)
    await add(stage, {"id": "yves", "name": "Yves", "zone": "Europe/Paris"})
    page = await shown(stage)
    assert first_line(page) == ("19 of 21 people have contacts that nobody verified; one has no contact at all")
    zara = card(page, "zara")
    assert "<dt>To act</dt><dd>SMS at once, e-mail after 5 minutes</dd>" in zara
    assert "<dt>Other</dt><dd>E-mail at once</dd>" in zara
    assert "Mon to Fri, 22:00 to 07:00, on their own clock" in zara
    assert zara.count("Somebody vouched for it") == 2
    assert "No page can reach them." in card(page, "yves")
    places = [page.index(f'id="person-{one}"') for one in ("yves", "stefania", "zara")]
    assert places == sorted(places)


async def test_on_call_and_the_proof_lead_there(stage: Stage) -> None:
    await stage.sign_in()
    assert f'href="{PAGE}" data-key="h"' in await shown(stage, "/console/on-call")
    proof = await shown(stage, "/console/proof")
    assert f'href="{PAGE}"' in proof
    assert f'href="{PAGE}#person-stefania"' in proof


async def test_a_key_that_stands_for_a_person_verifies_their_own_contacts_and_sees_nobody_elses(stage: Stage) -> None:
    keys = (hash_key(STEFANIA_KEY),)
    await stage.fold(
        PrincipalChanged(id="stefania-key", name="Stefania", roles=("viewer",), person="stefania", keys=keys, at=NOW)
    )
    csrf = await stage.sign_in(STEFANIA_KEY)
    page = await shown(stage)
    assert first_line(page) == "Two of your two contacts are not verified"
    assert re.findall(r"\+1555\d+</span>", page) == ["+15550100</span>"]
    assert (await post(stage, csrf, "code")).status_code == 303
    assert (await post(stage, csrf, "confirm", code=(await codes(stage))[0] or "")).status_code == 303
    assert first_line(await shown(stage)) == "One of your two contacts is not verified"
    other = {"csrf": csrf, "channel": "sms", "address": "+15550101"}
    refused = await stage.client.post(f"{PAGE}/rafael/0/code", data=other, headers=HTML)
    assert (refused.status_code, "Stefania may not see the contacts of rafael." in refused.text) == (403, True)


@pytest.mark.parametrize("key", [VIEWER_KEY, ACME_KEY])
async def test_who_is_no_operator_of_all_tenants_sees_no_address_and_sends_no_code(stage: Stage, key: str) -> None:
    csrf = await stage.sign_in(key)
    page = await shown(stage)
    assert "Only operators of all tenants see how people are reached." in page
    assert "+1555" not in page
    assert "@example.com" not in page
    for action in ("code", "confirm"):
        refused = await post(stage, csrf, action, code="123456")
        assert refused.status_code == 403
        assert "+1555" not in refused.text
        assert (await post(stage, "0" * 64, action, code="123456")).status_code == 403
    assert await codes(stage) == []
