"""Trying out what Twilio calls back with: the real bodies where a collection of them stands beside the project, and the mistakes of a set-up."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from libs.common.events.deliveries import DeliveryConfirmed, DeliveryFailed, ReplyReceived
from tests.integration.notifier_desk import PUBLIC_URL, REAL, SECRETS, Desk, running_desk
from tests.support.fake_twilio import reply_form, signed_headers, status_form
from tests.unit.intake.real_bodies import PAYLOADS
from tests.unit.notifier.requests import incident, person, request

SMS = "/v1/callbacks/twilio/sms"
STATUS = "/v1/callbacks/twilio/status"
VOICE = "/v1/callbacks/twilio/voice"
RAFAEL = "+15005550010"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

REALLY: dict[str, tuple[str, dict[str, str | int | None]]] = {
    "inbound_sms": (SMS, {"kind": "reply", "dedup_key": "{MessageSid}", "words": "{Body}", "address": "{From}"}),
    "inbound_sms_ack": (
        SMS,
        {
            "kind": "reply",
            "dedup_key": "{MessageSid}",
            "words": "{Body}",
            "action": "acknowledge",
            "incident": 4711,
            "address": "{From}",
        },
    ),
    "status_callback_delivered": (
        STATUS,
        {
            "kind": "status",
            "dedup_key": "{MessageSid}:{MessageStatus}",
            "reported": "delivered",
            "state": "arrived",
            "address": "{To}",
        },
    ),
    "status_callback_undelivered": (
        STATUS,
        {
            "kind": "status",
            "dedup_key": "{MessageSid}:{MessageStatus}",
            "reported": "undelivered",
            "state": "lost",
            "lost": "undelivered",
            "link": "https://www.twilio.com/docs/errors/30003",
            "detail": "twilio 30003: {ErrorMessage}",
            "address": "{To}",
        },
    ),
    "voice_gather_digits": (
        VOICE,
        {
            "kind": "press",
            "dedup_key": "{CallSid}",
            "action": "acknowledge",
            "words": "{Digits}",
            "state": "arrived",
            "reported": "{CallStatus}",
            "address": "{Called}",
            "message": "{CallSid}",
        },
    ),
    "voice_status_completed": (
        STATUS,
        {
            "kind": "status",
            "dedup_key": "{CallSid}:{SequenceNumber}",
            "reported": "completed",
            "state": "arrived",
            "address": "{To}",
        },
    ),
}
"""What the manifest derives of each body of ``twilio/``: constants, or fields of the form in braces. What is not named is null."""

SAID = ("action", "incident", "words", "state", "reported", "lost", "link")


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with running_desk(database_url, tmp_path, REAL) as running:
        yield running


async def tried(desk: Desk, key: dict[str, str], **trial: Any) -> dict[str, Any]:
    answer = await desk.http.post("/v1/callbacks/preview", json=trial, headers=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_every_real_callback_is_read_as_its_manifest_derives(desk: Desk) -> None:
    key = await desk.key()
    files = sorted((PAYLOADS / "twilio").glob("*.txt")) if PAYLOADS.exists() else []
    assert not files or {file.stem for file in files} == set(REALLY)
    for file in files:
        path, expected = REALLY[file.stem]
        body = file.read_text()
        form = dict(parse_qsl(body.strip(), keep_blank_values=True))
        headers = signed_headers(PUBLIC_URL + path, form)
        found = await tried(desk, key, path=path, headers=headers, body=body)
        wanted = {name: value.format(**form) if isinstance(value, str) else value for name, value in expected.items()}
        wanted = dict.fromkeys(SAID) | wanted
        assert {name: found["read"][name] for name in wanted} == wanted, file.name
        assert found["signature"]["holds"], file.name
        assert found["would"]["reason"] in {"not_understood", "not_paged", "unknown_message"}


async def test_a_preview_foresees_what_happens_and_changes_nothing(desk: Desk) -> None:
    key = await desk.key()
    await desk.publish(request("page", person()))
    sid = desk.twilio.messages[0]["sid"]
    foreseen = [
        (SMS, reply_form(RAFAEL, "ack"), "acknowledges", "Incident 12 is acknowledged, and nobody else is paged."),
        (SMS, reply_form(RAFAEL, "resolve 12"), "resolves", "Incident 12 is resolved"),
        (SMS, reply_form(RAFAEL, "ack 13"), "not_paged", "was paged for incident 13"),
        (SMS, reply_form(RAFAEL, "who?"), "not_understood", "is told what can be answered"),
        (STATUS, status_form(sid, "delivered", RAFAEL), "confirmed", "to Rafael is known to have arrived"),
        (STATUS, status_form(sid, "sent", RAFAEL), "settled", "already (sent)"),
        (STATUS, status_form(sid, "failed", RAFAEL), "next_contact", "the recipient's next contact is due"),
        (STATUS, status_form("SM0", "failed", RAFAEL), "unknown_message", "No message of ours has this id"),
    ]
    for path, form, reason, sentence in foreseen:
        headers = signed_headers(PUBLIC_URL + path, form)
        found = await tried(desk, key, path=path, headers=headers, body=urlencode(form))
        assert found["would"]["reason"] == reason
        assert sentence in found["would"]["sentence"]
    await desk.settle()
    assert not [*desk.told(ReplyReceived), *desk.told(DeliveryConfirmed), *desk.told(DeliveryFailed)]
    form = reply_form(RAFAEL, "ack")
    headers = signed_headers(PUBLIC_URL + SMS, form)
    await desk.http.post(SMS, content=urlencode(form), headers=headers)
    repeated = await tried(desk, key, path=SMS, headers=headers, body=urlencode(form))
    assert repeated["would"]["reason"] == "repeat"


async def test_a_signature_for_another_address_is_told_with_that_address(desk: Desk) -> None:
    key = await desk.key()
    form = reply_form(RAFAEL, "ACK")
    body = base64.b64encode(urlencode(form).encode()).decode()
    other = "http://pager.example:8704"
    by_path = await tried(
        desk, key, path=f"{other}{SMS}?x=1", headers=signed_headers(f"{other}{SMS}?x=1", form), body_base64=body
    )
    forwarded = signed_headers(f"https://pager.example/tocsin{SMS}", form) | {
        "X-Forwarded-Host": "pager.example",
        "X-Forwarded-Prefix": "/tocsin",
    }
    by_header = await tried(desk, key, path=SMS, headers=forwarded, body_base64=body)
    for found, base in ((by_path, other), (by_header, "https://pager.example/tocsin")):
        assert not found["signature"]["holds"]
        assert found["signature"]["address"].startswith(f"{PUBLIC_URL}{SMS}")
        assert f"set TOCSIN_NOTIFIER_PUBLIC_URL={base}," in found["signature"]["why"]
        assert found["would"]["sentence"].startswith("Nothing: it would be refused with 403")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (FORM, "It has no X-Twilio-Signature."),
        ({**FORM, "X-Twilio-Signature": "bm8="}, "not one of Twilio's"),
        (signed_headers(PUBLIC_URL + SMS, {}, secret="mine", shared_key="mine"), "No shared key 'mine' is configured"),
    ],
)
async def test_what_is_wrong_with_a_signature_is_said(desk: Desk, headers: dict[str, str], why: str) -> None:
    found = await tried(desk, await desk.key(), path=SMS, headers=headers, body=urlencode(reply_form(RAFAEL, "ACK")))
    assert not found["signature"]["holds"]
    assert why in found["signature"]["why"]


@pytest.mark.parametrize(
    ("trial", "problem"),
    [
        ({"headers": FORM, "body": "AccountSid=AC1"}, "The form has no CallSid, MessageStatus or Body"),
        ({"headers": FORM, "body": "no form at all"}, "This is no form."),
        ({"headers": {"Content-Type": "application/json"}, "body": "{}"}, "Send application/x-www-form-urlencoded."),
    ],
)
async def test_what_cannot_be_read_is_told_with_its_reason(desk: Desk, trial: dict[str, Any], problem: str) -> None:
    found = await tried(desk, await desk.key(), path=SMS, **trial)
    assert problem in found["problem"]
    assert found["read"] is found["would"] is None


async def test_a_preview_needs_an_operator_a_provider_and_a_body(desk: Desk) -> None:
    key, url = await desk.key(), "/v1/callbacks/preview"
    assert (await desk.http.post(url, json={"path": SMS}, headers=await desk.key("viewer"))).status_code == 403
    assert (await desk.http.post(url, json={"path": SMS})).status_code == 401
    unknown = await desk.http.post(url, json={"path": "/v1/callbacks/nobody/x"}, headers=key)
    assert unknown.status_code == 404
    assert "/v1/callbacks/twilio/" in unknown.json()["detail"]
    for field, value in (("body_base64", "*"), ("path", "https://[::1")):
        wrong = await desk.http.post(url, json={"path": SMS} | {field: value}, headers=key)
        assert wrong.status_code == 422
        assert wrong.json()["errors"][0]["pointer"] == f"#/{field}"


async def test_a_preview_tells_nobody_of_another_tenant_s_incident(desk: Desk) -> None:
    await desk.publish(request("page", person(), incident=incident(tenants=("acme",))))
    form = reply_form(RAFAEL, "ACK")
    headers = signed_headers(PUBLIC_URL + SMS, form)
    other = await desk.key(tenants=("globex",))
    found = await tried(desk, other, path=SMS, headers=headers, body=urlencode(form))
    assert (found["would"]["reason"], found["would"]["incident"]) == ("hidden", None)
    theirs = await desk.key(tenants=("acme",))
    found = await tried(desk, theirs, path=SMS, headers=headers, body=urlencode(form))
    assert (found["would"]["reason"], found["would"]["incident"]) == ("acknowledges", 12)
