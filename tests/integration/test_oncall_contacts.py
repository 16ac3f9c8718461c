"""Contacts are verified by a code: through the API, the notifier, a real mail server and a phone call."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from libs.common.events.deliveries import DeliverySent
from libs.common.events.notifications import NotificationRequested
from services.oncall.domain.verification import LASTS, PAUSE
from tests.integration.notifier_desk import CALLS, LOCAL, REAL, SECRETS, Desk, running_desk
from tests.integration.oncall_support import MORNING, Rig, rig
from tests.integration.test_oncall_api import problem
from tests.unit.notifier.requests import NOW

__all__ = ["rig"]

SMS = "/v1/people/stefania/contacts/sms/verification"
CALL = "/v1/people/stefania/contacts/voice/verification"
MAIL = "/v1/people/stefania/contacts/email/verification"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the notifier's configuration lies."""
    path = tmp_path / "notifier"
    path.mkdir()
    return path


async def key_of(rig: Rig, principal_id: str, role: str = "viewer", **more: Any) -> dict[str, str]:
    """The header of a new principal, who may stand for a person."""
    entry = {"id": principal_id, "name": principal_id.title(), "roles": [role], **more}
    assert (await rig.http.post("/v1/principals", json=entry)).status_code == 201
    made = await rig.http.post(f"/v1/principals/{principal_id}/keys")
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def contacts(rig: Rig, person: str = "stefania", **more: Any) -> list[dict[str, Any]]:
    answer = await rig.http.get(f"/v1/people/{person}/contacts", **more)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["contacts"]
    return found


async def code_sent(rig: Rig) -> str:
    """The code of the newest message that oncall asked for."""
    asked = [event for event in await rig.emitted() if isinstance(event, NotificationRequested)]
    assert asked[-1].code is not None
    return asked[-1].code


async def doubted(rig: Rig) -> set[str]:
    """Who may be paged through a contact that nobody verified."""
    found = (await rig.http.get("/v1/proof")).json()["findings"]
    return {one["person"] for one in found if one["doubt"] == "unverified_contact"}


async def test_a_person_verifies_a_contact_with_the_code_that_came_to_it(rig: Rig) -> None:
    assert [one["verified"] for one in await contacts(rig)] == [None, None]
    assert "stefania" in await doubted(rig)
    answer = await rig.http.post(SMS)
    assert (answer.status_code, answer.json()) == (202, {"channel": "sms", "expires_at": "2026-03-02T09:25:00Z"})
    (asked,) = [event for event in await rig.emitted() if isinstance(event, NotificationRequested)]
    assert asked.code is not None
    assert (asked.purpose, asked.incident, asked.due_at) == ("verification", None, MORNING + LASTS)
    (recipient,) = asked.recipients
    assert [(one.channel, one.address) for one in recipient.contacts] == [("sms", "+15550100")]
    assert recipient.ref == "person:stefania"
    rig.clock.set(MORNING + timedelta(minutes=3))
    answer = await rig.http.post(f"{SMS}/confirm", json={"code": f" {asked.code} "})
    assert (answer.status_code, answer.json()) == (200, {"channel": "sms", "verified": "code"})
    sms, mail = await contacts(rig)
    assert (sms["verified"], sms["verified_at"], sms["verified_by"]) == ("code", "2026-03-02T09:18:00Z", "operator")
    assert mail["verified"] is None
    assert "stefania" in await doubted(rig), "the mail address is not verified"
    await rig.http.post(MAIL)
    await rig.http.post(f"{MAIL}/confirm", json={"code": await code_sent(rig)})
    assert "stefania" not in await doubted(rig)
    assert "rafael" in await doubted(rig)


