"""One's own contacts in the console, in front of the real oncall service."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from libs.common.auth import hash_key
from libs.common.events.directory import PrincipalChanged
from tests.integration.test_statuspage_people import codes
from tests.support.status_stage import Stage, statuspage
from tests.support.statuspage import NOW, STEFANIA_KEY, company

HTML = {"Accept": "text/html"}
PAGE = "/console/me"
OLD, NEW = {"channel": "sms", "address": "+15550100"}, {"channel": "sms", "address": "+15550177"}


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    known = PrincipalChanged(
        id="stefania-key", name="Stefania", roles=("viewer",), person="stefania", keys=(hash_key(STEFANIA_KEY),), at=NOW
    )
    async with statuspage(database_url, company(), oncall=tmp_path) as stage:
        await stage.fold(known)
        yield stage


async def shown(stage: Stage) -> str:
    answer = await stage.client.get(PAGE, headers=HTML)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


async def post(stage: Stage, csrf: str, action: str, status: int = 303, /, **form: str) -> httpx.Response:
    answer = await stage.client.post(f"{PAGE}/{action}", data={"csrf": csrf, **form}, headers=HTML)
    assert answer.status_code == status, answer.text
    return answer


def contacts(page: str) -> list[tuple[str, str]]:
    """Each contact with how it stands."""
    found = re.findall(r'<li class="contact">.*?(Not verified|Verified)<.*?contact-address">(.*?)</span>', page)
    return [(re.sub("<wbr>", "", address), state) for state, address in found]


async def test_somebody_changes_their_number_verifies_it_and_is_never_left_without(stage: Stage) -> None:
    csrf = await stage.sign_in(STEFANIA_KEY)
    page = await shown(stage)
    assert 'href="/console/me"' in page
    assert "Two of your two contacts are not verified" in page
    assert contacts(page) == [("+15550100", "Not verified"), ("stefania@example.com", "Not verified")]
    await post(stage, csrf, "0/code", **OLD)
    [code] = await codes(stage)
    await post(stage, csrf, "0/confirm", **OLD, code=code or "")
    refused = await post(stage, csrf, "remove", 409, **OLD)
    assert "only verified contact" in refused.text

    await post(stage, csrf, "contacts", **NEW)
    assert contacts(await shown(stage))[-1] == ("+15550177", "Not verified")
    stage.clock.set(NOW + timedelta(minutes=2))
    sent = await post(stage, csrf, "2/code", **NEW)
    assert sent.headers["Location"] == "/console/me?at=stefania.2"
    wrong = await post(stage, csrf, "2/confirm", 422, **NEW, code="12")
    assert "A code is 6 digits" in wrong.text
    _, code = await codes(stage)
    await post(stage, csrf, "2/confirm", **NEW, code=code or "")
    await post(stage, csrf, "remove", **OLD)
    await post(stage, csrf, "first", **NEW)
    page = await shown(stage)
    assert contacts(page) == [("+15550177", "Verified"), ("stefania@example.com", "Not verified")]
    assert "You changed this last" in page
    await post(stage, csrf, "forget")
    page = await shown(stage)
    assert contacts(page) == [("+15550100", "Not verified"), ("stefania@example.com", "Not verified")]
    assert "You changed this last" not in page


async def test_chains_and_quiet_hours_are_arranged_and_a_refusal_is_told_beside_the_form(stage: Stage) -> None:
    csrf = await stage.sign_in(STEFANIA_KEY)
    rows = {
        "high.0.contact": "sms", "high.0.after": "", "high.1.contact": "email", "high.1.after": "1.5",
        "low.0.contact": "email", "quiet.0.begin": "22:00", "quiet.0.end": "07:00", "quiet.0.mo": "1", "quiet.0.tu": "1",
        "quiet.1.begin": "", "quiet.1.end": "",
    }  # fmt: skip
    await post(stage, csrf, "arrangement", **rows)
    page = await shown(stage)
    assert 'name="high.1.after" min="0" max="1440" step="any" inputmode="decimal" value="1.5"' in page
    assert 'name="quiet.0.mo" value="1" checked' in page
    assert 'name="quiet.0.we" value="1">' in page
    assert 'name="quiet.0.begin" value="22:00"' in page
    assert "<dt>Other</dt><dd>Email at once</dd>" in page.replace("E-mail", "Email")
    for odd, sentence in (
        ({"high.1.after": "soon"}, "soon is no number of minutes"),
        ({"quiet.0.end": ""}, "Say when the quiet hours begin and when they end"),
        ({"quiet.0.mo": "", "quiet.0.tu": ""}, "Choose the days"),
        ({"low.0.contact": "voice"}, "there is no such contact"),
    ):
        answer = await post(stage, csrf, "arrangement", 422, **{**rows, **odd})
        assert re.search(rf'role="alert">[^<]*{sentence}', answer.text), sentence
    odd_number = await post(stage, csrf, "contacts", 422, channel="sms", address="0815")
    assert "a number in E.164 form" in odd_number.text


async def test_a_key_that_stands_for_nobody_changes_nothing_and_no_form_counts_without_its_token(stage: Stage) -> None:
    csrf = await stage.sign_in()
    page = await shown(stage)
    assert "Your key stands for nobody" in page
    assert '<form method="post" action="/console/me' not in page
    await post(stage, csrf, "contacts", 403, **NEW)
    await stage.sign_in(STEFANIA_KEY)
    await post(stage, "0" * 64, "contacts", 403, **NEW)
    assert len(contacts(await shown(stage))) == 2