async def test_every_step_is_audited_and_no_answer_holds_the_code(rig: Rig) -> None:
    sent = await rig.http.post(SMS)
    code = await code_sent(rig)
    wrong = await rig.http.post(f"{SMS}/confirm", json={"code": "000000" if code != "000000" else "111111"})
    right = await rig.http.post(f"{SMS}/confirm", json={"code": code})
    audit = await rig.http.get("/v1/audit", params={"noun": "person", "entity": "stefania"})
    found = [(one["action"], one["actor"], one["after"].get("reason")) for one in audit.json()["audit"]]
    assert found[:3] == [
        ("verified", "operator", "verified"),
        ("code_refused", "operator", "wrong"),
        ("code_sent", "operator", None),
    ]
    listed = await rig.http.get("/v1/people/stefania/contacts")
    assert all(code not in answer.text for answer in (sent, wrong, right, audit, listed))
    assert 'tocsin_verifications_total{reason="wrong"} 1.0' in rig.service.platform.metrics.exposition().decode()


async def test_a_wrong_code_says_how_many_tries_are_left_and_after_five_it_is_void(rig: Rig) -> None:
    await rig.http.post(SMS)
    code = await code_sent(rig)
    other = "000000" if code != "000000" else "111111"
    for left in (4, 3, 2):
        found = problem(await rig.http.post(f"{SMS}/confirm", json={"code": other}), 422)
        assert found["detail"] == f"This is not the code that was sent; {left} more tries."
    for _ in range(2):
        problem(await rig.http.post(f"{SMS}/confirm", json={"code": other}), 422)
    assert "ask for a new one" in problem(await rig.http.post(f"{SMS}/confirm", json={"code": code}), 409)["detail"]
    assert [one["verified"] for one in await contacts(rig)] == [None, None]


async def test_a_code_expires_after_ten_minutes(rig: Rig) -> None:
    await rig.http.post(SMS)
    code = await code_sent(rig)
    rig.clock.set(MORNING + LASTS)
    assert "has expired" in problem(await rig.http.post(f"{SMS}/confirm", json={"code": code}), 409)["detail"]


async def test_codes_are_sent_a_minute_apart_and_five_an_hour(rig: Rig) -> None:
    await rig.http.post(SMS)
    again = await rig.http.post(SMS)
    problem(again, 429)
    assert 0 < int(again.headers["retry-after"]) <= 61
    assert (await rig.http.post(MAIL)).status_code == 202, "another contact has its own count"
    for minute in range(1, 5):
        rig.clock.set(MORNING + minute * PAUSE)
        assert (await rig.http.post(SMS)).status_code == 202
    rig.clock.set(MORNING + 10 * PAUSE)
    problem(await rig.http.post(SMS), 429)
    rig.clock.set(MORNING + timedelta(hours=1))
    assert (await rig.http.post(SMS)).status_code == 202


async def test_another_address_is_not_verified_and_the_old_one_must_be_verified_again(rig: Rig) -> None:
    await rig.http.post(SMS)
    await rig.http.post(f"{SMS}/confirm", json={"code": await code_sent(rig)})
    for before, after in (("+15550100", "+15550199"), ("+15550199", "+15550100")):
        rig.rewrite("people.yaml", before, after)
        await rig.watcher.take()
        sms, _ = await contacts(rig)
        assert (sms["address"], sms["verified"]) == (after, None)
    assert "stefania" in await doubted(rig)


async def test_an_operator_vouches_in_the_configuration_and_it_stands_in_the_audit(rig: Rig) -> None:
    rig.rewrite("people.yaml", "{sms: +15550100}", "{sms: +15550100, verified: true}")
    await rig.watcher.take()
    assert [one["verified"] for one in await contacts(rig)] == ["vouched", None]
    audit = (await rig.http.get("/v1/audit", params={"noun": "person", "entity": "stefania"})).json()["audit"]
    newest = audit[0]
    assert (newest["action"], newest["actor"], newest["at"]) == ("vouched", "configuration", "2026-03-02T09:15:00Z")
    assert newest["after"] == {"channel": "sms", "address": "+15550100"}
    mara = {"id": "mara", "name": "Mara", "contacts": [{"email": "mara@example.com", "verified": True}]}
    await rig.http.put("/v1/people/mara", json=mara)
    await rig.http.put("/v1/people/mara", json={**mara, "title": "Lead"})
    audit = (await rig.http.get("/v1/audit", params={"noun": "person", "entity": "mara"})).json()["audit"]
    assert [(one["action"], one["actor"]) for one in audit] == [
        ("changed", "operator"),
        ("vouched", "operator"),
        ("added", "operator"),
    ]


async def test_one_of_several_contacts_of_a_channel_is_named(rig: Rig) -> None:
    mara = {"id": "mara", "name": "Mara", "contacts": [{"email": "a@example.com"}, {"email": "b@example.com"}]}
    await rig.http.put("/v1/people/mara", json=mara)
    path = "/v1/people/mara/contacts/email/verification"
    assert "say which" in problem(await rig.http.post(path), 422)["detail"]
    assert (await rig.http.post(path, json={"address": "b@example.com"})).status_code == 202
    code = await code_sent(rig)
    problem(await rig.http.post(f"{path}/confirm", json={"code": code, "address": "a@example.com"}), 409)
    answer = await rig.http.post(f"{path}/confirm", json={"code": code, "address": "b@example.com"})
    assert answer.status_code == 200
    assert [one["verified"] for one in await contacts(rig, "mara")] == [None, "code"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/people/nobody/contacts/sms/verification", None, 404),
        ("/v1/people/stefania/contacts/voice/verification", None, 404),
        (SMS, {"address": "+15550000"}, 404),
        (f"{SMS}/confirm", {"code": "12345"}, 422),
        (f"{SMS}/confirm", {"code": "123456"}, 409),
        (f"{SMS}/confirm", {}, 422),
    ],
)
async def test_what_cannot_be_verified_is_refused(
    rig: Rig, path: str, body: dict[str, str] | None, status: int
) -> None:
    problem(await rig.http.post(path, json=body), status)


async def test_people_verify_their_own_contacts_and_see_nobody_elses(rig: Rig) -> None:
    own = await key_of(rig, "stefania-key", person="stefania")
    other = await key_of(rig, "reader")
    assert (await rig.http.post(MAIL, headers=own)).status_code == 202
    code = await code_sent(rig)
    assert (await rig.http.post(f"{MAIL}/confirm", headers=own, json={"code": code})).status_code == 200
    assert (await contacts(rig, headers=own))[1]["verified_by"] == "stefania-key"
    for header, path in ((other, MAIL), (own, "/v1/people/rafael/contacts/sms/verification")):
        problem(await rig.http.post(path, headers=header), 403)
        problem(await rig.http.post(f"{path}/confirm", headers=header, json={"code": code}), 403)
    problem(await rig.http.get("/v1/people/stefania/contacts", headers=other), 403)
    bound = await key_of(rig, "acme", "operator", tenants=["lumen"])
    problem(await rig.http.get("/v1/people/stefania/contacts", headers=bound), 403)


async def test_everybodys_contacts_are_told_at_once_to_who_may_see_them(rig: Rig) -> None:
    own = await key_of(rig, "stefania-key", person="stefania")
    assert (await rig.http.post(MAIL, headers=own)).status_code == 202
    await rig.http.post(f"{MAIL}/confirm", headers=own, json={"code": await code_sent(rig)})
    told = (await rig.http.get("/v1/contacts")).json()["people"]
    assert len(told) == 19
    assert [one["id"] for one in told] == [one["id"] for one in (await rig.http.get("/v1/people")).json()["people"]]
    for one in told:
        assert one["contacts"] == await contacts(rig, one["id"])
    assert (await rig.http.get("/v1/contacts", headers=own)).json()["people"] == told[:1]
    assert [one["verified_by"] for one in told[0]["contacts"]] == [None, "stefania-key"]
    for name, role, more in (("reader", "viewer", {}), ("acme", "operator", {"tenants": ["lumen"]})):
        problem(await rig.http.get("/v1/contacts", headers=await key_of(rig, name, role, **more)), 403)


# Through the notifier -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def notifier(rig: Rig, database_url: str, folder: Path, channels: str) -> AsyncIterator[Desk]:
    """A notifier beside oncall, at the same moment."""
    rig.clock.set(NOW)
    async with running_desk(database_url, folder, channels) as desk:
        yield desk


async def test_the_code_arrives_by_mail_and_stands_nowhere_else(
    rig: Rig,
    database_url: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with notifier(rig, database_url, folder, REAL) as desk:
        assert (await rig.http.post(MAIL)).status_code == 202
        await desk.publish(*await rig.emitted())
        (mail,) = desk.mail.mails
        assert desk.mail.recipients == ["stefania@example.com"]
        body = mail.get_body(("plain",))
        assert body is not None
        found = re.search(r"Your Tocsin code is (\d{6})\. It is good until 14:10 UTC\.", body.get_content())
        assert found is not None
        code = found[1]
        assert code not in str(mail["Subject"])
        (sent,) = desk.told(DeliverySent)
        assert (sent.purpose, sent.recipient.ref) == ("verification", "person:stefania")
        ledger = await desk.http.get("/v1/attempts", headers=await desk.key())
        assert ledger.json()["attempts"][0]["text"] == sent.text == "A code, which is for its recipient alone."
        (attempt,) = await desk.attempts()
        assert code not in repr(desk.events) + ledger.text + attempt.text + attempt.html + attempt.headline
    answer = await rig.http.post(f"{MAIL}/confirm", json={"code": code})
    assert answer.status_code == 200
    assert (await contacts(rig))[1]["verified"] == "code"
    logged = capfd.readouterr()
    assert code not in logged.out + logged.err


async def test_the_code_is_said_in_a_phone_call_digit_by_digit_and_twice(
    rig: Rig, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    rig.rewrite("people.yaml", "{sms: +15550100}", "{voice: +15550100}")
    await rig.watcher.take()
    async with notifier(rig, database_url, folder, CALLS) as desk:
        assert (await rig.http.post(CALL)).json()["channel"] == "voice"
        await desk.publish(*await rig.emitted())
        [call] = desk.twilio.calls
        assert call["to"] == "+15550100"
        heard = re.findall(r"(?:\d, ){5}\d", call["twiml"])
    assert len(heard) == 2
    assert heard[0] == heard[1]
    code = heard[0].replace(", ", "")
    assert (await rig.http.post(f"{CALL}/confirm", json={"code": code})).json() == {
        "channel": "voice",
        "verified": "code",
    }
    assert (await contacts(rig))[0]["verified"] == "code"


async def test_a_code_that_could_not_be_sent_is_forgotten_and_told(
    rig: Rig, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with notifier(rig, database_url, folder, REAL) as desk:
        desk.mail.refuse_rcpt.append("550 5.1.1 no such mailbox")
        await rig.http.post(MAIL)
        (asked,) = [event for event in await rig.emitted() if isinstance(event, NotificationRequested)]
        assert asked.code is not None
        await desk.publish(asked)
        (attempt,) = await desk.attempts()
        assert (attempt.state, attempt.reason) == ("failed", "invalid_address")
        assert asked.code not in attempt.text + attempt.html


async def test_the_local_outbox_shows_the_message_as_it_would_have_been_sent(
    rig: Rig, database_url: str, folder: Path
) -> None:
    async with notifier(rig, database_url, folder, LOCAL) as desk:
        await rig.http.post(SMS)
        await desk.publish(*await rig.emitted())
        shown = (await desk.http.get("/v1/outbox", headers=await desk.key())).json()["messages"][0]
        found = re.fullmatch(
            r"Your Tocsin code is (\d{6})\. It is good until 14:10 UTC\. Give it where you asked for it, and to nobody else\.",
            shown["text"],
        )
        assert found is not None
        (sent,) = desk.told(DeliverySent)
        assert (sent.provider, sent.text) == ("local", shown["text"]), "the console shows the local outbox too"
        assert (await desk.attempts())[0].text == "A code, which is for its recipient alone."
    assert (await rig.http.post(f"{SMS}/confirm", json={"code": found[1]})).status_code == 200
